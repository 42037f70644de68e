// The engine as a whole: numbering, both streams, determinism, recovery by replay.
#include "fusion/engine.h"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <random>

#include "tests/fusion/support/timeline.h"

namespace fusiongateway::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Report DataLost(std::string report_id, std::string_view clock) {
  Report lost = Reading(std::move(report_id), clock, 0);
  lost.kind = ReportKind::kDataLost;
  std::get<SensorDetail>(lost.detail).values.clear();
  return lost;
}

Report DataBack(std::string report_id, std::string_view clock) {
  Report back = DataLost(std::move(report_id), clock);
  back.action = ReportAction::kStop;
  return back;
}

// Half an hour of a busy, unreliable city; another one for every seed.
Timeline BusyCity(unsigned seed) {
  Timeline city;
  std::mt19937 random(seed);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  UtcTime now = BeijingTime("09:00:00");
  for (int i = 0; i < 150; ++i) {
    now += std::chrono::milliseconds{pick(20'000)};
    const std::string id = "r" + std::to_string(pick(80));
    const Position place = FromSite(pick(12'000) - 6000, pick(12'000) - 6000, 10 + pick(300));
    Report report;
    switch (pick(8)) {
      case 0:
        report = GasAlarm(id, "09:00:00", pick(2) ? "H" : "HH", 1 + pick(4));
        break;
      case 1:
        report = OdourCall(id, "09:00:00", place);
        break;
      case 2:
        report = PoliceCall(id, "09:00:00", place, "12G00", "着火");
        break;
      case 3:
        report = TowerSmoke(id, "09:00:00", place);
        break;
      case 4:
        report = GridReport(id, "09:00:00", place, "11A02");
        break;
      case 5:
        report = Reading(id, "09:00:00", pick(10));
        break;
      case 6:
        report = pick(2) ? DataLost(id, "09:00:00") : DataBack(id, "09:00:00");
        break;
      default: {
        OperatorAction action;
        action.action_id = "a" + std::to_string(pick(20));
        action.incident_id = "kf-20261123-" + std::to_string(1 + pick(10));
        action.action = pick(2) ? "ack" : "close";
        city.Log(now, action);
        continue;
      }
    }
    report.aligned.utc = now - std::chrono::milliseconds{pick(pick(10) == 0 ? 120'000 : 5'000)};
    report.occurred_at = report.updated_at = report.aligned.utc;
    report.received_at = now;
    report.restricted = pick(15) == 0;
    if (pick(6) == 0) report.action = pick(2) ? ReportAction::kStop : ReportAction::kCancel;
    city.Arrives(std::move(report));
  }
  city.Until("13:00:00");
  return city;
}

std::string DumpOfReplay(const std::vector<LogEntry>& log, const std::vector<std::size_t>& cuts) {
  Engine engine;
  EngineOutput all;
  EngineOutput batch;
  for (std::size_t i = 0; i < log.size(); ++i) {
    engine.Apply(log[i], &batch);
    if (std::find(cuts.begin(), cuts.end(), i) == cuts.end()) continue;
    Append(&all, batch);
    batch = {};
  }
  Append(&all, batch);
  return Dump(all);
}

TEST(Engine, TheSameLogGivesTheSameOutputHoweverItIsCutIntoBatches) {
  rc::check("any seed, any cuts", [] {
    const Timeline city = BusyCity(*rc::gen::arbitrary<unsigned>());
    const auto cuts = *rc::gen::container<std::vector<std::size_t>>(
        rc::gen::inRange<std::size_t>(0, city.log().size()));
    RC_ASSERT(DumpOfReplay(city.log(), cuts) == Dump(city.all()));
  });
}

TEST(Engine, InvariantsHoldInAnyCity) {
  rc::check("any seed", [] {
    const Timeline city = BusyCity(*rc::gen::arbitrary<unsigned>());
    std::uint64_t seq = 0;
    std::map<std::string, std::uint64_t> revisions;
    std::set<std::string> closed;
    for (const StreamRecord& record : city.all().live) {
      RC_ASSERT(record.seq == ++seq);
      RC_ASSERT(record.amends_seq < record.seq);
      if (const Incident* incident = IncidentIn(record)) {
        RC_ASSERT(incident->revision == ++revisions[incident->incident_id]);
        RC_ASSERT(incident->evidence_count >= incident->evidence.size());
        if (incident->change.what == "evidence_added") {
          RC_ASSERT(!closed.contains(incident->incident_id));
        }
        if (IsClosed(incident->state)) closed.insert(incident->incident_id);
      }
    }
    seq = 0;
    UtcTime last = UtcTime::min();
    std::size_t settled_reports = 0;
    for (const StreamRecord& record : city.all().settled) {
      RC_ASSERT(record.seq == ++seq);
      RC_ASSERT(!record.provisional);
      const Report* report = ReportIn(record);
      if (!report) continue;
      ++settled_reports;
      if (record.late || record.amends_seq != 0) continue;
      RC_ASSERT(report->aligned.utc >= last);
      last = report->aligned.utc;
    }
    std::size_t live_reports = 0;
    for (const StreamRecord& record : city.all().live) live_reports += ReportIn(record) != nullptr;
    RC_ASSERT(settled_reports == live_reports);
    std::map<std::string, std::uint64_t> dispositions;
    for (const DispositionMade& d : city.all().dispositions) {
      RC_ASSERT(d.seq == ++dispositions[d.feed_id]);
    }
  });
}

TEST(Engine, SeqsGoOnOverAJournalOpenedAgainUnderItsNewName) {
  Timeline city;
  const auto first = city.Arrives(Reading("v1", "10:00:00", 1));
  city.Log(BeijingTime("10:01:00"), JournalOpened{"kf", "journal-2", std::string(kEngineVersion)});
  const auto second = city.Arrives(Reading("v2", "10:02:00", 1));
  ASSERT_THAT(first.live, SizeIs(1));
  ASSERT_THAT(second.live, SizeIs(1));
  EXPECT_EQ(first.live[0].seq, 1u);
  EXPECT_EQ(first.live[0].origin, (Origin{"kf", "journal-1", 1}));
  EXPECT_EQ(second.live[0].seq, 2u);
  EXPECT_EQ(second.live[0].origin, (Origin{"kf", "journal-2", 2}));
  EXPECT_EQ(city.engine().last_seq(StreamId::kLive), 2u);
  EXPECT_EQ(city.engine().position(), city.log().size());
}

TEST(Engine, AReadingIsARecordAndAStateOfItsPointAndNoIncident) {
  Timeline city;
  const auto out = city.Arrives(Reading("v1", "10:00:00", 0.3));
  ASSERT_THAT(out.live, SizeIs(1));
  EXPECT_TRUE(out.live[0].provisional);
  EXPECT_EQ(out.live[0].report_position, city.log().size());
  EXPECT_THAT(city.engine().OpenIncidents(), IsEmpty());
  ASSERT_TRUE(city.engine().FindPoint("410200007002G0001QT001"));
  EXPECT_EQ(city.engine().FindPoint("410200007002G0001QT001")->value, 0.3);
}

TEST(Engine, LostDataIsARecordAndNeverNormalAndOpensNoIncident) {
  Timeline city;
  city.Arrives(Reading("v1", "10:00:00", 0.3));
  Report lost = Reading("lost-1", "10:05:00", 0);
  lost.kind = ReportKind::kDataLost;
  EXPECT_THAT(city.Arrives(lost).live, SizeIs(1));
  EXPECT_TRUE(city.engine().FindPoint("410200007002G0001QT001")->lost);
  EXPECT_THAT(city.engine().OpenIncidents(), IsEmpty());
  lost.action = ReportAction::kStop;
  city.ArrivesAt("10:05:30", lost);
  EXPECT_FALSE(city.engine().FindPoint("410200007002G0001QT001")->lost) << "back again";
  lost.report_id = "lost-2";
  lost.action = ReportAction::kStart;
  city.ArrivesAt("10:05:40", lost);
  EXPECT_TRUE(city.engine().FindPoint("410200007002G0001QT001")->lost);
  city.Arrives(Reading("v2", "10:06:00", 0.4));
  EXPECT_FALSE(city.engine().FindPoint("410200007002G0001QT001")->lost);
}

std::vector<std::string> EvidenceIds(const Incident& incident) {
  std::vector<std::string> ids;
  for (const Evidence& evidence : incident.evidence) ids.push_back(evidence.report_id);
  return ids;
}

TEST(DataLoss, IsEvidenceOfWhatIsGoingOnAtItsSiteOnceHoweverOftenItIsRepeated) {
  Timeline city;
  city.Arrives(GasAlarm("a1", "10:00:00", "H", 1.2));
  city.Arrives(DataLost("l1", "10:01:00"));
  city.Arrives(DataLost("l2", "10:01:05"));
  city.Arrives(DataLost("l3", "10:01:10"));
  city.Arrives(DataBack("b1", "10:02:00"));
  city.Arrives(DataBack("b2", "10:02:05"));
  city.Arrives(Reading("v1", "10:02:10", 0.3));
  city.Arrives(DataLost("l4", "10:03:00"));
  const IncidentPtr incident = city.IncidentOf("a1");
  EXPECT_THAT(EvidenceIds(*incident), ElementsAre("a1", "l1", "b1", "l4"));
  EXPECT_THAT(incident->evidence[1].why, HasSubstr("同一企业"));
  EXPECT_EQ(incident->title, city.IncidentOf("a1")->title);
}

TEST(DataLoss, AReadingEndsItUnlessItIsOlder) {
  Timeline city;
  city.Arrives(GasAlarm("a1", "10:00:00", "H", 1.2));
  city.Arrives(DataLost("l1", "10:01:00"));
  city.ArrivesAt("10:01:10", Reading("older", "10:00:30", 0.3));
  EXPECT_TRUE(city.engine().FindPoint("410200007002G0001QT001")->lost);
  city.Arrives(DataLost("l2", "10:01:20"));
  city.Arrives(Reading("v1", "10:01:30", 0.3));
  EXPECT_FALSE(city.engine().FindPoint("410200007002G0001QT001")->lost);
  city.ArrivesAt("10:01:35", DataLost("older-loss", "10:01:25"));
  EXPECT_FALSE(city.engine().FindPoint("410200007002G0001QT001")->lost);
  city.Arrives(DataLost("l3", "10:01:40"));
  EXPECT_THAT(EvidenceIds(*city.IncidentOf("a1")), ElementsAre("a1", "l1", "l3"));
}

TEST(DataLoss, VouchesForNothing) {
  EngineConfig config = DemoConfig();
  config.accept_sources = 2;
  Timeline city(config);
  city.Arrives(OdourCall("c1", "10:00:00", FromSite(50, 0)));
  Report lost = DataLost("l1", "10:01:00");
  lost.severity = Severity::kExtreme;
  const double before = city.IncidentOf("c1")->confidence;
  const std::string title = city.IncidentOf("c1")->title;
  city.Arrives(lost);
  const IncidentPtr incident = city.IncidentOf("c1");
  ASSERT_THAT(EvidenceIds(*incident), ElementsAre("c1", "l1"));
  EXPECT_EQ(incident->confidence, before);
  EXPECT_EQ(incident->title, title);
  EXPECT_EQ(incident->state, IncidentState::kUnverified) << "one source, and one gone blind";
  EXPECT_NE(incident->severity, Severity::kExtreme);
}

TEST(DataLoss, OfAnotherSiteOrLongAfterStaysARecord) {
  Timeline city;
  city.Arrives(GasAlarm("a1", "10:00:00", "H", 1.2));
  Report neighbour = DataLost("l1", "10:01:00");
  auto& sensor = std::get<SensorDetail>(neighbour.detail);
  sensor.enterprise_id = neighbour.site_id = "410200008";
  neighbour.device_id = "another-gateway";
  neighbour.position = FromSite(300, 0);
  city.Arrives(neighbour);
  EXPECT_THAT(EvidenceIds(*city.IncidentOf("a1")), ElementsAre("a1"));
}

TEST(DataLoss, KeepsNoIncidentFromEnding) {
  Timeline city;
  city.Arrives(GasAlarm("a1", "10:00:00", "H", 1.2));
  city.Arrives(DataLost("l1", "10:01:00"));
  Report withdrawn = GasAlarm("a1", "10:00:00", "H", 1.2);
  withdrawn.action = ReportAction::kCancel;
  city.ArrivesAt("10:02:00", withdrawn);
  EXPECT_EQ(city.IncidentOf("a1")->state, IncidentState::kFalseAlarm);
}

// Limits for the demo city's gas point; the sensor gateway sends values only.
EngineConfig WithLimits() {
  EngineConfig config = DemoConfig();
  EngineConfig::Point point;
  point.device_id = "410200007002G0001QT001";
  point.unit = "ppm";
  point.high = 1.0;
  point.high_high = 3.0;
  point.hysteresis = 0.2;
  config.sites[0].points = {point};
  return config;
}

std::vector<const Report*> AlarmsIn(const EngineOutput& output) {
  std::vector<const Report*> alarms;
  for (const StreamRecord& record : output.live) {
    const Report* report = ReportIn(record);
    if (report && report->kind == ReportKind::kSensorAlarm) alarms.push_back(report);
  }
  return alarms;
}

TEST(Points, AValueThatCrossesALimitIsEvidenceLikeAnAlarm) {
  Timeline city(WithLimits());
  EXPECT_THAT(AlarmsIn(city.Arrives(Reading("v1", "10:00:00", 0.9))), IsEmpty());
  const auto crossed = city.Arrives(Reading("v2", "10:00:05", 1.0));
  ASSERT_THAT(AlarmsIn(crossed), SizeIs(1));
  const Report& alarm = *AlarmsIn(crossed)[0];
  EXPECT_EQ(alarm.action, ReportAction::kStart);
  EXPECT_EQ(std::get<SensorDetail>(alarm.detail).level, "H");
  EXPECT_EQ(std::get<SensorDetail>(alarm.detail).threshold, 1.0);
  EXPECT_THAT(alarm.flags, ElementsAre("LIMIT_CROSSED"));
  const IncidentPtr incident = city.IncidentOf(alarm.report_id);
  ASSERT_TRUE(incident);
  EXPECT_EQ(incident->class_code, "12D02");
  EXPECT_EQ(incident->site_id, kSiteId);
  city.Until("10:05:00");
  EXPECT_THAT(city.SettledReportIds(), ElementsAre("v1", alarm.report_id, "v2"));
}

TEST(Points, OneExcursionIsOneAlarmHoweverManyValuesItHas) {
  Timeline city(WithLimits());
  EngineOutput all;
  int n = 0;
  for (const double value : {0.5, 1.1, 1.2, 0.9, 1.05, 3.1, 2.9, 3.2, 2.5, 0.85, 0.7, 0.9}) {
    const std::string clock = "10:00:" + std::to_string(10 + n);
    Append(&all, city.Arrives(Reading("v" + std::to_string(n++), clock, value)));
  }
  std::vector<std::string> told;
  for (const Report* alarm : AlarmsIn(all)) {
    told.push_back(std::to_string(int(alarm->action)) +
                   std::get<SensorDetail>(alarm->detail).level);
    EXPECT_EQ(alarm->report_id, AlarmsIn(all)[0]->report_id);
  }
  // 0.9, 0.85 and 2.9 lie within the hysteresis: not back yet.
  EXPECT_THAT(told, ElementsAre("1H", "2HH", "2H", "3H"));
  EXPECT_THAT(city.engine().OpenIncidents(), SizeIs(1));
  EXPECT_EQ(city.engine().FindPoint("410200007002G0001QT001")->level, PointLevel::kNormal);
}

TEST(Points, AnOlderReadingCrossesNothing) {
  Timeline city(WithLimits());
  city.Arrives(Reading("v2", "10:00:10", 0.5));
  EXPECT_THAT(AlarmsIn(city.ArrivesAt("10:00:12", Reading("v1", "10:00:00", 5))), IsEmpty());
  EXPECT_EQ(city.engine().FindPoint("410200007002G0001QT001")->value, 0.5);
}

TEST(Points, TheirStateIsBackAfterReplayAndAnExcursionGoesOn) {
  Timeline city(WithLimits());
  const auto start = city.Arrives(Reading("v1", "10:00:00", 1.5));
  Engine recovered;
  EngineOutput out;
  for (const LogEntry& entry : city.log()) recovered.Apply(entry, &out);
  EXPECT_EQ(Dump(out), Dump(city.all()));
  EXPECT_EQ(recovered.FindPoint("410200007002G0001QT001"),
            city.engine().FindPoint("410200007002G0001QT001"));
  EngineOutput stop;
  Report back = Reading("v2", "10:01:00", 0.1);
  recovered.Apply({city.log().size() + 1, back.received_at, std::make_shared<const Report>(back)},
                  &stop);
  ASSERT_THAT(AlarmsIn(stop), SizeIs(1));
  EXPECT_EQ(AlarmsIn(stop)[0]->action, ReportAction::kStop);
  EXPECT_EQ(AlarmsIn(stop)[0]->report_id, AlarmsIn(start)[0]->report_id);
}

TEST(Engine, StatusOfFeedsCamerasAndTheClockIsToldOnLive) {
  Timeline city;
  city.Arrives(Reading("v1", "10:00:00", 1));
  FeedStatus feed;
  feed.feed_id = "hazmat";
  feed.state = FeedStatus::State::kConnected;
  feed.rejected = 3;
  const auto told = city.Log(BeijingTime("10:00:01"), feed);
  ASSERT_THAT(told.live, SizeIs(1));
  EXPECT_EQ(std::get<FeedStatus>(told.live[0].body).accepted, 1u);
  EXPECT_EQ(std::get<FeedStatus>(told.live[0].body).rejected, 3u) << "counted at the door";
  EXPECT_THAT(city.Log(BeijingTime("10:00:02"), CameraStatus{"tank-101"}).live, SizeIs(1));
  EXPECT_THAT(city.Log(BeijingTime("10:00:03"), HostClock{true}).live, SizeIs(1));
}

TEST(Engine, SettledReportsAreEachFollowedByTheirIncidentAsItIsNow) {
  Timeline city;
  city.ArrivesAt("10:00:02", OdourCall("call-1", "10:00:01", FromSite(-800, 0)));
  city.ArrivesAt("10:00:03", GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  EXPECT_THAT(city.all().settled, IsEmpty());
  const auto out = city.Until("10:01:00");
  ASSERT_THAT(city.SettledReportIds(), ElementsAre("alarm-1", "call-1"));
  std::vector<const Incident*> followed;
  for (const StreamRecord& record : city.all().settled) {
    if (const Incident* incident = IncidentIn(record)) {
      followed.push_back(incident);
      const StreamRecord& live = city.all().live.at(record.same_as_live_seq - 1);
      EXPECT_EQ(IncidentIn(live), incident) << "the very same revision, not another";
    }
  }
  ASSERT_THAT(followed, SizeIs(2));
  EXPECT_EQ(followed[0]->revision, 2u) << "settled makes no revisions of its own";
  EXPECT_EQ(followed[1]->revision, 2u);
  EXPECT_TRUE(out.live.empty());
}

TEST(Engine, ALateReportSaysSoOnSettledAndIsCounted) {
  Timeline city;
  city.Arrives(Reading("v1", "10:00:00", 1));
  city.Until("10:01:00");
  const auto out = city.ArrivesAt("10:01:01", GasAlarm("alarm-1", "10:00:10", "H", 1.2));
  ASSERT_THAT(out.settled, SizeIs(2)) << "the report and its incident, at once";
  EXPECT_TRUE(out.settled[0].late);
  EXPECT_EQ(out.settled[0].amends_seq, 0u);
  EXPECT_EQ(city.engine().FeedCounters().at("hazmat").late, 1u);
  ASSERT_THAT(out.live, SizeIs(2));
  EXPECT_FALSE(out.live[0].late) << "live has no late";
}

TEST(Engine, AnUpdateOfASettledReportNamesTheRecordItAmends) {
  Timeline city;
  city.Arrives(GasAlarm("alarm-1", "10:00:00", "H", 1.2));
  city.Until("10:01:00");
  const std::uint64_t first = city.all().settled.at(0).seq;
  Report update = GasAlarm("alarm-1", "10:00:00", "H", 1.6);
  update.updated_at = BeijingTime("10:01:05");
  const auto out = city.ArrivesAt("10:01:05", update);
  EXPECT_EQ(out.live.at(0).amends_seq, 1u);
  EXPECT_EQ(out.settled.at(0).amends_seq, first);
  EXPECT_FALSE(out.settled.at(0).late);
}

TEST(Engine, ReplayingTheLogIntoANewEngineRestoresWhatItKnew) {
  const Timeline city = BusyCity(7);
  Engine recovered;
  EngineOutput out;
  for (const LogEntry& entry : city.log()) recovered.Apply(entry, &out);
  Engine& original = const_cast<Timeline&>(city).engine();
  EXPECT_EQ(recovered.last_seq(StreamId::kLive), original.last_seq(StreamId::kLive));
  EXPECT_EQ(recovered.last_seq(StreamId::kSettled), original.last_seq(StreamId::kSettled));
  EXPECT_EQ(recovered.PendingFrames().size(), original.PendingFrames().size());
  EXPECT_EQ(recovered.NextWakeUp(), original.NextWakeUp());
}

}  // namespace
}  // namespace fusiongateway::testing
