// Scenario 6 of a command centre's first trials: a sensor gateway whose clock is 90 s fast. From
// the native payload through plugin, normaliser and engine.
#include <gmock/gmock.h>

#include <random>

#include "proto/codec/codec.h"
#include "tests/fusion/support/timeline.h"
#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

std::string Compact(UtcTime beijing) {
  std::string text = FormatRfc3339(beijing + std::chrono::hours{8}).substr(0, 19);
  std::erase_if(text, [](char c) { return c == '-' || c == ':' || c == 'T'; });
  return text;
}

UtcTime FloorToSecond(UtcTime time) { return std::chrono::floor<seconds>(time); }

bool Holds(const Stamp& stamp, UtcTime truth) {
  return stamp.Earliest() <= truth && truth <= stamp.Latest();
}

class FastGateway : public ::testing::Test {
 protected:
  FastGateway() { Restart(); }

  // As a new process: nothing is known of any clock.
  void Restart() {
    FeedConfig config = TestFeed("hazmat");
    config.feed_id = "hazmat";
    auto decoder =
        FeedDecoder::Create(config, DemoConfig().sites, *CodeTables::Read(FG_TABLES_DIR));
    ASSERT_TRUE(decoder.ok()) << decoder.status().message();
    decoder_ = std::move(*decoder);
  }

  // Written by the gateway at `truth` on its own clock, in whole seconds.
  Report Hear(const std::string& payload_before_time, UtcTime truth, const std::string& rest) {
    const UtcTime received = truth + milliseconds{20 + random_() % 600};
    const auto outcome = decoder_->Decode(
        payload_before_time + "\"" + Compact(truth + ahead_) + "\"" + rest, {received});
    EXPECT_FALSE(outcome.refusal) << outcome.refusal->message;
    EXPECT_THAT(outcome.reports, SizeIs(1));
    return outcome.reports.empty() ? Report{} : outcome.reports.front();
  }
  Report Values(UtcTime truth) {
    return Hear(R"({"dataType":"energy_data","enterpriseId":"410200007","gatewayId":"GW1",
        "isConnectDataSource":"true","datas":[{"quotaId":"410200007002G0001QT001","value":0.1}],
        "collectTime":)",
                truth, "}");
  }
  Report Alarm(const std::string& id, UtcTime truth) {
    return Hear(R"({"dataType":"alarm","enterpriseId":"410200007","gatewayId":"GW1","alarmId":")" +
                    id + R"(","quotaId":"410200007002G0001QT001","level":"HH","value":3.4,
                    "threshold":3,"unit":"ppm","state":"active","startTime":)",
                truth, "}");
  }

  std::unique_ptr<FeedDecoder> decoder_;
  Duration ahead_ = seconds{90};
  std::mt19937 random_{6};
};

TEST_F(FastGateway, IsFlaggedAlignedAndItsRawTimeKept) {
  const UtcTime begin = BeijingTime("10:00:00.3");
  std::string finding;
  for (int i = 0; i < 60; ++i) {
    const UtcTime truth = begin + seconds{5 * i} + milliseconds{random_() % 900};
    const Report report = Values(truth);
    EXPECT_THAT(report.flags, Contains("CLOCK_OFF")) << i;
    EXPECT_THAT(report.flags, Not(Contains("CLOCK_ZONE")));
    EXPECT_EQ(*report.occurred_at, FloorToSecond(truth + ahead_)) << "as the source said it";
    EXPECT_TRUE(Holds(report.aligned, truth)) << i;
    if (i < 2) {
      EXPECT_EQ(report.aligned.source, ClockSource::kUnsynchronised) << "not believed yet";
    } else {
      EXPECT_EQ(report.aligned.source, ClockSource::kArrival);
      EXPECT_LE(Magnitude(report.aligned.utc - truth), seconds{1}) << i;
      EXPECT_LE(report.aligned.uncertainty, FeedConfig{}.delay_max);
    }
    if (auto found = decoder_->TakeClockFinding()) finding += *found;
  }
  EXPECT_THAT(finding, HasSubstr("clock \"GW1\" is "));
  EXPECT_THAT(finding, HasSubstr("s fast"));
}

TEST_F(FastGateway, ItsAlarmShowsTheVideoOfItsSecond) {
  UtcTime truth = BeijingTime("10:00:00.3");
  for (int i = 0; i < 12; ++i) Values(truth += seconds{5} + milliseconds{130});
  Timeline city;
  truth += seconds{3};
  city.Arrives(Alarm("AL1", truth));
  const auto wanted = city.engine().PendingFrames();
  ASSERT_THAT(wanted, Not(SizeIs(0)));
  for (const FrameWanted& frame : wanted) {
    EXPECT_LE(Magnitude(frame.at.utc - truth), seconds{1}) << frame.camera_id;
  }
}

TEST_F(FastGateway, AnOutageBehindItLeavesTheStoredTimesWhereTheyWere) {
  const UtcTime begin = BeijingTime("10:00:00.3");
  for (int i = 0; i < 12; ++i) Values(begin + seconds{5 * i});
  const UtcTime back = begin + std::chrono::minutes{11};
  for (int i = 12; i < 120; ++i) {
    const UtcTime truth = begin + seconds{5 * i};
    const auto outcome = decoder_->Decode(
        R"({"dataType":"energy_data","enterpriseId":"410200007","gatewayId":"GW1",
            "isConnectDataSource":"true","datas":[],"collectTime":")" +
            Compact(truth + ahead_) + "\"}",
        {back + milliseconds{30 * i}});
    ASSERT_THAT(outcome.reports, SizeIs(1));
    const Report& report = outcome.reports[0];
    EXPECT_TRUE(Holds(report.aligned, truth)) << i;
    EXPECT_LE(Magnitude(report.aligned.utc - truth), seconds{1}) << i;
    EXPECT_THAT(report.flags, Contains("DELAYED"));
  }
}

TEST_F(FastGateway, EightHoursEitherWayIsCalledATimeZone) {
  for (const Duration ahead : {Duration{std::chrono::hours{8}}, -Duration{std::chrono::hours{8}}}) {
    ahead_ = ahead;
    Restart();
    UtcTime truth = BeijingTime("10:00:00.3");
    for (int i = 0; i < 40; ++i) {
      truth += seconds{5} + milliseconds{130};
      const Report report = Values(truth);
      EXPECT_TRUE(Holds(report.aligned, truth)) << i;
      EXPECT_THAT(report.flags, Not(SizeIs(0))) << "unflagged while it was not known";
      if (i < 12) continue;
      EXPECT_THAT(report.flags, Contains("CLOCK_ZONE"));
      EXPECT_LE(Magnitude(report.aligned.utc - truth), seconds{1}) << i;
    }
    EXPECT_THAT(decoder_->TakeClockFinding().value_or(""), HasSubstr("time zone"));
  }
}

TEST_F(FastGateway, AfterARestartItIsStillKnown) {
  UtcTime truth = BeijingTime("10:00:00.3");
  std::vector<v1::Report> journal;
  for (int i = 0; i < 6; ++i) {
    ToWire(Values(truth += seconds{5}), &journal.emplace_back());
  }
  Restart();
  for (const v1::Report& report : journal) decoder_->Recall(report);
  truth += seconds{30};
  const Report first = Alarm("AL1", truth);
  EXPECT_EQ(first.aligned.source, ClockSource::kArrival);
  EXPECT_LE(Magnitude(first.aligned.utc - truth), seconds{1});
}

}  // namespace
}  // namespace fusiongateway::testing
