#include "pipeline/feeds/publisher_exchanges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/codec/codec.h"
#include "tests/pipeline/feeds/memory_sink.h"

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kPayload =
    R"({"eventId":"E1","reportTime":"20261123100000","category":"气味","description":"刺鼻","lon":114.3,"lat":34.8,"crs":"WGS84","state":"reported"})";

// What came of one exchange, if anything yet.
struct Outcome {
  std::optional<PublisherAnswer> answer;
  int times = 0;

  template <typename Told>
  Told Get() const {
    EXPECT_EQ(times, 1);
    const Told* told = answer ? std::get_if<Told>(&*answer) : nullptr;
    EXPECT_NE(told, nullptr) << (answer ? answer->index() : 99);
    return told == nullptr ? Told() : *told;
  }
  std::string Code() const { return Get<v1::Error>().code(); }
};
using OutcomePtr = std::shared_ptr<Outcome>;

// The protocol with publishers on sockets beside those that ask: what Ingress does, by hand.
class PublisherExchangesTest : public ::testing::Test {
 protected:
  PublisherExchangesTest() {
    limits_.window_payloads = 8;
    limits_.batch_max = 4;
    limits_.message_bytes_max = 4096;
    Make();
  }
  void Make() {
    PublisherProtocol::Decoders decoders;
    for (const char* feed_id : {"grid", "other"}) {
      FeedConfig config;
      config.feed_id = feed_id;
      config.plugin = "grid";
      config.plugin_dir = FG_PLUGIN_DIR;
      auto decoder = FeedDecoder::Create(config, {}, CodeTables());
      ASSERT_TRUE(decoder.ok()) << decoder.status().message();
      decoders[feed_id] = std::move(*decoder);
    }
    protocol_ = std::make_unique<PublisherProtocol>(std::move(decoders), limits_, &sink_, "run");
    exchanges_ = std::make_unique<PublisherExchanges>(protocol_.get(), exchange_limits_);
  }

  // Everything that is told gets where it goes; what went to sockets stays in socket_.
  void Route(std::vector<OutgoingMessage>* out) {
    for (std::size_t i = 0; i < out->size(); ++i) {
      const OutgoingMessage message = (*out)[i];
      if (IsExchangePeer(message.peer)) {
        exchanges_->Deliver(message, {now_, steady_, out});
      } else {
        ASSERT_TRUE(ParseWire(message.bytes, WireForm::kProtobuf, &socket_.emplace_back()).ok());
      }
    }
    out->clear();
  }
  void Settle() {
    std::vector<OutgoingMessage> out;
    while (protocol_->DecodeSome(steady_, &out) == PublisherProtocol::Decoded::kSome) {
    }
    Route(&out);
  }
  OutcomePtr Ask(PublisherRequest request) {
    auto outcome = std::make_shared<Outcome>();
    std::vector<OutgoingMessage> out;
    exchanges_->Begin(std::move(request),
                      [outcome](PublisherAnswer answer) {
                        outcome->answer = std::move(answer);
                        ++outcome->times;
                      },
                      {now_, steady_, &out});
    Route(&out);
    Settle();
    return outcome;
  }
  static PublisherRequest Request(const std::string& outbox) {
    PublisherRequest request;
    request.feed_id = request.allowed_feed = "grid";
    request.client = "curl";
    request.outbox_id = outbox;
    return request;
  }
  OutcomePtr Publish(std::uint64_t first_seq, int count, const std::string& outbox = "box-1",
                     bool takeover = false, const std::string& payload = kPayload) {
    PublishAsk ask;
    ask.takeover = takeover;
    ask.publish.set_first_seq(first_seq);
    for (int i = 0; i < count; ++i) ask.publish.add_payloads(payload);
    PublisherRequest request = Request(outbox);
    request.asks = std::move(ask);
    return Ask(std::move(request));
  }
  OutcomePtr Test(int count, const std::string& payload = kPayload) {
    PublishAsk ask;
    ask.test = true;
    ask.publish.set_first_seq(1);
    for (int i = 0; i < count; ++i) ask.publish.add_payloads(payload);
    PublisherRequest request = Request("box-t");
    request.asks = std::move(ask);
    return Ask(std::move(request));
  }
  OutcomePtr LookUp(std::uint64_t acked_through, const std::string& outbox = "box-1") {
    PublisherRequest request = Request(outbox);
    request.asks = LookUpAsk{acked_through};
    return Ask(std::move(request));
  }
  OutcomePtr Poll(std::uint64_t after, Duration wait = {}) {
    PublisherRequest request = Request("");
    request.asks = PollAsk{after, wait};
    return Ask(std::move(request));
  }
  void Commit(std::uint64_t through, std::vector<v1::Rejection> rejections = {},
              const std::string& outbox = "box-1") {
    sink_.through[outbox] = through;
    sink_.rejections.insert(sink_.rejections.end(), rejections.begin(), rejections.end());
    std::vector<OutgoingMessage> out;
    protocol_->Committed({"grid", outbox, through, std::move(rejections)}, &out);
    Route(&out);
  }
  void Pass(Duration time) {
    steady_ += time;
    now_ += time;
    std::vector<OutgoingMessage> out;
    exchanges_->Tick({now_, steady_, &out});
    protocol_->Expire(steady_);
    Route(&out);
    Settle();
  }
  // A publisher on a socket says hello.
  void HelloOnSocket(const std::string& peer, const std::string& outbox) {
    v1::PublisherMessage message;
    message.mutable_hello()->set_feed_id("grid");
    message.mutable_hello()->set_client("bridge");
    message.mutable_hello()->set_protocol(1);
    message.mutable_hello()->set_outbox_id(outbox);
    std::vector<OutgoingMessage> out;
    protocol_->Handle(peer, message.SerializeAsString(), now_, steady_, std::nullopt, &out);
    Route(&out);
  }
  static v1::Rejection Rejected(std::uint64_t seq) {
    v1::Rejection rejection;
    rejection.set_seq(seq);
    rejection.set_code("WRONG_TYPE");
    return rejection;
  }
  void MakeDispositions(std::uint64_t from, std::uint64_t through) {
    for (std::uint64_t seq = from; seq <= through; ++seq) {
      v1::Disposition disposition;
      disposition.set_seq(seq);
      sink_.dispositions.push_back(disposition);
    }
    std::vector<OutgoingMessage> out;
    protocol_->DispositionsMade("grid", &out);
    exchanges_->DispositionsMade("grid");
    Route(&out);
  }

  PublisherLimits limits_;
  ExchangeLimits exchange_limits_;
  MemorySink sink_;
  std::unique_ptr<PublisherProtocol> protocol_;
  std::unique_ptr<PublisherExchanges> exchanges_;
  std::vector<v1::GatewayMessage> socket_;
  UtcTime now_{std::chrono::seconds{1'790'000'000}};
  SteadyTime steady_{};
};

TEST_F(PublisherExchangesTest, APublishIsAnsweredWhenItsLastPayloadIsCommittedAndNotBefore) {
  const auto outcome = Publish(1, 3);
  ASSERT_THAT(sink_.batches, SizeIs(1));
  EXPECT_EQ(sink_.batches[0].outbox_id, "box-1");
  Commit(2, {Rejected(2)});
  EXPECT_EQ(outcome->times, 0);
  Commit(3);
  const auto answer = outcome->Get<v1::PublishAnswer>();
  EXPECT_EQ(answer.through_seq(), 3u);
  EXPECT_EQ(answer.journal_id(), "journal-a");
  EXPECT_EQ(answer.window().payloads(), 8u);
  ASSERT_EQ(answer.rejections_size(), 1);
  EXPECT_EQ(answer.rejections(0).seq(), 2u);
}

TEST_F(PublisherExchangesTest, ASessionLivesBetweenRequestsWhateverConnectionTheyComeOver) {
  Publish(1, 1);
  Commit(1);
  Pass(std::chrono::seconds{20});
  Publish(2, 1);
  Commit(2);
  Pass(std::chrono::seconds{20});
  EXPECT_EQ(protocol_->counters().sessions_opened, 1u);
  Pass(std::chrono::seconds{20});
  const auto again = Publish(3, 1);
  Commit(3);
  EXPECT_EQ(again->Get<v1::PublishAnswer>().through_seq(), 3u);
  EXPECT_EQ(protocol_->counters().sessions_opened, 2u);
}

TEST_F(PublisherExchangesTest, ARepeatIsToldTheSameAgainAndTakenOnce) {
  Publish(1, 3);
  Commit(3, {Rejected(1), Rejected(3)});
  const auto repeat = Publish(1, 3);  // the answer was lost on its way
  const auto answer = repeat->Get<v1::PublishAnswer>();
  EXPECT_EQ(answer.through_seq(), 3u);
  EXPECT_EQ(answer.rejections_size(), 2);
  EXPECT_THAT(sink_.batches, SizeIs(1));
  EXPECT_EQ(protocol_->counters().duplicates, 3u);
  const auto part = Publish(3, 2);
  Commit(4);
  EXPECT_EQ(part->Get<v1::PublishAnswer>().rejections_size(), 1) << "of its own seqs";
}

TEST_F(PublisherExchangesTest, ARepeatWhileTheFirstIsUnderWayIsAnsweredWithIt) {
  const auto first = Publish(1, 2);
  const auto repeat = Publish(1, 2);
  EXPECT_EQ(repeat->times, 0);
  Commit(2, {Rejected(1)});
  EXPECT_EQ(first->Get<v1::PublishAnswer>().rejections_size(), 1);
  EXPECT_EQ(repeat->Get<v1::PublishAnswer>().rejections_size(), 1);
  EXPECT_THAT(sink_.batches, SizeIs(1));
}

TEST_F(PublisherExchangesTest,
       ARepeatAfterItsSessionEndedIsToldItsRejectionsAndThatNothingWasRead) {
  sink_.through["box-1"] = 5;
  sink_.rejections = {Rejected(2), Rejected(4)};
  const auto answer = Publish(4, 2)->Get<v1::PublishAnswer>();
  EXPECT_EQ(answer.through_seq(), 5u);
  ASSERT_EQ(answer.rejections_size(), 2);
  EXPECT_EQ(answer.rejections(0).seq(), 4u);
  EXPECT_EQ(answer.rejections(1).code(), "ALREADY_TAKEN");
  EXPECT_THAT(sink_.batches, IsEmpty());

  // The answer was lost: told again within the session, and by the session that a probe opened.
  const auto again = Publish(4, 2)->Get<v1::PublishAnswer>();
  ASSERT_EQ(again.rejections_size(), 2);
  EXPECT_EQ(again.rejections(0).seq(), 4u);
}

TEST_F(PublisherExchangesTest, ARepeatThatGoesOnBeyondWhatIsOnDiskIsToldBoth) {
  sink_.through["box-1"] = 5;
  sink_.rejections = {Rejected(4)};
  const auto waits = Publish(4, 3);
  Commit(6);
  const auto answer = waits->Get<v1::PublishAnswer>();
  EXPECT_EQ(answer.through_seq(), 6u);
  ASSERT_EQ(answer.rejections_size(), 2);
  EXPECT_EQ(answer.rejections(0).seq(), 4u);
  EXPECT_EQ(answer.rejections(1).code(), "ALREADY_TAKEN");
}

TEST_F(PublisherExchangesTest, BeyondTheWindowIsBusyWithTheSeqToSendAgain) {
  Publish(1, 4);
  Publish(5, 4);
  EXPECT_EQ(Publish(9, 1)->Get<v1::Busy>().next_seq(), 9u);
  Commit(8);
  const auto again = Publish(9, 1);
  Commit(9);
  EXPECT_EQ(again->Get<v1::PublishAnswer>().through_seq(), 9u);
}

TEST_F(PublisherExchangesTest, AGapNamesTheSeqThatIsExpected) {
  const auto gap = Publish(5, 1)->Get<v1::Error>();
  EXPECT_EQ(gap.code(), "SEQ_GAP");
  EXPECT_EQ(gap.next_seq(), 1u);
}

TEST_F(PublisherExchangesTest, WhatIsNotCommittedInTimeIsToSendAgainAndNotLost) {
  const auto late = Publish(1, 1);
  Pass(exchange_limits_.publish_wait_max + std::chrono::seconds{1});
  EXPECT_EQ(late->Code(), "NOT_YET");
  EXPECT_EQ(exchanges_->counters().timed_out, 1u);
  const auto again = Publish(1, 1);
  Commit(1);
  EXPECT_EQ(again->Get<v1::PublishAnswer>().through_seq(), 1u);
  EXPECT_THAT(sink_.batches, SizeIs(1));
}

TEST_F(PublisherExchangesTest, WaitingKeepsASessionAlive) {
  limits_.session_timeout = std::chrono::seconds{10};
  Make();
  const auto waits = Publish(1, 1);
  for (int i = 0; i < 15; ++i) Pass(std::chrono::seconds{1});
  Commit(1);
  EXPECT_EQ(waits->Get<v1::PublishAnswer>().through_seq(), 1u);
  EXPECT_EQ(protocol_->counters().sessions_timed_out, 0u);
}

TEST_F(PublisherExchangesTest, ALiveSessionIsNotFencedUnlessTheRequestTakesOver) {
  HelloOnSocket("z", "box-z");
  socket_.clear();
  const auto refused = Publish(1, 1);
  EXPECT_EQ(refused->Code(), "FEED_IN_USE");
  EXPECT_THAT(refused->Get<v1::Error>().message(), HasSubstr("bridge"));
  EXPECT_THAT(socket_, IsEmpty()) << "the live session is not disturbed";
  EXPECT_EQ(protocol_->counters().feed_in_use, 1u);
  const auto taken = Publish(1, 1, "box-1", true);
  Commit(1);
  EXPECT_EQ(taken->Get<v1::PublishAnswer>().through_seq(), 1u);
  ASSERT_THAT(socket_, SizeIs(1));
  EXPECT_EQ(socket_[0].error().code(), "FENCED");
}

TEST_F(PublisherExchangesTest, AnExchangeThatWaitsIsFencedByANewerSession) {
  const auto waits = Publish(1, 1);
  HelloOnSocket("z", "box-z");
  EXPECT_EQ(waits->Code(), "FENCED");
  EXPECT_EQ(Publish(1, 1)->Code(), "FENCED")
      << "two programs never take it from each other in turn";
  const auto back = Publish(1, 1, "box-1", true);
  Commit(1);
  EXPECT_EQ(back->Get<v1::PublishAnswer>().through_seq(), 1u);
}

TEST_F(PublisherExchangesTest, TakeoverByTheOneThatHasTheSessionChangesNothing) {
  Publish(1, 1, "box-1", true);
  const auto waits = Publish(2, 1, "box-1", true);
  Commit(2);
  EXPECT_EQ(waits->Get<v1::PublishAnswer>().through_seq(), 2u);
  EXPECT_EQ(protocol_->counters().sessions_opened, 1u);
  EXPECT_EQ(protocol_->counters().fenced, 0u);
}

TEST_F(PublisherExchangesTest, AClientsNameThatIsNotUtf8RefusesNothing) {
  for (int i = 0; i < 2; ++i) {
    PublisherRequest request = Request("box-1");
    request.client = "bridge \xB0";
    PublishAsk publish;
    publish.publish.set_first_seq(1);
    publish.publish.add_payloads(kPayload);
    if (i == 0) request.asks = v1::Probe();
    if (i == 1) request.asks = std::move(publish);
    const auto outcome = Ask(std::move(request));
    if (i == 0) outcome->Get<v1::ProbeReply>();
    if (i == 1) Commit(1);
    if (i == 1) {
      EXPECT_EQ(outcome->Get<v1::PublishAnswer>().through_seq(), 1u);
    }
    Pass(std::chrono::minutes{1});  // each says hello
  }
  EXPECT_EQ(protocol_->counters().sessions_opened, 2u);
}

TEST_F(PublisherExchangesTest, ATokenOfAnotherFeedIsForbiddenAndAnUnknownFeedIsSaid) {
  PublisherRequest request = Request("box-1");
  request.allowed_feed = "other";
  for (int i = 0; i < 3; ++i) {
    PublishAsk publish;
    publish.publish.set_first_seq(1);
    publish.publish.add_payloads(kPayload);
    if (i == 0) request.asks = std::move(publish);
    if (i == 1) request.asks = LookUpAsk{};
    if (i == 2) request.asks = PollAsk{};
    EXPECT_EQ(Ask(request)->Code(), "FORBIDDEN") << i;
    PublisherRequest unknown = request;
    unknown.feed_id = "nobody";
    EXPECT_EQ(Ask(unknown)->Code(), "UNKNOWN_FEED") << i;
  }
  EXPECT_EQ(protocol_->counters().forbidden, 3u);
  EXPECT_EQ(protocol_->counters().sessions_opened, 0u);
}

TEST_F(PublisherExchangesTest, LookingUpTellsThePlaceAndDisturbsNobody) {
  sink_.through["box-1"] = 7;
  sink_.rejections = {Rejected(3), Rejected(6)};
  HelloOnSocket("z", "box-z");
  const auto place = LookUp(3)->Get<v1::PublisherPlace>();
  EXPECT_EQ(place.resume_after_seq(), 7u);
  EXPECT_EQ(place.through_seq(), 7u);
  ASSERT_EQ(place.rejections_size(), 1);
  EXPECT_EQ(place.rejections(0).seq(), 6u);
  EXPECT_EQ(place.journal_id(), "journal-a");
  EXPECT_EQ(place.max_batch(), 4u);
  EXPECT_EQ(place.max_message_bytes(), 4096u);
  EXPECT_EQ(FromWire(place.server_time()), now_);
  EXPECT_EQ(protocol_->counters().sessions_opened, 1u);
  EXPECT_EQ(LookUp(0, "")->Code(), "OUTBOX_REQUIRED");
}

TEST_F(PublisherExchangesTest, ManyRejectionsAreToldInPartsAndEachSaysHowFar) {
  sink_.through["box-1"] = 1000;
  for (std::uint64_t seq = 1; seq <= 300; ++seq) sink_.rejections.push_back(Rejected(seq));
  const auto first = LookUp(0)->Get<v1::PublisherPlace>();
  EXPECT_EQ(first.rejections_size(), 256);
  EXPECT_EQ(first.through_seq(), 256u);
  const auto rest = LookUp(first.through_seq())->Get<v1::PublisherPlace>();
  EXPECT_EQ(rest.rejections_size(), 44);
  EXPECT_EQ(rest.through_seq(), 1000u);
}

TEST_F(PublisherExchangesTest, TestModeAnswersWithWhatWasMadeAndLeavesNothing) {
  HelloOnSocket("z", "box-z");
  for (int i = 0; i < 20; ++i) {  // more than the test sessions there may be at once
    const auto answer = Test(2)->Get<v1::PublishAnswer>();
    ASSERT_EQ(answer.results_size(), 2);
    EXPECT_EQ(answer.results(1).seq(), 2u);
    EXPECT_EQ(answer.results(0).reports(0).report_id(), "E1");
  }
  EXPECT_EQ(Test(1, "{oops")->Get<v1::PublishAnswer>().results(0).rejection().code(), "MALFORMED");
  EXPECT_THAT(sink_.batches, IsEmpty());
}

TEST_F(PublisherExchangesTest, TestResultsBeyondWhatAnAnswerHoldsAreSaidToBe) {
  exchange_limits_.test_result_bytes_max = 1;
  Make();
  const auto answer = Test(1)->Get<v1::PublishAnswer>();
  EXPECT_EQ(answer.results(0).rejection().code(), "RESULT_TOO_LARGE");
  EXPECT_EQ(answer.results(0).reports_size(), 0);
}

TEST_F(PublisherExchangesTest, ProbesMeasureTheClockOfTheOutboxsSession) {
  const Duration ahead = std::chrono::seconds{90};
  v1::Probe probe;
  for (int i = 0; i < 2; ++i) {
    ToWire(now_ + ahead, probe.mutable_t1());
    PublisherRequest request = Request("box-1");
    request.asks = probe;
    const auto reply = Ask(request)->Get<v1::ProbeReply>();
    EXPECT_EQ(FromWire(reply.t2()), now_);
    auto* last = probe.mutable_last();
    *last->mutable_t1() = reply.t1();
    *last->mutable_t2() = reply.t2();
    *last->mutable_t3() = reply.t3();
    ToWire(now_ + ahead, last->mutable_t4());
  }
  const std::string told =
      R"({"eventId":"E","reportTime":")" + FormatRfc3339(now_ + ahead) +
      R"(","category":"x","description":"x","lon":114.3,"lat":34.8,"state":"reported"})";
  Publish(1, 1, "box-1", false, told);
  EXPECT_EQ(sink_.batches.at(0).items[0].reports.at(0)->aligned.source, ClockSource::kProbed);
}

TEST_F(PublisherExchangesTest, DispositionsAreToldUntilTheNextPollAcknowledgesThem) {
  MakeDispositions(1, 3);
  auto told = Poll(0)->Get<v1::DispositionsAnswer>();
  EXPECT_EQ(told.dispositions_size(), 3);
  EXPECT_EQ(told.through_seq(), 3u);
  EXPECT_EQ(sink_.dispositions_acked, 0u);
  EXPECT_EQ(Poll(0)->Get<v1::DispositionsAnswer>().dispositions_size(), 3) << "not acknowledged";
  told = Poll(2)->Get<v1::DispositionsAnswer>();
  EXPECT_EQ(told.dispositions_size(), 1);
  EXPECT_EQ(sink_.dispositions_acked, 2u);
  EXPECT_EQ(Poll(9)->Code(), "SEQ_AHEAD");
  EXPECT_EQ(sink_.dispositions_acked, 2u) << "what is not there is not acknowledged";
}

TEST_F(PublisherExchangesTest, APollWaitsForDispositionsAndEndsEmptyWhenNoneCome) {
  const auto waits = Poll(0, std::chrono::seconds{30});
  Publish(1, 1);  // a session of the same publisher changes nothing
  EXPECT_EQ(waits->times, 0);
  MakeDispositions(1, 1);
  EXPECT_EQ(waits->Get<v1::DispositionsAnswer>().dispositions_size(), 1);
  const auto older = Poll(1, std::chrono::seconds{30});
  const auto newer = Poll(1, std::chrono::seconds{30});
  EXPECT_EQ(older->Code(), "FEED_IN_USE") << "one a feed";
  Pass(std::chrono::seconds{31});
  EXPECT_EQ(newer->Get<v1::DispositionsAnswer>().through_seq(), 1u);
}

TEST_F(PublisherExchangesTest, DispositionsOfAPublisherOnASocketAreItsOwn) {
  HelloOnSocket("z", "box-z");
  MakeDispositions(1, 1);
  EXPECT_EQ(Poll(0)->Code(), "FEED_IN_USE");
}

TEST_F(PublisherExchangesTest, ExchangesThatWaitAreBoundedAndAllAreAnsweredAtTheEnd) {
  exchange_limits_.exchanges_max = 2;
  Make();
  const auto first = Publish(1, 1);
  const auto poll = Poll(0, std::chrono::seconds{30});
  EXPECT_EQ(Publish(2, 1)->Code(), "UNAVAILABLE");
  EXPECT_EQ(exchanges_->counters().refused, 1u);
  EXPECT_EQ(exchanges_->counters().waiting, 2u);
  exchanges_->EndAll();
  EXPECT_EQ(first->Code(), "UNAVAILABLE");
  EXPECT_EQ(poll->Code(), "UNAVAILABLE");
  EXPECT_EQ(exchanges_->counters().waiting, 0u);
}

}  // namespace
}  // namespace fusiongateway
