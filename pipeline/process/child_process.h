// A child process of ours at the other end of a socket pair, for work that may crash or hang.
//
// The child gets one end as descriptor kChildFd, /dev/null as its standard input, the usual
// signals, and nothing else of ours; it is in a process group of its own. It is killed with this
// object. Send and Receive wait at most until their deadline; what arrives is not trusted here.
// Threading: one thread, which must outlive the child (a child asks to die with the thread that
// started it); pid() may be asked by any.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "fusion/base/status.h"
#include "fusion/base/time.h"

namespace fusiongateway {

class ChildProcess {
 public:
  // Where the child finds its end.
  static constexpr int kChildFd = 3;
  enum class Io { kDone, kTimeout, kClosed, kStopped };

  // The child is started as `program arguments… PID`, PID being ours. While `stopping` is set,
  // Send and Receive return kStopped soon. `clock` and `stopping` outlive this.
  ChildProcess(std::string program, std::vector<std::string> arguments, const Clock& clock,
               const std::atomic<bool>& stopping);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // kUnavailable: it could not be started, says why.
  Status Start();
  // SIGKILL if it still runs; how it ended, as of waitpid. 0 while there is none.
  int End();

  bool running() const { return pid_ != 0; }
  pid_t pid() const { return pid_; }
  SteadyTime started_at() const { return started_at_; }
  // For poll(): readable while nothing is asked means that the child is gone, or out of its mind.
  int descriptor() const { return socket_; }

  Io Send(const void* data, std::size_t size, SteadyTime deadline);
  Io Receive(void* data, std::size_t size, SteadyTime deadline);

 private:
  Status Spawn(int child_end);
  Io Wait(short events, SteadyTime deadline) const;

  const std::string program_;
  const std::vector<std::string> arguments_;
  const Clock& clock_;
  const std::atomic<bool>& stopping_;
  std::atomic<pid_t> pid_{0};
  int socket_ = -1;
  SteadyTime started_at_{};
};

}  // namespace fusiongateway
