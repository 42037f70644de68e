// A clock that stands still until a test moves it. Both of its times move together; StepUtc moves
// only the UTC one, as a step of a host's clock does. All members may be called from any thread.
#pragma once

#include <mutex>

#include "fusion/base/time.h"

namespace fusiongateway {

class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(UtcTime start) : utc_(start) {}

  UtcTime UtcNow() const override {
    std::lock_guard lock(mutex_);
    return utc_;
  }
  SteadyTime SteadyNow() const override {
    std::lock_guard lock(mutex_);
    return steady_;
  }

  // Time passes.
  void Advance(Duration by) {
    std::lock_guard lock(mutex_);
    utc_ += by;
    steady_ += by;
  }

  // The host's clock is set; no time passes.
  void StepUtc(Duration by) {
    std::lock_guard lock(mutex_);
    utc_ += by;
  }

 private:
  mutable std::mutex mutex_;
  UtcTime utc_;
  SteadyTime steady_{};
};

}  // namespace fusiongateway
