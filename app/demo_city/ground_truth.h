// What is true of the simulated city, as JSON lines, for tests and for measuring the gateway
// against:
//
//   {"feedId":"hazmat","reportId":"BJ…","trueTime":"2026-11-23T02:00:00.123456789Z",
//    "incident":"chlorine-1","kind":"SENSOR_ALARM","cameras":["tank-101","gate-1"]}
//   {"incident":"chlorine-1","classCode":"12D02", … ,"reports":[{"feedId":…,"reportId":…}],
//    "cameras":["tank-101","gate-1","41020201001320000007"]}      when the scenario is over
//
// trueTime is the instant itself; what the source says of it may be cut to whole seconds. Each line
// is flushed. Any thread. A line that cannot be written is counted.
#pragma once

#include <cstdint>
#include <fstream>
#include <mutex>
#include <span>
#include <string>

#include "app/demo_city/scenario.h"
#include "fusion/base/status.h"

namespace fusiongateway::demo_city {

class GroundTruth {
 public:
  // Replaces the file. An empty path writes nowhere.
  Status Open(const std::string& path);

  void Write(const CityEvent& event);
  // Scenario 1 as a whole: `events` are those of its steps.
  void WriteChlorineIncident(std::span<const CityEvent> events);

  std::uint64_t failures() const;

 private:
  void WriteLine(const std::string& line);

  mutable std::mutex mutex_;
  std::ofstream file_;
  std::uint64_t failures_ = 0;
};

}  // namespace fusiongateway::demo_city
