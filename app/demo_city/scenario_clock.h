// ScenarioClock: how far the played scenario has come. It maps an instant of real time to the time
// of the scenario's story, faster or slower by `pace`, and is the one thing that cameras and
// publishers share so that pixels and reports tell the same story.
//
// Thread-safe. It reads no clock: callers hand it the instant.
#pragma once

#include <mutex>
#include <optional>

#include "fusion/base/time.h"

namespace fusiongateway::demo_city {

class ScenarioClock {
 public:
  // `pace` is story seconds per real second, above 0.
  explicit ScenarioClock(double pace = 1.0) : pace_(pace) {}

  double pace() const { return pace_; }

  // The story's zero lies at `at`, which may be in the future. Calling again restarts it.
  void Begin(UtcTime at);
  // Nothing is played any more: the city is quiet.
  void Clear();

  // The story's time at `now`; none before it begins and when nothing is played.
  std::optional<Duration> Elapsed(UtcTime now) const;
  // The real instant at which the story's time is `elapsed`; none when nothing is played.
  std::optional<UtcTime> At(Duration elapsed) const;

 private:
  const double pace_;
  mutable std::mutex mutex_;
  std::optional<UtcTime> began_;
};

}  // namespace fusiongateway::demo_city
