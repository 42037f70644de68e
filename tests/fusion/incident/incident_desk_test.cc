#include "fusion/incident/incident_desk.h"

#include <gmock/gmock.h>

#include "tests/fusion/support/timeline.h"

namespace fusiongateway::testing {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

OperatorAction Action(std::string id, std::string what, std::string incident = "kf-20261123-1") {
  OperatorAction action;
  action.action_id = std::move(id);
  action.incident_id = std::move(incident);
  action.action = std::move(what);
  action.actor = "值班员";
  return action;
}

Report Feedback(std::string id, std::string_view clock, std::string call_id) {
  Report report = PoliceCall(std::move(id), clock, FromSite(0, 0), "", "反馈");
  report.position.reset();
  auto& detail = std::get<PoliceCallDetail>(report.detail);
  detail.document = PoliceCallDetail::Document::kFeedback;
  detail.call_id = std::move(call_id);
  return report;
}

// ---- closing
// -------------------------------------------------------------------------------------

TEST(Incidents, AClosedIncidentNeverAbsorbsANewAlarm) {
  Timeline city;
  city.Arrives(TowerSmoke("dust-1", "10:00:00", FromSite(200, 0, 100)));
  city.Act("10:05:00", Action("a1", "false_alarm"));
  const auto out = city.Arrives(GasAlarm("alarm-1", "10:20:00", "HH", 3.4));
  const IncidentPtr later = city.IncidentOf("alarm-1");
  ASSERT_NE(later, nullptr);
  EXPECT_EQ(later->incident_id, "kf-20261123-2");
  ASSERT_THAT(later->related, SizeIs(1));
  EXPECT_EQ(later->related[0].relation, "follows_closed");
  EXPECT_EQ(later->related[0].incident_id, "kf-20261123-1");
  EXPECT_EQ(city.engine().FindIncident("kf-20261123-1")->evidence_count, 1u);
}

TEST(Incidents, WhatEndsAfterTheIncidentWasClosedChangesNothing) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  city.Act("10:05:00", Action("a1", "close"));
  Report stop = GasAlarm("alarm-1", "10:06:00", "H", 0.4);
  stop.action = ReportAction::kStop;
  const auto out = city.Arrives(stop);
  EXPECT_THAT(out.live, SizeIs(1)) << "the record, and nothing else";
  ASSERT_THAT(out.dispositions, SizeIs(1)) << "but its source is told";
  EXPECT_EQ(out.dispositions[0].state, IncidentState::kClosed);
}

TEST(Incidents, AnAlarmThatGrowsAfterItsIncidentWasClosedOpensANewOne) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  city.Act("10:05:00", Action("a1", "close"));
  city.Arrives(GasAlarm("alarm-1", "10:06:00", "H", 1.3));
  EXPECT_THAT(city.engine().OpenIncidents(), IsEmpty());
  city.Arrives(GasAlarm("alarm-1", "10:07:00", "HH", 3.4));
  ASSERT_THAT(city.engine().OpenIncidents(), SizeIs(1));
  EXPECT_EQ(city.engine().OpenIncidents()[0]->related.at(0).relation, "follows_closed");
}

TEST(Incidents, SilenceExpiresAnIncidentAndThatIsNotResolved) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  EXPECT_THAT(city.Until("10:59:59").live, IsEmpty());
  const auto out = city.Until("11:00:01");
  ASSERT_THAT(out.live, SizeIs(1));
  EXPECT_EQ(IncidentIn(out.live[0])->state, IncidentState::kExpired);
  EXPECT_EQ(IncidentIn(out.live[0])->change.what, "closed");
  EXPECT_EQ(IncidentIn(out.live[0])->change.cause, "timer/expire");
  EXPECT_THAT(out.dispositions, SizeIs(1));
}

TEST(Incidents, AnIncidentWhoseSourcesAllEndedIsClosedByTimeNotExpired) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  Report stop = GasAlarm("alarm-1", "10:02:00", "H", 0.4);
  stop.action = ReportAction::kStop;
  city.Arrives(stop);
  EXPECT_EQ(city.IncidentOf("alarm-1")->state, IncidentState::kUnverified);
  city.Until("11:10:00");
  EXPECT_EQ(city.IncidentOf("alarm-1")->state, IncidentState::kClosed);
}

TEST(Incidents, ClosedOnesLeaveMemoryInTime) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  city.Act("10:05:00", Action("a1", "close"));
  EXPECT_THAT(city.engine().PendingFrames(), Not(IsEmpty()));
  city.Until("12:04:00");
  EXPECT_NE(city.engine().FindIncident("kf-20261123-1"), nullptr);
  city.Until("12:06:00");
  EXPECT_EQ(city.engine().FindIncident("kf-20261123-1"), nullptr);
  EXPECT_THAT(city.engine().PendingFrames(), IsEmpty());
}

TEST(Incidents, AStopOrCancelOfWhatWasNeverHeardOpensNothing) {
  Timeline city;
  Report stop = GasAlarm("alarm-1", "10:00:00", "H", 1.2);
  stop.action = ReportAction::kStop;
  Report cancel = TowerSmoke("smoke-1", "10:00:00", FromSite(0, 0));
  cancel.action = ReportAction::kCancel;
  EXPECT_THAT(city.Arrives(stop).live, SizeIs(1));
  EXPECT_THAT(city.Arrives(cancel).live, SizeIs(1));
  EXPECT_THAT(city.engine().OpenIncidents(), IsEmpty());
}

// ---- withdrawing
// ---------------------------------------------------------------------------------

TEST(Incidents, WhenEverySourceHasWithdrawnItItWasAFalseAlarm) {
  Timeline city;
  city.Arrives(TowerSmoke("smoke-1", "10:00:00", FromSite(0, 0)));
  Report reviewed = TowerSmoke("smoke-1", "10:01:00", FromSite(0, 0));
  std::get<SkyGuardDetail>(reviewed.detail).review_state = "false";
  city.Arrives(reviewed);
  EXPECT_EQ(city.IncidentOf("smoke-1")->state, IncidentState::kFalseAlarm);
}

TEST(Incidents, AFalseCallFeedbackTakesTheCallBackAndLowersConfidence) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  city.Arrives(OdourCall("call-1", "10:01:00", FromSite(-500, 0)));
  const double before = city.IncidentOf("alarm-1")->confidence;
  Report feedback = Feedback("feedback-1", "10:20:00", "call-1");
  std::get<PoliceCallDetail>(feedback.detail).result_code = "03";
  city.Arrives(feedback);
  const IncidentPtr incident = city.IncidentOf("alarm-1");
  EXPECT_EQ(incident->evidence_count, 3u);
  EXPECT_LT(incident->confidence, before);
  EXPECT_FALSE(IsClosed(incident->state)) << "the sensor still stands";
}

TEST(Incidents, RepeatsOfOneSourceDoNotAddConfidenceAnotherSourceDoes) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  const double one = city.IncidentOf("alarm-1")->confidence;
  city.Arrives(GasAlarm("alarm-2", "10:00:30", "H", 1.2));
  EXPECT_EQ(city.IncidentOf("alarm-1")->confidence, one);
  city.Arrives(OdourCall("call-1", "10:01:00", FromSite(-500, 0)));
  EXPECT_GT(city.IncidentOf("alarm-1")->confidence, one);
}

TEST(Incidents, TheGradeFollowsTheLatestCountOfCasualtiesUpAndDown) {
  Timeline city;
  city.Arrives(PoliceCall("call-1", "10:00:00", FromSite(0, 0), "12H00", "槽罐车事故"));
  EXPECT_EQ(city.IncidentOf("call-1")->suggested_grade, Grade::kIV);
  const auto tell = [&](const char* id, const char* clock, std::uint32_t dead) {
    Report feedback = Feedback(id, clock, "call-1");
    std::get<PoliceCallDetail>(feedback.detail).dead = dead;
    city.Arrives(feedback);
    return city.IncidentOf("call-1")->suggested_grade;
  };
  EXPECT_EQ(tell("f1", "10:10:00", 3), Grade::kIII);
  EXPECT_EQ(tell("f2", "10:20:00", 10), Grade::kII);
  EXPECT_EQ(tell("f3", "10:30:00", 2), Grade::kIV);
}

// ---- drill and restricted
// ------------------------------------------------------------------------

TEST(Incidents, ADeclaredDrillNeverMeetsTheReal) {
  EngineConfig config = DemoConfig();
  config.drill_ids = {"drill-7"};
  Timeline city(config);
  const auto drill = [](Report report) {
    report.drill = true;
    report.drill_id = "drill-7";
    return report;
  };
  city.Arrives(GasAlarm("real-1", "10:00:00", "H", 1.2));
  city.Arrives(drill(GasAlarm("drill-1", "10:00:10", "H", 1.2)));
  city.Arrives(drill(OdourCall("drill-2", "10:00:20", FromSite(-500, 0))));
  city.Arrives(OdourCall("real-2", "10:00:30", FromSite(-500, 0)));
  const IncidentPtr real = city.IncidentOf("real-1");
  const IncidentPtr exercise = city.IncidentOf("drill-1");
  EXPECT_NE(real->incident_id, exercise->incident_id);
  EXPECT_EQ(real->evidence_count, 2u);
  EXPECT_EQ(exercise->evidence_count, 2u);
  EXPECT_FALSE(real->drill);
  EXPECT_TRUE(exercise->drill);
  EXPECT_EQ(exercise->drill_id, "drill-7");
  EXPECT_THAT(real->related, IsEmpty());
  EXPECT_THAT(exercise->related, IsEmpty());
}

TEST(Incidents, ADrillMarkWithoutADeclaredDrillIsTakenAsRealAndSaidSo) {
  Timeline city;
  Report report = GasAlarm("alarm-1", "10:00:00", "H", 1.2);
  report.drill = true;
  report.drill_id = "never-declared";
  city.Arrives(report);
  EXPECT_FALSE(city.IncidentOf("alarm-1")->drill);
  EXPECT_THAT(city.IncidentOf("alarm-1")->change.note, HasSubstr("演练"));
}

TEST(Incidents, RestrictedEvidenceDoesNotAlterOrBetrayItselfThroughAnOrdinaryIncident) {
  Timeline with;
  Timeline without;
  for (Timeline* city : {&with, &without}) city->Arrives(GasAlarm("a1", "10:00:00", "H", 1.2));
  Report secret = OdourCall("secret-1", "10:00:30", FromSite(-300, 0));
  secret.restricted = true;
  with.Arrives(secret);
  for (Timeline* city : {&with, &without}) {
    city->Arrives(PoliceCall("c2", "10:01:00", FromSite(4000, 4000), "12G00", "着火"));
  }
  const IncidentPtr hidden = with.IncidentOf("secret-1");
  EXPECT_TRUE(hidden->restricted);
  ASSERT_THAT(hidden->related, SizeIs(1)) << "it knows the ordinary one";
  EXPECT_EQ(hidden->related[0].incident_id, with.IncidentOf("a1")->incident_id);
  EXPECT_EQ(*with.IncidentOf("a1"), *without.IncidentOf("a1")) << "not the other way round";
  EXPECT_EQ(with.IncidentOf("c2")->incident_id, without.IncidentOf("c2")->incident_id)
      << "not even a gap in the numbers";
}

TEST(Incidents, AFrameOfARestrictedIncidentLeavesNoMarkOnTheStream) {
  const auto marks_of = [](bool restricted) {
    Timeline city;
    Report call = OdourCall("call-1", "10:00:30", FromSite(-100, 0));
    call.restricted = restricted;
    const EngineOutput opened = city.Arrives(call);
    EXPECT_FALSE(opened.frames_wanted.empty());
    for (const FrameWanted& wish : opened.frames_wanted) {
      FrameFound found{wish.incident_id, wish.camera_id,          wish.feed_id,
                       wish.report_id,   wish.camera_id + "/1/1", wish.at};
      city.Log(BeijingTime("10:00:32"), found);
    }
    EXPECT_FALSE(city.IncidentOf("call-1")->cameras.front().frames.empty());
    std::size_t marks = 0;
    for (const StreamRecord& record : city.all().live) {
      marks += std::holds_alternative<FrameMark>(record.body) ? 1 : 0;
    }
    return marks;
  };
  EXPECT_GT(marks_of(false), 0u);
  EXPECT_EQ(marks_of(true), 0u);
}

TEST(Incidents, ACallThatBecomesSecretLeavesTheOrdinaryIncident) {
  Timeline city;
  city.Arrives(GasAlarm("a1", "10:00:00", "H", 1.2));
  city.Arrives(OdourCall("call-1", "10:00:30", FromSite(-300, 0)));
  Report secret = OdourCall("call-1", "10:01:30", FromSite(-300, 0));
  secret.restricted = true;
  city.Arrives(secret);
  const auto open = city.engine().OpenIncidents();
  ASSERT_THAT(open, SizeIs(2));
  EXPECT_THAT(open[0]->evidence, SizeIs(1));
  EXPECT_THAT(open[0]->change.cause, Not(HasSubstr("call-1")));
  EXPECT_TRUE(open[1]->restricted);
}

Report Document(const std::string& id, std::string_view clock, const std::string& call,
                PoliceCallDetail::Document kind, const std::string& main_call = "") {
  Report report = OdourCall(call, clock, FromSite(-300, 0));
  report.report_id = id;
  report.summary = "文书 " + id;
  auto& detail = std::get<PoliceCallDetail>(report.detail);
  detail.document = kind;
  detail.main_call_id = main_call;
  return report;
}

using PoliceDocument = PoliceCallDetail::Document;

std::string TextOf(const Incident& incident) {
  EngineOutput output;
  output.live.emplace_back().body = std::make_shared<const Incident>(incident);
  return Dump(output);
}

// What came before the mark: a call, its dispatch and feedback, and a call linked to it; then a
// feedback of the call that is marked secret.
EngineOutput SecretAfterAll(Timeline* city) {
  city->Arrives(OdourCall("call-1", "10:00:30", FromSite(-300, 0)));
  city->Arrives(Document("dispatch-1", "10:01:00", "call-1", PoliceDocument::kDispatch));
  city->Arrives(Document("feedback-1", "10:02:00", "call-1", PoliceDocument::kFeedback));
  city->Arrives(Document("call-2", "10:02:20", "call-2", PoliceDocument::kCall, "call-1"));
  city->Arrives(Document("feedback-2", "10:02:30", "call-2", PoliceDocument::kFeedback));
  Report secret = Document("feedback-3", "10:03:00", "call-1", PoliceDocument::kFeedback);
  secret.restricted = true;
  return city->Arrives(secret);
}

TEST(Secret, WhatCameBeforeTheMarkIsWithdrawnAndTheRestrictedIncidentTakesIt) {
  Timeline city;
  city.Arrives(GasAlarm("a1", "10:00:00", "H", 1.2));
  const Incident before = *city.IncidentOf("a1");
  const EngineOutput out = SecretAfterAll(&city);

  const auto open = city.engine().OpenIncidents();
  ASSERT_THAT(open, SizeIs(2));
  const Incident& ordinary = *open[0];
  ASSERT_FALSE(ordinary.restricted);
  for (const char* trace : {"call-1", "call-2", "dispatch-1", "feedback", "文书", "警情"}) {
    EXPECT_THAT(TextOf(ordinary), Not(HasSubstr(trace)));
  }
  EXPECT_EQ(ordinary.change.what, "evidence_withdrawn");
  EXPECT_EQ(ordinary.change.note + ordinary.change.cause, "");
  // All but the count of revisions and what the last one did is as if they had never come.
  Incident same = ordinary;
  same.revision = before.revision;
  same.change = before.change;
  EXPECT_TRUE(same == before) << TextOf(same) << TextOf(before);

  const Incident& hidden = *open[1];
  ASSERT_TRUE(hidden.restricted);
  std::vector<std::string> ids;
  for (const Evidence& evidence : hidden.evidence) ids.push_back(evidence.report_id);
  EXPECT_THAT(ids, UnorderedElementsAre("call-1", "dispatch-1", "feedback-1", "call-2",
                                        "feedback-2", "feedback-3"));
  for (const StreamRecord& record : out.live) {
    if (const Incident* incident = IncidentIn(record); incident && !incident->restricted) {
      EXPECT_EQ(incident->incident_id, ordinary.incident_id);
    }
  }
}

TEST(Secret, SettledTellsWhatWasStillHeldAsRestrictedAndFollowsItWithNothingOrdinary) {
  Timeline city;
  city.Arrives(GasAlarm("a1", "10:02:55", "H", 1.2));
  SecretAfterAll(&city);
  const std::size_t settled_before = city.all().settled.size();
  city.Until("10:10:00");
  std::size_t told = 0;
  bool ordinary_before = true;
  for (std::size_t i = settled_before; i < city.all().settled.size(); ++i) {
    const StreamRecord& record = city.all().settled[i];
    if (const Report* report = ReportIn(record)) {
      ordinary_before = report->report_id == "a1";
      EXPECT_EQ(report->restricted, !ordinary_before) << report->report_id;
      // Marked in the log already, or not what stands there and stored whole.
      const bool marked_itself = report->report_id == "feedback-3";
      EXPECT_EQ(record.report_position == 0, report->restricted && !marked_itself);
      ++told;
    } else if (const Incident* incident = IncidentIn(record)) {
      EXPECT_EQ(incident->restricted, !ordinary_before);
      EXPECT_EQ(incident->restricted, TextOf(*incident).find("call-1") != std::string::npos);
    }
  }
  EXPECT_GE(told, 2u);
}

TEST(Secret, AnIncidentWithoutOtherEvidenceIsClosedForThatAndSaysNothing) {
  Timeline city;
  city.Arrives(OdourCall("near", "10:00:00", FromSite(-5300, 0)));
  SecretAfterAll(&city);
  const std::string emptied = "kf-20261123-2";
  ASSERT_TRUE(city.engine().FindIncident(emptied)) << "a second one, near the grid report's";
  const Incident& closed = *city.engine().FindIncident(emptied);
  EXPECT_EQ(closed.state, IncidentState::kClosed);
  EXPECT_EQ(closed.change.cause, "evidence/withdrawn");
  EXPECT_THAT(closed.evidence, IsEmpty());
  EXPECT_EQ(closed.title, "");
  EXPECT_FALSE(closed.position);
  EXPECT_THAT(TextOf(closed), Not(HasSubstr("10:0")));
  EXPECT_THAT(city.IncidentOf("near")->related, IsEmpty()) << "how far away it was is a trace too";
  EXPECT_TRUE(city.IncidentOf("call-1")->restricted);
}

TEST(Secret, AClosedIncidentInMemoryGivesItsSecretEvidenceUpAndStaysAsItWasClosed) {
  Timeline city;
  city.Arrives(GasAlarm("a1", "10:00:00", "H", 1.2));
  city.Arrives(OdourCall("call-1", "10:00:30", FromSite(-300, 0)));
  OperatorAction close;
  close.action_id = "act-1";
  close.action = "close";
  close.incident_id = city.IncidentOf("a1")->incident_id;
  city.Act("10:01:00", close);
  Report secret = Document("feedback-1", "10:02:00", "call-1", PoliceDocument::kFeedback);
  secret.restricted = true;
  city.Arrives(secret);
  const IncidentPtr ordinary = city.engine().FindIncident(close.incident_id);
  EXPECT_EQ(ordinary->state, IncidentState::kClosed);
  EXPECT_THAT(ordinary->evidence, SizeIs(1));
  EXPECT_TRUE(city.IncidentOf("call-1")->restricted);
}

TEST(Secret, WhatTheSecretSourceMadeAcceptedIsUnverifiedAgain) {
  Timeline city;
  city.Arrives(GasAlarm("a1", "10:00:00", "H", 1.2));
  city.Arrives(OdourCall("call-1", "10:00:30", FromSite(-300, 0)));
  ASSERT_EQ(city.IncidentOf("a1")->state, IncidentState::kAccepted);
  Report secret = OdourCall("call-1", "10:01:30", FromSite(-300, 0));
  secret.restricted = true;
  city.Arrives(secret);
  EXPECT_EQ(city.IncidentOf("a1")->state, IncidentState::kUnverified);
}

TEST(Incidents, AnAlarmOfHoursAgoHeardLateIsNotPartOfWhatGoesOnNow) {
  Timeline city;
  city.Arrives(GasAlarm("a1", "10:00:00", "H", 1.2));
  city.ArrivesAt("10:05:00", GasAlarm("a2", "06:00:00", "H", 1.4));
  EXPECT_EQ(city.IncidentOf("a1")->evidence_count, 1u);
  EXPECT_EQ(city.IncidentOf("a1")->started.utc, BeijingTime("10:00:00"));
  EXPECT_NE(city.IncidentOf("a1")->incident_id, city.IncidentOf("a2")->incident_id);
}

// ---- endings that are taken back

TEST(Incidents, AnAlarmThatEndedWithItsIncidentAndBeginsAgainOpensANewOne) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  Report stop = GasAlarm("alarm-1", "10:05:00", "H", 0.2);
  stop.action = ReportAction::kStop;
  city.Arrives(stop);
  city.Until("12:00:00");
  ASSERT_EQ(city.IncidentOf("alarm-1")->state, IncidentState::kClosed);
  const std::string closed = city.IncidentOf("alarm-1")->incident_id;
  city.Arrives(GasAlarm("alarm-1", "12:00:10", "H", 1.2));
  const auto open = city.engine().OpenIncidents();
  ASSERT_THAT(open, SizeIs(1));
  ASSERT_THAT(open[0]->related, SizeIs(1));
  EXPECT_EQ(open[0]->related[0].incident_id, closed);
  EXPECT_EQ(open[0]->related[0].relation, "follows_closed");
}

TEST(Incidents, AnAlarmThatEndedAfterAPersonClosedItAndBeginsAgainOpensANewOne) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  OperatorAction close;
  close.action_id = "act-1";
  close.action = "close";
  close.incident_id = city.IncidentOf("alarm-1")->incident_id;
  city.Act("10:01:00", close);
  Report stop = GasAlarm("alarm-1", "10:05:00", "H", 0.2);
  stop.action = ReportAction::kStop;
  city.Arrives(stop);
  EXPECT_THAT(city.engine().OpenIncidents(), IsEmpty());
  city.Arrives(GasAlarm("alarm-1", "10:20:00", "H", 1.2));
  EXPECT_THAT(city.engine().OpenIncidents(), SizeIs(1));
}

TEST(Incidents, AFalseCallFeedbackThatIsCorrectedGivesTheCallBack) {
  Timeline city;
  city.Arrives(GasAlarm("a1", "10:00:00", "H", 1.2));
  Report call = OdourCall("call-1", "10:00:30", FromSite(-300, 0));
  call.severity = Severity::kSevere;
  city.Arrives(call);
  Report feedback = Document("feedback-1", "10:02:00", "call-1", PoliceDocument::kFeedback);
  std::get<PoliceCallDetail>(feedback.detail).result_code = "03";
  city.Arrives(feedback);
  EXPECT_EQ(city.IncidentOf("a1")->severity, Severity::kModerate);
  Report corrected = Document("feedback-1", "10:04:00", "call-1", PoliceDocument::kFeedback);
  std::get<PoliceCallDetail>(corrected.detail).result_code = "01";
  city.Arrives(corrected);
  EXPECT_EQ(city.IncidentOf("a1")->severity, Severity::kSevere);
}

TEST(Incidents, ACallToldAgainDoesNotOutliveTheFeedbackThatFoundItFalse) {
  Timeline city;
  city.Arrives(GasAlarm("a1", "10:00:00", "H", 1.2));
  const double alone = city.IncidentOf("a1")->confidence;
  city.Arrives(OdourCall("call-1", "10:00:30", FromSite(-300, 0)));
  Report feedback = Document("feedback-1", "10:02:00", "call-1", PoliceDocument::kFeedback);
  std::get<PoliceCallDetail>(feedback.detail).result_code = "03";
  city.Arrives(feedback);
  EXPECT_EQ(city.IncidentOf("a1")->confidence, alone);
  city.Arrives(OdourCall("call-1", "10:03:00", FromSite(-310, 0)));
  EXPECT_EQ(city.IncidentOf("a1")->confidence, alone);
}

// ---- actions
// -------------------------------------------------------------------------------------

TEST(Actions, ARepeatReturnsTheFirstResultAndDoesNothing) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  OperatorAction accept = Action("a1", "accept");
  accept.expected_revision = 1;
  const auto first = city.Act("10:01:00", accept);
  ASSERT_THAT(first.actions, SizeIs(1));
  EXPECT_EQ(first.actions[0].code, StatusCode::kOk);
  EXPECT_EQ(first.actions[0].revision, 2u);
  ASSERT_THAT(first.live, SizeIs(2)) << "the action, then the incident";
  EXPECT_EQ(std::get<OperatorAction>(first.live[0].body).resulting_revision, 2u);
  EXPECT_EQ(IncidentIn(first.live[1])->state, IncidentState::kAccepted);
  EXPECT_EQ(IncidentIn(first.live[1])->change.actor, "值班员");

  const auto again = city.Act("10:02:00", accept);
  ASSERT_THAT(again.actions, SizeIs(1));
  EXPECT_EQ(again.actions[0].code, StatusCode::kOk);
  EXPECT_EQ(again.actions[0].revision, 2u);
  EXPECT_THAT(again.live, IsEmpty());
}

TEST(Actions, AStaleRevisionIsRefusedAndSaysWhichIsNow) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  city.Arrives(GasAlarm("alarm-2", "10:00:10", "H", 1.2));
  OperatorAction close = Action("a1", "close");
  close.expected_revision = 1;
  const auto out = city.Act("10:01:00", close);
  EXPECT_EQ(out.actions.at(0).code, StatusCode::kFailedPrecondition);
  EXPECT_THAT(out.actions.at(0).message, HasSubstr("revision 2"));
  EXPECT_EQ(out.actions.at(0).revision, 2u);
  EXPECT_EQ(std::get<OperatorAction>(out.live.at(0).body).resulting_revision, 0u);
  EXPECT_EQ(city.IncidentOf("alarm-1")->state, IncidentState::kUnverified);
}

TEST(Actions, WhatIsUnknownOrNotPossibleNowIsRefusedWithWhatToDo) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  const auto code = [&](OperatorAction action) {
    return city.Act("10:01:00", std::move(action)).actions.at(0).code;
  };
  EXPECT_EQ(code(Action("a1", "close", "kf-20261123-99")), StatusCode::kNotFound);
  EXPECT_EQ(code(Action("a2", "explode")), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(Action("a3", "grade")), StatusCode::kInvalidArgument) << "no grade given";
  EXPECT_EQ(code(Action("", "close")), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(Action("a4", "ack")), StatusCode::kOk);
  EXPECT_EQ(code(Action("a5", "accept")), StatusCode::kFailedPrecondition) << "is already";
  EXPECT_EQ(code(Action("a6", "close")), StatusCode::kOk);
  EXPECT_EQ(code(Action("a7", "close")), StatusCode::kFailedPrecondition);
}

TEST(Actions, AGradeIsConfirmedByAPersonAndKeptBesideTheSuggestion) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  OperatorAction grade = Action("a1", "grade");
  grade.grade = Grade::kIII;
  city.Act("10:01:00", grade);
  const IncidentPtr incident = city.engine().FindIncident("kf-20261123-1");
  EXPECT_EQ(incident->confirmed_grade, Grade::kIII);
  EXPECT_EQ(incident->suggested_grade, Grade::kIV);
  EXPECT_EQ(incident->change.what, "grade");
}

// ---- dispositions, bounds
// ------------------------------------------------------------------------

TEST(Dispositions, EachReportIsToldItsIncidentAndEveryChangeOfItsState) {
  Timeline city;
  const auto first = city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  ASSERT_THAT(first.dispositions, SizeIs(1));
  EXPECT_EQ(first.dispositions[0].report_id, "alarm-1");
  EXPECT_EQ(first.dispositions[0].incident_id, "kf-20261123-1");
  EXPECT_EQ(first.dispositions[0].state, IncidentState::kUnverified);
  EXPECT_EQ(first.dispositions[0].seq, 1u);

  const auto second = city.Arrives(OdourCall("call-1", "10:01:00", FromSite(-500, 0)));
  ASSERT_THAT(second.dispositions, SizeIs(2)) << "now accepted: both sources are told";
  EXPECT_EQ(second.dispositions[0].feed_id, "hazmat");
  EXPECT_EQ(second.dispositions[0].seq, 2u);
  EXPECT_EQ(second.dispositions[1].feed_id, "police110");
  EXPECT_EQ(second.dispositions[1].seq, 1u);
  EXPECT_EQ(second.dispositions[1].state, IncidentState::kAccepted);
}

TEST(Incidents, EvidenceKeptIsBoundedAndTheMostSevereStays) {
  EngineConfig config = DemoConfig();
  config.cameras.clear();
  Timeline city(config);
  const std::size_t many = IncidentDesk::kEvidenceMax + 200;
  UtcTime now = BeijingTime("10:00:00");
  for (std::size_t i = 0; i < many; ++i) {
    Report report = GasAlarm("alarm-" + std::to_string(i), "10:00:00", i == 20 ? "HH" : "H", 1.2);
    now += std::chrono::milliseconds{100};
    report.aligned.utc = report.received_at = now;
    city.Log(now, std::make_shared<const Report>(std::move(report)));
  }
  const auto open = city.engine().OpenIncidents();
  ASSERT_THAT(open, SizeIs(1));
  EXPECT_EQ(open[0]->evidence_count, many);
  EXPECT_EQ(open[0]->evidence.size(), IncidentDesk::kEvidenceMax);
  EXPECT_EQ(open[0]->evidence.front().report_id, "alarm-0");
  EXPECT_EQ(open[0]->evidence.back().report_id, "alarm-" + std::to_string(many - 1));
  EXPECT_EQ(open[0]->severity, Severity::kSevere);
}

TEST(Incidents, NumbersStartAnewEachDayOfBeijing) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "23:59:00", "H", 1.2));
  Report next = PoliceCall("call-1", "23:59:00", FromSite(5000, 5000), "12G00", "着火");
  next.received_at += std::chrono::minutes{2};
  city.Arrives(next);
  EXPECT_EQ(city.IncidentOf("alarm-1")->incident_id, "kf-20261123-1");
  EXPECT_EQ(city.IncidentOf("call-1")->incident_id, "kf-20261124-1");
}

}  // namespace
}  // namespace fusiongateway::testing
