#include "fusion/sequence/sequencer.h"

#include <gmock/gmock.h>

#include "tests/fusion/support/timeline.h"

namespace fusiongateway::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SequencerTest : public ::testing::Test {
 protected:
  SequencerTest() { sequencer_.Configure(DemoConfig()); }

  Turn Add(const std::string& feed, const std::string& id, std::string_view clock,
           std::string_view arrives) {
    Report report = Reading(id, clock, 1);
    report.feed_id = feed;
    return sequencer_.Add({std::make_shared<const Report>(std::move(report)), 0, nullptr, nullptr},
                          BeijingTime(arrives));
  }
  std::vector<std::string> Advance(std::string_view clock) {
    std::vector<std::string> ids;
    for (const HeldReport& held : sequencer_.Advance(BeijingTime(clock))) {
      ids.push_back(held.report->report_id);
    }
    return ids;
  }

  Sequencer sequencer_;
};

TEST_F(SequencerTest, GivesBackInOrderOfTimeThenFeedThenId) {
  Add("sky_guard", "c", "10:00:00", "10:00:00");
  Add("grid", "b", "10:00:00", "10:00:00");
  Add("grid", "a", "10:00:00", "10:00:00");
  Add("hazmat", "z", "09:59:59", "10:00:00");
  EXPECT_THAT(Advance("10:00:01"), IsEmpty());
  EXPECT_THAT(Advance("10:00:11"), ElementsAre("z", "a", "b", "c"));
}

TEST_F(SequencerTest, TheSlowestActiveFeedHoldsTheMarkAndIsNamed) {
  Add("hazmat", "h1", "09:59:49", "10:00:00");
  Add("grid", "g1", "09:59:58", "10:00:00");
  Add("hazmat", "h2", "10:00:20", "10:00:01");
  EXPECT_THAT(Advance("10:00:01"), IsEmpty());
  EXPECT_EQ(sequencer_.settled_through(), BeijingTime("09:59:48"));
  EXPECT_EQ(sequencer_.blocker(), "grid");
}

TEST_F(SequencerTest, AnIdleFeedNeverHoldsTheOthersBack) {
  Add("grid", "g1", "10:00:00", "10:00:00");
  Add("hazmat", "h1", "10:00:04", "10:00:04");
  Add("hazmat", "h2", "10:00:15", "10:00:04");
  EXPECT_THAT(Advance("10:00:04"), IsEmpty()) << "grid is not idle yet";
  EXPECT_EQ(sequencer_.NextWakeUp(), BeijingTime("10:00:05"));
  EXPECT_THAT(Advance("10:00:05"), ElementsAre("g1", "h1"));
}

TEST_F(SequencerTest, WhenAllAreIdleTimeItselfSettles) {
  Add("grid", "g1", "10:00:00", "10:00:00");
  Advance("10:00:00");
  EXPECT_EQ(sequencer_.NextWakeUp(), BeijingTime("10:00:05"));
  EXPECT_THAT(Advance("10:00:05"), IsEmpty());
  ASSERT_EQ(sequencer_.NextWakeUp(), BeijingTime("10:00:10") + Duration{1});
  EXPECT_EQ(sequencer_.blocker(), "") << "nobody but time";
  EXPECT_THAT(Advance("10:00:10.000000001"), ElementsAre("g1"));
  EXPECT_EQ(sequencer_.NextWakeUp(), std::nullopt);
}

TEST_F(SequencerTest, AFeedThatKeepsTalkingInThePastHoldsTheOthersForABoundedTime) {
  Add("hazmat", "h1", "10:00:00", "10:00:00");
  for (int second = 0; second < 20; ++second) {
    const UtcTime now = BeijingTime("10:00:00") + seconds{second};
    Report old = Reading("old" + std::to_string(second), "09:00:00", 1);
    old.feed_id = "grid";
    sequencer_.Add({std::make_shared<const Report>(old), 0, nullptr, nullptr}, now);
    for (const HeldReport& held : sequencer_.Advance(now)) {
      if (held.report->report_id == "h1") {
        EXPECT_EQ(second, 16) << "10 s of lateness, 5 s of patience";
        return;
      }
    }
  }
  FAIL() << "h1 was never settled";
}

TEST_F(SequencerTest, TheFutureIsHeldAndNeverAdvancesTheMark) {
  Add("hazmat", "h1", "10:00:00", "10:00:00");
  EXPECT_EQ(Add("hazmat", "ahead", "10:05:00", "10:00:01"), Turn::kHeld);
  EXPECT_THAT(Advance("10:00:01"), IsEmpty());
  EXPECT_EQ(sequencer_.settled_through(), BeijingTime("09:59:50"));
  EXPECT_EQ(Add("grid", "g1", "09:59:55", "10:00:02"), Turn::kHeld) << "not late";
  EXPECT_THAT(Advance("10:04:00"), ElementsAre("g1", "h1"));
  EXPECT_THAT(Advance("10:05:11"), ElementsAre("ahead"));
}

TEST_F(SequencerTest, NobodyWaitsForAYearFromNow) {
  EXPECT_EQ(Add("hazmat", "h1", "23:00:00", "10:00:01"), Turn::kUnordered);
  EXPECT_EQ(sequencer_.held_count(), 0u);
  EXPECT_EQ(sequencer_.NextWakeUp(), std::nullopt);
}

TEST_F(SequencerTest, TheMarkNeverGoesBackAndWhatIsBehindItIsLate) {
  Add("hazmat", "h1", "10:00:30", "10:00:30");
  Advance("10:00:30");
  EXPECT_EQ(Add("grid", "g1", "10:00:19", "10:00:31"), Turn::kLate);
  Advance("10:00:31");
  EXPECT_EQ(sequencer_.settled_through(), BeijingTime("10:00:20"));
  EXPECT_EQ(Add("grid", "g2", "10:00:20", "10:00:31"), Turn::kHeld) << "at the mark is in time";
}

TEST(Watermarks, NameTheFeedThatHoldsOthersBackOnceItLasts) {
  Timeline city;
  const auto blocker_told = [](const EngineOutput& out) -> std::string {
    for (const StreamRecord& record : out.settled) {
      if (const auto* mark = std::get_if<Watermark>(&record.body)) return mark->blocker_feed_id;
    }
    return "nothing told";
  };
  Report old = GridReport("g0", "09:59:50", FromSite(3000, 3000), "11A02");
  city.ArrivesAt("10:00:00", old);
  EXPECT_EQ(blocker_told(city.Arrives(Reading("v0", "10:00:00", 1))), "nothing told");
  EXPECT_EQ(blocker_told(city.Arrives(Reading("v1", "10:00:02", 1))), "grid");
  EXPECT_EQ(blocker_told(city.Arrives(Reading("v2", "10:00:03", 1))), "nothing told") << "once";
  city.Until("10:01:00");
  EXPECT_THAT(city.SettledReportIds(), ElementsAre("g0", "v0", "v1", "v2"));
}

TEST(Watermarks, AreToldWhenTheySettledSomething) {
  Timeline city;
  city.Arrives(Reading("v1", "10:00:00", 1));
  city.Arrives(GridReport("g1", "10:00:02", FromSite(3000, 3000), "11A02"));
  city.Until("10:01:00");
  std::vector<Watermark> marks;
  for (const StreamRecord& record : city.all().settled) {
    if (const auto* mark = std::get_if<Watermark>(&record.body)) marks.push_back(*mark);
  }
  ASSERT_FALSE(marks.empty());
  EXPECT_GT(marks.back().settled_through, BeijingTime("10:00:02"));
  EXPECT_EQ(marks.back().blocker_feed_id, "");
  EXPECT_THAT(city.SettledReportIds(), ElementsAre("v1", "g1"));
}

TEST(Watermarks, EveryWakeUpTheEngineNamesLiesAheadAndTheLastSettlesAll) {
  Timeline city;
  for (int i = 0; i < 20; ++i) {
    Report report = Reading("v" + std::to_string(i), "10:00:00", i);
    report.feed_id = i % 2 ? "hazmat" : "grid";
    report.aligned.utc += std::chrono::milliseconds{i * 313};
    report.received_at += std::chrono::milliseconds{i * 500};
    city.Arrives(report);
  }
  UtcTime now = city.log().back().at;
  for (int ticks = 0; const auto wake = city.engine().NextWakeUp(); ++ticks) {
    ASSERT_GT(*wake, now);
    ASSERT_LT(ticks, 100);
    now = *wake;
    city.Log(now, Tick{});
  }
  EXPECT_EQ(city.SettledReportIds().size(), 20u);
}

}  // namespace
}  // namespace fusiongateway::testing
