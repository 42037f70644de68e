#include "fusion/clock/peer_clock.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <random>

namespace fusiongateway {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

UtcTime At(Duration since_start) {
  return UtcTime{std::chrono::hours{24 * 365 * 56}} + since_start;
}

// A peer whose clock is `ahead` of the gateway's and runs `rate_ppm` fast.
struct Peer {
  Duration ahead{};
  std::int64_t rate_ppm = 0;

  UtcTime Reads(UtcTime gateway_time) const {
    const Duration elapsed = gateway_time - At({});
    return gateway_time + ahead + Duration{elapsed.count() / 1'000'000 * rate_ppm};
  }

  ProbeExchange Exchange(UtcTime sent, Duration there, Duration held, Duration back) const {
    return {Reads(sent), sent + there, sent + there + held, Reads(sent + there + held + back)};
  }
};

bool Contains(const PeerClockEstimate& estimate, UtcTime peer_time, UtcTime truth) {
  const UtcTime centre = peer_time + estimate.offset;
  const Duration bound = estimate.BoundAt(truth);
  return centre - bound <= truth && truth <= centre + bound;
}

TEST(PeerClock, KnowsNothingBeforeTheFirstExchange) {
  EXPECT_FALSE(PeerClock().EstimateAt(At({})));
}

TEST(PeerClock, HalfTheRoundTripIsTheBound) {
  PeerClock clock;
  ASSERT_TRUE(clock
                  .Add(Peer{seconds{90}}.Exchange(At({}), milliseconds{3}, milliseconds{50},
                                                  milliseconds{1}))
                  .ok());
  const auto estimate = clock.EstimateAt(At(milliseconds{60}));
  ASSERT_TRUE(estimate);
  EXPECT_NEAR(static_cast<double>(estimate->offset.count()), -90e9 + 1e6, 10);
  EXPECT_GE(estimate->bound, milliseconds{2});
  EXPECT_LE(estimate->bound, milliseconds{2} + microseconds{20});
  EXPECT_EQ(estimate->epoch, 1u);
}

TEST(PeerClock, TheNarrowestRecentExchangeCounts) {
  PeerClock clock;
  const Peer peer{milliseconds{-400}};
  for (const int round_trip_ms : {80, 2, 200}) {
    ASSERT_TRUE(clock
                    .Add(peer.Exchange(At(seconds{round_trip_ms}), milliseconds{round_trip_ms / 2},
                                       {}, milliseconds{round_trip_ms / 2}))
                    .ok());
  }
  EXPECT_LE(clock.EstimateAt(At(seconds{201}))->bound, milliseconds{2});
}

TEST(PeerClock, AnOldNarrowExchangeGivesWayToANewerOne) {
  PeerClock clock;
  const Peer peer{};
  ASSERT_TRUE(clock.Add(peer.Exchange(At({}), milliseconds{1}, {}, milliseconds{1})).ok());
  // 200 ppm of 240 s are 48 ms: more than the newer exchange's half round trip.
  ASSERT_TRUE(
      clock.Add(peer.Exchange(At(seconds{240}), milliseconds{20}, {}, milliseconds{20})).ok());
  EXPECT_GE(clock.EstimateAt(At(seconds{241}))->measured_at, At(seconds{240}));
}

TEST(PeerClock, NothingIsKnownWhenEveryExchangeIsTooOld) {
  PeerClock clock;
  ASSERT_TRUE(clock.Add(Peer{}.Exchange(At({}), milliseconds{1}, {}, milliseconds{1})).ok());
  EXPECT_TRUE(clock.EstimateAt(At(minutes{4})));
  EXPECT_FALSE(clock.EstimateAt(At(minutes{6})));
}

TEST(PeerClock, AStepSilencesTheClockUntilItIsConfirmedAndStartsAnEpoch) {
  PeerClock clock;
  const auto exchange = [](const Peer& peer, int second) {
    return peer.Exchange(At(seconds{second}), milliseconds{1}, {}, milliseconds{1});
  };
  ASSERT_TRUE(clock.Add(exchange(Peer{}, 0)).ok());
  ASSERT_TRUE(clock.Add(exchange(Peer{seconds{30}}, 10)).ok());
  EXPECT_FALSE(clock.EstimateAt(At(seconds{10}))) << "which of the two is right is not known";
  ASSERT_TRUE(clock.Add(exchange(Peer{seconds{30}}, 20)).ok());
  const auto estimate = clock.EstimateAt(At(seconds{20}));
  ASSERT_TRUE(estimate);
  EXPECT_EQ(estimate->epoch, 2u);
  EXPECT_NEAR(static_cast<double>(estimate->offset.count()), -30e9, 1e7);
  EXPECT_GE(estimate->epoch_began, At(seconds{10}));
  EXPECT_LE(estimate->epoch_began, At(seconds{11}));
}

TEST(PeerClock, OneWrongExchangeIsNoStep) {
  PeerClock clock;
  const auto exchange = [](const Peer& peer, int second) {
    return peer.Exchange(At(seconds{second}), milliseconds{1}, {}, milliseconds{1});
  };
  ASSERT_TRUE(clock.Add(exchange(Peer{}, 0)).ok());
  ASSERT_TRUE(clock.Add(exchange(Peer{seconds{30}}, 10)).ok());
  ASSERT_TRUE(clock.Add(exchange(Peer{}, 20)).ok());
  ASSERT_TRUE(clock.EstimateAt(At(seconds{20})));
  EXPECT_EQ(clock.EstimateAt(At(seconds{20}))->epoch, 1u);
}

TEST(PeerClock, ExchangesThatAreNoRoundTripAreRefusedAndCounted) {
  const UtcTime t = At({});
  const ProbeExchange wrong[] = {
      {t, t, t, t - seconds{1}},                            // arrived before it was sent
      {t, t + seconds{1}, t, t + seconds{2}},               // answered before it arrived
      {t, t, t + seconds{2}, t + seconds{1}},               // held for longer than it took
      {t, t, t, t + minutes{10}},                           // wider than any use
      {UtcTime::min(), t, t, UtcTime::min() + seconds{1}},  // centuries apart
      {UtcTime::min(), t, t, UtcTime::max()},
  };
  PeerClock clock;
  for (const auto& exchange : wrong) EXPECT_FALSE(clock.Add(exchange).ok());
  EXPECT_EQ(clock.refused_count(), 6u);
  EXPECT_FALSE(clock.EstimateAt(t));
}

TEST(PeerClock, TheBoundHoldsForEveryOffsetRateAndPath) {
  rc::check("the truth lies within the estimate", [] {
    const Peer peer{milliseconds{*rc::gen::inRange(-100'000, 100'000)},
                    *rc::gen::inRange(-190, 190)};
    PeerClock clock;
    Duration now{};
    const int exchanges = *rc::gen::inRange(1, 30);
    for (int i = 0; i < exchanges; ++i) {
      now += milliseconds{*rc::gen::inRange(10, 20'000)};
      const Duration there = microseconds{*rc::gen::inRange(10, 200'000)};
      const Duration held = microseconds{*rc::gen::inRange(0, 50'000)};
      const Duration back = microseconds{*rc::gen::inRange(10, 200'000)};
      RC_ASSERT(clock.Add(peer.Exchange(At(now), there, held, back)).ok());
      now += there + held + back;
    }
    const auto estimate = clock.EstimateAt(At(now));
    RC_ASSERT(estimate.has_value());
    RC_ASSERT(estimate->epoch == 1u);
    const UtcTime event = At(now) + seconds{*rc::gen::inRange(-60, 60)};
    RC_ASSERT(Contains(*estimate, peer.Reads(event), event));
  });
}

TEST(PeerClock, AMessageThatArrivesBeforeItWasSentIsDoubtedUntilTheNextExchange) {
  PeerClock clock;
  const auto exchange = [](const Peer& peer, int second) {
    return peer.Exchange(At(seconds{second}), milliseconds{1}, {}, milliseconds{1});
  };
  ASSERT_TRUE(clock.Add(exchange(Peer{}, 0)).ok());
  clock.Hear(Peer{}.Reads(At(seconds{1})), At(seconds{1} + milliseconds{1}));
  EXPECT_FALSE(clock.doubted());
  const Peer after{seconds{30}};
  clock.Hear(after.Reads(At(seconds{2})), At(seconds{2} + milliseconds{1}));
  EXPECT_TRUE(clock.doubted());
  EXPECT_FALSE(clock.EstimateAt(At(seconds{2})));
  ASSERT_TRUE(clock.Add(exchange(after, 10)).ok());
  EXPECT_TRUE(clock.doubted()) << "one exchange is not believed";
  ASSERT_TRUE(clock.Add(exchange(after, 20)).ok());
  EXPECT_FALSE(clock.doubted());
  EXPECT_EQ(clock.epoch(), 2u);
}

TEST(PeerClock, AMessageSentBeforeTheOneBeforeItIsDoubtedAndAnAgreeingExchangeSettlesIt) {
  PeerClock clock;
  const auto exchange = [](int second) {
    return Peer{}.Exchange(At(seconds{second}), milliseconds{1}, {}, milliseconds{1});
  };
  ASSERT_TRUE(clock.Add(exchange(0)).ok());
  clock.Hear(At(seconds{5}), At(seconds{5} + milliseconds{1}));
  clock.Hear(At(seconds{4}), At(seconds{6}));
  EXPECT_TRUE(clock.doubted());
  ASSERT_TRUE(clock.Add(exchange(3)).ok());
  EXPECT_TRUE(clock.doubted()) << "an exchange from before settles nothing";
  ASSERT_TRUE(clock.Add(exchange(10)).ok());
  EXPECT_FALSE(clock.doubted());
  EXPECT_EQ(clock.epoch(), 1u);
}

TEST(PeerClock, APeerThatTellsAnyTimesIsRefusedOrMeasuredWithAFiniteBound) {
  rc::check([](std::uint32_t seed) {
    std::mt19937_64 random(seed);
    const auto any = [&] { return UtcTime{Duration{static_cast<std::int64_t>(random())}}; };
    PeerClock clock;
    for (int i = 0; i < 20; ++i) {
      const UtcTime t2 = At(seconds{i});
      const UtcTime t1 = random() % 2 ? any() : t2 - minutes{static_cast<int>(random() % 90)};
      const UtcTime t4 = random() % 2 ? any() : SaturatingAdd(t1, milliseconds{random() % 9'000});
      (void)clock.Add({t1, t2, t2, t4});
      clock.Hear(any(), t2);
      const auto estimate = clock.EstimateAt(t2);
      if (!estimate) continue;
      RC_ASSERT(estimate->BoundAt(t2) >= Duration::zero());
      RC_ASSERT(estimate->BoundAt(t2) <= minutes{3});
    }
  });
}

// A peer that drifts, steps, and whose path is as uneven as can be.
TEST(PeerClock, TheTruthLiesWithinTheEstimateWheneverAStepHasShown) {
  int judged = 0;
  rc::check([&](std::uint32_t seed) {
    std::mt19937 random(seed);
    const auto within = [&](int from, int to) {
      return std::uniform_int_distribution<int>(from, to)(random);
    };
    Peer peer{milliseconds{within(-100'000, 100'000)}, within(-190, 190)};
    PeerClock clock;
    Duration now{};
    int since_step = 100;
    for (int i = 0; i < 100; ++i) {
      now += milliseconds{within(10, 10'000)};
      if (i > 0 && within(1, 20) == 1) {
        // Larger than any two round trips: a smaller one cannot be told from the path.
        peer.ahead += milliseconds{within(1'000, 100'000)} * (within(0, 1) * 2 - 1);
        since_step = 0;
      }
      const Duration there = microseconds{within(10, 200'000)};
      const Duration back = microseconds{within(10, 200'000)};
      RC_ASSERT(clock.Add(peer.Exchange(At(now), there, {}, back)).ok());
      now += there + back;
      ++since_step;
      const auto estimate = clock.EstimateAt(At(now));
      if (since_step == 1) {
        RC_ASSERT(!estimate.has_value());
        continue;
      }
      RC_ASSERT(estimate.has_value());
      const UtcTime event = At(now) + seconds{within(0, 10)};
      RC_ASSERT(Contains(*estimate, peer.Reads(event), event));
      RC_ASSERT(estimate->BoundAt(event) <= milliseconds{210});
      ++judged;
    }
  });
  EXPECT_GT(judged, 5000);
}

}  // namespace
}  // namespace fusiongateway
