#include "delivery/stream/consumer_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "tests/delivery/journal/journal_samples.h"

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;
using Sent = ConsumerProtocol::Sent;

// The protocol over a real journal; the connection is a queue that can be full or gone.
class ConsumerProtocolTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(SampleOptions()); }

  void Reopen(const JournalOptions& options) {
    protocol_.reset();
    journal_.reset();
    auto journal = OpenSqliteJournal(folder_.File("journal.sqlite"), options);
    ASSERT_TRUE(journal.ok()) << journal.status().message();
    journal_ = std::move(*journal);
    Begin();
  }

  void Begin() {
    ConsumerProtocol::Sources sources{
        .journal = *journal_,
        .open_incidents = [this] { return open_; },
        .restricted_incident = [](const std::string& id) { return id.starts_with("secret"); }};
    protocol_.emplace(std::move(sources), limits_,
                      [this](const std::string& connection, const std::string& bytes) {
                        if (answer_ == Sent::kTaken) sent_.emplace_back(connection, bytes);
                        return answer_;
                      });
  }

  void Commit(std::size_t reports) {
    const Status status = journal_->Commit(log_.NextBatch(reports));
    ASSERT_TRUE(status.ok()) << status.message();
  }

  void Say(const v1::ConsumerMessage& message, const std::string& connection = "c",
           bool may_read_restricted = false) {
    protocol_->OnMessage(connection, message.SerializeAsString(), may_read_restricted, now_);
  }
  v1::ConsumerMessage SubscribeAfter(std::uint64_t after_seq, std::uint32_t window = 0) {
    v1::ConsumerMessage message;
    message.mutable_subscribe()->set_stream("live");
    message.mutable_subscribe()->set_after_seq(after_seq);
    message.mutable_subscribe()->set_window(window);
    return message;
  }
  void Consumed(std::uint64_t through_seq) {
    v1::ConsumerMessage message;
    message.mutable_consumed()->set_through_seq(through_seq);
    Say(message);
  }
  void ServeUntilQuiet() {
    while (protocol_->ServeAll(now_)) {
    }
  }
  // The oldest message sent and not yet looked at.
  v1::StreamMessage Next() {
    v1::StreamMessage message;
    if (sent_.empty()) return message;
    EXPECT_TRUE(message.ParseFromString(sent_.front().second));
    sent_.pop_front();
    return message;
  }
  std::string NextError() { return Next().error().code(); }

  TemporaryFolder folder_;
  std::unique_ptr<Journal> journal_;
  SampleLog log_{"first"};
  OpenIncidents open_;
  ConsumerLimits limits_;
  std::optional<ConsumerProtocol> protocol_;
  std::deque<std::pair<std::string, std::string>> sent_;
  Sent answer_ = Sent::kTaken;
  SteadyTime now_{std::chrono::hours(1)};
};

TEST_F(ConsumerProtocolTest, EveryRecordComesOnceInOrderWithinTheRangesTold) {
  Commit(500);
  Say(SubscribeAfter(0));
  std::uint64_t through = 0, count = 0;
  while (through < 1000) {
    ServeUntilQuiet();
    ASSERT_FALSE(sent_.empty());
    while (!sent_.empty()) {
      const auto records = Next().records();
      ASSERT_EQ(records.journal_id(), journal_->journal_id());
      ASSERT_EQ(records.from_seq(), through + 1);
      for (const auto& record : records.records()) ASSERT_EQ(record.seq(), ++count);
      ASSERT_EQ(records.through_seq(), count);
      through = records.through_seq();
    }
    Consumed(through);
  }
  Commit(1);
  ServeUntilQuiet();
  EXPECT_EQ(Next().records().from_seq(), 1001u);
}

TEST_F(ConsumerProtocolTest, NoMoreThanTheWindowIsOnTheWay) {
  Commit(100);
  Say(SubscribeAfter(0, 7));
  ServeUntilQuiet();
  EXPECT_EQ(Next().records().records_size(), 7);
  EXPECT_TRUE(sent_.empty());
  Consumed(6);  // inside the message: it is not done with
  ServeUntilQuiet();
  EXPECT_TRUE(sent_.empty());
  Consumed(7);
  ServeUntilQuiet();
  EXPECT_EQ(Next().records().through_seq(), 14u);
}

TEST_F(ConsumerProtocolTest, NoMoreBytesThanTheLimitAreOnTheWayHoweverLargeTheWindow) {
  limits_.bytes_per_message = 2000;
  limits_.bytes_on_the_way_max = 6000;
  Begin();
  Commit(300);
  Say(SubscribeAfter(0, 65536));
  ServeUntilQuiet();
  std::size_t bytes = 0;
  std::uint64_t through = 0;
  for (; !sent_.empty(); through = Next().records().through_seq()) {
    bytes += sent_.front().second.size();
  }
  EXPECT_GE(bytes, 6000u);
  EXPECT_LT(bytes, 10000u);  // and one message
  EXPECT_EQ(protocol_->counters().bytes_full, 1u);
  ServeUntilQuiet();
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(protocol_->counters().bytes_full, 1u) << "the same time";

  Consumed(through);
  ServeUntilQuiet();
  EXPECT_EQ(Next().records().from_seq(), through + 1);
  EXPECT_EQ(protocol_->counters().bytes_full, 2u);
  now_ += limits_.credit_timeout;
  protocol_->Housekeep(now_);
  EXPECT_EQ(protocol_->counters().dropped_slow, 1u);
}

TEST_F(ConsumerProtocolTest, AFilterThatLetsNothingThroughShowsAsProgress) {
  Commit(50);
  auto subscribe = SubscribeAfter(0, 5);
  subscribe.mutable_subscribe()->mutable_filter()->add_bodies("clock");
  Say(subscribe);
  ServeUntilQuiet();
  protocol_->Housekeep(now_);
  const auto records = Next().records();
  EXPECT_EQ(records.from_seq(), 1u);
  EXPECT_EQ(records.through_seq(), 100u);
  EXPECT_EQ(records.records_size(), 0);
}

TEST_F(ConsumerProtocolTest, AHeartbeatComesWhenNothingElseDoes) {
  Commit(1);
  Say(SubscribeAfter(2));
  ServeUntilQuiet();
  protocol_->Housekeep(now_);  // the first at once: the consumer knows that it is subscribed
  EXPECT_EQ(Next().records().from_seq(), 3u);
  protocol_->Housekeep(now_ + limits_.heartbeat_interval / 2);
  EXPECT_TRUE(sent_.empty());
  protocol_->Housekeep(now_ + limits_.heartbeat_interval);
  const auto heartbeat = Next().records();
  EXPECT_EQ(heartbeat.from_seq(), 3u);
  EXPECT_EQ(heartbeat.through_seq(), 2u);
}

TEST_F(ConsumerProtocolTest, TheConsumerIsAnsweredInTheFormItSpoke) {
  Commit(1);
  protocol_->OnMessage("c", R"({"subscribe": {"stream": "live", "afterSeq": "1", "extra": 1}})",
                       false, now_);
  ServeUntilQuiet();
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_THAT(sent_.front().second, HasSubstr("\"fromSeq\":\"2\""));
  EXPECT_THAT(sent_.front().second, HasSubstr("\"incidentId\":\"kaifeng-20261123-2\""));
}

TEST_F(ConsumerProtocolTest, WhatCannotBeReadIsAnsweredAndCounted) {
  protocol_->OnMessage("c", "{\"subscribe\": 7", false, now_);
  EXPECT_THAT(sent_.front().second, HasSubstr("MALFORMED"));
  sent_.clear();
  protocol_->OnMessage("c", "", false, now_);
  EXPECT_EQ(NextError(), "MALFORMED");
  protocol_->OnMessage("c", "\xff\xff\xff", false, now_);
  EXPECT_EQ(NextError(), "MALFORMED");
  protocol_->OnMessage("c", std::string(limits_.message_bytes_max + 1, 'x'), false, now_);
  EXPECT_EQ(NextError(), "TOO_LARGE");
  EXPECT_EQ(protocol_->counters().malformed, 3u);
  EXPECT_EQ(protocol_->counters().too_large, 1u);
}

TEST_F(ConsumerProtocolTest, WithoutASubscriptionCreditIsRefused) {
  Consumed(5);
  EXPECT_EQ(NextError(), "SUBSCRIBE_REQUIRED");
}

TEST_F(ConsumerProtocolTest, AnUnknownStreamOrFilterIsRefusedByName) {
  auto subscribe = SubscribeAfter(0);
  subscribe.mutable_subscribe()->set_stream("life");
  Say(subscribe);
  EXPECT_EQ(NextError(), "UNKNOWN_STREAM");
  subscribe = SubscribeAfter(0);
  subscribe.mutable_subscribe()->mutable_filter()->add_bodies("incidents");
  Say(subscribe);
  EXPECT_EQ(NextError(), "BAD_FILTER");
  EXPECT_EQ(protocol_->counters().refused, 2u);
  EXPECT_EQ(protocol_->counters().consumers, 0u);
}

TEST_F(ConsumerProtocolTest, ASeverityThatThereIsNotIsRefusedInJsonToo) {
  const auto say = [this](const std::string& severity) {
    protocol_->OnMessage(
        "c", R"({"subscribe": {"stream": "live", "filter": {"minSeverity": )" + severity + "}}}",
        false, now_);
    const bool taken = protocol_->counters().consumers == 1;
    if (!taken) {
      EXPECT_THAT(sent_.front().second, HasSubstr("BAD_FILTER"));
      EXPECT_THAT(sent_.front().second, HasSubstr("minSeverity"));
    }
    sent_.clear();
    return taken;
  };
  for (const char* known : {R"("SEVERE")", "4", "0", "null", R"("SEVERITY_UNSPECIFIED")"}) {
    EXPECT_TRUE(say(known)) << known;
  }
  for (const char* unknown : {R"("NOPE")", R"("severe!")", "99", "-1"}) {
    EXPECT_FALSE(say(unknown)) << unknown;
  }
}

TEST_F(ConsumerProtocolTest, ASeqAheadOfTheJournalIsToldAndNothingIsSkipped) {
  Commit(1);
  Say(SubscribeAfter(3));
  const auto error = Next().error();
  EXPECT_EQ(error.code(), "SEQ_AHEAD");
  EXPECT_THAT(error.message(), HasSubstr("seq 2"));
  ServeUntilQuiet();
  EXPECT_TRUE(sent_.empty());
}

TEST_F(ConsumerProtocolTest, AConsumerOfAnotherJournalIsToldWhatToDo) {
  auto subscribe = SubscribeAfter(0);
  subscribe.mutable_subscribe()->set_journal_id("somebody's");
  Say(subscribe);
  const auto error = Next().error();
  EXPECT_EQ(error.code(), "JOURNAL_CHANGED");
  EXPECT_THAT(error.message(), HasSubstr("snapshot"));
  subscribe.mutable_subscribe()->set_journal_id(journal_->journal_id());
  Say(subscribe);
  EXPECT_EQ(protocol_->counters().consumers, 1u);
}

TEST_F(ConsumerProtocolTest, AConsumerOfTheJournalBeforeARestoreIsToldHowFarTheyAgree) {
  Commit(10);
  const std::string store = folder_.File("journal.sqlite");
  const std::string earlier_id = journal_->journal_id();
  ASSERT_TRUE(BackupJournal(store, folder_.File("backup")).ok());
  Commit(10);  // lost with the first journal
  protocol_.reset();
  journal_.reset();
  std::filesystem::remove(store);
  ASSERT_TRUE(RestoreJournal(folder_.File("backup"), store).ok());
  Reopen(SampleOptions());
  auto subscribe = SubscribeAfter(40);
  subscribe.mutable_subscribe()->set_journal_id(earlier_id);
  Say(subscribe);
  const auto error = Next().error();
  EXPECT_EQ(error.code(), "JOURNAL_CHANGED");
  EXPECT_THAT(error.message(), HasSubstr("records through seq 20 are the same"));
  EXPECT_THAT(error.message(), HasSubstr(journal_->journal_id()));
}

TEST_F(ConsumerProtocolTest, BelowWhatIsHeldIsToldAndASnapshotFollows) {
  Commit(5);
  Commit(5);
  protocol_.reset();
  journal_.reset();
  ASSERT_EQ(std::system(("sqlite3 " + folder_.File("journal.sqlite") +
                         " 'DELETE FROM live WHERE first < 11'")
                            .c_str()),
            0);
  Reopen(SampleOptions());
  open_.live_through_seq = 20;
  open_.incidents.emplace_back().set_incident_id("open-1");
  Say(SubscribeAfter(3));
  ServeUntilQuiet();
  EXPECT_EQ(Next().out_of_range().oldest_seq(), 11u);
  EXPECT_EQ(Next().snapshot().through_seq(), 20u);
  EXPECT_TRUE(sent_.empty());
  Say(SubscribeAfter(0), "other");  // from the oldest held
  ServeUntilQuiet();
  EXPECT_EQ(Next().records().from_seq(), 11u);
}

TEST_F(ConsumerProtocolTest, ASnapshotComesFirstAndRecordsGoOnFromThere) {
  Commit(10);
  open_.live_through_seq = 18;
  open_.incidents.emplace_back().set_incident_id("open-1");
  auto& secret = open_.incidents.emplace_back();
  secret.set_incident_id("secret-1");
  secret.set_restricted(true);
  auto subscribe = SubscribeAfter(5);
  subscribe.mutable_subscribe()->set_snapshot(true);
  Say(subscribe);
  ServeUntilQuiet();
  const auto snapshot = Next().snapshot();
  EXPECT_EQ(snapshot.journal_id(), journal_->journal_id());
  ASSERT_EQ(snapshot.incidents_size(), 1);
  EXPECT_EQ(snapshot.incidents(0).incident_id(), "open-1");
  const auto records = Next().records();
  EXPECT_EQ(records.from_seq(), 19u);
  EXPECT_EQ(records.through_seq(), 20u);
}

TEST_F(ConsumerProtocolTest, RestrictedRecordsAndActionsOnThemAreWithheldFromTheOrdinary) {
  JournalBatch batch;
  const auto add = [&batch](auto body) {
    StreamRecord record;
    record.seq = batch.live.size() + 1;
    record.origin.seq = record.seq;
    record.body = std::move(body);
    batch.live.push_back(std::move(record));
  };
  auto report = std::make_shared<Report>();
  report->restricted = true;
  auto incident = std::make_shared<Incident>();
  incident->incident_id = "secret-1";
  incident->restricted = true;
  add(ReportPtr(report));
  add(IncidentPtr(incident));
  add(OperatorAction{.action_id = "a", .incident_id = "secret-1"});
  add(OperatorAction{.action_id = "b", .incident_id = "open-1"});
  ASSERT_TRUE(journal_->Commit(batch).ok());
  Say(SubscribeAfter(0), "ordinary");
  ServeUntilQuiet();
  const auto ordinary = Next().records();
  ASSERT_EQ(ordinary.records_size(), 1);
  EXPECT_EQ(ordinary.records(0).action().action_id(), "b");
  EXPECT_EQ(ordinary.through_seq(), 4u);
  EXPECT_EQ(protocol_->counters().restricted_withheld, 3u);
  Say(SubscribeAfter(0), "trusted", true);
  ServeUntilQuiet();
  EXPECT_EQ(Next().records().records_size(), 4);
}

TEST_F(ConsumerProtocolTest, WhatAFullConnectionDoesNotTakeComesLater) {
  Commit(10);
  Say(SubscribeAfter(0));
  answer_ = Sent::kFull;
  ServeUntilQuiet();
  EXPECT_GT(protocol_->counters().send_full, 0u);
  answer_ = Sent::kTaken;
  now_ += std::chrono::seconds(1);
  ServeUntilQuiet();
  EXPECT_EQ(Next().records().records_size(), 20);
}

TEST_F(ConsumerProtocolTest, AVanishedConsumerIsDroppedAndCounted) {
  Commit(1);
  Say(SubscribeAfter(0));
  answer_ = Sent::kGone;
  ServeUntilQuiet();
  EXPECT_EQ(protocol_->counters().consumers, 0u);
  EXPECT_EQ(protocol_->counters().dropped_gone, 1u);
}

TEST_F(ConsumerProtocolTest, AConsumerThatGivesNoCreditIsToldAndDropped) {
  Commit(10);
  Say(SubscribeAfter(0, 4));
  ServeUntilQuiet();
  now_ += limits_.credit_timeout / 2;
  protocol_->Housekeep(now_);
  EXPECT_EQ(protocol_->counters().consumers, 1u);
  now_ += limits_.credit_timeout;
  protocol_->Housekeep(now_);
  EXPECT_EQ(protocol_->counters().consumers, 0u);
  EXPECT_EQ(protocol_->counters().dropped_slow, 1u);
  while (sent_.size() > 1) sent_.pop_front();
  EXPECT_EQ(NextError(), "TOO_SLOW");
}

TEST_F(ConsumerProtocolTest, AQuietStreamDropsNobody) {
  Commit(2);
  Say(SubscribeAfter(0, 100));
  ServeUntilQuiet();  // four records on the way, credit for more
  for (int i = 0; i < 10; ++i) {
    now_ += limits_.credit_timeout;
    ServeUntilQuiet();
    protocol_->Housekeep(now_);
  }
  EXPECT_EQ(protocol_->counters().consumers, 1u);
}

TEST_F(ConsumerProtocolTest, NoMoreConsumersThanTheLimitAreServed) {
  limits_.consumers_max = 2;
  Begin();
  for (const char* connection : {"a", "b", "c"}) Say(SubscribeAfter(0), connection);
  EXPECT_EQ(NextError(), "TOO_MANY_CONSUMERS");
  EXPECT_EQ(protocol_->counters().consumers, 2u);
  v1::ConsumerMessage unsubscribe;
  unsubscribe.mutable_unsubscribe();
  Say(unsubscribe, "a");
  Say(SubscribeAfter(0), "c");
  EXPECT_EQ(protocol_->counters().consumers, 2u);
  EXPECT_TRUE(sent_.empty());
}

}  // namespace
}  // namespace fusiongateway
