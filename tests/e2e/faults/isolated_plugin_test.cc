// A plugin that crashes or hangs costs the payload it did so on: the gateway lives, other feeds'
// acks go on, the rest of the batch goes through.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "tests/e2e/faults/payloads.h"
#include "tests/e2e/faults/raw_publisher.h"
#include "tests/support/gateway_process.h"

namespace fusiongateway::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class IsolatedPlugin : public ::testing::Test {
 protected:
  void Start(const std::string& decode_timeout) {
    GatewayOptions options;
    options.feeds =
        "  - {feed_id: hazmat, plugin: hazmat}\n"
        "  - {feed_id: odd, plugin: misbehaving, plugin_path: " MISBEHAVING_PLUGIN
        ", isolated: true, decode_timeout: " +
        decode_timeout + "}\n";
    auto started = GatewayProcess::Start(options);
    ASSERT_TRUE(started.ok()) << started.status().message();
    gateway_ = std::move(*started);
    odd_ = Connect("odd");
    other_ = Connect("hazmat");
  }
  std::unique_ptr<RawPublisher> Connect(const std::string& feed) {
    auto publisher =
        std::make_unique<RawPublisher>(gateway_->endpoints().publishers, feed, "box-" + feed);
    EXPECT_FALSE(publisher->Hello().session().empty()) << publisher->last_error().message();
    return publisher;
  }

  std::unique_ptr<GatewayProcess> gateway_;
  std::unique_ptr<RawPublisher> odd_;
  std::unique_ptr<RawPublisher> other_;
};

TEST_F(IsolatedPlugin, ThatCrashesOrHangsCostsThatPayloadAlone) {
  Start("500ms");
  odd_->Publish(1, {"report", "crash 13912345678", "report", "hang", "report"});
  ASSERT_TRUE(odd_->AwaitAck(5)) << odd_->last_error().message();
  ASSERT_THAT(odd_->rejections(), SizeIs(2));
  for (const std::uint64_t seq : {2u, 4u}) {
    ASSERT_TRUE(odd_->rejections().contains(seq));
    EXPECT_EQ(odd_->rejections().at(seq).code(), "PLUGIN_ERROR");
  }
  EXPECT_EQ(gateway_->Metric("publisher_payloads_total"), 5);
  EXPECT_EQ(gateway_->Metric("publisher_rejections_total"), 2);
  // Two tries each. A sanitizer's report of a crash may take longer than the deadline.
  const auto crashes = gateway_->Metric(R"(plugin_process_crashes_total{feed="odd"})");
  const auto timeouts = gateway_->Metric(R"(plugin_process_timeouts_total{feed="odd"})");
  EXPECT_EQ(crashes + timeouts, 4);
  EXPECT_GE(timeouts, 2);

  ASSERT_EQ(gateway_->Terminate(), 0);
  const std::string disk = gateway_->StateOnDisk();
  EXPECT_THAT(disk, HasSubstr("crash 139****5678"));
  EXPECT_EQ(disk.find("13912345678"), std::string::npos);
}

TEST_F(IsolatedPlugin, ThatHangsHoldsUpNoOtherFeed) {
  Start("60s");
  odd_->Publish(1, {"hang"});
  const auto began = steady_clock::now();
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    other_->Publish(seq, {Alarm("A-" + std::to_string(seq))});
    ASSERT_TRUE(other_->AwaitAck(seq)) << other_->last_error().message();
  }
  EXPECT_LT(steady_clock::now() - began, seconds{40});
  // Its own publisher is answered too: nothing of it is acked yet.
  odd_->Heartbeat();
  const auto answer = odd_->Receive();
  ASSERT_TRUE(answer && answer->has_ack());
  EXPECT_EQ(answer->ack().through_seq(), 0u);
  EXPECT_EQ(gateway_->Terminate(), 0) << "a plugin that hangs does not hold up the end";
}

TEST_F(IsolatedPlugin, WhatWasNotDecodedWhenTheGatewayEndedIsTakenFromTheNextSession) {
  Start("60s");
  odd_->Publish(1, {"hang", "report"});
  ASSERT_TRUE(Eventually([&] { return gateway_->Metric("publisher_messages_total") >= 3; }));
  gateway_->Kill();
  ASSERT_TRUE(gateway_->Restart().ok());
  odd_ = Connect("odd");
  odd_->Publish(1, {"report", "report"});
  EXPECT_TRUE(odd_->AwaitAck(2)) << odd_->last_error().message();
}

TEST_F(IsolatedPlugin, ANewSessionOfTheFeedDoesNotWaitForThePayloadThatTheOldOneLeft) {
  Start("60s");
  odd_->Publish(1, {"hang", "report"});
  ASSERT_TRUE(Eventually([&] { return gateway_->Metric("publisher_messages_total") >= 3; }));
  auto newer = std::make_unique<RawPublisher>(gateway_->endpoints().publishers, "odd", "box-2");
  ASSERT_FALSE(newer->Hello().session().empty()) << newer->last_error().message();
  newer->Publish(1, {"report", "crash", "report"});
  ASSERT_TRUE(newer->AwaitAck(3)) << newer->last_error().message();
  ASSERT_THAT(newer->rejections(), SizeIs(1));
  EXPECT_TRUE(newer->rejections().contains(2));
}

TEST_F(IsolatedPlugin, ThatHangsIsReplacedAtOnceWhenTheTablesAreReadAgain) {
  Start("60s");
  const std::string fifo = gateway_->folder() / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  odd_->Publish(1, {"report", "hang " + fifo, "report"});
  { std::ifstream hangs(fifo); }  // not before the plugin has it
  gateway_->Hangup();
  ASSERT_TRUE(Eventually([&] { return gateway_->Metric("tables_reloaded_total") == 1; }));
  { std::ifstream again(fifo); }  // the new one is asked for the same payload
  EXPECT_EQ(gateway_->Metric(R"(plugin_process_timeouts_total{feed="odd"})"), 0);
  EXPECT_EQ(gateway_->Terminate(), 0);
}

TEST_F(IsolatedPlugin, ATestSessionAndARealOneShareThePlugin) {
  Start("300ms");
  RawPublisher tester(gateway_->endpoints().publishers, "odd", "t");
  tester.SendBytes(R"({"hello":{"feedId":"odd","protocol":1,"outboxId":"t","mode":"test"}})");
  const auto welcome = tester.Receive();
  ASSERT_TRUE(welcome && welcome->has_welcome());
  odd_->Publish(1, {"hang", "report"});
  tester.SendBytes(R"({"publish":{"session":")" + welcome->welcome().session() +
                   R"(","firstSeq":1,"payloads":["cmVwb3J0"]}})");
  odd_->Publish(3, {"report"});
  const auto result = tester.Receive();
  ASSERT_TRUE(result && result->has_test_result());
  EXPECT_THAT(result->test_result().reports(), SizeIs(1));
  EXPECT_TRUE(odd_->AwaitAck(3)) << odd_->last_error().message();
}

TEST_F(IsolatedPlugin, ATestSessionIsAnsweredThroughTheSameProcess) {
  Start("500ms");
  odd_->SendBytes(R"({"hello":{"feedId":"odd","protocol":1,"outboxId":"t","mode":"test"}})");
  const auto welcome = odd_->Receive();
  ASSERT_TRUE(welcome && welcome->has_welcome());
  odd_->SendBytes(R"({"publish":{"session":")" + welcome->welcome().session() +
                  R"(","firstSeq":1,"payloads":["cmVwb3J0","Y3Jhc2g="]}})");
  const auto first = odd_->Receive();
  ASSERT_TRUE(first && first->has_test_result()) << first->ShortDebugString();
  EXPECT_THAT(first->test_result().reports(), SizeIs(1));
  const auto second = odd_->Receive();
  ASSERT_TRUE(second && second->has_test_result());
  EXPECT_EQ(second->test_result().rejection().code(), "PLUGIN_ERROR");
  const auto ack = odd_->Receive();
  ASSERT_TRUE(ack && ack->has_ack());
  EXPECT_EQ(ack->ack().through_seq(), 2u);
}

}  // namespace
}  // namespace fusiongateway::testing
