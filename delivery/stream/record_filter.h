// Which records a consumer asked for.
//
// A filter selects: a record passes when it matches every list that is not empty. District codes
// match as GB/T 2260 nests them ("410200" lets 410202 through; "000000" only what has no district).
// A record of a kind that has no district counts as "000000", one that has no severity as the
// lowest. Pure; any thread once made.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fusion/base/status.h"
#include "fusiongateway/v1/consumer.pb.h"
#include "fusiongateway/v1/stream.pb.h"

namespace fusiongateway {

// "000000" for records without one.
std::string_view DistrictOf(const v1::StreamRecord& record);

class RecordFilter {
 public:
  RecordFilter() = default;
  // kInvalidArgument for a code that is not six digits, a body and a severity that there is not.
  static Result<RecordFilter> Make(const v1::Filter& filter);

  bool Passes(const v1::StreamRecord& record) const;
  // Of an incident by itself, in a snapshot.
  bool Passes(const v1::Incident& incident) const;

 private:
  bool Passes(std::string_view body, std::string_view district, v1::Severity severity) const;

  std::vector<std::string> district_prefixes_;
  std::set<std::string, std::less<>> bodies_;
  v1::Severity severity_min_ = v1::SEVERITY_UNSPECIFIED;
};

}  // namespace fusiongateway
