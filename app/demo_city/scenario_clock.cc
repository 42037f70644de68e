#include "app/demo_city/scenario_clock.h"

#include <chrono>

namespace fusiongateway::demo_city {
namespace {

Duration Scaled(Duration span, double factor) {
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double, std::nano>(static_cast<double>(span.count()) * factor));
}

}  // namespace

void ScenarioClock::Begin(UtcTime at) {
  std::lock_guard lock(mutex_);
  began_ = at;
}

void ScenarioClock::Clear() {
  std::lock_guard lock(mutex_);
  began_.reset();
}

std::optional<Duration> ScenarioClock::Elapsed(UtcTime now) const {
  std::lock_guard lock(mutex_);
  if (!began_ || now < *began_) return std::nullopt;
  return Scaled(now - *began_, pace_);
}

std::optional<UtcTime> ScenarioClock::At(Duration elapsed) const {
  std::lock_guard lock(mutex_);
  if (!began_) return std::nullopt;
  return *began_ + Scaled(elapsed, 1.0 / pace_);
}

}  // namespace fusiongateway::demo_city
