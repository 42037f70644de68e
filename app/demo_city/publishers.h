// The city's four publishers: police110, sky_guard, hazmat and grid, each with a session and an
// outbox of its own, telling the scenario and the quiet city around it to a gateway.
//
// Start opens the outboxes and a thread that lets events happen when they are due, on `clock`; the
// scenario follows the ScenarioClock that the cameras follow too. Events that no outbox takes are
// counted and dropped. A gateway that is away is waited for; what happens meanwhile stays in the
// outboxes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "app/demo_city/ground_truth.h"
#include "app/demo_city/scenario_clock.h"
#include "fusion/base/status.h"
#include "fusion/base/time.h"

namespace fusiongateway::demo_city {

struct PublishersOptions {
  std::string gateway = "tcp://127.0.0.1:5701";
  std::uint64_t seed = 1;
  // Where the outboxes are kept: a next run there goes on with what had not got through, and what
  // happens in it has ids of its own. Empty: a folder of this run's own, removed at the end.
  std::filesystem::path state_folder;
  // Only the scenario, no quiet city around it.
  bool scenario_only = false;
};

class CityPublishers {
 public:
  // `clock`, `scenario` and `truth` must outlive it.
  CityPublishers(const Clock& clock, const ScenarioClock& scenario, GroundTruth& truth,
                 PublishersOptions options);
  ~CityPublishers();

  Status Start();
  void Stop();

  // Waits until everything that has happened so far is on the gateway's disk.
  Status Flush(Duration timeout);
  std::uint64_t happened_count() const;
  std::uint64_t dropped_count() const;
  // Every step of the scenario has happened.
  bool scenario_over() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusiongateway::demo_city
