#include "fusion/base/time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <chrono>
#include <limits>
#include <string>

#include "tests/support/simulated_clock.h"

namespace fusiongateway {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::HasSubstr;

constexpr UtcTime kFirst{Duration::min()};
constexpr UtcTime kLast{Duration::max()};

UtcTime Parsed(std::string_view text) {
  const auto time = ParseRfc3339(text);
  EXPECT_TRUE(time.ok()) << text << ": " << time.status().message();
  return time.ok() ? *time : UtcTime{};
}

TEST(Rfc3339, FormatsWithNineDecimalsInUtc) {
  EXPECT_EQ(FormatRfc3339(UtcTime{}), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(FormatRfc3339(UtcTime{1'795'426'496'789'012'345ns}), "2026-11-23T09:34:56.789012345Z");
}

TEST(Rfc3339, FormatsInstantsBefore1970) {
  EXPECT_EQ(FormatRfc3339(UtcTime{-1ns}), "1969-12-31T23:59:59.999999999Z");
}

TEST(Rfc3339, FormatsTheEndsOfTheRepresentableRange) {
  EXPECT_EQ(FormatRfc3339(kFirst), "1677-09-21T00:12:43.145224192Z");
  EXPECT_EQ(FormatRfc3339(kLast), "2262-04-11T23:47:16.854775807Z");
}

TEST(Rfc3339, AnOffsetIsTakenOffTheTime) {
  EXPECT_EQ(Parsed("2026-11-23T10:00:00+08:00"), Parsed("2026-11-23T02:00:00Z"));
  EXPECT_EQ(Parsed("2026-11-22T21:30:00-04:30"), Parsed("2026-11-23T02:00:00Z"));
  EXPECT_EQ(Parsed("2026-11-23T10:00:00+0800"), Parsed("2026-11-23T02:00:00Z"));
}

TEST(Rfc3339, TheFractionKeepsNanosecondsAndDropsWhatIsFiner) {
  EXPECT_EQ(Parsed("1970-01-01T00:00:00.5Z"), UtcTime{500ms});
  EXPECT_EQ(Parsed("1970-01-01T00:00:00.000000001Z"), UtcTime{1ns});
  EXPECT_EQ(Parsed("1970-01-01T00:00:00.0000000019Z"), UtcTime{1ns});
}

TEST(Rfc3339, LeapDaysAreDaysAndTheThirtiethOfFebruaryIsNot) {
  EXPECT_EQ(Parsed("2028-03-01T00:00:00Z") - Parsed("2028-02-29T00:00:00Z"), 24h);
  EXPECT_FALSE(ParseRfc3339("2027-02-29T00:00:00Z").ok());
}

TEST(Rfc3339, ALeapSecondIsTheNextMinutesFirst) {
  EXPECT_EQ(Parsed("2016-12-31T23:59:60Z"), Parsed("2017-01-01T00:00:00Z"));
}

TEST(Rfc3339, WhatIsNotAnInstantIsRefusedWithTheTextAndAnExample) {
  for (const char* text :
       {"", "now", "2026-11-23", "2026-11-23T10:00:00", "2026-11-23T10:00Z", "2026-13-01T00:00:00Z",
        "2026-11-23T24:00:00Z", "2026-11-23T10:60:00Z", "2026-11-23T10:00:61Z",
        "2026-11-23T10:00:00.Z", "2026-11-23T10:00:00+8", "2026-11-23T10:00:00+24:00",
        "2026-11-23T10:00:00Zulu", "20261123T100000Z", "1677-01-01T00:00:00Z",
        "2262-12-31T00:00:00Z", " 2026-11-23T10:00:00Z", "2026-11-23T10:00:00+08:60"}) {
    const auto time = ParseRfc3339(text);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_EQ(time.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(time.status().message(), HasSubstr(text));
    EXPECT_THAT(time.status().message(), HasSubstr("+08:00"));
  }
}

TEST(Rfc3339, AnEndlessTextIsNotRepeatedInTheError) {
  EXPECT_LT(ParseRfc3339(std::string(100'000, '9')).status().message().size(), 200U);
}

TEST(Rfc3339, EveryInstantOfThoseYearsSurvivesItsText) {
  EXPECT_TRUE(rc::check("parse(format(t)) == t", [] {
    const auto first = Parsed("1678-01-01T00:00:00Z").time_since_epoch().count();
    const auto last = Parsed("2261-12-31T23:59:59Z").time_since_epoch().count();
    const UtcTime time{Duration{*rc::gen::inRange<std::int64_t>(first, last)}};
    RC_ASSERT(Parsed(FormatRfc3339(time)) == time);
  }));
}

TEST(SaturatingTime, AddsAndSubtractsWithinTheRange) {
  EXPECT_EQ(SaturatingAdd(UtcTime{5s}, 7s), UtcTime{12s});
  EXPECT_EQ(SaturatingAdd(UtcTime{5s}, -7s), UtcTime{-2s});
  EXPECT_EQ(SaturatingSubtract(UtcTime{5s}, UtcTime{7s}), -2s);
}

TEST(SaturatingTime, IsHeldAtTheEnds) {
  EXPECT_EQ(SaturatingAdd(kLast, 1ns), kLast);
  EXPECT_EQ(SaturatingAdd(kFirst, -1ns), kFirst);
  EXPECT_EQ(SaturatingSubtract(kLast, UtcTime{-1ns}), Duration::max());
  EXPECT_EQ(SaturatingSubtract(kFirst, UtcTime{1ns}), Duration::min());
}

TEST(Stamp, IsTheIntervalAroundItsTime) {
  const Stamp stamp{UtcTime{10s}, 500ms, ClockSource::kProbed, 1};
  EXPECT_EQ(stamp.Earliest(), UtcTime{9500ms});
  EXPECT_EQ(stamp.Latest(), UtcTime{10500ms});
}

TEST(Stamp, AtTheEndOfTimeDoesNotWrapAround) {
  EXPECT_EQ((Stamp{kLast, 1h, ClockSource::kDeclared, 1}).Latest(), kLast);
  EXPECT_EQ((Stamp{kFirst, 1h, ClockSource::kDeclared, 1}).Earliest(), kFirst);
}

TEST(ClockSource, IsCalledAsOnTheWire) {
  EXPECT_EQ(ToString(ClockSource::kUnspecified), "CLOCK_SOURCE_UNSPECIFIED");
  EXPECT_EQ(ToString(ClockSource::kSenderReport), "SENDER_REPORT");
  EXPECT_EQ(ToString(ClockSource::kHeaderExtension), "HEADER_EXTENSION");
  EXPECT_EQ(ToString(ClockSource::kArrival), "ARRIVAL");
  EXPECT_EQ(ToString(ClockSource::kProbed), "PROBED");
  EXPECT_EQ(ToString(ClockSource::kDeclared), "DECLARED");
  EXPECT_EQ(ToString(ClockSource::kUnsynchronised), "UNSYNCHRONISED");
}

TEST(SimulatedClock, MovesOnlyWhenToldAndAStepLeavesTheSteadyClockAlone) {
  SimulatedClock clock(UtcTime{1000s});
  const SteadyTime before = clock.SteadyNow();
  EXPECT_EQ(clock.UtcNow(), UtcTime{1000s});
  clock.Advance(3s);
  EXPECT_EQ(clock.UtcNow(), UtcTime{1003s});
  EXPECT_EQ(clock.SteadyNow() - before, 3s);
  clock.StepUtc(-10s);
  EXPECT_EQ(clock.UtcNow(), UtcTime{993s});
  EXPECT_EQ(clock.SteadyNow() - before, 3s);
}

}  // namespace
}  // namespace fusiongateway
