// Answers the engine's wishes for frames: the frame nearest to an evidence's time, once the camera
// has got that far. One thread; a wish is answered within `wait_max` of being made, with a frame or
// with the reason why there is none. `answer` says false when it cannot take it now; it is offered
// again. Bounded by the engine, which bounds its wishes.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "fusion/base/thread_watch.h"
#include "fusion/engine.h"
#include "pipeline/cameras/frame_store.h"

namespace fusiongateway {

class FrameFinder {
 public:
  FrameFinder(const FrameStore* frames, const Clock* clock, Duration wait_max,
              std::function<bool(FrameFound)> answer);
  ~FrameFinder();

  void Want(std::vector<FrameWanted> wanted);
  void Stop();
  // OK while the thread looks for frames; otherwise why it ended.
  Status thread_status() const { return watch_.status(); }

 private:
  struct Pending {
    FrameWanted wanted;
    SteadyTime give_up{};
  };
  Status Loop();
  // The answer, or none: not yet.
  std::optional<FrameFound> TryAnswer(const Pending& pending) const;

  const FrameStore* const frames_;
  const Clock* const clock_;
  const Duration wait_max_;
  const std::function<bool(FrameFound)> answer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Pending> pending_;
  bool stopping_ = false;
  ThreadWatch watch_;
  std::thread thread_;
};

}  // namespace fusiongateway
