#include "clients/cpp/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <thread>
#include <vector>

#include "tests/clients/peer_gateway.h"
#include "tests/clients/temp_folder.h"

namespace fusiongateway::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = PublisherNotice::Kind;

// What a publisher told, to be waited for.
class Told {
 public:
  PublisherEvents Events() {
    return {
        .on_rejection = [this](const RejectedPayload& r) { Add(rejections, r); },
        .on_disposition = [this](const DispositionEvent& d) { Add(dispositions, d); },
        .on_test_result = [this](const TestResultEvent& t) { Add(test_results, t); },
        .on_notice = [this](const PublisherNotice& n) { Add(notices, n); },
    };
  }
  template <typename Condition>
  bool WaitFor(Condition condition, milliseconds timeout = seconds(10)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, condition);
  }
  bool WaitForNotice(Kind kind) {
    return WaitFor([&] { return Notice(kind) != nullptr; });
  }
  // Call when nothing more can come, or within WaitFor.
  const PublisherNotice* Notice(Kind kind) const {
    for (const auto& notice : notices) {
      if (notice.kind == kind) return &notice;
    }
    return nullptr;
  }

  std::vector<RejectedPayload> rejections;
  std::vector<DispositionEvent> dispositions;
  std::vector<TestResultEvent> test_results;
  std::vector<PublisherNotice> notices;

 private:
  template <typename T>
  void Add(std::vector<T>& to, const T& value) {
    {
      std::lock_guard lock(mutex_);
      to.push_back(value);
    }
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

class PublisherTest : public testing::Test {
 protected:
  PublisherOptions Options() {
    PublisherOptions options;
    options.endpoint = gateway_.endpoint();
    options.feed_id = "grid";
    options.outbox_path = folder_.Path("grid.outbox");
    options.heartbeat_interval = milliseconds(100);
    options.probe_interval = milliseconds(100);
    options.hello_timeout = milliseconds(500);
    options.retry_min = milliseconds(20);
    return options;
  }
  std::unique_ptr<Publisher> Open(PublisherOptions options) {
    auto publisher = Publisher::Open(std::move(options), told_.Events());
    EXPECT_TRUE(publisher.ok()) << publisher.status().message();
    return publisher.ok() ? std::move(*publisher) : nullptr;
  }
  std::unique_ptr<Publisher> Open() { return Open(Options()); }
  std::vector<std::string> Taken(const std::string& outbox_id) {
    std::lock_guard lock(gateway_.mutex());
    return gateway_.taken[outbox_id];
  }

  TempFolder folder_;
  PublisherPeer gateway_;
  Told told_;
};

std::vector<std::string> Numbered(int count) {
  std::vector<std::string> payloads;
  for (int i = 1; i <= count; ++i) payloads.push_back("p" + std::to_string(i));
  return payloads;
}

TEST_F(PublisherTest, PublishedPayloadsArriveInOrderAndLeaveTheOutbox) {
  auto publisher = Open();
  for (const std::string& payload : Numbered(250)) {
    ASSERT_TRUE(publisher->Publish(payload).ok());
  }
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  EXPECT_EQ(Taken(publisher->outbox_id()), Numbered(250));
  EXPECT_EQ(publisher->stats().waiting, 0u);
  EXPECT_EQ(publisher->stats().acked_through, 250u);
  std::lock_guard lock(gateway_.mutex());
  EXPECT_LE(gateway_.largest_batch, 100u);
}

TEST_F(PublisherTest, JsonFormCarriesTheSameBytes) {
  PublisherOptions options = Options();
  options.form = MessageForm::kJson;
  auto publisher = Open(options);
  const std::string payload("{\"a\": 1}\n\xff\x00 not text", 21);
  ASSERT_TRUE(publisher->Publish(payload).ok());
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  EXPECT_THAT(Taken(publisher->outbox_id()), ElementsAre(payload));
  std::lock_guard lock(gateway_.mutex());
  EXPECT_TRUE(gateway_.last_form_was_json);
}

TEST_F(PublisherTest, PayloadsPublishedWithoutAGatewaySurviveARestartOfThePublisher) {
  gateway_.Stop();
  std::string outbox_id;
  {
    auto publisher = Open();
    outbox_id = publisher->outbox_id();
    ASSERT_EQ(*publisher->Publish("one"), 1u);
    ASSERT_EQ(*publisher->Publish("two"), 2u);
    EXPECT_EQ(publisher->Flush(milliseconds(50)).code(), StatusCode::kUnavailable);
  }
  gateway_.Start();
  auto publisher = Open();
  EXPECT_EQ(publisher->outbox_id(), outbox_id);
  ASSERT_EQ(*publisher->Publish("three"), 3u);
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  EXPECT_THAT(Taken(outbox_id), ElementsAre("one", "two", "three"));
}

TEST_F(PublisherTest, GatewayRestartsInTheMidstAndEachPayloadIsThereOnce) {
  auto publisher = Open();
  std::vector<std::string> expected;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 40; ++i) {
      expected.push_back(std::to_string(round) + "/" + std::to_string(i));
      ASSERT_TRUE(publisher->Publish(expected.back()).ok());
    }
    // On a fast machine forty are in the outbox before the publisher is connected at all.
    if (round == 0) {
      ASSERT_TRUE(told_.WaitForNotice(Kind::kConnected));
    }
    gateway_.Stop();
    gateway_.Start();
  }
  ASSERT_TRUE(publisher->Flush(seconds(20)).ok());
  EXPECT_EQ(Taken(publisher->outbox_id()), expected);
  EXPECT_GT(publisher->stats().sessions, 1u);
}

TEST_F(PublisherTest, HelloRequiredIsAnsweredWithAFreshHello) {
  auto publisher = Open();
  ASSERT_TRUE(told_.WaitForNotice(Kind::kConnected));
  gateway_.ForgetSession();
  ASSERT_TRUE(publisher->Publish("after").ok());
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  EXPECT_EQ(publisher->stats().sessions, 2u);
  EXPECT_TRUE(told_.WaitForNotice(Kind::kDisconnected));
}

TEST_F(PublisherTest, SilentGatewayIsGivenUpAndFoundAgain) {
  PublisherOptions options = Options();
  options.silence_max = milliseconds(300);
  auto publisher = Open(options);
  ASSERT_TRUE(told_.WaitForNotice(Kind::kConnected));
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.mute = true;
  }
  ASSERT_TRUE(told_.WaitForNotice(Kind::kDisconnected));
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.mute = false;
  }
  ASSERT_TRUE(publisher->Publish("x").ok());
  EXPECT_TRUE(publisher->Flush(seconds(10)).ok());
}

TEST_F(PublisherTest, LostAckIsMadeGoodWithoutSendingTwice) {
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.mute_acks = true;
  }
  std::string outbox_id;
  {
    auto publisher = Open();
    outbox_id = publisher->outbox_id();
    ASSERT_TRUE(publisher->Publish("bad one").ok());
    ASSERT_TRUE(gateway_.WaitFor([&] { return gateway_.taken[outbox_id].size() == 1; }));
  }
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.mute_acks = false;
  }
  auto publisher = Open();
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  EXPECT_EQ(publisher->stats().sent, 0u);
  EXPECT_THAT(Taken(outbox_id), ElementsAre("bad one"));
  // The rejection that went with the lost ack was told after all.
  ASSERT_EQ(told_.rejections.size(), 1u);
  EXPECT_EQ(told_.rejections[0].payload, "bad one");
}

TEST_F(PublisherTest, RejectionCarriesLabelAndFieldAndTheRestGoesThrough) {
  auto publisher = Open();
  const std::vector<OutboxPayload> payloads{{"good", "f:1"}, {"bad", "f:2"}, {"fine", "f:3"}};
  ASSERT_EQ(*publisher->PublishBatch(payloads), 1u);
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  ASSERT_EQ(told_.rejections.size(), 1u);
  const RejectedPayload& rejected = told_.rejections[0];
  EXPECT_EQ(rejected.seq, 2u);
  EXPECT_EQ(rejected.label, "f:2");
  EXPECT_EQ(rejected.payload, "bad");
  EXPECT_EQ(rejected.code, "MALFORMED");
  EXPECT_EQ(rejected.field, "eventId");
  EXPECT_EQ(publisher->stats().rejected, 1u);
}

TEST_F(PublisherTest, CreditIsNeverExceeded) {
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.window_payloads = 7;
    gateway_.mute_acks = true;
  }
  auto publisher = Open();
  for (const std::string& payload : Numbered(30)) ASSERT_TRUE(publisher->Publish(payload).ok());
  const std::string id = publisher->outbox_id();
  ASSERT_TRUE(gateway_.WaitFor([&] { return gateway_.taken[id].size() >= 7; }));
  // Two more probes went by: what could be sent was sent.
  std::size_t probes = 0;
  ASSERT_TRUE(gateway_.WaitFor([&] {
    if (probes == 0) probes = gateway_.probes.size();
    return gateway_.probes.size() > probes + 1;
  }));
  EXPECT_EQ(Taken(id).size(), 7u);
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.mute_acks = false;
  }
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  EXPECT_EQ(Taken(id), Numbered(30));
}

TEST_F(PublisherTest, BusyIsWaitedOutAndNothingIsLostOrSwapped) {
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.busy_count = 3;
    gateway_.max_batch = 5;
  }
  auto publisher = Open();
  std::vector<OutboxPayload> payloads;
  for (const std::string& payload : Numbered(40)) payloads.push_back({payload, ""});
  ASSERT_TRUE(publisher->PublishBatch(payloads).ok());
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  EXPECT_EQ(Taken(publisher->outbox_id()), Numbered(40));
  EXPECT_EQ(publisher->stats().busy, 3u);
}

TEST_F(PublisherTest, FullOutboxRefusesClearlyAndTakesAgainWhenAcked) {
  gateway_.Stop();
  PublisherOptions options = Options();
  options.outbox_limits.payloads = 2;
  auto publisher = Open(options);
  ASSERT_TRUE(publisher->Publish("1").ok());
  ASSERT_TRUE(publisher->Publish("2").ok());
  auto full = publisher->Publish("3");
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.status().code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(full.status().message(), HasSubstr("outbox is full"));
  gateway_.Start();
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  EXPECT_EQ(*publisher->Publish("3"), 3u);
}

TEST_F(PublisherTest, FencedIsTerminalAndSaid) {
  auto first = Open();
  ASSERT_TRUE(told_.WaitForNotice(Kind::kConnected));
  PublisherOptions options = Options();
  options.outbox_path = folder_.Path("second.outbox");
  Told second_told;
  auto second = Publisher::Open(options, second_told.Events());
  ASSERT_TRUE(second.ok());
  ASSERT_TRUE(told_.WaitForNotice(Kind::kFenced));
  EXPECT_EQ(first->Publish("late").status().code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE((*second)->Publish("x").ok());
  EXPECT_TRUE((*second)->Flush(seconds(10)).ok());
  EXPECT_EQ(second_told.Notice(Kind::kFenced), nullptr);
  first->Close();
  EXPECT_EQ(gateway_.hellos.size(), 2u) << "the fenced one did not come back";
}

TEST_F(PublisherTest, FencedAsTheAnswerToAHelloIsTerminalToo) {
  gateway_.Stop();
  gateway_.refuse_hello = "FENCED";
  gateway_.Start();
  auto publisher = Open();
  ASSERT_TRUE(told_.WaitForNotice(Kind::kFenced));
  EXPECT_EQ(publisher->Flush(seconds(10)).code(), StatusCode::kOk) << "nothing waits";
  EXPECT_EQ(publisher->Publish("late").status().code(), StatusCode::kFailedPrecondition);
  publisher->Close();
  EXPECT_EQ(gateway_.hellos.size(), 1u);
}

TEST_F(PublisherTest, RestoredGatewayIsToldWithTheRangeItLostAndTheRestGoesOn) {
  std::string old_id;
  {
    auto publisher = Open();
    old_id = publisher->outbox_id();
    for (const std::string& payload : Numbered(10)) {
      ASSERT_TRUE(publisher->Publish(payload).ok());
    }
    ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  }
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.journal_id = "journal-2";
    gateway_.taken[old_id].resize(4);
  }
  auto publisher = Open();
  ASSERT_TRUE(publisher->Publish("p11").ok());
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  const PublisherNotice* changed = told_.Notice(Kind::kJournalChanged);
  ASSERT_NE(changed, nullptr);
  EXPECT_EQ(changed->previous_journal_id, "journal-1");
  EXPECT_EQ(changed->journal_id, "journal-2");
  const PublisherNotice* back = told_.Notice(Kind::kGatewayWentBack);
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->lost_from, 5u);
  EXPECT_EQ(back->lost_through, 10u);
  EXPECT_EQ(back->renumbered_by, 10u);
  EXPECT_NE(publisher->outbox_id(), old_id);
  EXPECT_THAT(Taken(publisher->outbox_id()), ElementsAre("p11"));
  EXPECT_EQ(publisher->journal_id(), "journal-2");
}

TEST_F(PublisherTest, FlushDoesNotSayAckedWhileTheOutboxIsRenumbered) {
  auto publisher = Open();
  for (const std::string& payload : Numbered(10)) ASSERT_TRUE(publisher->Publish(payload).ok());
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  const std::string old_id = publisher->outbox_id();
  gateway_.Stop();
  gateway_.taken.clear();
  gateway_.mute_acks = true;
  ASSERT_TRUE(publisher->Publish("p11").ok());
  ASSERT_FALSE(publisher->Flush(milliseconds(1)).ok());
  gateway_.Start();
  // So many that one begins while the outbox is being renumbered.
  std::atomic<bool> renumbered = false;
  std::atomic<int> said_acked = 0;
  std::vector<std::thread> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.emplace_back([&] {
      while (!renumbered) said_acked += publisher->Flush(milliseconds(1)).ok() ? 1 : 0;
    });
  }
  EXPECT_TRUE(gateway_.WaitFor(
      [&] { return !gateway_.hellos.empty() && gateway_.hellos.back().outbox_id() != old_id; }));
  renumbered = true;
  for (std::thread& thread : waiting) thread.join();
  EXPECT_EQ(said_acked, 0);
  EXPECT_FALSE(publisher->Flush(milliseconds(10)).ok());
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.mute_acks = false;
  }
  EXPECT_TRUE(publisher->Flush(seconds(10)).ok());
  EXPECT_THAT(Taken(publisher->outbox_id()), ElementsAre("p11"));
}

TEST_F(PublisherTest, OldCopyOfAnOutboxIsNotTakenForDuplicates) {
  std::string id;
  {
    auto publisher = Open();
    id = publisher->outbox_id();
    ASSERT_TRUE(publisher->Publish("p1").ok());
    ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  }
  {
    // As if three more had been published and the outbox file then been put back.
    std::lock_guard lock(gateway_.mutex());
    gateway_.taken[id] = Numbered(4);
  }
  auto publisher = Open();
  ASSERT_TRUE(told_.WaitForNotice(Kind::kOutboxWentBack));
  ASSERT_TRUE(publisher->Publish("new").ok());
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  EXPECT_NE(publisher->outbox_id(), id);
  EXPECT_THAT(Taken(publisher->outbox_id()), ElementsAre("new"));
}

TEST_F(PublisherTest, WipedOutboxStartsAgainUnderItsOwnId) {
  std::string first_id;
  {
    auto publisher = Open();
    first_id = publisher->outbox_id();
    ASSERT_TRUE(publisher->Publish("before").ok());
    ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  }
  folder_.Clear();
  auto publisher = Open();
  EXPECT_NE(publisher->outbox_id(), first_id);
  EXPECT_EQ(*publisher->Publish("after"), 1u);
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  EXPECT_THAT(Taken(publisher->outbox_id()), ElementsAre("after"));
}

TEST_F(PublisherTest, RefusedHelloIsToldOnceAndRetried) {
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.refuse_hello = "UNKNOWN_FEED";
  }
  auto publisher = Open();
  ASSERT_TRUE(gateway_.WaitFor([&] { return gateway_.hellos.size() >= 3; }));
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.refuse_hello.clear();
  }
  ASSERT_TRUE(told_.WaitForNotice(Kind::kConnected));
  EXPECT_EQ(told_.notices[0].kind, Kind::kRefused);
  EXPECT_EQ(told_.notices[0].code, "UNKNOWN_FEED");
  EXPECT_EQ(told_.notices[1].kind, Kind::kConnected);
}

TEST_F(PublisherTest, ProbesTellTheWholeLastExchangeWithFourTimesInOrder) {
  auto publisher = Open();
  ASSERT_TRUE(gateway_.WaitFor(
      [&] { return !gateway_.probes.empty() && gateway_.probes.back().has_last(); }));
  std::lock_guard lock(gateway_.mutex());
  const v1::ProbeExchange& last = gateway_.probes.back().last();
  const auto nanos = [](const google::protobuf::Timestamp& t) {
    return t.seconds() * 1'000'000'000 + t.nanos();
  };
  EXPECT_GT(nanos(last.t1()), 0);
  EXPECT_LE(nanos(last.t1()), nanos(last.t2()));
  EXPECT_LE(nanos(last.t2()), nanos(last.t3()));
  EXPECT_LE(nanos(last.t3()), nanos(last.t4()));
  EXPECT_LE(nanos(last.t4()), nanos(gateway_.probes.back().t1()));
}

TEST_F(PublisherTest, DispositionIsToldOnceAndAcked) {
  auto publisher = Open();
  ASSERT_TRUE(told_.WaitForNotice(Kind::kConnected));
  v1::GatewayMessage message;
  message.mutable_disposition()->set_seq(1);
  message.mutable_disposition()->set_report_id("E1");
  message.mutable_disposition()->set_incident_id("kf-20261123-1");
  message.mutable_disposition()->set_state(v1::FALSE_ALARM);
  gateway_.SendToPublisher(message);
  gateway_.SendToPublisher(message);
  message.mutable_disposition()->set_seq(2);
  gateway_.SendToPublisher(message);
  ASSERT_TRUE(gateway_.WaitFor([&] { return gateway_.dispositions_acked == 2; }));
  ASSERT_EQ(told_.dispositions.size(), 2u);
  EXPECT_EQ(told_.dispositions[0].state, "FALSE_ALARM");
  EXPECT_EQ(told_.dispositions[0].incident_id, "kf-20261123-1");
}

TEST_F(PublisherTest, TestModeIsAskedForAndItsResultsAreTold) {
  PublisherOptions options = Options();
  options.test_mode = true;
  auto publisher = Open(options);
  ASSERT_TRUE(told_.WaitForNotice(Kind::kConnected));
  v1::GatewayMessage message;
  message.mutable_test_result()->set_seq(1);
  message.mutable_test_result()->add_reports()->set_report_id("E1");
  gateway_.SendToPublisher(message);
  ASSERT_TRUE(told_.WaitFor([&] { return !told_.test_results.empty(); }));
  EXPECT_THAT(told_.test_results[0].reports_json, ElementsAre(HasSubstr("\"reportId\":\"E1\"")));
  std::lock_guard lock(gateway_.mutex());
  EXPECT_EQ(gateway_.hellos.back().mode(), "test");
}

TEST_F(PublisherTest, PayloadTooLargeForThisGatewayIsRejectedAndDoesNotBlockTheRest) {
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.max_message_bytes = 4096;
  }
  auto publisher = Open();
  ASSERT_TRUE(publisher->Publish("one").ok());
  ASSERT_TRUE(publisher->Publish(std::string(5000, 'x'), "big").ok());
  ASSERT_TRUE(publisher->Publish("three").ok());
  ASSERT_TRUE(publisher->Flush(seconds(10)).ok());
  EXPECT_THAT(Taken(publisher->outbox_id()), ElementsAre("one", "", "three"));
  ASSERT_EQ(told_.rejections.size(), 1u);
  EXPECT_EQ(told_.rejections[0].code, "TOO_LARGE");
  EXPECT_EQ(told_.rejections[0].label, "big");
  std::lock_guard lock(gateway_.mutex());
  EXPECT_LE(gateway_.largest_message, 4096u);
}

TEST_F(PublisherTest, PayloadAboveTheLimitIsRefusedAtOnce) {
  auto publisher = Open();
  auto refused = publisher->Publish(std::string(800'000, 'x'));
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(publisher->stats().last_seq, 0u);
}

TEST_F(PublisherTest, CloseSaysBye) {
  auto publisher = Open();
  ASSERT_TRUE(told_.WaitForNotice(Kind::kConnected));
  publisher->Close();
  EXPECT_TRUE(gateway_.WaitFor([&] { return gateway_.byes == 1; }));
  EXPECT_FALSE(publisher->Publish("x").ok());
}

TEST_F(PublisherTest, BookmarkIsStoredWithItsPayloads) {
  {
    auto publisher = Open();
    const OutboxPayload payload{"x", ""};
    const Bookmark mark{"calls.ndjson", "17"};
    ASSERT_TRUE(publisher->PublishBatch({&payload, 1}, &mark).ok());
    EXPECT_EQ(*publisher->ReadBookmark("other"), "");
  }
  EXPECT_EQ(*Open()->ReadBookmark("calls.ndjson"), "17");
}

TEST_F(PublisherTest, CurveKeysEncryptAndAWrongServerKeyNeverConnects) {
  char server_public[41], server_secret[41], client_public[41], client_secret[41];
  ASSERT_EQ(zmq_curve_keypair(server_public, server_secret), 0);
  ASSERT_EQ(zmq_curve_keypair(client_public, client_secret), 0);
  PublisherPeer secure(server_secret);
  PublisherOptions options = Options();
  options.endpoint = secure.endpoint();
  options.curve = {server_public, client_public, client_secret};
  {
    auto publisher = Open(options);
    ASSERT_TRUE(publisher->Publish("secret").ok());
    EXPECT_TRUE(publisher->Flush(seconds(10)).ok());
  }
  options.curve.server_public = client_public;
  auto publisher = Open(options);
  ASSERT_TRUE(publisher->Publish("never").ok());
  EXPECT_FALSE(publisher->Flush(milliseconds(300)).ok());
}

TEST_F(PublisherTest, BadOptionsAreRefusedWithAReason) {
  PublisherOptions options = Options();
  options.endpoint = "nonsense";
  EXPECT_THAT(Publisher::Open(options, {}).status().message(), HasSubstr("nonsense"));
  options = Options();
  options.curve.server_public = "short";
  EXPECT_THAT(Publisher::Open(options, {}).status().message(), HasSubstr("40 Z85"));
  options = Options();
  options.feed_id.clear();
  EXPECT_THAT(Publisher::Open(options, {}).status().message(), HasSubstr("feed_id"));
}

}  // namespace
}  // namespace fusiongateway::client
