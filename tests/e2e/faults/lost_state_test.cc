// Whoever lost its memory, or got an older one back, is told; nothing is skipped in silence.
#include <gmock/gmock.h>

#include <filesystem>
#include <mutex>
#include <vector>

#include "clients/cpp/publisher.h"
#include "tests/e2e/faults/payloads.h"
#include "tests/e2e/faults/raw_publisher.h"
#include "tests/e2e/faults/stream_reader.h"
#include "tests/support/gateway_process.h"

namespace fusiongateway::testing {
namespace {

using client::Publisher;
using client::PublisherNotice;
using client::StreamEvent;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Duration kFlush = std::chrono::seconds{10};

class LostState : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = GatewayProcess::Start({});
    ASSERT_TRUE(started.ok()) << started.status().message();
    gateway_ = std::move(*started);
    reader_ = std::make_unique<StreamReader>(gateway_->endpoints().consumers);
  }

  std::string File(const std::string& name) const { return (gateway_->folder() / name).string(); }

  RawPublisher Raw(const std::string& outbox_id) const {
    return {gateway_->endpoints().publishers, "hazmat", outbox_id};
  }

  std::unique_ptr<Publisher> OpenPublisher() {
    client::PublisherOptions options;
    options.endpoint = gateway_->endpoints().publishers;
    options.feed_id = "hazmat";
    options.outbox_path = File("outbox");
    options.retry_max = std::chrono::seconds{1};
    client::PublisherEvents events;
    events.on_notice = [this](const PublisherNotice& notice) {
      std::lock_guard lock(mutex_);
      notices_.push_back(notice);
    };
    auto publisher = Publisher::Open(options, events);
    EXPECT_TRUE(publisher.ok()) << publisher.status().message();
    return std::move(*publisher);
  }

  // Published and acked.
  void PublishAll(Publisher& publisher, const std::vector<std::string>& alarm_ids) {
    for (const auto& id : alarm_ids) ASSERT_TRUE(publisher.Publish(Alarm(id)).ok());
    const Status flushed = publisher.Flush(kFlush);
    ASSERT_TRUE(flushed.ok()) << flushed.message();
  }

  // The first notice of this kind within ten seconds.
  std::optional<PublisherNotice> AwaitNotice(PublisherNotice::Kind kind) {
    std::optional<PublisherNotice> found;
    Eventually([&] {
      std::lock_guard lock(mutex_);
      for (const auto& notice : notices_) {
        if (notice.kind == kind && !found) found = notice;
      }
      return found.has_value();
    });
    return found;
  }

  void ExpectOnStreamOnce(const std::vector<std::string>& report_ids, const std::string& last) {
    ASSERT_TRUE(reader_->ReadUntilReport(last));
    for (const auto& id : report_ids) EXPECT_EQ(reader_->CountReports(id), 1) << id;
    EXPECT_THAT(reader_->broken(), IsEmpty());
  }

  void BackUp() {
    const auto backup =
        RunProgram({"backup", gateway_->state_dir() + "/journal.db", File("backup.db")});
    ASSERT_EQ(backup.exit_status, 0) << backup.output;
  }

  // The gateway comes back with what the backup holds.
  void RestoreBackup() {
    if (gateway_->running()) {
      ASSERT_EQ(gateway_->Terminate(), 0) << gateway_->Output();
    }
    const std::string state = File("restored");
    std::filesystem::create_directory(state);
    const auto restore = RunProgram({"restore", File("backup.db"), state + "/journal.db"});
    ASSERT_EQ(restore.exit_status, 0) << restore.output;
    ASSERT_TRUE(gateway_->UseStateDir(state).ok());
    const Status started = gateway_->Restart();
    ASSERT_TRUE(started.ok()) << started.message();
  }

  std::unique_ptr<GatewayProcess> gateway_;
  std::unique_ptr<StreamReader> reader_;
  std::mutex mutex_;
  std::vector<PublisherNotice> notices_;
};

TEST_F(LostState, AWipedOutboxUnderItsOldIdIsToldAndUnderANewIdIsTaken) {
  RawPublisher before = Raw("outbox-1");
  before.Hello();
  before.Publish(1, {Alarm("a-1"), Alarm("a-2"), Alarm("a-3")});
  ASSERT_TRUE(before.AwaitAck(3));

  RawPublisher wiped = Raw("outbox-1");
  EXPECT_EQ(wiped.Hello().resume_after_seq(), 3u);
  wiped.Publish(1, {Alarm("b-1")});
  ASSERT_TRUE(wiped.AwaitAck(3));
  ASSERT_TRUE(wiped.rejections().contains(1));
  EXPECT_EQ(wiped.rejections().at(1).code(), "ALREADY_TAKEN");
  EXPECT_THAT(wiped.rejections().at(1).message(), HasSubstr("new outbox_id"));

  RawPublisher renewed = Raw("outbox-2");
  EXPECT_EQ(renewed.Hello().resume_after_seq(), 0u);
  renewed.Publish(1, {Alarm("b-1")});
  ASSERT_TRUE(renewed.AwaitAck(1));
  EXPECT_THAT(renewed.rejections(), IsEmpty());
  ExpectOnStreamOnce({"a-1", "a-2", "a-3", "b-1"}, "b-1");
}

TEST_F(LostState, AWipedOutboxIsToldAlsoWhenItsBatchReachesBeyondWhatWasTaken) {
  RawPublisher before = Raw("outbox-1");
  before.Hello();
  before.Publish(1, {Alarm("a-1"), Alarm("a-2")});
  ASSERT_TRUE(before.AwaitAck(2));

  RawPublisher wiped = Raw("outbox-1");
  wiped.Hello();
  wiped.Publish(1, {Alarm("b-1"), Alarm("b-2"), Alarm("b-3")});
  ASSERT_TRUE(wiped.AwaitAck(3));
  ASSERT_TRUE(wiped.rejections().contains(2)) << "b-1 and b-2 were skipped in silence";
  EXPECT_EQ(wiped.rejections().at(2).code(), "ALREADY_TAKEN");
  ExpectOnStreamOnce({"a-1", "a-2", "b-3"}, "b-3");
  EXPECT_EQ(reader_->CountReports("b-1"), 0);
}

TEST_F(LostState, ThePublisherLibraryLosesNothingWhenItsOutboxFileIsDeleted) {
  auto publisher = OpenPublisher();
  PublishAll(*publisher, {"a-1", "a-2"});
  publisher.reset();
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    std::filesystem::remove(File("outbox") + suffix);
  }
  publisher = OpenPublisher();
  PublishAll(*publisher, {"b-1", "b-2", "b-3"});
  ExpectOnStreamOnce({"a-1", "a-2", "b-1", "b-2", "b-3"}, "b-3");
}

TEST_F(LostState, AnOutboxRestoredFromAnOldCopyIsToldAndLosesNothing) {
  auto publisher = OpenPublisher();
  PublishAll(*publisher, {"a-1"});
  publisher.reset();
  std::filesystem::copy_file(File("outbox"), File("outbox-copy"));
  publisher = OpenPublisher();
  PublishAll(*publisher, {"a-2", "a-3", "a-4"});
  publisher.reset();
  for (const char* suffix : {"-wal", "-shm", "-journal"}) {
    std::filesystem::remove(File("outbox") + suffix);
  }
  std::filesystem::copy_file(File("outbox-copy"), File("outbox"),
                             std::filesystem::copy_options::overwrite_existing);

  publisher = OpenPublisher();
  PublishAll(*publisher, {"b-1"});
  EXPECT_TRUE(AwaitNotice(PublisherNotice::Kind::kOutboxWentBack));
  ExpectOnStreamOnce({"a-1", "a-2", "a-3", "a-4", "b-1"}, "b-1");
}

TEST_F(LostState, ARestoredJournalIsToldToPublishersWithWhatItNoLongerHolds) {
  auto publisher = OpenPublisher();
  PublishAll(*publisher, {"kept-1", "kept-2"});
  const std::string journal = publisher->journal_id();
  BackUp();
  PublishAll(*publisher, {"lost-1", "lost-2", "lost-3"});
  RestoreBackup();

  const auto back = AwaitNotice(PublisherNotice::Kind::kGatewayWentBack);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->lost_from, 3u);
  EXPECT_EQ(back->lost_through, 5u);
  const auto changed = AwaitNotice(PublisherNotice::Kind::kJournalChanged);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->previous_journal_id, journal);
  EXPECT_NE(changed->journal_id, journal);

  // As told: again from their origin.
  PublishAll(*publisher, {"lost-1", "lost-2", "lost-3", "new-1"});
  reader_ = std::make_unique<StreamReader>(gateway_->endpoints().consumers);
  ExpectOnStreamOnce({"kept-1", "kept-2", "lost-1", "lost-2", "lost-3", "new-1"}, "new-1");
}

TEST_F(LostState, WhatWaitsInTheOutboxWhileTheJournalGoesBackIsSentAndNotSkipped) {
  auto publisher = OpenPublisher();
  PublishAll(*publisher, {"kept-1"});
  BackUp();
  PublishAll(*publisher, {"lost-1", "lost-2"});
  gateway_->Kill();
  // Seqs 4 to 6 of the outbox; the restored journal expects seq 2.
  for (const char* id : {"waiting-1", "waiting-2", "waiting-3"}) {
    ASSERT_TRUE(publisher->Publish(Alarm(id)).ok());
  }
  RestoreBackup();
  ASSERT_TRUE(publisher->Flush(kFlush).ok());
  const auto back = AwaitNotice(PublisherNotice::Kind::kGatewayWentBack);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->lost_from, 2u);
  EXPECT_EQ(back->lost_through, 3u);
  reader_ = std::make_unique<StreamReader>(gateway_->endpoints().consumers);
  ExpectOnStreamOnce({"kept-1", "waiting-1", "waiting-2", "waiting-3"}, "waiting-3");
}

TEST_F(LostState, ARestoredJournalIsToldToConsumersAndNothingOfItIsSkipped) {
  auto publisher = OpenPublisher();
  PublishAll(*publisher, {"kept-1", "kept-2"});
  ASSERT_TRUE(reader_->ReadUntilReport("kept-2"));
  BackUp();
  PublishAll(*publisher, {"lost-1", "lost-2", "lost-3"});
  ASSERT_TRUE(reader_->ReadUntilReport("lost-3"));
  const std::string old_journal = reader_->journal_id();
  const std::uint64_t old_seq = reader_->through_seq();
  RestoreBackup();

  // The one that was connected all along.
  ASSERT_TRUE(reader_->ReadUntilEvent(StreamEvent::Kind::kJournalChanged));
  EXPECT_NE(reader_->FindEvent(StreamEvent::Kind::kJournalChanged)->journal_id, old_journal);
  EXPECT_EQ(reader_->journal_id(), old_journal) << "nothing of the new journal was given out";

  // One that comes back with the place it stored.
  client::ConsumerOptions stored;
  stored.endpoint = gateway_->endpoints().consumers;
  stored.after_seq = old_seq;
  stored.journal_id = old_journal;
  StreamReader returning(stored);
  EXPECT_TRUE(returning.ReadUntilEvent(StreamEvent::Kind::kJournalChanged));
  EXPECT_THAT(returning.records(), IsEmpty());

  // One that stored its place and not the journal's id.
  stored.journal_id.clear();
  stored.after_seq = old_seq + 1000;
  StreamReader careless(stored);
  ASSERT_TRUE(careless.ReadUntilEvent(StreamEvent::Kind::kRefused));
  EXPECT_EQ(careless.FindEvent(StreamEvent::Kind::kRefused)->code, "SEQ_AHEAD");
  EXPECT_THAT(careless.records(), IsEmpty());

  reader_->Restart();
  PublishAll(*publisher, {"new-1"});
  ExpectOnStreamOnce({"kept-1", "kept-2", "new-1"}, "new-1");
  EXPECT_EQ(reader_->CountReports("lost-1"), 0);
  // A record keeps the name of the journal that made it: what is restored, and what is new.
  EXPECT_EQ(reader_->records().front().origin().journal_id(), old_journal);
  EXPECT_EQ(reader_->records().back().origin().journal_id(), reader_->journal_id());
}

}  // namespace
}  // namespace fusiongateway::testing
