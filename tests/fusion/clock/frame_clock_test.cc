#include "fusion/clock/frame_clock.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <vector>

namespace fusiongateway {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kFrame = milliseconds{40};
const UtcTime kStart = UtcTime{hours{24 * 365 * 56}};

// A camera of which everything is known: what it does wrong is set by the test.
struct SimulatedCamera {
  Duration clock_error{};  // claims = capture + clock_error
  double clock_drift = 0;  // and this much more per second
  double media_drift = 0;  // of the RTP clock
  Duration media_zero{};   // RTP time at kStart
  Duration path_min = milliseconds{20};
  Duration jitter = milliseconds{30};
  bool claims = true;
  std::function<std::optional<UtcTime>(UtcTime)> distort;  // of the claim
  Duration host_step{};
  std::mt19937_64 random{7};

  struct Frame {
    UtcTime captured;  // the truth, on the gateway's clock
    FrameTimes times;
  };

  Frame Take(Duration since_start) {
    std::uniform_int_distribution<std::int64_t> spread(0, jitter.count());
    const Duration delay = path_min + Duration{spread(random)};
    const auto drifted = [&](double rate) {
      return Duration{static_cast<std::int64_t>(rate * static_cast<double>(since_start.count()))};
    };
    Frame frame;
    const UtcTime true_time = kStart + since_start;
    frame.captured = true_time + host_step;
    frame.times.arrival = true_time + delay + host_step;
    frame.times.arrival_steady = SteadyTime{seconds{5000} + since_start + delay};
    frame.times.media = media_zero + since_start + drifted(media_drift);
    if (claims) frame.times.claimed = true_time + clock_error + drifted(clock_drift);
    if (distort) frame.times.claimed = distort(true_time);
    return frame;
  }
};

bool Contains(const Stamp& stamp, UtcTime truth) {
  return stamp.Earliest() <= truth && truth <= stamp.Latest();
}

struct Playback {
  SimulatedCamera camera;
  FrameClock clock{FrameClockConfig{}};
  Duration at{};
  std::vector<Stamp> stamps;

  explicit Playback(FrameClockConfig config = {}) : clock(config) {}

  // Plays frames for `span`; every stamp must contain the truth and keep the order of its epoch.
  void Play(Duration span) {
    for (const Duration end = at + span; at < end; at += kFrame) {
      const SimulatedCamera::Frame frame = camera.Take(at);
      const Stamp stamp = clock.Assign(frame.times);
      ASSERT_TRUE(Contains(stamp, frame.captured))
          << ToString(stamp.source) << " at " << at.count() / 1'000'000 << " ms: off by "
          << (stamp.utc - frame.captured).count() / 1000 << " us, stated "
          << stamp.uncertainty.count() / 1000 << " us";
      if (!stamps.empty() && stamps.back().epoch == stamp.epoch) {
        ASSERT_LT(stamps.back().utc, stamp.utc) << at.count() / 1'000'000 << " ms";
      }
      stamps.push_back(stamp);
    }
  }
  const Stamp& last() const { return stamps.back(); }
};

TEST(FrameClockTest, IsUnsynchronisedWithAFiniteBoundUntilAClaimComes) {
  Playback run;
  run.camera.claims = false;
  run.Play(seconds{3});
  EXPECT_EQ(run.last().source, ClockSource::kUnsynchronised);
  EXPECT_EQ(run.last().uncertainty, seconds{2});
  run.camera.claims = true;
  run.Play(seconds{1});
  EXPECT_EQ(run.last().source, ClockSource::kSenderReport);
}

TEST(FrameClockTest, AnHonestClaimIsPublishedAsItIs) {
  Playback run;
  run.Play(seconds{5});
  const SimulatedCamera::Frame frame = run.camera.Take(run.at);
  const Stamp stamp = run.clock.Assign(frame.times);
  EXPECT_EQ(stamp.source, ClockSource::kSenderReport);
  EXPECT_EQ(stamp.utc, frame.captured);
}

TEST(FrameClockTest, WithoutADeclaredBoundTheWidthIsWhatThePathDelayLeavesOpen) {
  Playback run;
  run.camera.jitter = Duration{};
  run.Play(seconds{5});
  EXPECT_GE(run.last().uncertainty, milliseconds{180});
  EXPECT_LE(run.last().uncertainty, milliseconds{187});
}

TEST(FrameClockTest, ADeclaredClockBoundThatArrivalBearsOutIsTheWidth) {
  Playback run(FrameClockConfig{.clock_error_max = milliseconds{5}});
  run.camera.clock_error = milliseconds{-4};
  run.Play(seconds{5});
  EXPECT_EQ(run.last().source, ClockSource::kSenderReport);
  EXPECT_EQ(run.last().uncertainty, milliseconds{6});
}

TEST(FrameClockTest, ADeclaredClockBoundThatArrivalContradictsIsNotBelieved) {
  Playback run(FrameClockConfig{.clock_error_max = milliseconds{5}});
  run.camera.clock_error = milliseconds{400};
  run.Play(seconds{5});
  EXPECT_EQ(run.last().source, ClockSource::kArrival);
  EXPECT_TRUE(run.clock.claim_rejected());
}

TEST(FrameClockTest, AClaimOffWithinThePathDelayStillHasTheTruthInItsInterval) {
  for (const auto error : {milliseconds{-150}, milliseconds{-60}, milliseconds{15}}) {
    Playback run;
    run.camera.clock_error = error;
    run.Play(seconds{30});
    EXPECT_EQ(run.last().source, ClockSource::kSenderReport) << error.count();
  }
}

TEST(FrameClockTest, EightHoursOffFallsToArrivalAndNoFrameIsLost) {
  for (const auto error : {hours{8}, hours{-8}}) {
    Playback run;
    run.camera.clock_error = error;
    run.Play(seconds{20});
    EXPECT_EQ(run.last().source, ClockSource::kArrival);
    EXPECT_LE(run.last().uncertainty, milliseconds{107});
    EXPECT_TRUE(run.clock.claim_rejected());
    EXPECT_EQ(run.clock.epoch(), 1u);
  }
}

TEST(FrameClockTest, ZeroClaimsFallToArrival) {
  Playback run;
  run.camera.distort = [](UtcTime) { return UtcTime{seconds{-2'208'988'800}}; };
  run.Play(seconds{20});
  EXPECT_EQ(run.last().source, ClockSource::kArrival);
}

TEST(FrameClockTest, GarbageClaimsFallToArrival) {
  Playback run;
  std::mt19937_64 random{3};
  run.camera.distort = [&](UtcTime) {
    return UtcTime{Duration{static_cast<std::int64_t>(random())}};
  };
  run.Play(seconds{20});
  EXPECT_EQ(run.last().source, ClockSource::kArrival);
  EXPECT_EQ(run.clock.epoch(), 1u);
}

TEST(FrameClockTest, ACameraThatNeverReportsIsStampedByArrivalAfterAWhile) {
  Playback run;
  run.camera.claims = false;
  run.Play(seconds{11});
  EXPECT_EQ(run.last().source, ClockSource::kArrival);
  EXPECT_LE(run.last().uncertainty, milliseconds{107});
}

TEST(FrameClockTest, ASingleClaimHoursAwayDoesNotMoveTheTimeLine) {
  Playback run;
  run.Play(seconds{5});
  run.camera.distort = [](UtcTime t) { return t + hours{3}; };
  run.Play(kFrame);
  EXPECT_EQ(run.last().source, ClockSource::kArrival);
  run.camera.distort = nullptr;
  run.Play(seconds{1});
  EXPECT_EQ(run.last().source, ClockSource::kSenderReport);
  EXPECT_EQ(run.clock.epoch(), 1u);
}

TEST(FrameClockTest, AStepOfTheCamerasClockBeginsAnEpoch) {
  Playback run(FrameClockConfig{.path_delay_max = milliseconds{400}});
  run.Play(seconds{5});
  run.camera.clock_error = milliseconds{-120};
  run.Play(seconds{1});
  EXPECT_EQ(run.last().source, ClockSource::kSenderReport);
  EXPECT_EQ(run.clock.epoch(), 2u);
  run.Play(seconds{5});
  EXPECT_EQ(run.clock.epoch(), 2u);
}

TEST(FrameClockTest, AStepOfTheCamerasClockByHoursIsNotBelieved) {
  Playback run;
  run.Play(seconds{5});
  run.camera.clock_error = hours{1};
  run.Play(seconds{5});
  EXPECT_EQ(run.last().source, ClockSource::kArrival);
  run.camera.clock_error = {};
  run.Play(seconds{1});
  EXPECT_EQ(run.last().source, ClockSource::kSenderReport);
}

TEST(FrameClockTest, AnRtpRestartBeginsAnEpochAfterSeveralConsistentFrames) {
  for (const Duration jump : {Duration{hours{-9}}, Duration{hours{13}}, Duration{seconds{-5}}}) {
    Playback run;
    run.camera.media_zero = hours{10};
    run.Play(seconds{5});
    run.camera.media_zero += jump;
    run.Play(2 * kFrame);
    EXPECT_EQ(run.clock.epoch(), 1u);
    EXPECT_EQ(run.last().source, ClockSource::kUnsynchronised);
    run.Play(kFrame);
    EXPECT_EQ(run.clock.epoch(), 2u);
    EXPECT_EQ(run.clock.outlier_count(), 2u);
    run.Play(seconds{5});
    EXPECT_EQ(run.last().source, ClockSource::kSenderReport);
    EXPECT_EQ(run.clock.epoch(), 2u);
  }
}

TEST(FrameClockTest, ASingleFrameThatJumpsIsCountedAndBeginsNothing) {
  Playback run;
  run.Play(seconds{5});
  run.camera.media_zero = hours{2};
  run.Play(kFrame);
  EXPECT_EQ(run.last().source, ClockSource::kUnsynchronised);
  run.camera.media_zero = {};
  run.at += kFrame;
  run.Play(seconds{5});
  EXPECT_EQ(run.last().source, ClockSource::kSenderReport);
  EXPECT_EQ(run.clock.epoch(), 1u);
  EXPECT_EQ(run.clock.outlier_count(), 1u);
}

TEST(FrameClockTest, AReconnectBeginsAnEpochAndForgetsTheOldLine) {
  Playback run;
  run.Play(seconds{5});
  run.clock.Restart();
  run.at += seconds{7};
  run.camera.media_zero = -run.at;
  run.Play(kFrame);
  EXPECT_EQ(run.last().epoch, 2u);
  EXPECT_EQ(run.last().source, ClockSource::kUnsynchronised);
  run.Play(seconds{3});
  EXPECT_EQ(run.last().source, ClockSource::kSenderReport);
}

TEST(FrameClockTest, ConnectingAgainWithoutFramesBetweenUsesNoEpoch) {
  Playback run;
  for (int i = 0; i < 100; ++i) run.clock.Restart();
  run.Play(seconds{1});
  EXPECT_EQ(run.clock.epoch(), 1u);
}

TEST(FrameClockTest, AStepOfTheHostsClockBeginsAnEpoch) {
  for (const Duration step : {Duration{seconds{-3}}, Duration{milliseconds{300}}}) {
    Playback run;
    run.camera.claims = false;
    run.Play(seconds{15});
    ASSERT_EQ(run.last().source, ClockSource::kArrival);
    run.camera.host_step = step;
    run.Play(seconds{15});
    EXPECT_EQ(run.clock.epoch(), 2u);
    EXPECT_EQ(run.last().source, ClockSource::kArrival);
  }
}

TEST(FrameClockTest, DriftOf500PpmStaysWithinTheStatedWidthForADay) {
  for (const double drift : {500e-6, -500e-6}) {
    Playback run;
    run.camera.claims = false;
    run.camera.media_drift = drift;
    run.Play(hours{24});
    EXPECT_EQ(run.clock.epoch(), 1u);
    EXPECT_EQ(run.clock.outlier_count(), 0u);
    EXPECT_LE(run.last().uncertainty, milliseconds{107});
  }
}

TEST(FrameClockTest, ACameraClockThatDriftsAwayIsNoLongerBelieved) {
  Playback run;
  run.camera.clock_drift = 500e-6;
  run.Play(seconds{300});
  EXPECT_EQ(run.last().source, ClockSource::kArrival);
  EXPECT_TRUE(run.clock.claim_rejected());
}

TEST(FrameClockTest, ADelayedBurstIsNotADiscontinuity) {
  Playback run;
  run.Play(seconds{5});
  for (int i = 0; i < 50; ++i) {  // two seconds of frames held up on the way, then all at once
    SimulatedCamera::Frame frame = run.camera.Take(run.at + i * kFrame);
    const Duration late = (50 - i) * kFrame;
    frame.times.arrival += late;
    frame.times.arrival_steady += late;
    const Stamp stamp = run.clock.Assign(frame.times);
    EXPECT_TRUE(Contains(stamp, frame.captured));
    EXPECT_EQ(stamp.source, ClockSource::kSenderReport);
  }
  run.at += 50 * kFrame;
  run.Play(seconds{5});
  EXPECT_EQ(run.clock.epoch(), 1u);
}

TEST(FrameClockTest, FramesOutOfOrderAsWithBFramesKeepTheirPlaces) {
  FrameClock clock{FrameClockConfig{}};
  SimulatedCamera camera;
  camera.jitter = Duration{};
  Duration at{};
  for (; at < seconds{3}; at += kFrame) (void)clock.Assign(camera.Take(at).times);
  const SimulatedCamera::Frame earlier = camera.Take(at);
  const SimulatedCamera::Frame later = camera.Take(at + kFrame);
  EXPECT_EQ(clock.Assign(later.times).utc, later.captured);
  EXPECT_EQ(clock.Assign(earlier.times).utc, earlier.captured);
  EXPECT_EQ(clock.epoch(), 1u);
  EXPECT_EQ(clock.outlier_count(), 0u);
}

// --- Where the declared path delay does not hold -------------------------------------------------

TEST(FrameClockTest, APathThatGetsSlowerThanDeclaredDoesNotShakeAnHonestClaim) {
  Playback run(FrameClockConfig{.clock_error_max = milliseconds{20}});
  run.Play(seconds{30});
  run.camera.path_min = milliseconds{330};
  run.Play(seconds{60});
  EXPECT_EQ(run.last().source, ClockSource::kSenderReport);
  EXPECT_EQ(run.last().uncertainty, milliseconds{21});
  EXPECT_FALSE(run.clock.claim_rejected());
}

TEST(FrameClockTest, APathThatGetsSlowerThanDeclaredWidensWhatArrivalSays) {
  Playback run;
  run.camera.claims = false;
  run.Play(seconds{30});
  run.camera.path_min = milliseconds{500};
  run.Play(seconds{60});
  EXPECT_EQ(run.last().source, ClockSource::kArrival);
  EXPECT_GE(run.last().uncertainty, milliseconds{340});
  run.camera.path_min = milliseconds{20};
  run.Play(seconds{12});
  EXPECT_LE(run.last().uncertainty, milliseconds{107});
}

TEST(FrameClockTest, ReportsThatStopOnASlowPathLeaveAnIntervalThatHolds) {
  Playback run(FrameClockConfig{.clock_error_max = milliseconds{20}});
  run.Play(seconds{30});
  run.camera.claims = false;
  run.camera.path_min = milliseconds{700};
  run.Play(seconds{120});
  EXPECT_EQ(run.last().source, ClockSource::kArrival);
}

TEST(FrameClockTest, ReportsWithGapsOnASlowPathNeverGiveAFalseInterval) {
  Playback run;
  run.Play(seconds{15});
  run.camera.path_min = milliseconds{400};
  for (int i = 0; i < 20; ++i) {
    run.camera.claims = !run.camera.claims;
    run.Play(seconds{3});
  }
}

TEST(FrameClockTest, TheQuickestFrameIsRememberedAcrossAStallOfTheStream) {
  Playback run;
  run.camera.claims = false;
  run.Play(seconds{15});
  run.at += seconds{15};
  run.camera.path_min = milliseconds{900};
  run.Play(seconds{15});
  EXPECT_EQ(run.last().source, ClockSource::kArrival);
}

TEST(FrameClockTest, AnRtpClockThatStepsBackWithoutReportsIsCoveredToo) {
  Playback run;
  run.camera.claims = false;
  run.Play(seconds{15});
  run.camera.media_zero = milliseconds{-300};
  run.at += seconds{11};  // until the recent frames are all of after the step
  run.Play(seconds{15});
  EXPECT_GE(run.last().uncertainty, milliseconds{240});
}

TEST(FrameClockTest, ASlowStartWithAnHonestClaimIsCoveredFromTheFirstFrame) {
  Playback run(FrameClockConfig{.clock_error_max = milliseconds{20}});
  run.camera.path_min = milliseconds{4300};
  run.Play(milliseconds{400});
  EXPECT_EQ(run.last().source, ClockSource::kUnsynchronised);
  EXPECT_GE(run.last().uncertainty, milliseconds{4300});
  run.clock.Restart();
  run.camera.path_min = milliseconds{600};
  run.Play(seconds{20});
  EXPECT_EQ(run.last().source, ClockSource::kUnsynchronised);
  EXPECT_LE(run.last().uncertainty, milliseconds{340});
  run.camera.path_min = milliseconds{20};
  run.Play(seconds{12});
  EXPECT_EQ(run.last().source, ClockSource::kSenderReport);
}

TEST(FrameClockTest, FramesTheCameraHeldBeforeItPlayedDoNotBendTheTimeLine) {
  // As a camera under load does: four frames wait four seconds for PLAY, then it goes on live.
  for (const bool claims : {true, false}) {
    Playback run;
    run.camera.claims = claims;
    run.camera.path_min = milliseconds{3800};
    for (int i = 0; i < 4; ++i) {
      SimulatedCamera::Frame frame = run.camera.Take(i * kFrame);
      (void)run.clock.Assign(frame.times);
    }
    run.camera.path_min = milliseconds{20};
    run.at = seconds{4};
    run.Play(seconds{30});
    EXPECT_EQ(run.last().source, claims ? ClockSource::kSenderReport : ClockSource::kArrival);
  }
}

TEST(FrameClockTest, FramesHeldSinceTheConnectionWasOpenedAreCoveredWithoutAnyClaim) {
  Playback run;
  run.camera.claims = false;
  run.camera.path_min = milliseconds{4300};
  run.clock.Restart(SteadyTime{seconds{5000}});
  run.Play(milliseconds{400});
  EXPECT_GE(run.last().uncertainty, milliseconds{4300});
  run.camera.path_min = milliseconds{20};
  run.at += seconds{5};
  run.Play(seconds{5});
  EXPECT_EQ(run.last().uncertainty, seconds{2});
}

TEST(FrameClockTest, APathThatStaysSlowIsNeverTakenForDrift) {
  for (const double drift : {0.0, 60e-6, -60e-6, 500e-6, -500e-6}) {
    Playback run;
    run.camera.claims = false;
    run.camera.media_drift = drift;
    run.Play(seconds{30});
    run.camera.path_min = milliseconds{300};
    run.Play(minutes{45});
    EXPECT_GE(run.last().uncertainty, milliseconds{210}) << drift;
    EXPECT_LE(run.last().uncertainty, milliseconds{320}) << "as wide as it was: " << drift;
    run.camera.path_min = milliseconds{20};
    run.Play(seconds{12});
    EXPECT_LE(run.last().uncertainty, milliseconds{107}) << "quick again: " << drift;
    EXPECT_EQ(run.clock.epoch(), 1u);
  }
}

TEST(FrameClockTest, APathThatGetsSlowerStepByStepIsRememberedWhole) {
  Playback run;
  run.camera.claims = false;
  run.camera.jitter = milliseconds{200};
  run.Play(minutes{5});
  for (const auto path : {milliseconds{260}, milliseconds{520}, milliseconds{400}}) {
    run.camera.path_min = path;
    run.Play(minutes{15});
  }
  EXPECT_GE(run.last().uncertainty, milliseconds{290});
}

TEST(FrameClockTest, AnHonestCameraThatDriftsIsNotWidenedForGoodByBadMinutes) {
  for (const double drift : {60e-6, -60e-6, 480e-6, -480e-6}) {
    Playback run;
    run.camera.claims = false;
    run.camera.media_drift = drift;
    for (int i = 0; i < 12; ++i) {
      run.camera.path_min = milliseconds{20};
      run.Play(minutes{9});
      EXPECT_LE(run.last().uncertainty, milliseconds{107}) << i << ", drift " << drift;
      for (const auto path : {milliseconds{140}, milliseconds{600}, milliseconds{90}}) {
        run.camera.path_min = path;
        run.Play(seconds{35});
      }
    }
    EXPECT_EQ(run.clock.epoch(), 1u);
  }
}

TEST(FrameClockTest, ATimeLineThatFallsBehindWithoutEndIsBegunAnew) {
  // As of a camera that counts frames instead of time, and loses some.
  Playback run;
  run.camera.claims = false;
  run.Play(seconds{30});
  Duration widest{};
  for (int i = 0; i < 60; ++i) {
    run.camera.media_zero -= milliseconds{300};
    run.at += seconds{11};  // until the recent frames are all of after the step
    run.Play(seconds{20});
    widest = std::max(widest, run.last().uncertainty);
  }
  EXPECT_GE(widest, seconds{4}) << "what is lost might be the path's";
  EXPECT_LE(widest, milliseconds{5500});
  EXPECT_LT(run.last().uncertainty, widest);
}

// What a path does in one stretch of time.
struct Stretch {
  Duration length;
  Duration path_min;
  Duration jitter;
  bool claims;
};

std::vector<Stretch> AnyStretches(Duration path_min_below) {
  const auto milliseconds_up_to = [](std::int64_t limit) {
    return Duration{milliseconds{*rc::gen::inRange<std::int64_t>(0, limit)}};
  };
  const std::int64_t limit = path_min_below / milliseconds{1};
  std::vector<Stretch> stretches;
  for (int i = *rc::gen::inRange(1, 6); i > 0; --i) {
    stretches.push_back({seconds{*rc::gen::inRange(1, 30)}, milliseconds_up_to(limit),
                         milliseconds_up_to(400), *rc::gen::arbitrary<bool>()});
  }
  return stretches;
}

void PlayStretches(Playback& run, const std::vector<Stretch>& stretches) {
  for (const Stretch& stretch : stretches) {
    run.camera.path_min = stretch.path_min;
    run.camera.jitter = stretch.jitter;
    run.camera.claims = stretch.claims;
    run.Play(stretch.length);
    if (::testing::Test::HasFatalFailure()) RC_FAIL("an interval without the truth");
  }
}

SimulatedCamera AnyCamera() {
  SimulatedCamera camera;
  camera.random.seed(*rc::gen::arbitrary<std::uint64_t>());
  camera.media_drift = *rc::gen::inRange(-300, 301) * 1e-6;
  return camera;
}

FrameClockConfig AnyClockBound() {
  FrameClockConfig config;
  if (*rc::gen::arbitrary<bool>()) config.clock_error_max = milliseconds{20};
  return config;
}

RC_GTEST_PROP(FrameClockProperty, WithinTheDeclaredDelayEveryIntervalHoldsTheTruth, ()) {
  Playback run(AnyClockBound());
  run.camera = AnyCamera();
  // Some frame of any 10 s is as quick as declared; the others may be as late as they like.
  PlayStretches(run, AnyStretches(milliseconds{150}));
}

RC_GTEST_PROP(FrameClockProperty, BeyondItTheIntervalStillHoldsOnceTheTimeLineIsKnown, ()) {
  Playback run(AnyClockBound());
  run.camera = AnyCamera();
  run.camera.claims = *rc::gen::arbitrary<bool>();
  run.Play(seconds{12});
  PlayStretches(run, AnyStretches(milliseconds{1500}));
}

}  // namespace
}  // namespace fusiongateway
