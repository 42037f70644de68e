// The sequencer: holds reports until their time has settled, then gives them back in
// (aligned.utc, feed_id, report_id) order.
//
// The watermark is the lowest bound of the active feeds. A feed's bound is its newest aligned time
// minus its lateness_max; a feed silent for idle_after of the gateway's time is idle and has no
// say; when every feed is idle, time itself advances the mark (at minus the largest lateness_max).
// A feed that keeps talking in the past may hold the mark no further back than the largest
// lateness_max plus its own idle_after behind the gateway's time: every block clears by time, and
// NextWakeUp names when. The mark never goes back.
//
// A report from the future (beyond future_max) never advances the mark. It is held until its time
// comes, if that is within kFutureHoldMax; beyond that it is not held at all (kUnordered).
//
// Bounded: at most kHeldMax reports; over that the oldest settle early. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fusion/base/time.h"
#include "fusion/model/engine_config.h"
#include "fusion/model/stream_record.h"
#include "fusion/sequence/admission.h"

namespace fusiongateway {

// A report on its way to the settled stream.
struct HeldReport {
  ReportPtr report;
  std::uint64_t position = 0;  // in the log
  KnownReportPtr known;
  std::shared_ptr<IncidentSlot> incident;  // null if it belongs to none
};

enum class Turn {
  kHeld,       // settles in its turn
  kLate,       // its time has settled already
  kUnordered,  // its time is too far in the future to wait for
};

class Sequencer {
 public:
  static constexpr std::size_t kHeldMax = 1'000'000;
  static constexpr Duration kFutureHoldMax = std::chrono::hours{1};

  void Configure(const EngineConfig& config);

  // Takes a report that arrived at `at`. Only kHeld keeps it.
  Turn Add(const HeldReport& report, UtcTime at);
  // Time has come to `at`: the reports that settle now, in order.
  std::vector<HeldReport> Advance(UtcTime at);

  // Everything aligned before it has settled.
  UtcTime settled_through() const { return settled_through_; }
  // The feed that holds back what time alone would have settled; empty = none.
  const std::string& blocker() const { return blocker_; }
  std::size_t held_count() const { return held_.size(); }
  // When time alone may settle more, if no entry comes first.
  std::optional<UtcTime> NextWakeUp() const;

 private:
  struct Feed {
    EngineConfig::Feed limits;
    std::optional<UtcTime> newest;  // aligned
    UtcTime heard_at{};
  };
  struct Bound {
    const Feed* feed;
    UtcTime time;
  };

  Feed& FeedOf(const std::string& feed_id);
  bool IsActive(const Feed& feed, UtcTime at) const;
  UtcTime BoundOf(const Feed& feed, UtcTime at) const;
  // The lowest bound of the active feeds; none when all are idle.
  std::optional<Bound> LowestBound(UtcTime at) const;
  HeldReport PopOldest();

  std::map<std::string, Feed> feeds_;
  Duration lateness_largest_{};
  Duration future_max_ = EngineConfig::Windows{}.future_max;
  std::vector<HeldReport> held_;  // a heap, oldest on top
  UtcTime at_{};
  bool heard_any_ = false;
  UtcTime settled_through_ = UtcTime::min();
  std::string blocker_;
};

}  // namespace fusiongateway
