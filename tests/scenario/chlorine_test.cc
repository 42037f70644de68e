// Scenarios 1 and 2 of a command centre's first trials: the chlorine leak, and the same calls from
// where the wind cannot have carried it.
#include <gmock/gmock.h>

#include "tests/fusion/support/timeline.h"

namespace fusiongateway::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Chlorine : public ::testing::Test {
 protected:
  std::vector<std::string> CamerasOf(const Incident& incident) {
    std::vector<std::string> ids;
    for (const IncidentCamera& camera : incident.cameras) ids.push_back(camera.camera_id);
    return ids;
  }

  void Leak() {
    city_.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
    city_.Arrives(GasAlarm("alarm-2", "10:01:10", "HH", 3.4));
  }

  Timeline city_;
};

TEST_F(Chlorine, IsOneIncidentWithFiveEvidencesAndItsCamerasInOrder) {
  Leak();
  city_.Arrives(OdourCall("call-1", "10:02:00", FromSite(-800, 0, 100)));
  city_.Arrives(OdourCall("call-2", "10:02:05", FromSite(-1900, 0, 100)));
  city_.Arrives(TowerSmoke("smoke-1", "10:02:40", FromSite(40, 30, 210)));

  const auto open = city_.engine().OpenIncidents();
  ASSERT_THAT(open, SizeIs(1));
  const Incident& incident = *open[0];
  EXPECT_EQ(incident.incident_id, "kf-20261123-1");
  EXPECT_EQ(incident.class_code, "12D02");
  EXPECT_EQ(incident.evidence_count, 5u);
  EXPECT_EQ(incident.state, IncidentState::kAccepted);
  EXPECT_EQ(incident.severity, Severity::kSevere);
  EXPECT_EQ(incident.suggested_grade, Grade::kIV);
  EXPECT_EQ(incident.site_id, kSiteId);
  EXPECT_EQ(incident.district_code, "410202");
  EXPECT_EQ(incident.started.utc, BeijingTime("10:00:00"));
  EXPECT_THAT(incident.title, HasSubstr("开封制氯厂"));
  EXPECT_THAT(CamerasOf(incident), ElementsAre("tank-101", "gate-1", kTowerId));
  EXPECT_THAT(incident.related, IsEmpty());
}

TEST_F(Chlorine, IsShownAtOnceAndAcceptedWithTheSecondSource) {
  city_.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  EXPECT_EQ(city_.engine().OpenIncidents().at(0)->state, IncidentState::kUnverified);
  city_.Arrives(GasAlarm("alarm-2", "10:01:10", "HH", 3.4));
  EXPECT_EQ(city_.engine().OpenIncidents().at(0)->state, IncidentState::kUnverified)
      << "the same source again is no second source";

  const EngineOutput second =
      city_.Arrives(OdourCall("call-1", "10:02:00", FromSite(-800, 0, 100)));
  ASSERT_THAT(second.live, SizeIs(2)) << "the report, then its incident";
  ASSERT_NE(IncidentIn(second.live[1]), nullptr);
  EXPECT_EQ(IncidentIn(second.live[1])->state, IncidentState::kAccepted);
  EXPECT_EQ(second.live[1].at, BeijingTime("10:02:00.5"));
}

TEST_F(Chlorine, EveryLinkSaysWhyInWords) {
  Leak();
  city_.Arrives(OdourCall("call-1", "10:02:00", FromSite(-800, 0, 100)));
  const auto& evidence = city_.engine().OpenIncidents().at(0)->evidence;
  ASSERT_THAT(evidence, SizeIs(3));
  EXPECT_EQ(evidence[0].why, "首个报告");
  EXPECT_THAT(evidence[1].why, HasSubstr("晚 70 秒"));
  EXPECT_THAT(evidence[2].why, HasSubstr("米"));
  EXPECT_THAT(evidence[2].why, HasSubstr("晚 120 秒"));
  for (const Evidence& e : evidence) {
    EXPECT_GE(e.score, 500u);
    EXPECT_LE(e.score, 1000u);
  }
}

TEST_F(Chlorine, SensorsHeardAfterTheCallStillMakeOneIncidentAndItStartsWithThem) {
  city_.ArrivesAt("10:02:42", OdourCall("call-1", "10:02:05", FromSite(-1900, 0, 100)));
  city_.ArrivesAt("10:02:43", GasAlarm("alarm-2", "10:01:10", "HH", 3.4));
  city_.ArrivesAt("10:02:44", GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  ASSERT_THAT(city_.engine().OpenIncidents(), SizeIs(1));
  const Incident& incident = *city_.engine().OpenIncidents()[0];
  EXPECT_EQ(incident.class_code, "12D02");
  EXPECT_EQ(incident.evidence_count, 3u);
  EXPECT_EQ(incident.started.utc, BeijingTime("10:00:00"));
  EXPECT_THAT(CamerasOf(incident), ElementsAre("tank-101", "gate-1", kTowerId));
}

TEST_F(Chlorine, TheSameCallsFiveKilometresUpWindAreNotMergedButPossiblyRelated) {
  Leak();
  city_.Arrives(OdourCall("call-1", "10:02:00", FromSite(5000, 0, 100)));
  city_.Arrives(OdourCall("call-2", "10:02:05", FromSite(5000, 1100, 100)));

  const IncidentPtr leak = city_.IncidentOf("alarm-1");
  const IncidentPtr calls = city_.IncidentOf("call-1");
  ASSERT_NE(calls, nullptr);
  EXPECT_NE(leak->incident_id, calls->incident_id);
  EXPECT_EQ(leak->evidence_count, 2u);
  EXPECT_EQ(calls->evidence_count, 2u) << "the two calls are one matter";
  ASSERT_THAT(calls->related, SizeIs(1));
  EXPECT_EQ(calls->related[0].incident_id, leak->incident_id);
  EXPECT_EQ(calls->related[0].relation, "possibly_related");
  const IncidentPtr leak_now = city_.engine().FindIncident(leak->incident_id);
  ASSERT_THAT(leak_now->related, SizeIs(1));
  EXPECT_EQ(leak_now->related[0].incident_id, calls->incident_id);
  EXPECT_EQ(leak_now->related[0].relation, "possibly_related");
}

TEST_F(Chlorine, StrawSmokeFiveKilometresAwayIsAnotherMatter) {
  Leak();
  city_.Arrives(TowerSmoke("straw-1", "10:02:00", FromSite(0, 5000, 210)));
  EXPECT_THAT(city_.engine().OpenIncidents(), SizeIs(2));
  EXPECT_THAT(city_.IncidentOf("straw-1")->related, IsEmpty());
  EXPECT_EQ(city_.IncidentOf("straw-1")->class_code, "19X01");
}

TEST_F(Chlorine, ATowerThatOnlyKnowsTheDirectionJoinsIfItLooksThere) {
  Leak();
  Report there = TowerSmoke("smoke-there", "10:02:40", std::nullopt);
  there.bearing = Bearing{180, 2, FromSite(1200, 0, 5)};
  Report elsewhere = TowerSmoke("smoke-elsewhere", "10:02:50", std::nullopt);
  elsewhere.bearing = Bearing{90, 2, FromSite(1200, 0, 5)};
  city_.Arrives(there);
  city_.Arrives(elsewhere);
  EXPECT_EQ(city_.IncidentOf("smoke-there")->incident_id, city_.IncidentOf("alarm-1")->incident_id);
  EXPECT_NE(city_.IncidentOf("smoke-elsewhere")->incident_id,
            city_.IncidentOf("alarm-1")->incident_id);
}

TEST_F(Chlorine, EachEvidenceWishesForAFrameOfEachCameraAndTheAnswerIsShown) {
  Leak();
  const auto pending = city_.engine().PendingFrames();
  ASSERT_THAT(pending, SizeIs(6)) << "two evidences, three cameras";
  FrameFound found;
  found.incident_id = "kf-20261123-1";
  found.camera_id = "tank-101";
  found.feed_id = "hazmat";
  found.report_id = "alarm-1";
  found.frame_id = "tank-101/1/250";
  found.captured = {BeijingTime("10:00:00.04"), std::chrono::milliseconds{2},
                    ClockSource::kSenderReport, 1};
  const EngineOutput answer = city_.Log(BeijingTime("10:01:11"), found);
  ASSERT_THAT(answer.live, SizeIs(2)) << "the mark, then the incident";
  EXPECT_EQ(std::get<FrameMark>(answer.live[0].body).frame_id, "tank-101/1/250");
  const auto& frames = IncidentIn(answer.live[1])->cameras.at(0).frames;
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].offset, std::chrono::milliseconds{40});
  EXPECT_THAT(city_.engine().PendingFrames(), SizeIs(5));
  EXPECT_THAT(city_.Log(BeijingTime("10:01:12"), found).live, IsEmpty()) << "told once";
}

}  // namespace
}  // namespace fusiongateway::testing
