// What a fuzz target holds to: a broken claim ends the process, which the fuzzer, and the replay of
// the corpus, take for a crash of this input.
#pragma once

#include <google/protobuf/stubs/logging.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace fusiongateway::fuzz {

[[noreturn]] inline void Fail(const std::string& claim) {
  std::fprintf(stderr, "does not hold: %s\n", claim.c_str());
  std::abort();
}

// Protobuf would log a line for every hostile input; the program silences it too.
inline void QuietProtobuf() {
  static const auto before = google::protobuf::SetLogHandler(nullptr);
  (void)before;
}

inline void Require(bool holds, const char* claim) {
  if (!holds) Fail(claim);
}

}  // namespace fusiongateway::fuzz
