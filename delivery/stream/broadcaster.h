// The broadcast side of the live stream: each record once, under its topic, with the seq of the
// record before it on that topic.
//
// Begins with the first record committed after it was made; a restart therefore shows as prev_seq 0
// on each topic. While nobody listens records are passed over unread; the first of each topic after
// that names the last one passed over, whatever its topic, so that who had listened before sees
// that something may be missing. Restricted records are never sent. Not thread-safe; the server's
// thread drives it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include "delivery/journal/journal.h"
#include "delivery/restricted.h"
#include "fusion/base/status.h"

namespace fusiongateway {

class Broadcaster {
 public:
  struct Message {
    std::string topic;     // live/<district_code>/<body>
    std::string record;    // StreamRecord, protobuf
    std::string prev_seq;  // decimal; "0" = none since the gateway started
  };
  using Send = std::function<void(const Message&)>;

  // `journal` outlives it.
  Broadcaster(const Journal& journal, RestrictedIncident restricted_incident);

  // Sends up to `max` records that are new. True if there may be more.
  Result<bool> SendNew(std::size_t max, const Send& send);
  // Nobody listens: passes over what is new.
  void PassOver();

 private:
  const Journal& journal_;
  const RestrictedIncident restricted_incident_;
  std::uint64_t through_seq_;
  std::uint64_t passed_over_through_ = 0;
  std::unordered_map<std::string, std::uint64_t> prev_seqs_;
};

}  // namespace fusiongateway
