#include "pipeline/feeds/device_clocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

ReportTime Told(const std::string& clock_id, UtcTime occurred, UtcTime received) {
  return {clock_id, occurred, std::nullopt, Duration{}, received};
}

bool Holds(const Stamp& stamp, UtcTime truth) {
  return stamp.Earliest() <= truth && truth <= stamp.Latest();
}

class DeviceClocksTest : public ::testing::Test {
 protected:
  // Prompt reports of a clock that is `ahead`, two seconds apart; the last one's alignment.
  AlignedTime Prompt(const std::string& clock_id, Duration ahead, int count,
                     const std::optional<PeerClockEstimate>& measured = std::nullopt) {
    AlignedTime aligned;
    for (int i = 0; i < count; ++i) {
      truth_ += seconds{2};
      aligned = clocks_.AlignAndLearn(Told(clock_id, truth_ + ahead, truth_ + milliseconds{80}),
                                      measured);
      if (auto finding = clocks_.TakeFinding()) findings_.push_back(*finding);
    }
    return aligned;
  }

  PeerClockEstimate Measured() const {
    PeerClockEstimate measured;
    measured.bound = milliseconds{2};
    measured.measured_at = truth_;
    measured.epoch_began = UtcTime::min();
    return measured;
  }

  DeviceClocks clocks_{FeedConfig{}};
  UtcTime truth_ = TestArrival();
  std::vector<std::string> findings_;
};

TEST_F(DeviceClocksTest, AClockThatKeepsItsPromiseIsTakenAtItsBound) {
  const AlignedTime aligned = Prompt("GW1", seconds{2}, 20);
  EXPECT_EQ(aligned.stamp.source, ClockSource::kDeclared);
  EXPECT_EQ(aligned.stamp.utc, truth_ + seconds{2});
  EXPECT_THAT(aligned.flags, IsEmpty());
  EXPECT_THAT(findings_, IsEmpty());
  EXPECT_EQ(clocks_.counters(), FeedClockCounters{});
}

TEST_F(DeviceClocksTest, AFastClockIsCorrectedAndASlowOneToo) {
  for (const Duration ahead : {Duration{seconds{90}}, -Duration{seconds{90}}}) {
    const std::string id = ahead > Duration{} ? "fast" : "slow";
    const AlignedTime aligned = Prompt(id, ahead, 20);
    EXPECT_EQ(aligned.stamp.source, ClockSource::kArrival) << id;
    EXPECT_TRUE(Holds(aligned.stamp, truth_)) << id;
    EXPECT_LE(Magnitude(aligned.stamp.utc - truth_), milliseconds{100}) << id;
    EXPECT_THAT(aligned.flags, Contains("CLOCK_OFF"));
  }
  EXPECT_EQ(findings_.size(), 1u) << "at most one a minute";
  EXPECT_THAT(findings_[0], HasSubstr("clock \"fast\" is 89.9 s fast"));
  EXPECT_GE(clocks_.counters().clock_off, 20u);
}

TEST_F(DeviceClocksTest, ThePublishersOwnClockIsCaughtWhenItCannotProbe) {
  EXPECT_THAT(Prompt("", hours{8}, 5).flags, ElementsAre("FUTURE_TIME", "CLOCK_OFF", "CLOCK_ZONE"));
  EXPECT_THAT(findings_, ElementsAre(HasSubstr("time_zone_offset")));
}

TEST_F(DeviceClocksTest, AMeasuredClockIsNotDoubtedForDelaysButForATimeZone) {
  const auto delayed = Prompt("", -minutes{7}, 40, Measured());
  EXPECT_EQ(delayed.stamp.source, ClockSource::kProbed);
  EXPECT_THAT(delayed.flags, ElementsAre("DELAYED"));
  const auto zone = Prompt("", -hours{8}, 40, Measured());
  EXPECT_EQ(zone.stamp.source, ClockSource::kArrival);
  EXPECT_THAT(zone.flags, Contains("CLOCK_ZONE"));
  EXPECT_TRUE(Holds(zone.stamp, truth_));
}

TEST_F(DeviceClocksTest, AnUpdateOfAnOldEventIsNeitherDelayedNorASlowClock) {
  Prompt("GW1", {}, 5);
  const UtcTime event = truth_;
  for (int i = 0; i < 60; ++i) {
    truth_ += seconds{10};
    const auto aligned = clocks_.AlignAndLearn(
        {"GW1", event, truth_, Duration{}, truth_ + milliseconds{50}}, std::nullopt);
    EXPECT_EQ(aligned.stamp.utc, event);
    EXPECT_EQ(aligned.stamp.source, ClockSource::kDeclared);
    EXPECT_THAT(aligned.flags, IsEmpty());
  }
}

TEST_F(DeviceClocksTest, AnUpdateTimeInTheFutureIsAnotherClocks) {
  Prompt("GW1", {}, 5);
  for (int i = 0; i < 10; ++i) {
    truth_ += seconds{2};
    const auto aligned = clocks_.AlignAndLearn(
        {"GW1", truth_, truth_ + hours{8}, milliseconds{1}, truth_ + milliseconds{50}},
        std::nullopt);
    EXPECT_THAT(aligned.flags, IsEmpty());
  }
}

TEST_F(DeviceClocksTest, AnUnknownDevicesOldTimeKeepsItsPlaceAndItsBoundReachesTheArrival) {
  const UtcTime told = truth_ - minutes{3};
  const auto device = clocks_.AlignAndLearn(Told("GW1", told, truth_), std::nullopt);
  EXPECT_EQ(device.stamp.utc, told);
  EXPECT_TRUE(Holds(device.stamp, truth_));
  EXPECT_THAT(device.flags, ElementsAre("DELAYED"));
  const auto publisher = clocks_.AlignAndLearn(Told("", told, truth_), std::nullopt);
  EXPECT_LE(publisher.stamp.uncertainty, seconds{6}) << "declared right; people tell old things";
}

TEST_F(DeviceClocksTest, AKnownDevicesBacklogIsAsExactAsEver) {
  Prompt("GW1", {}, 5);
  const UtcTime told = truth_ + seconds{30};
  const auto stored = clocks_.AlignAndLearn(Told("GW1", told, told + minutes{10}), std::nullopt);
  EXPECT_LE(stored.stamp.uncertainty, seconds{6});
  EXPECT_THAT(stored.flags, ElementsAre("DELAYED"));
}

TEST_F(DeviceClocksTest, AStepOfADeviceIsNeverMissedAndCounted) {
  Prompt("GW1", {}, 20);
  for (const Duration ahead : {-Duration{seconds{90}}, Duration{seconds{30}}}) {
    for (int i = 0; i < 40; ++i) {
      const auto aligned = Prompt("GW1", ahead, 1);
      EXPECT_TRUE(Holds(aligned.stamp, truth_)) << i;
      EXPECT_THAT(aligned.flags, Not(IsEmpty())) << i;
    }
  }
  EXPECT_EQ(clocks_.counters().clock_steps, 2u);
  const auto aligned = Prompt("GW1", {}, 40);
  EXPECT_EQ(aligned.stamp.source, ClockSource::kDeclared) << "set right again";
  EXPECT_THAT(findings_, Contains(HasSubstr("within its bound again")));
}

TEST_F(DeviceClocksTest, ADoubtedPublishersOldTimeReachesItsArrival) {
  ReportTime time = Told("", truth_ - seconds{90}, truth_);
  time.clock_doubted = true;
  EXPECT_TRUE(Holds(clocks_.AlignAndLearn(time, std::nullopt).stamp, truth_));
}

TEST_F(DeviceClocksTest, WhatIsOnlyTriedTeachesNothing) {
  for (int i = 0; i < 20; ++i) {
    truth_ += seconds{2};
    const auto aligned = clocks_.AlignOnly(Told("GW1", truth_ + seconds{90}, truth_), std::nullopt);
    EXPECT_EQ(aligned.stamp.source, ClockSource::kUnsynchronised);
  }
  EXPECT_EQ(clocks_.counters(), FeedClockCounters{});
}

TEST_F(DeviceClocksTest, BeyondTheMostClocksTheOneSilentForLongestIsForgotten) {
  Prompt("first", seconds{90}, 5);
  Prompt("second", seconds{90}, 5);
  Prompt("first", seconds{90}, 1);
  for (int i = 0; i < 4095; ++i) Prompt("other-" + std::to_string(i), {}, 1);
  EXPECT_EQ(clocks_.counters().clocks_forgotten, 1u);
  EXPECT_EQ(Prompt("first", seconds{90}, 1).stamp.source, ClockSource::kArrival);
  EXPECT_EQ(Prompt("second", seconds{90}, 1).stamp.source, ClockSource::kUnsynchronised);
}

}  // namespace
}  // namespace fusiongateway
