// Closes RTSP sessions where nobody waits: a teardown can take seconds when the camera is gone.
//
// Four threads. What is handed over is closed in order, and `closed` is told when it is.
// Thread-safe. The destructor waits a bounded time for what is left and then leaves it to its
// thread.
#pragma once

#include <atomic>
#include <memory>

#include "pipeline/cameras/rtsp_pull.h"

namespace fusiongateway {

class SessionCloser {
 public:
  SessionCloser();
  ~SessionCloser();

  // True in the result's target once the session is closed and destroyed.
  std::shared_ptr<const std::atomic<bool>> Close(std::unique_ptr<RtspPull> pull);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace fusiongateway
