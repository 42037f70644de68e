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

#include "fusion/model/report.h"

namespace fusiongateway {

class Secrecy {
 public:
  static constexpr std::size_t kCallsMax = 65'536;

  // True if the report is secret, by its own mark or by the call it belongs to; remembers its call.
  bool Covers(const Report& report);

 private:
  void Remember(std::string call);

  std::unordered_set<std::string> secret_;
  std::deque<std::string> order_;  // oldest first
};

}  // namespace fusiongateway
