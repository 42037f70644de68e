#include "pipeline/feeds/plugin_lane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <semaphore>

#include "app/system_clock.h"
#include "pipeline/feeds/plugin_process.h"
#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::SizeIs;

// Makes of each payload about as much as it may.
class Lavish final : public FeedPlugin {
 public:
  PluginOutput Decode(std::string_view) override {
    PluginOutput output;
    for (int i = 0; i < 6; ++i) {
      output.reports.emplace_back().set_summary(std::string(FeedPlugin::kReportBytesMax - 64, 'x'));
    }
    return output;
  }
};

class PluginLaneTest : public ::testing::Test {
 protected:
  PluginLaneTest() {
    folder_ = (std::filesystem::temp_directory_path() / "lane-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    fifo_ = folder_ + "/fifo";
    EXPECT_EQ(mkfifo(fifo_.c_str(), 0600), 0);
  }
  ~PluginLaneTest() override { std::filesystem::remove_all(folder_); }

  std::shared_ptr<FeedPlugin> Misbehaving(Duration decode_timeout) {
    auto started = PluginProcess::Start(MISBEHAVING_PLUGIN, "misbehaving", "{}", decode_timeout,
                                        {FG_PROGRAM, &clock_});
    EXPECT_TRUE(started.ok()) << started.status().message();
    return started.ok() ? std::move(*started) : nullptr;
  }
  std::function<void()> Wake() {
    return [this] { answered_.release(); };
  }
  // Returns when the plugin is at the payload "hang <fifo_>".
  void AwaitHang() { std::ifstream hangs(fifo_); }

  const SystemClock clock_;
  std::string folder_;
  std::string fifo_;
  std::counting_semaphore<> answered_{0};
};

TEST_F(PluginLaneTest, WhatIsMadeOfALotIsBounded) {
  PluginLane lane(std::make_shared<Lavish>(), clock_, Wake());
  lane.Ask(std::vector<std::string>(64, "payload"));
  answered_.acquire();
  EXPECT_EQ(lane.count(), 3u) << "16 MiB in pieces of 6";
  EXPECT_THAT(lane.Take(), SizeIs(3));
}

TEST_F(PluginLaneTest, ALotIsAnsweredAsFarAsItIsAfterAPayloadThatTookLong) {
  auto plugin = Misbehaving(milliseconds{600});
  ASSERT_TRUE(plugin);
  PluginLane lane(plugin, clock_, Wake());
  lane.Ask({"report", "hang", "hang", "report"});
  answered_.acquire();
  const auto outputs = lane.Take();
  ASSERT_THAT(outputs, SizeIs(2));
  EXPECT_FALSE(outputs[0].refusal);
  EXPECT_TRUE(outputs[1].refusal);
  EXPECT_EQ(plugin->process_counters().timeouts, 2u);
}

TEST_F(PluginLaneTest, ALotIsCutShortAtAPayloadThatHangsAndTheNextOneIsTaken) {
  auto plugin = Misbehaving(seconds{600});
  ASSERT_TRUE(plugin);
  PluginLane lane(plugin, clock_, Wake());
  lane.Ask({"report", "hang " + fifo_, "report"});
  AwaitHang();
  lane.Cut();
  answered_.acquire();
  const auto outputs = lane.Take();
  ASSERT_THAT(outputs, SizeIs(1));
  EXPECT_FALSE(outputs[0].refusal);
  lane.Ask({"report"});
  answered_.acquire();
  const auto after = lane.Take();
  ASSERT_THAT(after, SizeIs(1));
  EXPECT_FALSE(after[0].refusal);
  EXPECT_EQ(plugin->process_counters().timeouts, 0u) << "cut short is no fault of the plugin";
}

TEST_F(PluginLaneTest, OtherTablesAreUsedFromTheNextPayloadOnWhateverThePluginIsAt) {
  FeedConfig config;
  config.feed_id = "odd";
  config.plugin = "misbehaving";
  config.plugin_path = MISBEHAVING_PLUGIN;
  config.isolated = true;
  config.decode_timeout = seconds{600};
  const PluginProcessOptions processes{FG_PROGRAM, &clock_};
  auto decoder = FeedDecoder::Create(config, {}, CodeTables(), processes);
  auto other = FeedDecoder::MakeTables(config, {}, CodeTables(), processes);
  ASSERT_TRUE(decoder.ok() && other.ok());
  const std::shared_ptr<FeedPlugin> new_plugin = other->plugin;
  const DecodeContext context{TestArrival(), std::nullopt};
  (*decoder)->Begin({"hang " + fifo_, "report"}, context, Wake());
  AwaitHang();
  (*decoder)->TakeTables(std::move(*other));
  answered_.acquire();
  ASSERT_TRUE((*decoder)->answered());
  EXPECT_EQ((*decoder)->answered_count(), 0u);
  (*decoder)->DropLot();
  (*decoder)->Begin({"report", "crash"}, context, Wake());
  answered_.acquire();
  const auto outcomes = (*decoder)->Finish();
  ASSERT_THAT(outcomes, SizeIs(2));
  EXPECT_FALSE(outcomes[0].refusal);
  EXPECT_EQ(new_plugin->process_counters().crashes, 2u);
}

}  // namespace
}  // namespace fusiongateway
