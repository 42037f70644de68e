// Which calls are secret. One document of a call says so (SFBM); its other documents, its later
// updates and the calls linked to it do not repeat it, and are secret all the same. Once secret,
// always secret: a later document without the mark, or with the opposite, does not lift it.
//
// Bounded: the latest kCallsMax secret calls; the oldest is forgotten first. Not thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_set>
#include <vector>

#include "fusion/model/report.h"

namespace fusiongateway {

class Secrecy {
 public:
  static constexpr std::size_t kCallsMax = 65'536;

  // True if the report is secret, by its own mark or by the call it belongs to; remembers its
  // calls. Those that were not secret before (feed_id "/" call) are appended to `learned`: what
  // came of them earlier was taken as ordinary.
  bool Covers(const Report& report, std::vector<std::string>* learned);
  // The same question, without learning from the report.
  bool Knows(const Report& report) const;

 private:
  // True if it was not known yet.
  bool Remember(const std::string& call);

  std::unordered_set<std::string> secret_;
  std::deque<std::string> order_;  // oldest first
};

}  // namespace fusiongateway
