#include "fusion/clock/peer_clock.h"

#include <algorithm>
#include <string>

namespace fusiongateway {
namespace {

// Far beyond any clock; keeps the arithmetic below clear of overflow.
constexpr Duration kOffsetMax = std::chrono::hours{24 * 365 * 30};

}  // namespace

Duration PeerClockEstimate::BoundAt(UtcTime at) const {
  return bound + Drift(SaturatingSubtract(at, measured_at), drift_ppm);
}

Status PeerClock::Add(const ProbeExchange& exchange) {
  const Duration peer_span = SaturatingSubtract(exchange.t4, exchange.t1);
  const Duration gateway_span = SaturatingSubtract(exchange.t3, exchange.t2);
  if (gateway_span < Duration::zero() || peer_span < gateway_span ||
      peer_span > options_.window_age) {
    ++refused_count_;
    return InvalidArgument(
        "probe exchange refused: its four times do not describe a round trip; send t1 and t4 from "
        "one clock that does not step in between, and t2 and t3 as they came");
  }
  Measurement m;
  m.offset = SaturatingSubtract(exchange.t2, exchange.t1) / 2 +
             SaturatingSubtract(exchange.t3, exchange.t4) / 2;
  if (Magnitude(m.offset) > kOffsetMax) {
    ++refused_count_;
    return InvalidArgument("probe exchange refused: the clocks are decades apart; set the peer's");
  }
  // Half the round trip, the nanoseconds lost in halving, and drift while it was under way.
  m.half_width =
      (peer_span - gateway_span) / 2 + Duration{2} + Drift(peer_span, options_.drift_ppm);
  m.at = SaturatingAdd(exchange.t2, gateway_span / 2);

  // An exchange from before the doubt, told after it, says nothing of the step.
  if (doubted_since_ && m.at >= *doubted_since_) doubted_since_.reset();
  if (window_.empty() || AgreesWithWindow(m)) {
    candidate_.reset();
  } else if (candidate_ && Agrees(*candidate_, m)) {
    window_.clear();
    Keep(*candidate_);
    ++epoch_;
    epoch_began_ = candidate_->at;
    candidate_.reset();
  } else {
    candidate_ = m;
    return {};
  }
  Keep(m);
  return {};
}

void PeerClock::Hear(UtcTime sent, UtcTime received) {
  const auto estimate = EstimateAt(received);
  const bool before_it_was_sent = estimate && SaturatingSubtract(received, sent) <
                                                  estimate->offset - estimate->BoundAt(received);
  if (before_it_was_sent || sent < newest_sent_) doubted_since_ = received;
  newest_sent_ = sent;
}

std::optional<PeerClockEstimate> PeerClock::EstimateAt(UtcTime now) const {
  if (doubted()) return std::nullopt;
  std::optional<PeerClockEstimate> best;
  Duration narrowest = Duration::max();
  for (const Measurement& m : window_) {
    const Duration age = SaturatingSubtract(now, m.at);
    if (age > options_.window_age) continue;
    const Duration bound_now = m.half_width + Drift(age, options_.drift_ppm);
    if (bound_now >= narrowest) continue;
    narrowest = bound_now;
    best =
        PeerClockEstimate{m.offset, m.half_width, m.at, options_.drift_ppm, epoch_, epoch_began_};
  }
  return best;
}

bool PeerClock::Agrees(const Measurement& a, const Measurement& b) const {
  const Duration allowed =
      a.half_width + b.half_width + Drift(SaturatingSubtract(a.at, b.at), options_.drift_ppm);
  const Duration apart = a.offset > b.offset ? a.offset - b.offset : b.offset - a.offset;
  return apart <= allowed;
}

bool PeerClock::AgreesWithWindow(const Measurement& m) const {
  return std::all_of(window_.begin(), window_.end(),
                     [&](const Measurement& kept) { return Agrees(kept, m); });
}

void PeerClock::Keep(const Measurement& m) {
  window_.push_back(m);
  if (window_.size() > options_.window_count) window_.pop_front();
}

}  // namespace fusiongateway
