// What a simulated run is made of: one seed's random numbers, virtual time with the events that are
// due in it, and a trace. Everything that happens in a run happens in one of its events, one after
// the other, so that the same seed gives the same run. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "fusion/base/time.h"
#include "tests/support/simulated_clock.h"

namespace fusiongateway::sim {

// Thrown out of a process at a place where it calls out, to end it there: SIGKILL.
struct Killed {};

class World {
 public:
  World(std::uint64_t seed, bool tracing);

  // Random numbers, the same on every machine.
  std::uint64_t Below(std::uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }
  bool Chance(double probability) {
    return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
  }
  Duration Between(Duration min, Duration max) {
    return min + Duration(Below(static_cast<std::uint64_t>((max - min).count()) + 1));
  }

  const SimulatedClock& clock() const { return clock_; }
  Duration now() const { return clock_.SteadyNow().time_since_epoch(); }
  void After(Duration wait, std::function<void()> event);
  // Runs what is due until `done` holds; false when that is not by then.
  bool RunUntil(Duration deadline, const std::function<bool()>& done);

  // How often a process is killed at a place where it calls out; 0 = no more.
  void set_kill_chance(double chance) { kill_chance_ = chance; }
  void MayKill(double times_as_often = 1) {
    if (kill_chance_ > 0 && Chance(kill_chance_ * times_as_often)) throw Killed{};
  }

  void Note(const std::string& text);
  // Of everything noted so far.
  std::uint64_t trace_hash() const { return hash_; }

  // What must not be; a run with any of it has failed.
  void Fail(const std::string& what);
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  struct Event {
    Duration due;
    std::uint64_t order;
    std::function<void()> run;
    bool operator>(const Event& other) const {
      return due != other.due ? due > other.due : order > other.order;
    }
  };

  std::mt19937_64 random_;
  const bool tracing_;
  SimulatedClock clock_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t event_count_ = 0;
  double kill_chance_ = 0;
  std::uint64_t hash_ = 14695981039346656037u;
  std::vector<std::string> failures_;
};

}  // namespace fusiongateway::sim
