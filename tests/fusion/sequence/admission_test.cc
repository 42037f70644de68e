#include "fusion/sequence/admission.h"

#include <gmock/gmock.h>

#include "tests/fusion/support/timeline.h"

namespace fusiongateway::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Admission, DuplicateReportIsCountedAndNotPublishedAgain) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  const auto again = city.ArrivesAt("10:00:30", GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  EXPECT_THAT(again.live, IsEmpty());
  EXPECT_THAT(again.dispositions, IsEmpty());
  EXPECT_EQ(city.engine().FeedCounters().at("hazmat").duplicates, 1u);
  EXPECT_EQ(city.engine().FeedCounters().at("hazmat").accepted, 1u);
}

TEST(Admission, WhatTheGatewayAddedMakesNoOtherReport) {
  Timeline city;
  Report again = GasAlarm("alarm-1", "10:00:00", "H", 1.2);
  city.Arrives(again);
  again.aligned.utc += std::chrono::milliseconds{3};
  again.aligned.uncertainty = std::chrono::milliseconds{1};
  again.flags = {"CLOCK_OFF"};
  EXPECT_THAT(city.ArrivesAt("10:00:30", again).live, IsEmpty());
}

TEST(Admission, TheSameIdOfAnotherFeedIsAnotherReport) {
  Timeline city;
  city.Arrives(GasAlarm("1", "10:00:00", "H", 1.2));
  Report other = GasAlarm("1", "10:00:00", "H", 1.2);
  other.feed_id = "grid";
  EXPECT_THAT(city.Arrives(other).live, SizeIs(2));
}

TEST(Admission, AnOlderUpdateIsStaleAndNotApplied) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:01:00", "HH", 3.4));
  const auto older = city.ArrivesAt("10:01:30", GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  EXPECT_THAT(older.live, IsEmpty());
  EXPECT_EQ(city.engine().FeedCounters().at("hazmat").stale, 1u);
  EXPECT_EQ(city.IncidentOf("alarm-1")->severity, Severity::kSevere);
}

TEST(Admission, ANewerUpdateChangesTheEvidenceInPlaceAndCountsTheRepeat) {
  Timeline city;
  city.Arrives(TowerSmoke("smoke-1", "10:00:00", FromSite(0, 0, 200)));
  city.Arrives(TowerSmoke("smoke-1", "10:03:00", FromSite(10, 0, 200)));
  city.Arrives(TowerSmoke("smoke-1", "10:06:00", FromSite(20, 0, 200)));
  const IncidentPtr incident = city.IncidentOf("smoke-1");
  ASSERT_THAT(incident->evidence, SizeIs(1));
  EXPECT_EQ(incident->evidence_count, 1u);
  EXPECT_EQ(incident->evidence[0].repeat_count, 3u);
  EXPECT_EQ(incident->evidence[0].aligned.utc, BeijingTime("10:00:00")) << "when it began";
  EXPECT_EQ(incident->started.utc, BeijingTime("10:00:00"));
  EXPECT_EQ(incident->updated.utc, BeijingTime("10:06:00"));
  EXPECT_EQ(incident->change.what, "evidence_updated");
}

TEST(Admission, StartAndStopInTheSameSecondAreBothTaken) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  Report stop = GasAlarm("alarm-1", "10:00:00", "H", 1.2);
  stop.action = ReportAction::kStop;
  EXPECT_THAT(city.ArrivesAt("10:00:02", stop).live, SizeIs(2));
  EXPECT_EQ(city.IncidentOf("alarm-1")->evidence[0].action, ReportAction::kStop);
}

TEST(KnownReports, AreBoundedInCountAndTheLeastRecentlyToldGoFirst) {
  KnownReports known(3, std::chrono::hours{1});
  const UtcTime now = BeijingTime("10:00:00");
  for (const char* id : {"a", "b", "c", "a", "d"}) known.Admit(Reading(id, "10:00:00", 1), now);
  EXPECT_EQ(known.size(), 3u);
  EXPECT_EQ(known.Admit(Reading("a", "10:00:00", 1), now).admission, Admission::kDuplicate);
  EXPECT_EQ(known.Admit(Reading("b", "10:00:00", 1), now).admission, Admission::kFresh);
}

TEST(KnownReports, AreBoundedInAge) {
  KnownReports known(100, std::chrono::hours{1});
  known.Admit(Reading("a", "10:00:00", 1), BeijingTime("10:00:00"));
  known.Admit(Reading("b", "10:00:00", 1), BeijingTime("11:00:01"));
  EXPECT_EQ(known.size(), 1u);
}

}  // namespace
}  // namespace fusiongateway::testing
