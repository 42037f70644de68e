// From the time a report tells to the time it is aligned at: what is promised for its clock, held
// against how its reports arrive.
//
// One instance per feed, one thread. Bounded: 4096 clocks a feed; the one not heard of for longest
// is forgotten (counted) and learnt anew. Nothing is refused: what contradicts is flagged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fusion/base/time.h"
#include "fusion/clock/device_clock.h"
#include "fusion/clock/peer_clock.h"
#include "pipeline/feeds/feed_config.h"

namespace fusiongateway {

// What a report says of its time, and when it came.
struct ReportTime {
  // Empty: the publisher's own.
  std::string clock_id;
  std::optional<UtcTime> occurred_at;
  // The source's update time, which is nearer to its sending.
  std::optional<UtcTime> updated_at;
  Duration resolution{};
  UtcTime received_at{};
  // The clock is known to have stepped, and how far is not.
  bool clock_doubted = false;
};

// Where a report's time comes from.
struct AlignedTime {
  Stamp stamp;
  // "FUTURE_TIME", "PAST_TIME", "DELAYED", "CLOCK_OFF", "CLOCK_ZONE".
  std::vector<std::string> flags;
};

// What is promised for the clock, without a look at other reports. A written time stands for
// [occurred_at, occurred_at + resolution). PROBED if the publisher's own clock is measured, else
// DECLARED. A time that is wholly after its arrival proves the bound wrong: CLOCK_OFF, and like no
// time at all it is UNSYNCHRONISED: the arrival, with the configured bound.
AlignedTime Align(std::optional<UtcTime> occurred_at, Duration resolution, UtcTime received_at,
                  const std::optional<PeerClockEstimate>& measured, const FeedConfig& config);

struct FeedClockCounters {
  // Reports flagged CLOCK_OFF, and DELAYED.
  std::uint64_t clock_off = 0;
  std::uint64_t delayed = 0;
  // Steps of clocks, seen by their reports' arrivals.
  std::uint64_t clock_steps = 0;
  std::uint64_t clocks_forgotten = 0;
  friend bool operator==(const FeedClockCounters&, const FeedClockCounters&) = default;
};

class DeviceClocks {
 public:
  explicit DeviceClocks(const FeedConfig& config);

  // Learns from the report, then aligns it. As Align, and where the arrivals of that clock's
  // reports contradict what is promised for it: CLOCK_OFF and ARRIVAL, corrected; CLOCK_ZONE if
  // whole half hours explain it. DELAYED: its newest time came later than delay_max. Of a device
  // that is not known yet, or of a clock whose times went back, such a report's bound reaches its
  // arrival.
  AlignedTime AlignAndLearn(const ReportTime& time,
                            const std::optional<PeerClockEstimate>& measured);
  // The same for what is only tried: nothing is learnt, nothing counted.
  AlignedTime AlignOnly(const ReportTime& time,
                        const std::optional<PeerClockEstimate>& measured) const;
  // Learns from a report of an earlier run.
  void Recall(const ReportTime& time);

  // For people: what was last found of a clock and what to do; at most one a minute.
  std::optional<std::string> TakeFinding();
  const FeedClockCounters& counters() const { return counters_; }

 private:
  enum class State : std::uint8_t { kUnknown, kAsPromised, kOff };
  struct Entry {
    DeviceClock clock;
    State state = State::kUnknown;
    std::list<std::string>::iterator age;
  };

  bool MayHaveGoneBack(const ReportTime& time, const DeviceTime& freshest,
                       const DeviceClock& clock) const;
  AlignedTime AlignBy(const ReportTime& time, const std::optional<PeerClockEstimate>& measured,
                      const DeviceClock& clock) const;
  Entry& EntryOf(const std::string& clock_id);
  void NoteState(const ReportTime& time, const OffsetInterval& promised, bool measured,
                 Entry* entry);

  const FeedConfig config_;
  std::map<std::string, Entry, std::less<>> clocks_;
  std::list<std::string> by_age_;  // heard of for longest ago first
  FeedClockCounters counters_;
  std::optional<std::string> finding_;
  UtcTime finding_at_ = UtcTime::min();
};

}  // namespace fusiongateway
