#include "pipeline/feeds/device_clocks.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace fusiongateway {
namespace {

constexpr std::size_t kClocksMax = 4096;
constexpr Duration kFindingInterval = std::chrono::minutes{1};

// Half, rounded up: a bound is never made narrower.
Duration HalfUp(Duration d) { return d / 2 + d % 2; }

Stamp Unsynchronised(UtcTime received_at, const FeedConfig& config) {
  return {received_at, config.unsynchronised_bound, ClockSource::kUnsynchronised, 1};
}

// Where the offset lies if the clock is as good as is promised.
OffsetInterval PromiseOf(const std::optional<PeerClockEstimate>& measured, UtcTime at,
                         const FeedConfig& config) {
  if (!measured) return {-config.clock_error_max, config.clock_error_max};
  const Duration bound = measured->BoundAt(at);
  return {measured->offset - bound, measured->offset + bound};
}

// The newest time of the report that its clock may have shown: an update time in the future, where
// the time itself is not, is of another clock.
DeviceTime FreshestOf(const ReportTime& time, const OffsetInterval& promised) {
  DeviceTime freshest{*time.occurred_at, time.resolution, time.received_at};
  if (!time.updated_at || *time.updated_at <= *time.occurred_at) return freshest;
  const UtcTime plausible = SaturatingAdd(time.received_at, -promised.lowest);
  if (*time.updated_at <= plausible || *time.occurred_at > plausible) {
    freshest.told = *time.updated_at;
  }
  return freshest;
}

// A clock that probes have measured is not doubted for coming late: that is a delay, unless whole
// half hours say that the times were written in another zone.
bool Contradicts(const OffsetInterval& offset, const OffsetInterval& promised, bool measured) {
  if (offset.highest < promised.lowest) return true;
  if (offset.lowest <= promised.highest) return false;
  return !measured || HalfHoursOff(offset, promised) != 0;
}

std::string Seconds(Duration d) {
  char text[48];
  std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(Magnitude(d)).count());
  return text;
}

std::string Describe(const std::string& clock_id, const OffsetInterval& offset,
                     const OffsetInterval& promised, const FeedConfig& config) {
  const bool fast = offset.highest < promised.lowest;
  std::string text = clock_id.empty() ? "the publisher's clock" : "clock \"" + clock_id + "\"";
  text += " is " + Seconds(offset.highest) + (fast ? " fast" : " slow") +
          "; its times are corrected by arrival, to within " + Seconds(config.delay_max) + ". ";
  if (const int half_hours = HalfHoursOff(offset, promised); half_hours != 0) {
    text += "That is a time zone: set the feed's time_zone_offset, or that device's zone";
  } else if (fast) {
    text += "Set that device's clock (NTP)";
  } else {
    text +=
        "Set that device's clock (NTP); or, if its reports really take that long, raise the "
        "feed's delay_max";
  }
  return text;
}

}  // namespace

AlignedTime Align(std::optional<UtcTime> occurred_at, Duration resolution, UtcTime received_at,
                  const std::optional<PeerClockEstimate>& measured, const FeedConfig& config) {
  if (!occurred_at) return {Unsynchronised(received_at, config), {}};
  AlignedTime aligned;
  const UtcTime middle = SaturatingAdd(*occurred_at, resolution / 2);
  const UtcTime corrected = measured ? SaturatingAdd(middle, measured->offset) : middle;
  // Before the last step of that clock its measurement says nothing.
  if (measured && corrected >= measured->epoch_began) {
    aligned.stamp = {corrected, measured->BoundAt(corrected) + HalfUp(resolution),
                     ClockSource::kProbed, measured->epoch};
  } else {
    aligned.stamp = {middle, config.clock_error_max + HalfUp(resolution), ClockSource::kDeclared,
                     1};
  }
  if (aligned.stamp.Earliest() > SaturatingAdd(received_at, config.future_max)) {
    aligned.flags.push_back("FUTURE_TIME");
  }
  if (aligned.stamp.Latest() < SaturatingAdd(received_at, -config.past_max)) {
    aligned.flags.push_back("PAST_TIME");
  }
  if (aligned.stamp.Earliest() > received_at) {
    aligned.flags.push_back("CLOCK_OFF");
    aligned.stamp = Unsynchronised(received_at, config);
  }
  return aligned;
}

DeviceClocks::DeviceClocks(const FeedConfig& config) : config_(config) {}

AlignedTime DeviceClocks::AlignAndLearn(const ReportTime& time,
                                        const std::optional<PeerClockEstimate>& measured) {
  if (!time.occurred_at) return Align({}, {}, time.received_at, {}, config_);
  const auto own = time.clock_id.empty() ? measured : std::nullopt;
  const OffsetInterval promised = PromiseOf(own, time.received_at, config_);
  Entry& entry = EntryOf(time.clock_id);
  const std::uint64_t epoch = entry.clock.epoch();
  entry.clock.Add(FreshestOf(time, promised), promised);
  counters_.clock_steps += entry.clock.epoch() - epoch;
  NoteState(time, promised, own.has_value(), &entry);
  AlignedTime aligned = AlignBy(time, own, entry.clock);
  const auto has = [&](const char* flag) {
    return std::find(aligned.flags.begin(), aligned.flags.end(), flag) != aligned.flags.end();
  };
  if (has("CLOCK_OFF")) ++counters_.clock_off;
  if (has("DELAYED")) ++counters_.delayed;
  return aligned;
}

AlignedTime DeviceClocks::AlignOnly(const ReportTime& time,
                                    const std::optional<PeerClockEstimate>& measured) const {
  if (!time.occurred_at) return Align({}, {}, time.received_at, {}, config_);
  const auto known = clocks_.find(time.clock_id);
  return AlignBy(
      time, time.clock_id.empty() ? measured : std::nullopt,
      known != clocks_.end() ? known->second.clock : DeviceClock({.delay_max = config_.delay_max}));
}

void DeviceClocks::Recall(const ReportTime& time) {
  if (!time.occurred_at) return;
  const OffsetInterval promised = PromiseOf(std::nullopt, time.received_at, config_);
  EntryOf(time.clock_id).clock.Add(FreshestOf(time, promised), promised);
}

AlignedTime DeviceClocks::AlignBy(const ReportTime& time,
                                  const std::optional<PeerClockEstimate>& measured,
                                  const DeviceClock& clock) const {
  AlignedTime aligned =
      Align(time.occurred_at, time.resolution, time.received_at, measured, config_);
  const OffsetInterval promised = PromiseOf(measured, time.received_at, config_);
  const DeviceTime freshest = FreshestOf(time, promised);
  const auto offset = clock.OffsetAt(time.received_at);
  const bool off = offset && Contradicts(*offset, promised, measured.has_value());
  // A measured clock is right however late all its reports come.
  const bool late = clock.FitOf(freshest, promised) == DeviceClock::Fit::kLate ||
                    (!off && clock.Judge(freshest, promised) == DeviceClock::Fit::kLate);
  if (late) aligned.flags.push_back("DELAYED");
  if (!off) {
    const bool too_old =
        aligned.stamp.Latest() < SaturatingAdd(time.received_at, -config_.past_max);
    if (late && !too_old && MayHaveGoneBack(time, freshest, clock)) {
      aligned.stamp.uncertainty = std::max(aligned.stamp.uncertainty,
                                           SaturatingSubtract(time.received_at, aligned.stamp.utc));
    }
    return aligned;
  }
  if (aligned.stamp.source != ClockSource::kUnsynchronised) aligned.flags.push_back("CLOCK_OFF");
  if (HalfHoursOff(*offset, promised) != 0) aligned.flags.push_back("CLOCK_ZONE");
  const DeviceTime told{*time.occurred_at, time.resolution, time.received_at};
  if (clock.FitOf(told, promised) == DeviceClock::Fit::kAhead) {
    aligned.stamp = Unsynchronised(time.received_at, config_);
  } else {
    aligned.stamp = clock.StampOf(told, late && clock.WentBack(freshest));
  }
  return aligned;
}

// A device's word is not taken for an old time before it has told new ones, or when it told a newer
// one already: its clock may be slow, or have gone back. A publisher's own clock is promised to be
// right; people enter what they heard of late through it.
bool DeviceClocks::MayHaveGoneBack(const ReportTime& time, const DeviceTime& freshest,
                                   const DeviceClock& clock) const {
  if (time.clock_id.empty()) return time.clock_doubted;
  return !clock.OffsetAt(time.received_at) || clock.WentBack(freshest);
}

DeviceClocks::Entry& DeviceClocks::EntryOf(const std::string& clock_id) {
  const auto known = clocks_.find(clock_id);
  if (known != clocks_.end()) {
    by_age_.splice(by_age_.end(), by_age_, known->second.age);
    return known->second;
  }
  if (clocks_.size() == kClocksMax) {
    clocks_.erase(by_age_.front());
    by_age_.pop_front();
    ++counters_.clocks_forgotten;
  }
  by_age_.push_back(clock_id);
  return clocks_
      .emplace(clock_id, Entry{DeviceClock({.delay_max = config_.delay_max}), State::kUnknown,
                               std::prev(by_age_.end())})
      .first->second;
}

void DeviceClocks::NoteState(const ReportTime& time, const OffsetInterval& promised, bool measured,
                             Entry* entry) {
  const auto offset = entry->clock.OffsetAt(time.received_at);
  if (!offset) return;
  const State state = Contradicts(*offset, promised, measured) ? State::kOff : State::kAsPromised;
  const State before = std::exchange(entry->state, state);
  if (state == before || (state == State::kAsPromised && before == State::kUnknown)) return;
  if (time.received_at < SaturatingAdd(finding_at_, kFindingInterval)) return;
  finding_at_ = time.received_at;
  finding_ = state == State::kOff ? Describe(time.clock_id, *offset, promised, config_)
                                  : (time.clock_id.empty() ? "the publisher's clock"
                                                           : "clock \"" + time.clock_id + "\"") +
                                        std::string(" is within its bound again");
}

std::optional<std::string> DeviceClocks::TakeFinding() {
  return std::exchange(finding_, std::nullopt);
}

}  // namespace fusiongateway
