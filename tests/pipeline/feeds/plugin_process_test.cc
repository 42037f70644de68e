#include "pipeline/feeds/plugin_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "app/system_clock.h"
#include "pipeline/feeds/plugin_wire.h"
#include "proto/codec/json_form.h"
#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PluginProcessTest : public ::testing::Test {
 protected:
  PluginProcessOptions Options() const { return {FG_PROGRAM, &clock_}; }
  std::unique_ptr<FeedPlugin> Misbehaving(Duration decode_timeout = seconds{20}) {
    auto started =
        PluginProcess::Start(MISBEHAVING_PLUGIN, "misbehaving", "{}", decode_timeout, Options());
    EXPECT_TRUE(started.ok()) << started.status().message();
    return started.ok() ? std::move(*started) : nullptr;
  }
  static std::string ReportOf(FeedPlugin& process) {
    const PluginOutput output = process.Decode("report");
    return output.reports.empty() ? "none" : output.reports[0].report_id();
  }

  const SystemClock clock_;
};

TEST_F(PluginProcessTest, WhatThePluginEmitsCrossesUnchanged) {
  auto isolated = Misbehaving();
  auto loaded = FeedPlugin::Load(MISBEHAVING_PLUGIN, "misbehaving", "{}");
  ASSERT_TRUE(isolated && loaded.ok());
  for (const char* payload : {"report", "person", "refuse twice", "nothing", "garbage", "flood"}) {
    const PluginOutput there = isolated->Decode(payload);
    const PluginOutput here = (*loaded)->Decode(payload);
    EXPECT_EQ(there.persons, here.persons) << payload;
    ASSERT_EQ(there.reports.size(), here.reports.size()) << payload;
    for (std::size_t i = 0; i < here.reports.size(); ++i) {
      EXPECT_EQ(ToJson(there.reports[i]), ToJson(here.reports[i]));
    }
    ASSERT_EQ(there.refusal.has_value(), here.refusal.has_value()) << payload;
    if (!here.refusal) continue;
    EXPECT_EQ(there.refusal->code, here.refusal->code);
    EXPECT_EQ(there.refusal->message, here.refusal->message);
    EXPECT_EQ(there.refusal->field, here.refusal->field);
  }
  EXPECT_EQ(isolated->process_counters().starts, 1u);
}

TEST_F(PluginProcessTest, APayloadThatKillsThePluginTwiceIsRefusedAndTheNextOneIsTaken) {
  auto process = Misbehaving();
  ASSERT_TRUE(process);
  const PluginOutput output = process->Decode("crash me");
  ASSERT_TRUE(output.refusal);
  EXPECT_EQ(output.refusal->code, "PLUGIN_ERROR");
  EXPECT_THAT(output.refusal->message, HasSubstr("ended (signal "));
  EXPECT_THAT(output.reports, IsEmpty());
  EXPECT_EQ(ReportOf(*process), "R");
  EXPECT_EQ(process->process_counters().crashes, 2u);
  EXPECT_EQ(process->process_counters().timeouts, 0u);
  EXPECT_EQ(process->process_counters().starts, 3u);
}

TEST_F(PluginProcessTest, APayloadThatHangsIsRefusedAfterTwoDeadlines) {
  auto process = Misbehaving(milliseconds{200});
  ASSERT_TRUE(process);
  const PluginOutput output = process->Decode("hang on");
  ASSERT_TRUE(output.refusal);
  EXPECT_EQ(output.refusal->code, "PLUGIN_ERROR");
  EXPECT_THAT(output.refusal->message, HasSubstr("gave no answer in time"));
  EXPECT_EQ(process->process_counters().timeouts, 2u);
}

TEST_F(PluginProcessTest, StopEndsADecodeThatHangs) {
  auto process = Misbehaving(seconds{600});
  ASSERT_TRUE(process);
  std::string folder = (std::filesystem::temp_directory_path() / "hangs-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string fifo = folder + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::thread stopper([&] {
    std::ifstream hangs(fifo);  // not before the plugin has it
    process->Stop();
  });
  EXPECT_TRUE(process->Decode("hang " + fifo).refusal);
  stopper.join();
  EXPECT_TRUE(process->Decode("report").refusal) << "and nothing is begun any more";
  std::filesystem::remove_all(folder);
}

TEST_F(PluginProcessTest, ForSomebodyWhoWaitsAPayloadIsTriedOnceAndNothingIsStartedAgain) {
  const auto start = [this](Duration give_up_after) {
    PluginProcessOptions options = Options();
    options.give_up_after = give_up_after;
    auto started =
        PluginProcess::Start(MISBEHAVING_PLUGIN, "misbehaving", "{}", seconds{60}, options);
    EXPECT_TRUE(started.ok()) << started.status().message();
    return started.ok() ? std::move(*started) : nullptr;
  };
  auto crashing = start(seconds{60});
  ASSERT_TRUE(crashing);
  const PluginOutput output = crashing->Decode("crash");
  ASSERT_TRUE(output.refusal);
  EXPECT_THAT(output.refusal->message, HasSubstr("ended (signal "));
  EXPECT_TRUE(crashing->Decode("report").refusal) << "it is gone";
  EXPECT_EQ(crashing->process_counters().starts, 1u);
  EXPECT_EQ(crashing->process_counters().timeouts, 0u);
  auto hanging = start(seconds{5});
  ASSERT_TRUE(hanging);
  EXPECT_TRUE(hanging->Decode("hang").refusal) << "long before decode_timeout";
  EXPECT_EQ(hanging->process_counters().starts, 1u);
  EXPECT_EQ(hanging->process_counters().timeouts, 1u);
}

TEST_F(PluginProcessTest, AProcessThatSaidMoreThanItWasAskedIsReplacedBeforeTheNextPayload) {
  auto process = Misbehaving();
  ASSERT_TRUE(process);
  // It says so twice before the real answer.
  EXPECT_EQ(process->Decode("chatter").refusal->code, "C");
  EXPECT_EQ(ReportOf(*process), "R");
  EXPECT_EQ(process->process_counters().starts, 2u);
  EXPECT_EQ(process->process_counters().crashes, 0u);
}

TEST_F(PluginProcessTest, APluginThatCannotBeLoadedSaysWhyAtTheStart) {
  const auto error = [&](const std::string& path, const std::string& name,
                         const std::string& config) {
    const auto started = PluginProcess::Start(path, name, config, seconds{1}, Options());
    return started.ok() ? std::string("started") : started.status().message();
  };
  EXPECT_THAT(error("/nowhere/x.so", "x", "{}"), HasSubstr("cannot be loaded"));
  EXPECT_THAT(error(OTHER_ABI_PLUGIN, "", "{}"), HasSubstr("ABI 99"));
  EXPECT_THAT(error(MISBEHAVING_PLUGIN, "misbehaving", R"({"feedId":"unwanted"})"),
              HasSubstr("not wanted"));
  const auto none = PluginProcess::Start(MISBEHAVING_PLUGIN, "", "{}", seconds{1},
                                         {"/nowhere/fusion-gateway", &clock_});
  EXPECT_FALSE(none.ok());
}

TEST_F(PluginProcessTest, AStartThatHangsEndsAtItsDeadlineOrWhenItIsGivenUp) {
  const auto start = [&](const PluginProcessOptions& options) {
    return PluginProcess::Start(MISBEHAVING_PLUGIN, "misbehaving", R"({"feedId":"endless"})",
                                seconds{1}, options)
        .status();
  };
  PluginProcessOptions options = Options();
  std::atomic<bool> given_up{false};
  options.given_up = &given_up;
  options.start_by = clock_.SteadyNow() + milliseconds{300};
  EXPECT_THAT(start(options).message(), HasSubstr("not ready in time"));
  options.start_by = SteadyTime::max();
  const SteadyTime began = clock_.SteadyNow();
  std::thread stopper([&] { given_up = true; });
  EXPECT_FALSE(start(options).ok());
  stopper.join();
  EXPECT_FALSE(start(options).ok()) << "and none is begun";
  EXPECT_LT(clock_.SteadyNow() - began, seconds{20});
}

TEST_F(PluginProcessTest, AnIsolatedFeedMakesTheSameReportsAsOneInThisProcess) {
  const std::string payload =
      R"({"dataType":"alarm","enterpriseId":"410200007","alarmId":"A-1",)"
      R"("quotaId":"410200007002G0001QT001","level":"HH","value":3.4,)"
      R"("startTime":"20261123100000","state":"active","LXR":"张三","note":"张三 13912345678"})";
  const auto tables = CodeTables::Read(FG_TABLES_DIR);
  ASSERT_TRUE(tables.ok());
  FeedConfig config = TestFeed("hazmat");
  const DecodeContext context{TestArrival(), std::nullopt};
  auto here = FeedDecoder::Create(config, TestSites(), *tables);
  config.isolated = true;
  auto there = FeedDecoder::Create(config, TestSites(), *tables, Options());
  ASSERT_TRUE(here.ok() && there.ok()) << there.status().message();
  EXPECT_TRUE((*there)->isolated());
  const DecodeOutcome a = (*here)->Decode(payload, context);
  const DecodeOutcome b = (*there)->Decode(payload, context);
  ASSERT_EQ(a.reports.size(), 1u);
  EXPECT_TRUE(a.reports == b.reports);
}

TEST_F(PluginProcessTest, ADeadLetterOfAPluginThatDiedIsMasked) {
  FeedConfig config;
  config.feed_id = "odd";
  config.plugin = "misbehaving";
  config.plugin_path = MISBEHAVING_PLUGIN;
  config.isolated = true;
  auto decoder = FeedDecoder::Create(config, {}, CodeTables(), Options());
  ASSERT_TRUE(decoder.ok()) << decoder.status().message();
  const auto outcome = (*decoder)->Decode("crash 13912345678", {TestArrival(), std::nullopt});
  EXPECT_EQ(outcome.masked_payload, "crash 139****5678");
  EXPECT_EQ((*decoder)->counters().plugin_error_count, 1u);
}

TEST(PluginWire, AReportLongerThanAPluginMayEmitIsNoAnswer) {
  PluginOutput output;
  output.reports.emplace_back().set_report_id(std::string(FeedPlugin::kReportBytesMax - 100, 'R'));
  EXPECT_TRUE(plugin_wire::DecodeOutput(plugin_wire::Encode(output)));
  output.reports[0].mutable_report_id()->append(100, 'R');
  EXPECT_FALSE(plugin_wire::DecodeOutput(plugin_wire::Encode(output)));
}

TEST(PluginWire, ADamagedAnswerIsNoAnswer) {
  PluginOutput output;
  output.persons = {"张三"};
  output.reports.emplace_back().set_report_id("R");
  const std::string whole = plugin_wire::Encode(output);
  ASSERT_TRUE(plugin_wire::DecodeOutput(whole));
  EXPECT_THAT(plugin_wire::DecodeOutput(whole)->persons, ElementsAre("张三"));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(plugin_wire::DecodeOutput(whole.substr(0, length))) << length;
  }
  EXPECT_FALSE(plugin_wire::DecodeOutput(whole + "x"));
  EXPECT_FALSE(plugin_wire::DecodeOutput(std::string(64, '\xff')));
}

}  // namespace
}  // namespace fusiongateway
