// One run from one seed: publishers of several feeds, the network and the gateway, under random
// faults for some seconds of virtual time; then the faults end, everything comes to rest, and the
// ledger judges.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fusiongateway::sim {

struct RunResult {
  std::vector<std::string> failures;  // empty = passed
  std::uint64_t trace_hash = 0;       // the same for the same seed
  std::uint64_t payloads = 0;
  std::uint64_t faults = 0;
};

RunResult RunPublishers(std::uint64_t seed, bool tracing);

}  // namespace fusiongateway::sim
