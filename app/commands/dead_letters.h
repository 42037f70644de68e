// fusion-gateway dead-letters list|show|resubmit|drop WHERE …: the payloads a gateway rejected, and
// what to do about them.
//
// WHERE is a running gateway's wall ("http://127.0.0.1:8080"), or, to list and show only, its
// journal's file, which may be in use. What is kept is masked, so what is submitted again is the
// masked payload, unless another is given with --payload. A letter is taken at most once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace fusiongateway {

struct DeadLettersOptions {
  std::string where;
  std::string feed_id;
  // Letters that were rejected with this code only.
  std::string code;
  // Those dealt with, too.
  bool all = false;
  bool json = false;
  std::vector<std::uint64_t> ids;
  // A file with the payload, in UTF-8, to submit in the place of the one letter that is named; "-"
  // is standard input.
  std::string payload_file;
};

enum class DeadLettersVerb { kList, kShow, kResubmit, kDrop };

void BindDeadLetters(CLI::App* command, DeadLettersVerb verb, DeadLettersOptions* options);

// 0 done. 1: not there, refused again, or the gateway does not answer. 2: bad usage.
int RunDeadLetters(DeadLettersVerb verb, const DeadLettersOptions& options);

}  // namespace fusiongateway
