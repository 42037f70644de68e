#include "fusion/clock/frame_clock.h"

#include <algorithm>
#include <utility>

namespace fusiongateway {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kResolution = milliseconds{1};
constexpr Duration kEnvelopeWindow = seconds{10};
constexpr Duration kSettleTime = seconds{1};
constexpr std::uint64_t kSettleCount = 8;
constexpr std::int64_t kDriftDivisor = 2000;  // 500 ppm
// The quickest of 10 s of frames differs by less from one window to the next on a steady path.
constexpr Duration kSlowedStep = milliseconds{5};
// How a path's quickest frames move is looked at over this: long enough to have undisturbed ones.
constexpr Duration kMinute = seconds{60};
// Encoders send B-frames out of order by less than this.
constexpr Duration kReorderMax = seconds{1};
// Media time cannot run ahead of arrival; behind it, this much may be a queue on the way.
constexpr Duration kAheadMax = seconds{1};
constexpr Duration kBehindMax = seconds{10};
constexpr int kRivalFrames = 3;
constexpr int kClaimRun = 8;
constexpr Duration kClaimWait = seconds{10};
// What reports of a well-behaved camera may correct from one to the next.
constexpr Duration kClaimStep = milliseconds{20};
constexpr Duration kHostStep = milliseconds{20};
constexpr Duration kHoldMax = seconds{1};
constexpr Duration kOrderStep = microseconds{1};

Duration Absolute(Duration d) { return d < Duration::zero() ? -d : d; }

// arrival - media as a span, whatever the zero of media time.
Duration Delay(const FrameTimes& frame) {
  return SaturatingSubtract(frame.arrival, UtcTime{frame.media});
}

}  // namespace

void FrameClock::ArrivalEnvelope::Add(SteadyTime when, Duration delay) {
  if (count_ > 0 && when - newest_ > kEnvelopeWindow) ClearRecent();
  if (count_ == 0) first_ = when;
  newest_ = when;
  ++count_;
  while (!rising_.empty() && rising_.back().delay >= delay) rising_.pop_back();
  rising_.push_back({when, delay});
  while (when - rising_.front().when > kEnvelopeWindow) rising_.pop_front();
  if (!quickest_ || delay <= quickest_->delay + Drift(when)) {
    quickest_ = Sample{when, delay};
    slow_.reset();
  } else if (!slow_ && Slower() > Drift(when) + kSlowedStep) {
    const Sample level = rising_.front();
    slow_ = SlowPath{level, (level.when - quickest_->when) / kDriftDivisor};
    quickest_->when = level.when;
    of_minute_.reset();
  }
  if (!of_minute_) minute_begun_ = when;
  if (!of_minute_ || delay < of_minute_->delay) of_minute_ = Sample{when, delay};
  if (when - minute_begun_ >= kMinute) EndMinute();
}

Duration FrameClock::ArrivalEnvelope::Drift(SteadyTime now) const {
  const Duration since = (now - quickest_->when) / kDriftDivisor;
  return slow_ ? since + slow_->unsure + kSlowedStep : since;
}

// As far as drift can have moved this minute's frames, it has moved the quickest one known too.
void FrameClock::ArrivalEnvelope::EndMinute() {
  const Sample before = slow_ ? slow_->level : *quickest_;
  const Sample now = *std::exchange(of_minute_, std::nullopt);
  const Duration limit = Absolute(now.when - before.when) / kDriftDivisor;
  const Duration moved = now.delay - before.delay;
  if (slow_) {
    if (Absolute(moved) > limit + kSlowedStep) slow_->unsure += limit;
    slow_->level = now;
  }
  if (now.when < quickest_->when) return;
  quickest_ = Sample{now.when, quickest_->delay + std::clamp(moved, -limit, limit)};
}

void FrameClock::ArrivalEnvelope::ClearRecent() {
  rising_.clear();
  count_ = 0;
}

void FrameClock::ArrivalEnvelope::Clear() {
  ClearRecent();
  quickest_.reset();
  of_minute_.reset();
  slow_.reset();
}

bool FrameClock::ArrivalEnvelope::settled() const {
  return count_ >= kSettleCount && newest_ - first_ >= kSettleTime;
}

Duration FrameClock::ArrivalEnvelope::Margin(SteadyTime now) const {
  return kResolution + (now - rising_.front().when) / kDriftDivisor;
}

Duration FrameClock::ArrivalEnvelope::Slowed(SteadyTime now) const {
  const Duration drift = Drift(now);
  return Slower() <= drift + kSlowedStep ? Duration::zero() : Slower() + drift;
}

void FrameClock::Restart(std::optional<SteadyTime> opened) {
  opened_ = opened;
  host_offset_.reset();
  BeginTimeLine();
}

Stamp FrameClock::Assign(const FrameTimes& frame) {
  if (HostClockStepped(frame)) BeginTimeLine();
  if (!OnTimeLine(frame)) {
    if (!RivalWins(frame)) {
      ++outlier_count_;
      return Unsynchronised(frame);
    }
    BeginTimeLine();
  }
  if (!newest_) line_begun_ = frame.arrival_steady;
  newest_ = Point{frame.arrival_steady, frame.media};
  rival_.reset();
  epoch_used_ = true;
  envelope_.Add(frame.arrival_steady, Delay(frame));
  if (envelope_.settled()) opened_.reset();
  CheckClaim(frame);
  Stamp stamp = BestStamp(frame);
  KeepMonotone(frame.media, stamp);
  return stamp;
}

bool FrameClock::HostClockStepped(const FrameTimes& frame) {
  const Duration offset =
      SaturatingSubtract(frame.arrival, UtcTime{frame.arrival_steady.time_since_epoch()});
  bool stepped = false;
  if (host_offset_ && newest_) {
    const Duration slewed = Absolute(frame.arrival_steady - newest_->arrival) / kDriftDivisor;
    stepped = Absolute(offset - *host_offset_) > kHostStep + slewed;
  }
  host_offset_ = offset;
  return stepped;
}

bool FrameClock::OnTimeLine(const FrameTimes& frame) const {
  if (!newest_ || envelope_.empty()) return true;
  if (frame.media - newest_->media < -kReorderMax) return false;
  // A path that was slow and is quick again is no jump ahead.
  const Duration behind = Delay(frame) - envelope_.quickest();
  return behind >= -kAheadMax && behind <= kBehindMax;
}

bool FrameClock::RivalWins(const FrameTimes& frame) {
  const Point point{frame.arrival_steady, frame.media};
  bool agrees = false;
  if (rival_) {
    const Duration media_step = point.media - rival_->media;
    const Duration arrival_step = point.arrival - rival_->arrival;
    agrees = media_step >= -kReorderMax && Absolute(media_step - arrival_step) <= kAheadMax;
  }
  rival_count_ = agrees ? rival_count_ + 1 : 1;
  rival_ = point;
  return rival_count_ >= kRivalFrames;
}

Duration FrameClock::ClaimedDelay(const FrameTimes& frame) const {
  const Duration offset = SaturatingSubtract(*frame.claimed, UtcTime{frame.media});
  return SaturatingSubtract(UtcTime{envelope_.minimum()}, UtcTime{offset});
}

Duration FrameClock::LongestDelay(const FrameTimes& frame) const {
  return config_.path_delay_max + envelope_.Slowed(frame.arrival_steady);
}

void FrameClock::CheckClaim(const FrameTimes& frame) {
  if (!frame.claimed || !envelope_.settled()) return;
  const Duration delay = ClaimedDelay(frame);
  const Duration slack =
      config_.clock_error_max.value_or(Duration::zero()) + envelope_.Margin(frame.arrival_steady);
  const Duration longest = LongestDelay(frame);
  if (delay < -slack || delay > longest + slack) {
    const bool slow_path = delay > longest && delay <= config_.unsynchronised_bound + slack;
    claim_ = slow_path ? Claim::kDoubted : Claim::kRejected;
    claim_run_ = 0;
    return;
  }
  claim_run_ = std::min(claim_run_ + 1, kClaimRun);
  if (claim_run_ == kClaimRun) claim_ = Claim::kTrusted;
}

Stamp FrameClock::Unsynchronised(const FrameTimes& frame) const {
  Duration bound = config_.unsynchronised_bound;
  if (opened_) bound = std::max(bound, frame.arrival_steady - *opened_);
  if (frame.claimed) {
    const Duration error = config_.clock_error_max.value_or(Duration::zero()) + kResolution;
    const Duration underway = SaturatingSubtract(frame.arrival, *frame.claimed);
    if (underway <= kBehindMax) bound = std::max(bound, underway + error);
  }
  return {frame.arrival, bound, ClockSource::kUnsynchronised, epoch_};
}

Stamp FrameClock::CoverBoth(const FrameTimes& frame) const {
  const Duration error = config_.clock_error_max.value_or(Duration::zero());
  const Duration span = std::max(ClaimedDelay(frame) + error, LongestDelay(frame));
  const UtcTime quickest = SaturatingAdd(UtcTime{frame.media}, envelope_.minimum());
  return {SaturatingAdd(quickest, -span / 2), span / 2 + envelope_.Margin(frame.arrival_steady),
          ClockSource::kUnsynchronised, epoch_};
}

Stamp FrameClock::BestStamp(const FrameTimes& frame) {
  if (!envelope_.settled()) return Unsynchronised(frame);
  const Duration margin = envelope_.Margin(frame.arrival_steady);
  if (frame.claimed && claim_ == Claim::kTrusted) {
    const Duration offset = SaturatingSubtract(*frame.claimed, UtcTime{frame.media});
    if (claim_offset_ && Absolute(offset - *claim_offset_) > kClaimStep) BeginEpoch();
    claim_offset_ = offset;
    const Duration delay = ClaimedDelay(frame);
    const Duration half_width = config_.clock_error_max
                                    ? *config_.clock_error_max + kResolution
                                    : std::max(delay, LongestDelay(frame) - delay) + margin;
    return {*frame.claimed, half_width, ClockSource::kSenderReport, epoch_};
  }
  if (frame.claimed && claim_ == Claim::kDoubted) return CoverBoth(frame);
  const bool waiting = claim_ == Claim::kNone && frame.arrival_steady - line_begun_ < kClaimWait;
  if (waiting) return Unsynchronised(frame);
  const Duration half = LongestDelay(frame) / 2;
  const UtcTime quickest = SaturatingAdd(UtcTime{frame.media}, envelope_.minimum());
  return {SaturatingAdd(quickest, -half), half + margin, ClockSource::kArrival, epoch_};
}

void FrameClock::KeepMonotone(Duration media, Stamp& stamp) {
  if (!top_) {
    top_ = Published{media, stamp.utc};
    return;
  }
  const bool later = media > top_->media;
  const UtcTime limit = later ? top_->utc + kOrderStep : top_->utc;
  const bool out_of_order = later ? stamp.utc < limit : stamp.utc > limit;
  if (out_of_order) {
    const Duration hold = Absolute(SaturatingSubtract(stamp.utc, limit));
    if (hold > kHoldMax) {
      BeginEpoch();
      stamp.epoch = epoch_;
      top_ = Published{media, stamp.utc};
      return;
    }
    stamp.utc = limit;
    stamp.uncertainty += hold;
  }
  if (later) top_ = Published{media, stamp.utc};
}

void FrameClock::BeginTimeLine() {
  newest_.reset();
  rival_.reset();
  rival_count_ = 0;
  envelope_.Clear();
  claim_ = Claim::kNone;
  claim_run_ = 0;
  if (epoch_used_) BeginEpoch();
  epoch_used_ = false;
}

void FrameClock::BeginEpoch() {
  ++epoch_;
  top_.reset();
  claim_offset_.reset();
}

}  // namespace fusiongateway
