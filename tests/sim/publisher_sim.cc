// Simulated runs of publishers, network and gateway, each from a seed of its own.
//
//     publisher_sim --first 1 --count 1000
//     publisher_sim --seed 4711 --trace
//
// Exit status 0: every run passed.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/sim/publisher_run.h"

namespace fusiongateway::sim {
namespace {

struct Options {
  std::uint64_t first = 1;
  std::uint64_t count = 1000;
  bool trace = false;
};

// So many runs are made twice, to see that a seed is a run.
constexpr std::uint64_t kTwiceEvery = 20;

bool Parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--trace") {
      options->trace = true;
      continue;
    }
    if (i + 1 == argc) return false;
    const std::uint64_t value = std::strtoull(argv[++i], nullptr, 10);
    if (name == "--seed") {
      options->first = value;
      options->count = 1;
    } else if (name == "--first") {
      options->first = value;
    } else if (name == "--count") {
      options->count = value;
    } else {
      return false;
    }
  }
  return true;
}

// True: it passed.
bool RunSeed(std::uint64_t seed, bool trace, const char* program, RunResult* totals) {
  RunResult result = RunPublishers(seed, trace);
  if (seed % kTwiceEvery == 0 && RunPublishers(seed, false).trace_hash != result.trace_hash) {
    result.failures.push_back("another run from the same seed went another way");
  }
  totals->payloads += result.payloads;
  totals->faults += result.faults;
  if (result.failures.empty()) return true;
  std::printf("FAILED: %s --seed %" PRIu64 " --trace\n", program, seed);
  for (const std::string& failure : result.failures) std::printf("  %s\n", failure.c_str());
  return false;
}

int Main(int argc, char** argv) {
  Options options;
  if (!Parse(argc, argv, &options)) {
    std::fprintf(stderr, "usage: %s [--first N] [--count N] [--seed N] [--trace]\n", argv[0]);
    return 2;
  }
  std::uint64_t failed = 0;
  RunResult totals;
  for (std::uint64_t i = 0; i < options.count; ++i) {
    if (!RunSeed(options.first + i, options.trace, argv[0], &totals)) ++failed;
  }
  std::printf("%" PRIu64 " runs, %" PRIu64 " failed; %" PRIu64 " payloads, %" PRIu64 " faults\n",
              options.count, failed, totals.payloads, totals.faults);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace fusiongateway::sim

int main(int argc, char** argv) { return fusiongateway::sim::Main(argc, argv); }
