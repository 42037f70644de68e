// The clock of a device behind a publisher, seen only through its reports: each tells a time of
// that clock and arrives at a time of ours.
//
// With x = received - told, and offset = gateway minus device:
//   offset <= x                              always: nothing arrives before it was told;
//   offset >= x - resolution - delay_max     if the report came promptly, within delay_max.
// The lowest x of the recent reports is the envelope. It bounds the offset from above by causality
// alone and, if that quickest one was prompt, from below. Both ends move by the drift allowance.
//
// A report against the envelope
//   agrees    it may have come promptly: it joins the envelope;
//   is ahead  it would have arrived before it happened: the clock went forward, or the report is
//             wrong;
//   is late   an old event, a backlog handed on after an outage, or the clock went back. It never
//             moves the envelope.
// One contradiction is not believed. Reports that agree with each other, with none in between that
// agrees with the envelope, become the new one, with a new epoch: three, at different times, if
// they are not late; if they are late, four over a span in which a backlog would have caught up.
// Steps within delay_max + resolution cannot be told from a delay and begin no epoch.
//
// What holds: StampOf contains the truth if (1) the report came within delay_max, whatever its
// clock did; or (2) it came late, the quickest recent report came within delay_max, and the clock
// kept to the drift allowance since, up to one step that a later epoch has shown. A backlog that
// tells its times in order is taken for one; so is a clock that went back by less than it had been
// silent.
//
// Threading: none; owned by one thread. Pure: reads no clock. Bounded: a window of slots, four
// rivals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "fusion/base/time.h"
#include "fusion/clock/drift.h"

namespace fusiongateway {

// One report's time: it stands for [told, told + resolution) on the device's clock.
struct DeviceTime {
  UtcTime told{};
  Duration resolution{};
  UtcTime received_at{};
};

// Gateway minus device: added to a time on the device's clock gives the gateway's.
struct OffsetInterval {
  Duration lowest{};
  Duration highest{};
};

class DeviceClock {
 public:
  struct Options {
    // Longest from the moment told to arrival, for a report that is not late.
    Duration delay_max = std::chrono::seconds{5};
    std::int64_t drift_ppm = kDriftPpm;
    std::size_t window_count = 32;
    Duration window_age = std::chrono::hours{12};
  };
  enum class Fit : std::uint8_t { kAgrees, kAhead, kLate };

  explicit DeviceClock(Options options) : options_(options) {}

  // `expected`: where the offset would lie if the clock were as good as is promised for it.
  void Add(const DeviceTime& time, const OffsetInterval& expected);

  // Whether the report may have come promptly from a clock whose offset lies there.
  Fit Judge(const DeviceTime& time, const OffsetInterval& offset) const;
  // Against the envelope, or against `expected` while there is none.
  Fit FitOf(const DeviceTime& time, const OffsetInterval& expected) const;
  // None until enough reports have agreed.
  std::optional<OffsetInterval> OffsetAt(UtcTime at) const;
  // The report tells an earlier time than a prompt one before it did.
  bool WentBack(const DeviceTime& time) const;
  // Only with an envelope that the time is not ahead of. `may_have_stepped_back`: besides being
  // late, the report may be a prompt one of a clock that went back; then the interval holds both.
  Stamp StampOf(const DeviceTime& time, bool may_have_stepped_back) const;

  std::uint64_t epoch() const { return epoch_; }

 private:
  // The quickest report of one second's arrivals.
  struct Slot {
    UtcTime began{};
    UtcTime told{};
    Duration highest{};
    Duration resolution{};
  };
  // Reports that agree with each other.
  struct Envelope {
    std::deque<Slot> slots;
    UtcTime newest_told = UtcTime::min();
    UtcTime first_received{};
    // Where the offset begins if every one of them was prompt.
    Duration lowest = Duration::min();

    UtcTime newest_received() const { return slots.back().began; }
  };

  void AddTo(Envelope* envelope, const DeviceTime& time) const;
  OffsetInterval IntervalOf(const Envelope& envelope, UtcTime at) const;
  // All of a rival's reports must agree: the quickest alone would slide along a backlog.
  bool Joins(const DeviceTime& time, const Envelope& rival) const;
  void AddToRivals(const DeviceTime& time);
  bool IsConfirmed(const Envelope& rival, const OffsetInterval& reference) const;
  void BelieveRival(std::size_t index);

  Options options_;
  std::optional<Envelope> envelope_;
  std::vector<Envelope> rivals_;  // least lately supported first
  std::uint64_t epoch_ = 1;
  UtcTime epoch_began_ = UtcTime::min();
  // Of the epoch before, when this one began.
  std::optional<OffsetInterval> before_;
  bool was_known_ = false;
};

// The whole number of half hours that `offset` is from `expected`, if that alone explains it: a
// wrong time zone. 0 = none.
int HalfHoursOff(const OffsetInterval& offset, const OffsetInterval& expected);

}  // namespace fusiongateway
