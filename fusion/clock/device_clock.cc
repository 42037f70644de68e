#include "fusion/clock/device_clock.h"

#include <algorithm>
#include <utility>

namespace fusiongateway {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kSlotLength = seconds{1};
constexpr std::size_t kRivalsMax = 4;
constexpr std::size_t kSlotsToBelieve = 3;
// A late rival may be a backlog: that one, handed on faster than it came about, leaves the width of
// the interval before long. One that is handed on hardly faster than life looks like a slow clock.
constexpr std::size_t kSlotsToBelieveLate = 4;
constexpr int kLateSpanFactor = 4;
constexpr Duration kLateSpanMin = seconds{10};
constexpr Duration kHalfHour = minutes{30};

}  // namespace

void DeviceClock::Add(const DeviceTime& time, const OffsetInterval& expected) {
  const auto silent_for = [&](const Envelope& envelope) {
    return Magnitude(SaturatingSubtract(time.received_at, envelope.newest_received()));
  };
  if (envelope_ && silent_for(*envelope_) > options_.window_age) {
    before_ = IntervalOf(*envelope_, time.received_at);
    envelope_.reset();
  }
  std::erase_if(rivals_,
                [&](const Envelope& rival) { return silent_for(rival) > options_.window_age; });
  if (envelope_ && Judge(time, IntervalOf(*envelope_, time.received_at)) == Fit::kAgrees) {
    AddTo(&*envelope_, time);
    rivals_.clear();
    return;
  }
  AddToRivals(time);
  const OffsetInterval reference = envelope_ ? IntervalOf(*envelope_, time.received_at) : expected;
  if (IsConfirmed(rivals_.back(), reference)) BelieveRival(rivals_.size() - 1);
}

bool DeviceClock::Joins(const DeviceTime& time, const Envelope& rival) const {
  OffsetInterval offset = IntervalOf(rival, time.received_at);
  const Duration age = SaturatingSubtract(time.received_at, rival.first_received);
  offset.lowest = std::max(offset.lowest, rival.lowest - Drift(age, options_.drift_ppm));
  return Judge(time, offset) == Fit::kAgrees;
}

// The one it joins, or begins, stands last.
void DeviceClock::AddToRivals(const DeviceTime& time) {
  const auto rival = std::find_if(rivals_.begin(), rivals_.end(), [&](const Envelope& candidate) {
    return Joins(time, candidate);
  });
  if (rival != rivals_.end()) {
    std::rotate(rival, rival + 1, rivals_.end());
  } else {
    if (rivals_.size() == kRivalsMax) rivals_.erase(rivals_.begin());
    rivals_.emplace_back();
  }
  AddTo(&rivals_.back(), time);
}

bool DeviceClock::IsConfirmed(const Envelope& rival, const OffsetInterval& reference) const {
  const bool late = IntervalOf(rival, rival.newest_received()).highest > reference.highest;
  if (!late) return rival.slots.size() >= kSlotsToBelieve;
  Duration resolution{};
  for (const Slot& slot : rival.slots) resolution = std::max(resolution, slot.resolution);
  const Duration span = SaturatingSubtract(rival.newest_received(), rival.first_received);
  return rival.slots.size() >= kSlotsToBelieveLate &&
         span >= std::max(kLateSpanMin, kLateSpanFactor * (options_.delay_max + resolution));
}

void DeviceClock::BelieveRival(std::size_t index) {
  Envelope believed = std::move(rivals_[index]);
  rivals_.clear();
  if (was_known_) {
    const UtcTime began = believed.first_received;
    const auto old = envelope_ ? std::optional(IntervalOf(*envelope_, began)) : before_;
    const OffsetInterval now = IntervalOf(believed, began);
    const bool stepped = !envelope_ || now.highest < old->lowest || now.lowest > old->highest;
    if (stepped) {
      ++epoch_;
      epoch_began_ = began;
      before_ = old;
    }
  }
  was_known_ = true;
  envelope_ = std::move(believed);
}

DeviceClock::Fit DeviceClock::FitOf(const DeviceTime& time, const OffsetInterval& expected) const {
  return Judge(time, envelope_ ? IntervalOf(*envelope_, time.received_at) : expected);
}

std::optional<OffsetInterval> DeviceClock::OffsetAt(UtcTime at) const {
  if (!envelope_) return std::nullopt;
  return IntervalOf(*envelope_, at);
}

bool DeviceClock::WentBack(const DeviceTime& time) const {
  return envelope_ && SaturatingAdd(time.told, time.resolution) < envelope_->newest_told;
}

Stamp DeviceClock::StampOf(const DeviceTime& time, bool may_have_stepped_back) const {
  const UtcTime received = time.received_at;
  const OffsetInterval now = IntervalOf(*envelope_, received);
  const auto quickest = [&](Duration offset) {
    return SaturatingAdd(SaturatingAdd(time.told, time.resolution / 2), offset);
  };
  UtcTime lowest = SaturatingAdd(received, -options_.delay_max);
  UtcTime highest = received;
  UtcTime best = quickest(now.highest);
  if (Judge(time, now) == Fit::kLate) {
    OffsetInterval then = IntervalOf(*envelope_, best);
    best = quickest(then.highest);
    if (before_ && SaturatingAdd(time.told, then.lowest) < epoch_began_) {
      const Duration drift = Drift(SaturatingSubtract(best, epoch_began_), options_.drift_ppm);
      then.lowest = std::min(then.lowest, before_->lowest - drift);
      then.highest = std::max(then.highest, before_->highest + drift);
    }
    lowest = SaturatingAdd(time.told, then.lowest);
    const UtcTime end = SaturatingAdd(SaturatingAdd(time.told, time.resolution), then.highest);
    highest = may_have_stepped_back ? received : std::min(end, received);
  }
  // The likeliest is not the middle: most reports are about as quick as the quickest.
  best = std::clamp(best, std::min(lowest, highest), highest);
  const Duration half_width =
      std::max(SaturatingSubtract(highest, best), SaturatingSubtract(best, lowest));
  return {best, half_width, ClockSource::kArrival, epoch_};
}

void DeviceClock::AddTo(Envelope* envelope, const DeviceTime& time) const {
  const Slot slot{time.received_at, time.told, SaturatingSubtract(time.received_at, time.told),
                  time.resolution};
  auto& slots = envelope->slots;
  envelope->newest_told = std::max(envelope->newest_told, time.told);
  envelope->lowest =
      std::max(envelope->lowest, slot.highest - slot.resolution - options_.delay_max);
  if (slots.empty()) {
    envelope->first_received = time.received_at;
    slots.push_back(slot);
    return;
  }
  Slot& newest = slots.back();
  const Duration since = Magnitude(SaturatingSubtract(slot.began, newest.began));
  // The same time told again is no further evidence.
  if (since < kSlotLength || slot.told == newest.told) {
    if (slot.highest < newest.highest) {
      const UtcTime began = newest.began;
      newest = slot;
      newest.began = began;
    }
    return;
  }
  slots.push_back(slot);
  if (slots.size() > options_.window_count) slots.pop_front();
}

OffsetInterval DeviceClock::IntervalOf(const Envelope& envelope, UtcTime at) const {
  OffsetInterval tightest{Duration::min(), Duration::max()};
  for (const Slot& slot : envelope.slots) {
    const Duration age = Magnitude(SaturatingSubtract(at, slot.began)) + kSlotLength +
                         options_.delay_max + slot.resolution;
    const Duration drift = Drift(age, options_.drift_ppm);
    if (slot.highest + drift >= tightest.highest) continue;
    tightest = {slot.highest - slot.resolution - options_.delay_max - drift, slot.highest + drift};
  }
  return tightest;
}

DeviceClock::Fit DeviceClock::Judge(const DeviceTime& time, const OffsetInterval& offset) const {
  const Duration highest = SaturatingSubtract(time.received_at, time.told);
  if (highest < offset.lowest) return Fit::kAhead;
  if (highest - time.resolution - options_.delay_max > offset.highest) return Fit::kLate;
  return Fit::kAgrees;
}

int HalfHoursOff(const OffsetInterval& offset, const OffsetInterval& expected) {
  const Duration from = offset.lowest - expected.highest;
  const Duration to = offset.highest - expected.lowest;
  // The quickest report lies near the upper end.
  const Duration likely = offset.highest - (expected.lowest / 2 + expected.highest / 2);
  const Duration half = likely < Duration::zero() ? -kHalfHour / 2 : kHalfHour / 2;
  const auto count = (likely + half) / kHalfHour;
  const Duration shift = count * kHalfHour;
  return shift >= from && shift <= to ? static_cast<int>(count) : 0;
}

}  // namespace fusiongateway
