// What the simulated systems tell is read by the real feed plugins.
#include "app/demo_city/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numbers>
#include <set>

#include "app/demo_city/city.h"
#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway::demo_city {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

// Not on a whole second: sources cut it.
UtcTime TenOClock() { return Time("2026-11-23T10:00:00.789+08:00"); }

std::string ToKind(ReportKind kind) { return std::string(ToString(kind)); }

double MetresFromSite(const Report& report) {
  const double north = (report.position->latitude - kChlorineSite.latitude) * 111'195;
  const double east = (report.position->longitude - kChlorineSite.longitude) * 111'195 *
                      std::cos(kChlorineSite.latitude * std::numbers::pi / 180);
  return std::hypot(north, east);
}

// Decoders of the four feeds, made once.
class Feeds {
 public:
  Feeds() {
    for (const std::string_view feed : kFeeds) {
      decoders_[std::string(feed)] = MakeDecoder(TestFeed(std::string(feed)));
    }
  }
  Report Read(const CityEvent& event) {
    DecodeOutcome outcome =
        decoders_.at(event.feed_id)->Decode(event.payload, {event.true_time + milliseconds(5), {}});
    EXPECT_FALSE(outcome.refusal) << event.payload;
    EXPECT_EQ(outcome.reports.size(), 1u) << event.payload;
    return outcome.reports.empty() ? Report{} : outcome.reports.front();
  }

 private:
  std::map<std::string, std::unique_ptr<FeedDecoder>> decoders_;
};

std::vector<CityEvent> PlayChlorine() {
  std::vector<CityEvent> events;
  for (const ScenarioStep& step : ChlorineScenario()) {
    events.push_back(step.happen(TenOClock() + step.offset));
  }
  return events;
}

std::vector<CityEvent> PlayQuiet(std::uint64_t seed, Duration length) {
  QuietCity city(seed);
  std::vector<CityEvent> events;
  while (city.next_due() < length) {
    events.push_back(city.Happen(TenOClock() + city.next_due(), std::nullopt));
  }
  return events;
}

TEST(ScenarioTest, ChlorineHappensAsToldInFiveReportsOfThreeSystems) {
  std::vector<Duration> offsets;
  for (const ScenarioStep& step : ChlorineScenario()) offsets.push_back(step.offset);
  EXPECT_THAT(offsets, testing::ElementsAre(seconds(0), seconds(70), seconds(120), seconds(120),
                                            seconds(160)));
  std::set<std::string> feeds;
  for (const CityEvent& event : PlayChlorine()) {
    EXPECT_EQ(event.incident, kChlorineIncident);
    feeds.insert(event.feed_id);
  }
  EXPECT_EQ(feeds.size(), 3u);
}

TEST(ScenarioTest, EveryPayloadIsReadByItsPluginAsTheTruthSays) {
  Feeds feeds;
  std::vector<CityEvent> events = PlayChlorine();
  for (CityEvent& event : PlayQuiet(7, std::chrono::minutes(30))) events.push_back(event);
  std::set<std::string> ids;
  std::set<std::string> kinds;
  for (const CityEvent& event : events) {
    const Report report = feeds.Read(event);
    EXPECT_EQ(report.report_id, event.report_id);
    EXPECT_EQ(ToKind(report.kind), event.kind);
    ASSERT_TRUE(report.occurred_at);
    // The source's own resolution, and no more, lies between the truth and what it says.
    EXPECT_LE(*report.occurred_at, event.true_time);
    EXPECT_GT(*report.occurred_at + seconds(1), event.true_time);
    EXPECT_THAT(report.flags, testing::IsEmpty()) << event.payload;
    EXPECT_TRUE(ids.insert(event.feed_id + "/" + event.report_id).second) << event.report_id;
    kinds.insert(event.kind);
  }
  EXPECT_THAT(kinds, testing::ElementsAre("GRID_REPORT", "POLICE_CALL", "SENSOR_ALARM",
                                          "SENSOR_READING", "SKY_GUARD_ALARM"));
}

TEST(ScenarioTest, ChlorineReportsLieWhereTheyShouldAfterConversion) {
  Feeds feeds;
  const std::vector<CityEvent> events = PlayChlorine();
  EXPECT_NEAR(MetresFromSite(feeds.Read(events[2])), 800, 10);
  EXPECT_NEAR(MetresFromSite(feeds.Read(events[3])), 1900, 10);
  EXPECT_NEAR(MetresFromSite(feeds.Read(events[4])), 40, 5);
  EXPECT_EQ(feeds.Read(events[2]).position->original_crs, CoordinateSystem::kGcj02);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(feeds.Read(events[i]).class_code, "12D02") << events[i].payload;
  }
}

TEST(ScenarioTest, CallsCarryPersonalDataAndTheReportsDoNot) {
  Feeds feeds;
  const CityEvent call = PlayChlorine()[2];
  EXPECT_THAT(call.payload, HasSubstr("13937812345"));
  EXPECT_THAT(call.payload, HasSubstr("410202198503121234"));
  const Report report = feeds.Read(call);
  const auto& detail = std::get<PoliceCallDetail>(report.detail);
  EXPECT_THAT(detail.text + report.summary, HasSubstr("139****2345"));
  EXPECT_THAT(detail.text + report.summary, Not(HasSubstr("13937812345")));
  EXPECT_THAT(detail.text + report.summary, Not(HasSubstr("张伟")));
}

TEST(QuietCityTest, SameSeedSameCityAndAnotherSeedAnother) {
  const auto payloads = [](std::uint64_t seed) {
    std::vector<std::string> all;
    for (const CityEvent& event : PlayQuiet(seed, std::chrono::minutes(20))) {
      all.push_back(event.payload);
    }
    return all;
  };
  EXPECT_EQ(payloads(3), payloads(3));
  EXPECT_NE(payloads(3), payloads(4));
}

TEST(QuietCityTest, NothingButReadingsComesFromWithinFiveKilometresOfTheSite) {
  Feeds feeds;
  std::map<std::string, int> count;
  for (const CityEvent& event : PlayQuiet(11, std::chrono::hours(2))) {
    EXPECT_EQ(event.incident, "");
    ++count[event.kind];
    const Report report = feeds.Read(event);
    if (!report.position) continue;
    EXPECT_GT(MetresFromSite(report), 5000) << event.payload;
  }
  EXPECT_GT(count["SENSOR_READING"], 2000);
  EXPECT_GT(count["POLICE_CALL"], 60);
  EXPECT_GT(count["GRID_REPORT"], 60);
  // A rare fire, three sweeps each.
  EXPECT_GE(count["SKY_GUARD_ALARM"], 3);
  EXPECT_LT(count["SKY_GUARD_ALARM"], 30);
}

TEST(QuietCityTest, GasReadingFollowsTheScenario) {
  EXPECT_DOUBLE_EQ(ChlorinePpm(std::nullopt), 0.1);
  EXPECT_DOUBLE_EQ(ChlorinePpm(seconds(0)), 1.2);
  EXPECT_DOUBLE_EQ(ChlorinePpm(seconds(70)), 3.4);
  EXPECT_DOUBLE_EQ(ChlorinePpm(std::chrono::hours(1)), 0.1);
}

}  // namespace
}  // namespace fusiongateway::demo_city
