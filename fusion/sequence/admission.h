// Admission: is a report new, an update, a duplicate, or staler than what is known?
//
// Per feed the reports already taken are known by id, bounded in count and age (the least recently
// told go first). A report told again after it was forgotten counts as new. Readings are known in a
// smaller index of their own, so that a flood of values never pushes an alarm out.
//
//   same content                      -> duplicate (counted, not published)
//   older updated_at                  -> stale     (counted, not applied)
//   newer or equal updated_at, other content -> update: at equal times the later arrival wins, for
//   a
//                                        source with whole seconds tells start and stop in one
//   id not known                      -> fresh
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "fusion/base/time.h"
#include "fusion/model/report.h"
#include "fusion/model/stream_record.h"

namespace fusiongateway {

class IncidentSlot;

// What is known of a report already taken.
struct KnownReport {
  std::string report_id;
  std::uint64_t fingerprint = 0;
  UtcTime updated_at{};
  UtcTime told_at{};              // on the gateway's clock
  std::uint64_t live_seq = 0;     // of its latest version
  std::uint64_t settled_seq = 0;  // of its latest settled version; 0 = none yet
  std::weak_ptr<IncidentSlot> incident;
  std::vector<FetchedAttachment> attachments;  // asked for; without digest and failure: not yet
  bool ended = false;                          // its latest version ended or withdrew what it told
};
using KnownReportPtr = std::shared_ptr<KnownReport>;

enum class Admission { kFresh, kUpdate, kDuplicate, kStale };

class KnownReports {
 public:
  KnownReports(std::size_t count_max, Duration age_max)
      : count_max_(count_max), age_max_(age_max) {}

  struct Answer {
    Admission admission;
    KnownReportPtr known;  // of this report; null for duplicates and stale ones
  };
  Answer Admit(const Report& report, UtcTime at);
  // Null when it is not known.
  KnownReportPtr Find(const std::string& report_id) const;
  std::size_t size() const { return by_id_.size(); }

 private:
  using Order = std::list<KnownReportPtr>;  // least recently told first
  void Forget(UtcTime at);

  const std::size_t count_max_;
  const Duration age_max_;
  Order order_;
  std::unordered_map<std::string, Order::iterator> by_id_;
};

// All feeds together, with their counters.
class AdmissionDesk {
 public:
  static constexpr std::size_t kReportsMax = 65'536;   // per feed
  static constexpr std::size_t kReadingsMax = 16'384;  // per feed
  static constexpr Duration kAgeMax = std::chrono::hours{48};

  KnownReports::Answer Admit(const Report& report, UtcTime at);
  // Null when it is not known.
  KnownReportPtr Find(const Report& report);
  // Among all but the readings.
  KnownReportPtr Find(const std::string& feed_id, const std::string& report_id) {
    return FeedOf(feed_id).reports.Find(report_id);
  }
  void CountLate(const std::string& feed_id) { ++FeedOf(feed_id).counters.late; }

  // Counters by feed; `rejected` is counted at the door and comes with the status, not from here.
  std::map<std::string, FeedStatus> Counters() const;
  // The same numbers put into a status told by the gateway.
  void FillCounters(FeedStatus* status) const;

 private:
  struct Feed {
    FeedStatus counters;
    KnownReports reports{kReportsMax, kAgeMax};
    KnownReports readings{kReadingsMax, kAgeMax};
  };
  Feed& FeedOf(const std::string& feed_id);
  static KnownReports& IndexOf(const Report& report, Feed& feed);

  std::map<std::string, Feed> feeds_;
};

}  // namespace fusiongateway
