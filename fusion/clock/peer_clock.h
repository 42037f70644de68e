// The clock of a peer on a connection, measured by four-timestamp exchanges.
//
// The peer sends at t1, the gateway receives at t2 and replies at t3, the peer receives at t4; t1
// and t4 are on the peer's clock, t2 and t3 on the gateway's. Whatever the path's delays each way,
// the offset (gateway minus peer) lies in [t3 - t4, t2 - t1]: centre ± half the round trip. The
// narrowest exchange of a recent window is the estimate; it ages by a drift allowance.
//
// Between exchanges, the times at which the peer says it sends can only raise a doubt: one that
// would have arrived before it was sent, or that goes back, proves a step. Then too there is no
// estimate until the next exchange, which settles it.
//
// Refused: an exchange whose times run backwards. An exchange that the window contradicts (the
// intervals, widened by drift, are disjoint) proves that one of the clocks stepped, or that the
// exchange is wrong: until a second one agrees with either side there is no estimate; if it agrees
// with the new one, a new epoch starts.
//
// The peer reports t1..t4 of an exchange itself. The caller checks that t2 and t3 are its own.
//
// Threading: none; owned by one thread. Pure: reads no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "fusion/base/status.h"
#include "fusion/base/time.h"
#include "fusion/clock/drift.h"

namespace fusiongateway {

struct ProbeExchange {
  UtcTime t1{};  // peer sent, peer's clock
  UtcTime t2{};  // gateway received, gateway's clock
  UtcTime t3{};  // gateway replied, gateway's clock
  UtcTime t4{};  // peer received, peer's clock
};

// What the gateway knows of a peer's clock. Valid for instants since `epoch_began`.
struct PeerClockEstimate {
  // Added to a time on the peer's clock gives the gateway's.
  Duration offset{};
  // Half-width of the offset's interval at `measured_at`.
  Duration bound{};
  // When it was measured, on the gateway's clock.
  UtcTime measured_at{};
  std::int64_t drift_ppm = kDriftPpm;
  // Steps of the peer's clock seen so far, from 1, and when (at the latest) this one began.
  std::uint64_t epoch = 1;
  UtcTime epoch_began{};

  // Half-width of the offset's interval at another instant: drift adds to it on either side.
  Duration BoundAt(UtcTime at) const;
};

class PeerClock {
 public:
  struct Options {
    std::size_t window_count = 16;
    Duration window_age = std::chrono::minutes{5};
    std::int64_t drift_ppm = kDriftPpm;
  };

  PeerClock() : PeerClock(Options{}) {}
  explicit PeerClock(Options options) : options_(options) {}

  Status Add(const ProbeExchange& exchange);
  // A message that the peer says it sent at `sent` (its clock), in the order of arrival.
  void Hear(UtcTime sent, UtcTime received);

  // The narrowest at `now` (gateway's clock); none before the first exchange, while a step is
  // unconfirmed, or when every exchange is older than the window.
  std::optional<PeerClockEstimate> EstimateAt(UtcTime now) const;

  // A step is seen and not yet measured: what the clock told lately may be of either side of it.
  bool doubted() const { return doubted_since_ || candidate_; }
  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t refused_count() const { return refused_count_; }

 private:
  struct Measurement {
    Duration offset{};
    Duration half_width{};
    UtcTime at{};
  };

  bool Agrees(const Measurement& a, const Measurement& b) const;
  bool AgreesWithWindow(const Measurement& m) const;
  void Keep(const Measurement& m);

  const Options options_;
  std::deque<Measurement> window_;
  std::optional<Measurement> candidate_;
  std::optional<UtcTime> doubted_since_;
  UtcTime newest_sent_ = UtcTime::min();
  std::uint64_t epoch_ = 1;
  UtcTime epoch_began_ = UtcTime::min();
  std::uint64_t refused_count_ = 0;
};

}  // namespace fusiongateway
