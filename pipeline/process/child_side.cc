#include "pipeline/process/child_side.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "pipeline/process/child_process.h"
#include "pipeline/process/core_dumps.h"

namespace fusiongateway {

bool BindToParent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ForbidCoreDumps();
  return getppid() == parent;
}

void LimitMemory(std::size_t bytes_max) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const rlimit memory{bytes_max, bytes_max};
  setrlimit(RLIMIT_AS, &memory);
#else
  static_cast<void>(bytes_max);
#endif
}

bool ReceiveFromParent(void* data, std::size_t size) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t received = recv(ChildProcess::kChildFd, at, size, 0);
    if (received == 0 || (received < 0 && errno != EINTR)) return false;
    if (received < 0) continue;
    at += received;
    size -= static_cast<std::size_t>(received);
  }
  return true;
}

bool SendToParent(const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t sent = send(ChildProcess::kChildFd, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) return false;
    if (sent < 0) continue;
    at += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

}  // namespace fusiongateway
