// The incidents in memory: the open ones, and those closed lately (so that what follows them can be
// linked). Gives out ids, knows when the next one expires, forgets the closed ones in time.
// Bounded: open incidents by expiry, closed ones by kClosedMax and kClosedAgeMax. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fusion/base/time.h"
#include "fusion/correlate/association.h"
#include "fusion/correlate/facts.h"
#include "fusion/model/stream_record.h"

namespace fusiongateway {

// What a ranking of cameras depends on.
struct RankedFor {
  std::shared_ptr<const City> city;
  std::string site_id;
  std::optional<Position> position;
  std::set<std::string> named;
  friend bool operator==(const RankedFor&, const RankedFor&) = default;
};

// One incident and what the engine keeps beside it.
class IncidentSlot {
 public:
  std::uint64_t ordinal = 0;       // in order of opening
  IncidentPtr current;             // the latest revision; never null
  std::uint64_t live_seq = 0;      // of the record that carries it
  std::vector<ReportFacts> facts;  // parallel to current->evidence
  IncidentTraits traits;
  UtcTime expires_at{};
  std::map<std::string, std::size_t> frames_asked;  // by camera: for that many evidences
  std::optional<RankedFor> ranked_for;              // when its cameras were last ranked
  bool accepted_by_sources = false;                 // by their number, not by a person
};
using IncidentSlotPtr = std::shared_ptr<IncidentSlot>;

class IncidentStore {
 public:
  static constexpr std::size_t kClosedMax = 10'000;
  static constexpr Duration kClosedAgeMax = std::chrono::hours{2};

  // A new slot with an incident that has nothing but its id. The id is
  // "<gateway_id>-<yyyymmdd>-<n>", the date Beijing's, n counting that day's; restricted incidents
  // count on their own ("R<n>"), for a gap in the ordinary numbers would betray them.
  IncidentSlotPtr Open(const std::string& gateway_id, bool restricted, UtcTime at);

  // Null when it is not in memory.
  IncidentSlotPtr Find(std::string_view incident_id) const;
  IncidentSlotPtr Find(std::uint64_t ordinal) const;

  // Expires at `time` unless set again or closed before.
  void SetExpiry(IncidentSlot* slot, UtcTime time);
  // The one that has been due longest, if any is due at `at`.
  IncidentSlotPtr NextExpired(UtcTime at) const;
  std::optional<UtcTime> NextExpiry() const;

  // Was closed: no longer expires, is forgotten later.
  void MarkClosed(const IncidentSlotPtr& slot, UtcTime at);
  // Takes those out of memory whose time has come.
  std::vector<IncidentSlotPtr> Forget(UtcTime at);

  // In order of opening.
  std::vector<IncidentPtr> OpenIncidents() const;
  // All in memory, closed ones too, in order of opening. Dear: for rare events.
  std::vector<IncidentSlotPtr> All() const;

 private:
  std::string NewId(const std::string& gateway_id, bool restricted, UtcTime at);

  std::uint64_t last_ordinal_ = 0;
  std::string day_;
  std::uint64_t count_of_day_ = 0;
  std::uint64_t restricted_count_of_day_ = 0;
  std::unordered_map<std::uint64_t, IncidentSlotPtr> slots_;
  std::unordered_map<std::string, std::uint64_t> ordinals_;
  std::set<std::pair<UtcTime, std::uint64_t>> expiries_;
  std::deque<std::pair<UtcTime, IncidentSlotPtr>> closed_;
};

}  // namespace fusiongateway
