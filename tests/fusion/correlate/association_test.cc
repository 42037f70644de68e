#include "fusion/correlate/association.h"

#include <gmock/gmock.h>

#include "fusion/correlate/city.h"
#include "tests/fusion/support/timeline.h"

namespace fusiongateway::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class AssociationTest : public ::testing::Test {
 protected:
  // Are the two found to be one incident, the second heard after the first?
  static bool Join(const Report& first, Report second) {
    Timeline city;
    second.received_at = std::max(first.received_at, second.received_at);
    city.Arrives(first);
    city.Arrives(second);
    return city.engine().OpenIncidents().size() == 1;
  }
  static Report Later(Report report, Duration by) {
    report.aligned.utc += by;
    report.received_at += by;
    report.updated_at = report.occurred_at = report.aligned.utc;
    return report;
  }
  const Report alarm_ = GasAlarm("alarm", "10:00:00", "HH", 3.4);
  const Report call_ = OdourCall("call", "10:00:00", FromSite(-800, 0));
  const Report fire_ = PoliceCall("fire", "10:00:00", FromSite(0, 0), "12G00", "着火");
};

TEST_F(AssociationTest, ACallBelongsToAnAlarmFromTenMinutesBeforeToFifteenAfter) {
  EXPECT_TRUE(Join(alarm_, Later(call_, minutes{14})));
  EXPECT_FALSE(Join(alarm_, Later(call_, minutes{25})));
  EXPECT_TRUE(Join(alarm_, Later(call_, -minutes{9})));
  EXPECT_FALSE(Join(alarm_, Later(call_, -minutes{18})));
}

TEST_F(AssociationTest, ATowerAlarmBelongsWithinSixMinutes) {
  const Report smoke = TowerSmoke("smoke", "10:00:00", FromSite(0, 0));
  const Report other = TowerSmoke("other", "10:00:00", FromSite(100, 0));
  EXPECT_TRUE(Join(smoke, Later(other, minutes{6})));
  EXPECT_FALSE(Join(smoke, Later(other, minutes{13})));
}

TEST_F(AssociationTest, AGridReportBelongsWithinHalfAnHour) {
  const Report grid = GridReport("grid", "10:00:00", FromSite(200, 0), "12G00");
  EXPECT_TRUE(Join(fire_, Later(grid, minutes{29})));
  EXPECT_FALSE(Join(fire_, Later(grid, minutes{45})));
}

TEST_F(AssociationTest, BothSidesUncertaintyWidensTheTime) {
  const Report other = Later(TowerSmoke("other", "10:00:00", FromSite(0, 0)), minutes{13});
  Report vague = other;
  vague.aligned.uncertainty = minutes{4};
  Report smoke = TowerSmoke("smoke", "10:00:00", FromSite(0, 0));
  EXPECT_FALSE(Join(smoke, other));
  smoke.aligned.uncertainty = minutes{4};
  EXPECT_TRUE(Join(smoke, vague));
}

TEST_F(AssociationTest, BothSidesUncertaintyWidensTheDistance) {
  Report far = PoliceCall("far", "10:00:30", FromSite(1900, 0, 10), "12G00", "着火");
  EXPECT_FALSE(Join(fire_, far));
  far.position->uncertainty_m = 800;
  EXPECT_TRUE(Join(fire_, far));
}

TEST_F(AssociationTest, KnowingAlmostNothingOfThePlaceJoinsNothing) {
  Report nowhere = PoliceCall("nowhere", "10:00:30", FromSite(0, 0, 30'000), "12G00", "着火");
  EXPECT_FALSE(Join(fire_, nowhere));
}

TEST_F(AssociationTest, AFireCallBelongsWithinOneKilometreAnOdourCallWithinThree) {
  EXPECT_TRUE(Join(fire_, PoliceCall("c", "10:00:30", FromSite(950, 0), "12G00", "着火")));
  EXPECT_FALSE(Join(fire_, PoliceCall("c", "10:00:30", FromSite(2100, 0), "12G00", "着火")));
  EXPECT_TRUE(Join(alarm_, OdourCall("c", "10:00:30", FromSite(-2700, 0))));
  EXPECT_FALSE(Join(alarm_, OdourCall("c", "10:00:30", FromSite(-4000, 0))));
}

TEST_F(AssociationTest, TheSameSiteJoinsAsLongAsTheIncidentIsOpen) {
  EXPECT_TRUE(Join(alarm_, Later(GasAlarm("next", "10:00:00", "H", 1.1), minutes{50})));
}

TEST_F(AssociationTest, WhatCannotBeTheSameTroubleDoesNotJoinWhereverItIs) {
  EXPECT_FALSE(Join(alarm_, GridReport("flood", "10:00:10", FromSite(0, 0), "11A02")));
  Report straw = GridReport("straw", "10:00:10", FromSite(300, 0), "19X01");
  EXPECT_FALSE(Join(alarm_, straw));
  EXPECT_TRUE(Join(TowerSmoke("smoke", "10:00:00", FromSite(280, 0)), straw));
}

TEST_F(AssociationTest, TheNeighboursSensorIsAHintAndNotTheSameIncident) {
  Report neighbour = GasAlarm("neighbour", "10:00:10", "H", 1.2);
  neighbour.site_id = "410200009";
  neighbour.device_id = "410200009001G0001QT001";
  neighbour.position = FromSite(400, 0);
  Timeline city;
  city.Arrives(alarm_);
  city.Arrives(neighbour);
  EXPECT_EQ(city.engine().OpenIncidents().size(), 2u);
  EXPECT_EQ(city.IncidentOf("neighbour")->related.at(0).relation, "possibly_related");
}

TEST_F(AssociationTest, TheDocumentsOfOneCallJoinWhereverAndWhenever) {
  Report feedback = PoliceCall("feedback-1", "10:45:00", FromSite(9000, 0), "", "到场处置");
  auto& detail = std::get<PoliceCallDetail>(feedback.detail);
  detail.document = PoliceCallDetail::Document::kFeedback;
  detail.call_id = "fire";
  EXPECT_TRUE(Join(fire_, feedback));
}

TEST_F(AssociationTest, TheCloserTheHigherTheScore) {
  const City city(std::make_shared<const EngineConfig>(DemoConfig()));
  IncidentTraits incident;
  incident.family = Family::kFire;
  incident.place = FromSite(0, 0);
  incident.started = BeijingTime("10:00:00");
  incident.spans[static_cast<std::size_t>(ReportKind::kPoliceCall)] = {incident.started,
                                                                       incident.started};
  int last = 1001;
  for (const double metres : {0., 200., 500., 900., 1200., 1900.}) {
    const Report report = PoliceCall("c", "10:00:01", FromSite(metres, 0), "12G00", "着火");
    const Link link =
        Associate(FactsOf(std::make_shared<const Report>(report), city), incident, {});
    EXPECT_LE(link.score, last) << metres;
    EXPECT_GE(link.score, 0);
    last = link.score;
  }
  EXPECT_LT(last, kScoreJoins);
}

TEST_F(AssociationTest, DelaysAreSaidInWords) {
  const UtcTime ten = BeijingTime("10:00:00");
  EXPECT_EQ(DescribeDelay(ten + seconds{70}, ten), "晚 70 秒");
  EXPECT_EQ(DescribeDelay(ten - minutes{12}, ten), "早 12 分钟");
  EXPECT_EQ(DescribeDelay(ten + milliseconds{400}, ten), "同时");
}

}  // namespace
}  // namespace fusiongateway::testing
