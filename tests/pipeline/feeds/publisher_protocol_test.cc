#include "pipeline/feeds/publisher_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "proto/codec/codec.h"
#include "tests/pipeline/feeds/memory_sink.h"

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr UtcTime kNow{std::chrono::seconds{1'790'000'000}};
const std::optional<std::string> kAnyFeed;

class PublisherProtocolTest : public ::testing::Test {
 protected:
  PublisherProtocolTest() {
    limits_.window_payloads = 8;
    limits_.batch_max = 4;
    limits_.unacked_dispositions_max = 2;
    Make();
  }

  void Make() {
    PublisherProtocol::Decoders decoders;
    for (const char* feed_id : {"grid", "grid-2"}) {
      FeedConfig config;
      config.feed_id = feed_id;
      config.plugin = "grid";
      config.plugin_dir = FG_PLUGIN_DIR;
      auto decoder = FeedDecoder::Create(config, {}, CodeTables());
      ASSERT_TRUE(decoder.ok()) << decoder.status().message();
      decoders[feed_id] = std::move(*decoder);
    }
    protocol_ =
        std::make_unique<PublisherProtocol>(std::move(decoders), limits_, &sink_, "test-run");
  }

  std::vector<v1::GatewayMessage> Say(const std::string& peer, const std::string& bytes) {
    std::vector<OutgoingMessage> out;
    protocol_->Handle(peer, bytes, now_, steady_, kAnyFeed, &out);
    DecodeAll(&out);
    return Read(out);
  }
  void DecodeAll(std::vector<OutgoingMessage>* out) {
    while (protocol_->DecodeSome(steady_, out) == PublisherProtocol::Decoded::kSome) {
    }
  }
  std::vector<v1::GatewayMessage> Say(const std::string& peer,
                                      const v1::PublisherMessage& message) {
    return Say(peer, message.SerializeAsString());
  }
  std::vector<v1::GatewayMessage> Read(const std::vector<OutgoingMessage>& out) {
    std::vector<v1::GatewayMessage> messages;
    for (const auto& message : out) {
      v1::GatewayMessage parsed;
      const WireForm form = DetectWireForm(message.bytes);
      EXPECT_TRUE(ParseWire(message.bytes, form, &parsed).ok());
      messages.push_back(parsed);
      last_form_ = form;
      last_peer_ = message.peer;
    }
    return messages;
  }

  static v1::PublisherMessage HelloMessage(const std::string& outbox, const std::string& mode) {
    v1::PublisherMessage message;
    auto* hello = message.mutable_hello();
    hello->set_feed_id("grid");
    hello->set_client("test");
    hello->set_protocol(1);
    hello->set_outbox_id(outbox);
    hello->set_mode(mode);
    return message;
  }
  // The welcome follows `others_first` messages to others.
  v1::Welcome Hello(const std::string& peer, const std::string& outbox = "box-1",
                    const std::string& mode = "", std::size_t others_first = 0) {
    const auto replies = Say(peer, HelloMessage(outbox, mode));
    EXPECT_GT(replies.size(), others_first);
    if (replies.size() <= others_first) return {};
    EXPECT_TRUE(replies[others_first].has_welcome()) << replies[others_first].ShortDebugString();
    return replies[others_first].welcome();
  }

  std::vector<v1::GatewayMessage> Publish(const std::string& peer, const std::string& session,
                                          std::uint64_t first_seq, int count,
                                          const std::string& payload = kPayload) {
    v1::PublisherMessage message;
    message.mutable_publish()->set_session(session);
    message.mutable_publish()->set_first_seq(first_seq);
    for (int i = 0; i < count; ++i) message.mutable_publish()->add_payloads(payload);
    return Say(peer, message);
  }

  std::vector<v1::GatewayMessage> Commit(std::uint64_t through_seq,
                                         const std::string& outbox = "box-1") {
    sink_.through[outbox] = through_seq;
    std::vector<OutgoingMessage> out;
    protocol_->Committed({"grid", outbox, through_seq, {}}, &out);
    return Read(out);
  }

  // A grid report that tells `told`.
  static std::string Telling(UtcTime told) {
    return R"({"eventId":"E","reportTime":")" + FormatRfc3339(told) +
           R"(","category":"气味","description":"刺鼻","lon":114.3,"lat":34.8,"state":"reported"})";
  }

  static constexpr const char* kPayload =
      R"({"eventId":"E1","reportTime":"20261123100000","category":"气味","description":"刺鼻","lon":114.3,"lat":34.8,"crs":"WGS84","state":"reported"})";

  PublisherLimits limits_;
  MemorySink sink_;
  std::unique_ptr<PublisherProtocol> protocol_;
  UtcTime now_ = kNow;
  SteadyTime steady_{};
  WireForm last_form_ = WireForm::kProtobuf;
  std::string last_peer_;
};

TEST_F(PublisherProtocolTest, NothingIsAckedBeforeItIsCommitted) {
  const auto welcome = Hello("p");
  EXPECT_THAT(Publish("p", welcome.session(), 1, 2), IsEmpty());
  ASSERT_THAT(sink_.batches, SizeIs(1));
  EXPECT_EQ(sink_.batches[0].items[1].seq, 2u);
  ASSERT_THAT(sink_.batches[0].items[0].reports, SizeIs(1));
  EXPECT_EQ(sink_.batches[0].items[0].reports[0]->report_id, "E1");
  const auto acks = Commit(2);
  ASSERT_THAT(acks, SizeIs(1));
  EXPECT_EQ(acks[0].ack().through_seq(), 2u);
}

TEST_F(PublisherProtocolTest, ResumesAfterWhatIsOnDiskAndAnUnknownOutboxAtZero) {
  sink_.through["box-1"] = 41;
  EXPECT_EQ(Hello("p").resume_after_seq(), 41u);
  EXPECT_EQ(Hello("p", "box-2").resume_after_seq(), 0u);
  EXPECT_EQ(Hello("p").journal_id(), "journal-a");
}

TEST_F(PublisherProtocolTest, PublishWithoutASessionIsToldToSayHello) {
  const auto replies = Publish("stranger", "nonsense", 1, 1);
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_EQ(replies[0].error().code(), "HELLO_REQUIRED");
}

TEST_F(PublisherProtocolTest, ANewerSessionFencesTheOlderForGood) {
  const auto older = Hello("old");
  v1::PublisherMessage hello;
  hello.mutable_hello()->set_feed_id("grid");
  hello.mutable_hello()->set_protocol(1);
  hello.mutable_hello()->set_outbox_id("box-1");
  std::vector<OutgoingMessage> out;
  protocol_->Handle("new", hello.SerializeAsString(), kNow, steady_, kAnyFeed, &out);
  ASSERT_THAT(out, SizeIs(2));
  EXPECT_EQ(out[0].peer, "old");
  EXPECT_EQ(Read(out)[0].error().code(), "FENCED");
  EXPECT_EQ(Publish("old", older.session(), 1, 1)[0].error().code(), "FENCED");
  EXPECT_EQ(protocol_->counters().fenced, 1u);
}

TEST_F(PublisherProtocolTest, AFencedConnectionThatSaysHelloAgainIsRefusedAndFencesNobody) {
  Hello("old");
  const auto newer = Hello("new", "box-2", "", 1);
  for (int i = 0; i < 3; ++i) {
    const auto replies = Say("old", HelloMessage("box-1", ""));
    ASSERT_THAT(replies, SizeIs(1));
    EXPECT_EQ(last_peer_, "old");
    EXPECT_EQ(replies[0].error().code(), "FENCED");
  }
  EXPECT_THAT(Publish("new", newer.session(), 1, 1), IsEmpty()) << "its session is untouched";
  EXPECT_EQ(protocol_->counters().fenced, 1u);
  EXPECT_EQ(protocol_->counters().fenced_hellos, 3u);
}

TEST_F(PublisherProtocolTest, AHelloThatALaterOneOfItsOutboxOvertookFencesNobody) {
  const auto numbered = [](std::uint64_t number, const std::string& outbox = "box-1") {
    auto message = HelloMessage(outbox, "");
    message.mutable_hello()->set_hello_number(number);
    return message;
  };
  const auto welcome = Say("second", numbered(2)).at(0).welcome();
  const auto late = Say("first", numbered(1));
  ASSERT_THAT(late, SizeIs(1));
  EXPECT_EQ(late[0].error().code(), "UNAVAILABLE");
  EXPECT_THAT(Publish("second", welcome.session(), 1, 1), IsEmpty()) << "its session is untouched";
  EXPECT_EQ(protocol_->counters().late_hellos, 1u);
  EXPECT_EQ(protocol_->counters().fenced, 0u);
  EXPECT_TRUE(Say("third", numbered(3)).at(1).has_welcome()) << "a later one takes over";
  EXPECT_TRUE(Say("other", numbered(1, "box-2")).at(1).has_welcome())
      << "another outbox counts for itself";
  EXPECT_TRUE(Say("uncounted", HelloMessage("box-2", "")).at(1).has_welcome());
}

TEST_F(PublisherProtocolTest, AProgramThatWasRestartedTakesItsFeedOverAgain) {
  Hello("old");
  Hello("new", "box-2", "", 1);
  const auto restarted = Hello("old, connected anew", "box-1", "", 1);
  EXPECT_THAT(Publish("old, connected anew", restarted.session(), 1, 1), IsEmpty());
  EXPECT_EQ(Say("new", HelloMessage("box-2", ""))[0].error().code(), "FENCED");
}

TEST_F(PublisherProtocolTest, AFencedConnectionMayStillTest) {
  Hello("old");
  Hello("new", "box-2", "", 1);
  Hello("old", "box-t", "test");
}

TEST(FencedConnections, AreBoundedAndTheLongestSilentIsForgottenAndCounted) {
  FencedConnections fenced(2, std::chrono::seconds{30});
  const SteadyTime start{};
  fenced.Add("a", "grid", start);
  fenced.Add("b", "grid", start + std::chrono::seconds{1});
  EXPECT_TRUE(fenced.Holds("a", "grid", start + std::chrono::seconds{2}));
  fenced.Add("c", "grid", start + std::chrono::seconds{3});
  EXPECT_EQ(fenced.size(), 2u);
  EXPECT_EQ(fenced.forgotten_count(), 1u);
  EXPECT_TRUE(fenced.Holds("a"));
  EXPECT_FALSE(fenced.Holds("b"));
  EXPECT_FALSE(fenced.Holds("a", "hazmat", start)) << "it was fenced on another feed";
}

TEST(FencedConnections, ANameThatThePublisherChoseIsFreeOnceItHasBeenQuiet) {
  FencedConnections fenced(9, std::chrono::seconds{30});
  const SteadyTime start{};
  const std::string made_by_zeromq("\0\x12\x34\x56\x78", 5);
  fenced.Add("plc-bridge", "grid", start);
  fenced.Add(made_by_zeromq, "grid", start);
  fenced.Expire(start + std::chrono::seconds{30});
  EXPECT_TRUE(fenced.Holds("plc-bridge"));
  fenced.Expire(start + std::chrono::seconds{31});
  EXPECT_FALSE(fenced.Holds("plc-bridge"));
  EXPECT_TRUE(fenced.Holds(made_by_zeromq));
}

TEST_F(PublisherProtocolTest, AGapIsRefusedAndSaysWhichSeqIsNext) {
  const auto welcome = Hello("p");
  const auto replies = Publish("p", welcome.session(), 5, 1);
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_EQ(replies[0].error().code(), "SEQ_GAP");
  EXPECT_THAT(replies[0].error().message(), HasSubstr("the next one is 1"));
  EXPECT_THAT(sink_.batches, IsEmpty());
}

TEST_F(PublisherProtocolTest, BeyondTheWindowIsBusyWithTheSeqToSendAgain) {
  const auto welcome = Hello("p");
  Publish("p", welcome.session(), 1, 4);
  Publish("p", welcome.session(), 5, 4);
  auto replies = Publish("p", welcome.session(), 9, 1);
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_EQ(replies[0].busy().next_seq(), 9u);
  // What was already on its way behind it is refused alike, and credit comes back with the commit.
  EXPECT_EQ(Publish("p", welcome.session(), 10, 1)[0].busy().next_seq(), 9u);
  Commit(8);
  EXPECT_THAT(Publish("p", welcome.session(), 9, 2), IsEmpty());
  EXPECT_EQ(sink_.batches.back().items.front().seq, 9u);
}

TEST_F(PublisherProtocolTest, WhileTheFusionQueueIsFullPayloadsWaitUndecodedWithinTheWindow) {
  const auto welcome = Hello("p");
  sink_.full = true;
  EXPECT_THAT(Publish("p", welcome.session(), 1, 4, "{oops"), IsEmpty());
  EXPECT_THAT(Publish("p", welcome.session(), 5, 4), IsEmpty());
  EXPECT_EQ(Publish("p", welcome.session(), 9, 1)[0].busy().next_seq(), 9u);
  EXPECT_EQ(protocol_->counters().payloads, 0u);
  EXPECT_GT(protocol_->counters().waiting_bytes, 0u);
  sink_.full = false;
  std::vector<OutgoingMessage> out;
  DecodeAll(&out);
  ASSERT_THAT(sink_.batches, SizeIs(2));
  EXPECT_EQ(sink_.batches[1].items.back().seq, 8u);
  EXPECT_EQ(protocol_->counters().payloads, 8u);
  EXPECT_EQ(protocol_->counters().rejections, 4u);
  EXPECT_EQ(protocol_->counters().waiting_bytes, 0u);
}

TEST_F(PublisherProtocolTest, WhatWaitsOfASessionThatEndsIsForgottenAndSentAgain) {
  sink_.full = true;
  Publish("p", Hello("p").session(), 1, 4);
  const auto again = Hello("p");
  EXPECT_EQ(protocol_->counters().waiting_bytes, 0u);
  sink_.full = false;
  EXPECT_EQ(again.resume_after_seq(), 0u);
  Publish("p", again.session(), 1, 4);
  ASSERT_THAT(sink_.batches, SizeIs(1));
  EXPECT_THAT(sink_.batches[0].items, SizeIs(4));
  sink_.full = true;
  Publish("p", again.session(), 5, 1);
  Hello("q", "box-1", "", 1);
  sink_.full = false;
  std::vector<OutgoingMessage> out;
  DecodeAll(&out);
  EXPECT_THAT(sink_.batches, SizeIs(1)) << "the fenced session's are the newer one's to send";
}

TEST_F(PublisherProtocolTest, ATestSessionDoesNotHoldUpItsFeed) {
  const auto test = Hello("t", "box-t", "test");
  const auto real = Hello("p");
  sink_.full = true;
  Publish("p", real.session(), 1, 4);
  const auto replies = Publish("t", test.session(), 1, 2);
  ASSERT_THAT(replies, SizeIs(3));
  EXPECT_TRUE(replies[0].has_test_result());
  EXPECT_EQ(replies[2].ack().through_seq(), 2u);
}

TEST_F(PublisherProtocolTest, AFeedBeyondItsQuotaWaitsAndIsDecodedWhenItIsDue) {
  limits_.quota_of_feed["grid"] = 2;
  Make();
  const auto welcome = Hello("p");
  Publish("p", welcome.session(), 1, 4);
  ASSERT_THAT(sink_.batches, SizeIs(1));
  EXPECT_THAT(sink_.batches[0].items, SizeIs(2)) << "a second's worth";
  EXPECT_TRUE(protocol_->any_waiting());
  steady_ += std::chrono::seconds{1};
  std::vector<OutgoingMessage> out;
  DecodeAll(&out);
  ASSERT_THAT(sink_.batches, SizeIs(2));
  EXPECT_EQ(sink_.batches[1].items.back().seq, 4u);
}

TEST_F(PublisherProtocolTest, AllThatWaitsIsBoundedAndASessionHasItsShare) {
  limits_.waiting_bytes_max = 3000;
  limits_.message_bytes_max = 1000;
  Make();
  EXPECT_EQ(Hello("p").window().bytes(), 3000u);
  const auto test = Hello("t", "box-t", "test");
  EXPECT_EQ(test.window().bytes(), 1500u);
}

TEST_F(PublisherProtocolTest, TheWindowIsAlsoCountedInBytesUntilTheyAreCommitted) {
  limits_.window_bytes = 1000;
  Make();
  const auto welcome = Hello("p");
  const std::string large(400, 'x');
  EXPECT_THAT(Publish("p", welcome.session(), 1, 1, large), IsEmpty());
  EXPECT_THAT(Publish("p", welcome.session(), 2, 1, large), IsEmpty());
  ASSERT_THAT(Publish("p", welcome.session(), 3, 1, large), SizeIs(1));
  EXPECT_EQ(protocol_->counters().payloads, 2u) << "refused before it was decoded";
  Commit(1);
  EXPECT_THAT(Publish("p", welcome.session(), 3, 1, large), IsEmpty());
}

TEST_F(PublisherProtocolTest, APayloadSentTwiceIsTakenOnce) {
  const auto welcome = Hello("p");
  Publish("p", welcome.session(), 1, 3);
  Publish("p", welcome.session(), 2, 3);
  ASSERT_THAT(sink_.batches, SizeIs(2));
  EXPECT_EQ(sink_.batches[1].items.size(), 1u);
  EXPECT_EQ(sink_.batches[1].items[0].seq, 4u);
  EXPECT_EQ(protocol_->counters().duplicates, 2u);
}

TEST_F(PublisherProtocolTest, AWipedOutboxThatKeptItsIdIsTold) {
  sink_.through["box-1"] = 10;
  const auto welcome = Hello("p");
  const auto replies = Publish("p", welcome.session(), 1, 2);
  ASSERT_THAT(replies, SizeIs(1));
  ASSERT_EQ(replies[0].ack().rejections_size(), 1);
  EXPECT_EQ(replies[0].ack().rejections(0).code(), "ALREADY_TAKEN");
  EXPECT_THAT(replies[0].ack().rejections(0).message(), HasSubstr("new outbox_id"));
}

TEST_F(PublisherProtocolTest, AWipedOutboxIsToldAlsoWhenItsBatchReachesBeyondWhatIsOnDisk) {
  sink_.through["box-1"] = 2;
  const auto welcome = Hello("p");
  const auto replies = Publish("p", welcome.session(), 1, 3);
  ASSERT_THAT(replies, SizeIs(1));
  ASSERT_EQ(replies[0].ack().rejections_size(), 1);
  EXPECT_EQ(replies[0].ack().rejections(0).code(), "ALREADY_TAKEN");
  EXPECT_EQ(replies[0].ack().rejections(0).seq(), 2u);
  ASSERT_THAT(sink_.batches, SizeIs(1));
  EXPECT_EQ(sink_.batches[0].items.at(0).seq, 3u);
}

TEST_F(PublisherProtocolTest, ARejectedPayloadLeavesTheRestOfItsBatch) {
  const auto welcome = Hello("p");
  const std::string json = R"({"publish":{"session":")" + welcome.session() +
                           R"(","firstSeq":1,"payloads":[)" + kPayload + R"(,{"eventId": oops},)" +
                           kPayload + "]}}";
  EXPECT_THAT(Say("p", json), IsEmpty());
  ASSERT_THAT(sink_.batches, SizeIs(1));
  const auto& items = sink_.batches[0].items;
  ASSERT_THAT(items, SizeIs(3));
  EXPECT_FALSE(items[0].refusal);
  ASSERT_TRUE(items[1].refusal);
  EXPECT_EQ(items[1].refusal->code, "MALFORMED");
  EXPECT_FALSE(items[2].refusal);
}

TEST_F(PublisherProtocolTest, AJsonPeerIsAnsweredInJsonAndAJsonErrorEndsNoSession) {
  const auto replies =
      Say("j", R"({"hello":{"feedId":"grid","protocol":1,"outboxId":"box-j","client":"curl"}})");
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_EQ(last_form_, WireForm::kJson);
  const std::string session = replies[0].welcome().session();
  EXPECT_EQ(Say("j", "{\"publish\": {")[0].error().code(), "MALFORMED");
  EXPECT_THAT(Say("j", R"({"heartbeat":{"session":")" + session + R"("}})")[0].has_ack(), true);
}

TEST_F(PublisherProtocolTest, AMessageOverTheLimitIsTooLargeAndTheSessionGoesOn) {
  const auto welcome = Hello("p");
  EXPECT_EQ(Say("p", std::string(2 << 20, 'x'))[0].error().code(), "TOO_LARGE");
  EXPECT_THAT(Publish("p", welcome.session(), 1, 1), IsEmpty());
}

TEST_F(PublisherProtocolTest, RejectionsAreToldAgainAfterWelcomeUntilAcked) {
  v1::Rejection rejection;
  rejection.set_seq(3);
  rejection.set_code("WRONG_TYPE");
  sink_.rejections.push_back(rejection);
  sink_.through["box-1"] = 5;
  v1::PublisherMessage message;
  message.mutable_hello()->set_feed_id("grid");
  message.mutable_hello()->set_protocol(1);
  message.mutable_hello()->set_outbox_id("box-1");
  message.mutable_hello()->set_acked_through(2);
  auto replies = Say("p", message);
  ASSERT_THAT(replies, SizeIs(2));
  EXPECT_EQ(replies[1].ack().rejections(0).seq(), 3u);
  message.mutable_hello()->set_acked_through(5);
  EXPECT_THAT(Say("p", message), SizeIs(1));
}

TEST_F(PublisherProtocolTest, DispositionsAreToldInOrderUntilAckedAndBounded) {
  for (int seq = 1; seq <= 3; ++seq) {
    v1::Disposition disposition;
    disposition.set_seq(seq);
    sink_.dispositions.push_back(disposition);
  }
  v1::PublisherMessage hello;
  hello.mutable_hello()->set_feed_id("grid");
  hello.mutable_hello()->set_protocol(1);
  hello.mutable_hello()->set_outbox_id("box-1");
  auto replies = Say("p", hello);
  ASSERT_THAT(replies, SizeIs(3));  // welcome and the two that may be unacked
  EXPECT_EQ(replies[2].disposition().seq(), 2u);
  v1::PublisherMessage ack;
  ack.mutable_disposition_ack()->set_through_seq(2);
  replies = Say("p", ack);
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_EQ(replies[0].disposition().seq(), 3u);
  EXPECT_EQ(sink_.dispositions_acked, 2u);
}

TEST_F(PublisherProtocolTest, TestModeDecodesAndAnswersAndFusesNothing) {
  const auto welcome = Hello("t", "box-t", "test");
  const auto replies = Publish("t", welcome.session(), 1, 1);
  ASSERT_THAT(replies, SizeIs(2));
  EXPECT_EQ(replies[0].test_result().reports(0).report_id(), "E1");
  EXPECT_EQ(replies[1].ack().through_seq(), 1u);
  EXPECT_THAT(sink_.batches, IsEmpty());
}

TEST_F(PublisherProtocolTest, ATestSessionFencesNobody) {
  const auto real = Hello("p");
  Hello("t", "box-t", "test");
  EXPECT_THAT(Publish("p", real.session(), 1, 1), IsEmpty());
}

TEST_F(PublisherProtocolTest, ASilentPublisherTimesOutAndItsFeedIsSaidToBeGone) {
  Hello("p");
  steady_ += limits_.session_timeout + std::chrono::seconds{1};
  protocol_->Expire(steady_);
  ASSERT_THAT(sink_.statuses, SizeIs(2));
  EXPECT_EQ(sink_.statuses[1].state, FeedStatus::State::kDisconnected);
}

TEST_F(PublisherProtocolTest, WhatWaitsOfASessionThatTurnsToAnotherFeedIsForgottenOnce) {
  sink_.full = true;
  Publish("p", Hello("p").session(), 1, 4);
  v1::PublisherMessage message;
  message.mutable_hello()->set_feed_id("grid-2");
  message.mutable_hello()->set_protocol(1);
  message.mutable_hello()->set_outbox_id("box-2");
  EXPECT_TRUE(Say("p", message)[0].has_welcome());
  EXPECT_EQ(protocol_->counters().waiting_bytes, 0u);
  EXPECT_FALSE(protocol_->any_waiting());
}

TEST_F(PublisherProtocolTest, AKeyBoundToAnotherFeedIsForbidden) {
  v1::PublisherMessage message;
  message.mutable_hello()->set_feed_id("grid");
  message.mutable_hello()->set_protocol(1);
  message.mutable_hello()->set_outbox_id("box-1");
  std::vector<OutgoingMessage> out;
  protocol_->Handle("p", message.SerializeAsString(), kNow, steady_, std::string("police110"),
                    &out);
  EXPECT_EQ(Read(out)[0].error().code(), "FORBIDDEN");
}

TEST_F(PublisherProtocolTest, ALongClientNameIsCutBetweenCharacters) {
  v1::PublisherMessage message;
  message.mutable_hello()->set_feed_id("grid");
  message.mutable_hello()->set_protocol(1);
  message.mutable_hello()->set_outbox_id("box-1");
  message.mutable_hello()->set_client(std::string(127, 'a') + "张");
  Say("p", message);
  ASSERT_THAT(sink_.statuses, SizeIs(1));
  EXPECT_EQ(sink_.statuses[0].client, std::string(127, 'a')) << "half a character in a protobuf "
                                                                "string makes the log unreadable";
}

TEST_F(PublisherProtocolTest, AMessageLostToAPeerEndsItsSessionSoThatItIsToldAgain) {
  const auto welcome = Hello("p");
  protocol_->ReplyLost("p");
  EXPECT_EQ(Publish("p", welcome.session(), 1, 1)[0].error().code(), "HELLO_REQUIRED");
}

TEST_F(PublisherProtocolTest, AProbeIsAnsweredWithBothGatewayTimes) {
  Hello("p");
  v1::PublisherMessage message;
  ToWire(kNow, message.mutable_probe()->mutable_t1());
  const auto replies = Say("p", message);
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_EQ(FromWire(replies[0].probe_reply().t2()), kNow);
  EXPECT_EQ(FromWire(replies[0].probe_reply().t3()), kNow);
}

TEST_F(PublisherProtocolTest, AWrongClockIsToldInTheFeedsNoteAndCounted) {
  const auto welcome = Hello("p");
  for (std::uint64_t seq = 1; seq <= 4; ++seq) {
    now_ += std::chrono::seconds{2};
    Publish("p", welcome.session(), seq, 1, Telling(now_ + std::chrono::hours{8}));
  }
  ASSERT_THAT(sink_.statuses, SizeIs(2)) << "connected, then the finding, once";
  EXPECT_EQ(sink_.statuses[1].state, FeedStatus::State::kConnected);
  EXPECT_EQ(sink_.statuses[1].client, "test");
  EXPECT_THAT(sink_.statuses[1].note, HasSubstr("time zone"));
  EXPECT_EQ(sink_.batches[3].items[0].reports[0]->aligned.source, ClockSource::kArrival);
  EXPECT_EQ(protocol_->clock_counters().at("grid").clock_off, 4u);
}

TEST_F(PublisherProtocolTest, ATestSessionTeachesNothingOfClocks) {
  const auto welcome = Hello("p", "box-1", "test");
  for (std::uint64_t seq = 1; seq <= 8; ++seq) {
    now_ += std::chrono::seconds{2};
    Publish("p", welcome.session(), seq, 1, Telling(now_ + std::chrono::hours{8}));
  }
  EXPECT_THAT(sink_.statuses, IsEmpty());
  EXPECT_EQ(protocol_->clock_counters().at("grid").clock_off, 0u);
}

TEST_F(PublisherProtocolTest, AStepOfAMeasuredClockShowsInTheNextPublish) {
  const auto welcome = Hello("p");
  Duration ahead{};
  v1::PublisherMessage probe;
  const auto probe_once = [&] {
    ToWire(now_ + ahead, probe.mutable_probe()->mutable_t1());
    const auto reply = Say("p", probe)[0].probe_reply();
    auto* last = probe.mutable_probe()->mutable_last();
    *last->mutable_t1() = reply.t1();
    *last->mutable_t2() = reply.t2();
    *last->mutable_t3() = reply.t3();
    ToWire(now_ + ahead, last->mutable_t4());
    now_ += std::chrono::seconds{1};
  };
  std::uint64_t seq = 0;
  const auto published = [&] {
    v1::PublisherMessage message;
    message.mutable_publish()->set_session(welcome.session());
    message.mutable_publish()->set_first_seq(++seq);
    message.mutable_publish()->add_payloads(Telling(now_ + ahead));
    ToWire(now_ + ahead, message.mutable_publish()->mutable_sent_at());
    now_ += std::chrono::seconds{1};
    Say("p", message);
    return sink_.batches.back().items[0].reports[0];
  };
  probe_once();
  probe_once();
  EXPECT_EQ(published()->aligned.source, ClockSource::kProbed);
  ahead = -std::chrono::seconds{90};
  const ReportPtr after = published();
  EXPECT_EQ(after->aligned.source, ClockSource::kDeclared) << "how far it stepped is not known yet";
  EXPECT_LE(after->aligned.Earliest(), now_);
  EXPECT_GE(after->aligned.Latest(), now_ - std::chrono::seconds{2}) << "the truth is within";
  for (int i = 0; i < 3; ++i) probe_once();
  EXPECT_EQ(published()->aligned.source, ClockSource::kProbed);
  EXPECT_EQ(sink_.batches.back().items[0].reports[0]->aligned.epoch, 2u);
}

}  // namespace
}  // namespace fusiongateway
