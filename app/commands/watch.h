// fusion-gateway watch [--stream live|settled] [--after SEQ] [--count N] [--json] [--endpoint E]
//
// Follows a stream: readable lines for people, or one record a line as protobuf JSON. What is no
// record (connection, gaps, another journal) goes to standard error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace fusiongateway {

struct WatchOptions {
  std::string stream = "live";
  std::string endpoint = "tcp://127.0.0.1:5702";
  // Records after this one; 0 = from the oldest held.
  std::uint64_t after_seq = 0;
  // The journal after_seq belongs to; empty = whatever there is.
  std::string journal_id;
  // Ends after so many records; 0 = never.
  std::uint64_t count = 0;
  bool json = false;
  // Names of record bodies ("report", "incident" …) and district codes; empty = all.
  std::vector<std::string> bodies;
  std::vector<std::string> district_codes;
  // As for publish.
  std::string key_file;
  std::string server_key;
  // Colours are used on a terminal only.
  bool no_colour = false;
};

void BindWatch(CLI::App* command, WatchOptions* options);

// 0: count reached, or standard output was closed. 1: the gateway refused. 2: bad usage.
int RunWatch(const WatchOptions& options);

}  // namespace fusiongateway
