// What the city's four systems tell: native payloads, exactly as those systems write them, made at
// the instant they happen. Scenario 1 ("chlorine") by its steps, and the quiet city around it.
//
// Repeatable: the same seed gives the same events at the same story times; ids and times follow
// from the instants they are made at, so that a second run is not taken for a repeat of the first.
// Story time is real time times the pace (scenario_clock.h). No clocks, no threads; one thread at a
// time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fusion/base/time.h"

namespace fusiongateway::demo_city {

// The feeds, as config/demo.yaml names them.
inline constexpr std::string_view kPoliceFeed = "police110";
inline constexpr std::string_view kSkyGuardFeed = "sky_guard";
inline constexpr std::string_view kHazmatFeed = "hazmat";
inline constexpr std::string_view kGridFeed = "grid";
inline constexpr std::array kFeeds{kPoliceFeed, kSkyGuardFeed, kHazmatFeed, kGridFeed};

// The incident of scenario 1 in the ground truth.
inline constexpr std::string_view kChlorineIncident = "chlorine-1";

// One fact told by one system, with what is true of it beside what it says.
struct CityEvent {
  std::string feed_id;
  std::string payload;
  // The report that the feed's plugin makes of it.
  std::string report_id;
  std::string kind;
  // The instant it happened, before the source's own resolution cut it.
  UtcTime true_time{};
  // The scenario's incident it belongs to; empty = none.
  std::string incident;
  // Cameras that show it.
  std::vector<std::string> cameras;
};

struct ScenarioStep {
  // Story time from the scenario's zero.
  Duration offset{};
  std::function<CityEvent(UtcTime now)> happen;
};

// Scenario 1: five events of one chlorine leak, in order of time.
std::vector<ScenarioStep> ChlorineScenario();

// Gas at the tank, in ppm, at a story time of scenario 1; none = nothing is played.
double ChlorinePpm(std::optional<Duration> elapsed);

// Readings every few seconds, now and then an unrelated police call or grid report more than 5 km
// from the chlorine site, and a rare straw fire that a distant tower sees on three sweeps.
class QuietCity {
 public:
  explicit QuietCity(std::uint64_t seed);

  // Story time from the city's start of what comes next.
  Duration next_due() const;
  // What comes next, happening now. `scenario_elapsed`: what the sensors at the site measure
  // depends on it.
  CityEvent Happen(UtcTime now, std::optional<Duration> scenario_elapsed);

 private:
  // One source with its own random numbers, so that none disturbs another's.
  struct Stream {
    std::mt19937_64 random;
    Duration due{};
    std::uint64_t count = 0;
  };
  enum Source { kSiteReadings, kStorageReadings, kCalls, kGrid, kStraw, kSourceCount };

  Source Next() const;
  void MoveOn(Source source);

  std::array<Stream, kSourceCount> streams_;
};

}  // namespace fusiongateway::demo_city
