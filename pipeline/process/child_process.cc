#include "pipeline/process/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

extern char** environ;

namespace fusiongateway {

ChildProcess::ChildProcess(std::string program, std::vector<std::string> arguments,
                           const Clock& clock, const std::atomic<bool>& stopping)
    : program_(std::move(program)),
      arguments_(std::move(arguments)),
      clock_(clock),
      stopping_(stopping) {}

ChildProcess::~ChildProcess() { End(); }

Status ChildProcess::Start() {
  End();
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return Unavailable(program_ + " cannot be started: " + std::strerror(errno));
  }
  fcntl(pair[0], F_SETFL, O_NONBLOCK);
  // A dup2 onto itself would keep close-on-exec, so the end moves out of the way first.
  const int child_end = fcntl(pair[1], F_DUPFD_CLOEXEC, 10);
  close(pair[1]);
  const Status spawned = Spawn(child_end);
  close(child_end);
  started_at_ = clock_.SteadyNow();
  if (!spawned.ok()) {
    close(pair[0]);
    return spawned;
  }
  socket_ = pair[0];
  return {};
}

Status ChildProcess::Spawn(int child_end) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, child_end, kChildFd);
  posix_spawn_file_actions_addclosefrom_np(&actions, kChildFd + 1);

  // The gateway's threads may block signals; the child starts with none blocked or ignored.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  // A group of its own: Ctrl-C at the terminal is the gateway's to handle.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  std::vector<std::string> words = {program_};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  words.push_back(std::to_string(getpid()));
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, program_.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return Unavailable(program_ + " cannot be started: " + std::strerror(error));
  pid_ = pid;
  return {};
}

int ChildProcess::End() {
  if (!running()) return 0;
  kill(pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  close(socket_);
  socket_ = -1;
  return status;
}

ChildProcess::Io ChildProcess::Wait(short events, SteadyTime deadline) const {
  while (true) {
    if (stopping_) return Io::kStopped;
    const Duration left = deadline - clock_.SteadyNow();
    if (left <= Duration::zero()) return Io::kTimeout;
    const auto milli = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    pollfd watched{socket_, events, 0};
    // In slices, so that an end is not held up.
    const int ready = poll(&watched, 1, static_cast<int>(std::min<std::int64_t>(milli, 100)));
    if (ready > 0) return Io::kDone;
    if (ready < 0 && errno != EINTR) return Io::kClosed;
  }
}

ChildProcess::Io ChildProcess::Send(const void* data, std::size_t size, SteadyTime deadline) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t sent = send(socket_, at, size, MSG_NOSIGNAL);
    if (sent > 0) {
      at += sent;
      size -= static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (const Io io = Wait(POLLOUT, deadline); io != Io::kDone) return io;
    } else if (errno != EINTR) {
      return Io::kClosed;
    }
  }
  return Io::kDone;
}

ChildProcess::Io ChildProcess::Receive(void* data, std::size_t size, SteadyTime deadline) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t received = recv(socket_, at, size, 0);
    if (received > 0) {
      at += received;
      size -= static_cast<std::size_t>(received);
    } else if (received == 0) {
      return Io::kClosed;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (const Io io = Wait(POLLIN, deadline); io != Io::kDone) return io;
    } else if (errno != EINTR) {
      return Io::kClosed;
    }
  }
  return Io::kDone;
}

}  // namespace fusiongateway
