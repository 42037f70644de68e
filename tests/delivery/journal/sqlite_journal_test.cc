#include "delivery/journal/sqlite_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/delivery/journal/journal_samples.h"

namespace fusiongateway {
namespace {

using ::testing::ElementsAre;

std::unique_ptr<Journal> OpenOrDie(const std::string& path,
                                   const JournalOptions& options = SampleOptions()) {
  auto journal = OpenSqliteJournal(path, options);
  EXPECT_TRUE(journal.ok()) << journal.status().message();
  return journal.ok() ? std::move(*journal) : nullptr;
}

std::vector<std::string> AllRecords(const Journal& journal, StreamId stream,
                                    std::size_t page = 1000) {
  std::vector<std::string> all;
  while (true) {
    auto records = journal.ReadRecords(stream, all.size(), page);
    EXPECT_TRUE(records.ok()) << records.status().message();
    if (!records.ok() || records->empty()) return all;
    for (const auto& record : *records) {
      EXPECT_EQ(record->seq(), all.size() + 1);
      all.push_back(record->SerializeAsString());
    }
  }
}

std::vector<LogEntry> AllEntries(const Journal& journal, std::uint64_t from = 1) {
  std::vector<LogEntry> entries;
  const Status status = journal.ReadLog(from, [&](const LogEntry& entry) {
    entries.push_back(entry);
    return true;
  });
  EXPECT_TRUE(status.ok()) << status.message();
  return entries;
}

struct Expected {
  std::vector<std::string> live;
  std::vector<std::string> settled;
};

Expected CommitBatches(Journal& journal, SampleLog& log, int batches, std::size_t reports) {
  Expected expected;
  for (int i = 0; i < batches; ++i) {
    const JournalBatch batch = log.NextBatch(reports);
    const Status status = journal.Commit(batch);
    EXPECT_TRUE(status.ok()) << status.message();
    for (const auto& record : batch.live) expected.live.push_back(WireBytes(record));
    for (const auto& record : batch.settled) expected.settled.push_back(WireBytes(record));
  }
  return expected;
}

class SqliteJournalTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  const std::string path_ = folder_.File("journal.sqlite");
};

TEST_F(SqliteJournalTest, RecordsAreReadBackByteForByteFromMemoryAndFromDisk) {
  auto journal = OpenOrDie(path_);
  SampleLog log(journal->journal_id());
  const Expected expected = CommitBatches(*journal, log, 30, 40);
  EXPECT_EQ(AllRecords(*journal, StreamId::kLive), expected.live);
  EXPECT_EQ(AllRecords(*journal, StreamId::kSettled), expected.settled);

  journal.reset();
  journal = OpenOrDie(path_);  // nothing in memory now
  EXPECT_EQ(AllRecords(*journal, StreamId::kLive, 7), expected.live);
  EXPECT_EQ(AllRecords(*journal, StreamId::kSettled), expected.settled);
}

TEST_F(SqliteJournalTest, ARecordInTheMiddleIsReadWithoutReadingFromTheBeginning) {
  Expected expected;
  {
    auto journal = OpenOrDie(path_);
    SampleLog log(journal->journal_id());
    expected = CommitBatches(*journal, log, 20, 50);
  }
  auto journal = OpenOrDie(path_);
  for (const std::uint64_t after : {1999u, 1000u, 777u, 1u, 0u}) {
    auto records = journal->ReadRecords(StreamId::kLive, after, 1);
    ASSERT_TRUE(records.ok());
    if (after == 2000) continue;
    ASSERT_EQ(records->size(), 1u);
    EXPECT_EQ(records->front()->SerializeAsString(), expected.live[after]);
  }
}

TEST_F(SqliteJournalTest, TheLogIsReadBackInOrderFromAnyPosition) {
  auto journal = OpenOrDie(path_);
  SampleLog log(journal->journal_id());
  CommitBatches(*journal, log, 10, 600);  // more than one page
  const auto entries = AllEntries(*journal, 17);
  ASSERT_EQ(entries.size(), 6000u - 16);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ASSERT_EQ(entries[i].position, i + 17);
    ASSERT_EQ(*std::get<ReportPtr>(entries[i].body), *SampleReport(i + 17));
  }
  EXPECT_EQ(journal->last_position(), 6000u);
}

TEST_F(SqliteJournalTest, EveryKindOfEntryAndRecordComesBack) {
  auto journal = OpenOrDie(path_);
  auto config = std::make_shared<EngineConfig>();
  config->gateway_id = "kaifeng";
  config->feeds.push_back({"police-110"});
  JournalBatch batch;
  const auto enter = [&batch](auto body) {
    batch.entries.push_back({batch.entries.size() + 1, kSampleStart, std::move(body)});
  };
  enter(JournalOpened{"kaifeng", journal->journal_id(), "1"});
  enter(ConfigLoaded{config});
  enter(Tick{});
  enter(OperatorAction{.action_id = "a1", .incident_id = "i", .action = "verify"});
  enter(CameraStatus{.camera_id = "c1", .state = CameraStatus::State::kStreaming});
  enter(FrameFound{.incident_id = "i", .camera_id = "c1", .frame_id = "c1/1/7"});
  enter(FeedStatus{.feed_id = "police-110", .state = FeedStatus::State::kConnected});
  enter(HostClock{true, std::chrono::milliseconds(3), 1});
  const auto publish = [&batch](auto body) {
    StreamRecord record;
    record.seq = batch.live.size() + 1;
    record.origin = {"kaifeng", "j", record.seq};
    record.at = kSampleStart;
    record.amends_seq = record.seq / 2;
    record.late = true;
    record.body = std::move(body);
    batch.live.push_back(std::move(record));
  };
  publish(FrameMark{.camera_id = "c1", .frame_id = "c1/1/7", .reason = "evidence"});
  publish(FeedStatus{.feed_id = "police-110", .accepted = 7});
  publish(CameraStatus{.camera_id = "c1", .frame_rate = 25});
  publish(HostClock{true, std::chrono::milliseconds(3), 1});
  publish(Watermark{kSampleStart, "grid"});
  publish(OperatorAction{.action_id = "a1", .incident_id = "i"});
  std::vector<std::string> expected;
  for (const auto& record : batch.live) expected.push_back(WireBytes(record));
  ASSERT_TRUE(journal->Commit(batch).ok());
  journal.reset();

  journal = OpenOrDie(path_);
  EXPECT_EQ(AllRecords(*journal, StreamId::kLive), expected);
  const auto entries = AllEntries(*journal);
  ASSERT_EQ(entries.size(), batch.entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].body.index(), batch.entries[i].body.index());
    v1::LogEntry read, written;
    ToWire(entries[i], &read);
    ToWire(batch.entries[i], &written);
    EXPECT_EQ(read.SerializeAsString(), written.SerializeAsString());
  }
}

TEST_F(SqliteJournalTest, CommittingABatchAgainChangesNothing) {
  auto journal = OpenOrDie(path_);
  SampleLog log(journal->journal_id());
  const JournalBatch batch = log.NextBatch(10);
  ASSERT_TRUE(journal->Commit(batch).ok());
  const auto live = AllRecords(*journal, StreamId::kLive);
  ASSERT_TRUE(journal->Commit(batch).ok());
  EXPECT_EQ(journal->last_position(), 10u);
  EXPECT_EQ(AllRecords(*journal, StreamId::kLive), live);
  journal.reset();
  journal = OpenOrDie(path_);
  ASSERT_TRUE(journal->Commit(batch).ok());
  EXPECT_EQ(AllRecords(*journal, StreamId::kLive), live);
  EXPECT_EQ(AllEntries(*journal).size(), 10u);
}

TEST_F(SqliteJournalTest, ABatchThatIsPartlyThereAppendsTheRest) {
  auto journal = OpenOrDie(path_);
  SampleLog log(journal->journal_id());
  const JournalBatch whole = log.NextBatch(10);
  JournalBatch part = whole;
  part.entries.resize(4);
  part.live.resize(8);
  part.settled.resize(8);
  ASSERT_TRUE(journal->Commit(part).ok());
  ASSERT_TRUE(journal->Commit(whole).ok());
  std::vector<std::string> expected;
  for (const auto& record : whole.live) expected.push_back(WireBytes(record));
  EXPECT_EQ(AllRecords(*journal, StreamId::kLive), expected);
  journal.reset();
  EXPECT_EQ(AllRecords(*OpenOrDie(path_), StreamId::kLive), expected);
}

TEST_F(SqliteJournalTest, AGapIsRefusedAndNothingOfTheBatchIsKept) {
  auto journal = OpenOrDie(path_);
  SampleLog log(journal->journal_id());
  ASSERT_TRUE(journal->Commit(log.NextBatch(2)).ok());
  (void)log.NextBatch(1);
  const Status status = journal->Commit(log.NextBatch(2));
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), ::testing::HasSubstr("next log position is 3"));

  SampleLog again(journal->journal_id());
  (void)again.NextBatch(2);
  JournalBatch torn = again.NextBatch(3);
  torn.live.erase(torn.live.begin() + 2);
  EXPECT_EQ(journal->Commit(torn).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(journal->last_position(), 2u);
  EXPECT_EQ(journal->range(StreamId::kLive).newest, 4u);
}

TEST_F(SqliteJournalTest, AReportThatDiffersFromItsLogEntryIsStoredWhole) {
  auto journal = OpenOrDie(path_);
  SampleLog log(journal->journal_id());
  JournalBatch batch = log.NextBatch(1);
  auto flagged = std::make_shared<Report>(*std::get<ReportPtr>(batch.live[0].body));
  flagged->flags.push_back("FUTURE_TIME");
  batch.live[0].body = ReportPtr(flagged);
  ASSERT_TRUE(journal->Commit(batch).ok());
  journal.reset();
  EXPECT_EQ(AllRecords(*OpenOrDie(path_), StreamId::kLive)[0], WireBytes(batch.live[0]));
}

TEST_F(SqliteJournalTest, RecordsPublishedUnderAnEarlierIdentityKeepTheirOrigin) {
  std::vector<std::string> expected;
  {
    auto journal = OpenOrDie(path_);
    SampleLog log("first-journal");
    JournalBatch batch = log.NextBatch(4);
    for (std::size_t i = 4; i < batch.live.size(); ++i) {
      batch.live[i].origin.journal_id = "second-journal";
    }
    batch.live[6].origin = {"another-gateway", "theirs", 991};
    for (const auto& record : batch.live) expected.push_back(WireBytes(record));
    ASSERT_TRUE(journal->Commit(batch).ok());
  }
  EXPECT_EQ(AllRecords(*OpenOrDie(path_), StreamId::kLive), expected);
}

TEST_F(SqliteJournalTest, OfEachFeedTheMostRecentlyUsedOutboxesAreKept) {
  JournalOptions options = SampleOptions();
  options.outboxes_max = 3;
  std::unique_ptr<Journal> journal;
  const auto open = [&] {
    journal.reset();
    auto opened = OpenSqliteJournal(path_, options);
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    journal = std::move(*opened);
  };
  open();
  const auto commit = [&](const std::string& feed, const std::string& outbox, std::uint64_t seq) {
    JournalBatch batch;
    batch.outboxes = {{feed, outbox, seq}};
    ASSERT_TRUE(journal->Commit(batch).ok());
  };
  commit("g", "elsewhere", 9);
  commit("f", "live", 1);
  for (int i = 1; i <= 100; ++i) {
    commit("f", "start-" + std::to_string(i), 5);
    commit("f", "live", 1 + static_cast<std::uint64_t>(i));
    if (i == 50) open();
  }
  EXPECT_EQ(*journal->OutboxThrough("f", "live"), 101u) << "one that is in use is never forgotten";
  EXPECT_EQ(*journal->OutboxThrough("f", "start-100"), 5u);
  EXPECT_EQ(*journal->OutboxThrough("f", "start-99"), 5u);
  EXPECT_EQ(*journal->OutboxThrough("f", "start-98"), 0u);
  EXPECT_EQ(*journal->OutboxThrough("f", "start-1"), 0u);
  EXPECT_EQ(*journal->OutboxThrough("g", "elsewhere"), 9u);
  EXPECT_EQ(journal->statistics().outboxes_forgotten, 50u) << "since it was opened";
  commit("f", "start-1", 2);
  EXPECT_EQ(*journal->OutboxThrough("f", "start-1"), 2u) << "begins anew";
}

TEST_F(SqliteJournalTest, OutboxesDeadLettersAndDispositionsAreKept) {
  auto journal = OpenOrDie(path_);
  EXPECT_EQ(*journal->OutboxThrough("f", "o"), 0u);
  JournalBatch batch;
  batch.outboxes = {{"f", "o", 7}, {"f", "other", 3}};
  batch.dead_letters = {{"f", "o", 5, kSampleStart, "MALFORMED", "not JSON", "a.b", "{*"},
                        {"f", "o", 6, kSampleStart, "WRONG_TYPE", "", "", ""}};
  batch.dispositions = {{"f", 1, "r1", "i1", IncidentState::kAccepted, "joined"},
                        {"f", 2, "r2", "i1", IncidentState::kClosed, ""}};
  ASSERT_TRUE(journal->Commit(batch).ok());
  batch.outboxes = {{"f", "o", 4}};  // an older one never takes it back
  ASSERT_TRUE(journal->Commit(batch).ok());
  ASSERT_TRUE(journal->AckDispositions("f", 1).ok());
  ASSERT_TRUE(journal->AckDispositions("f", 0).ok());
  journal.reset();

  journal = OpenOrDie(path_);
  EXPECT_EQ(*journal->OutboxThrough("f", "o"), 7u);
  EXPECT_EQ(*journal->OutboxThrough("f", "other"), 3u);
  EXPECT_EQ(*journal->DeadLetterCounts(), (std::map<std::string, std::uint64_t>{{"f", 2}}));
  const auto letters = *journal->DeadLetters("f", "o", 5, 10);
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].code, "WRONG_TYPE");
  const auto first = *journal->DeadLetters("f", "o", 0, 1);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].masked_payload, "") << "a retold rejection does not need it";
  EXPECT_EQ(journal->DeadLetters(DeadLetterQuery{.id = 1})->at(0).masked_payload, "{*");
  EXPECT_EQ(first[0].received_at, kSampleStart);
  const auto made = *journal->Dispositions("f", 1, 10);
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].state, IncidentState::kClosed);
  EXPECT_EQ(*journal->DispositionsAckedThrough("f"), 1u);
  EXPECT_EQ(*journal->DispositionsAckedThrough("g"), 0u);
}

std::vector<std::uint64_t> IdsOf(const Journal& journal, const DeadLetterQuery& query) {
  std::vector<std::uint64_t> ids;
  const auto letters = journal.DeadLetters(query);
  EXPECT_TRUE(letters.ok()) << letters.status().message();
  for (const DeadLetter& letter : *letters) ids.push_back(letter.id);
  return ids;
}

TEST_F(SqliteJournalTest, ADeadLetterIsFoundByFeedAndCodeUntilItIsDealtWithAndThenStaysSo) {
  auto journal = OpenOrDie(path_);
  JournalBatch batch;
  batch.dead_letters = {{"f", "o", 1, kSampleStart, "MALFORMED", "m", "", "p1"},
                        {"f", "o", 2, kSampleStart, "WRONG_TYPE", "m", "", "p2"},
                        {"g", "o", 1, kSampleStart, "MALFORMED", "m", "", "p3"}};
  ASSERT_TRUE(journal->Commit(batch).ok());
  EXPECT_THAT(IdsOf(*journal, {}), ElementsAre(1, 2, 3));
  EXPECT_THAT(IdsOf(*journal, {.feed_id = "f"}), ElementsAre(1, 2));
  EXPECT_THAT(IdsOf(*journal, {.code = "MALFORMED"}), ElementsAre(1, 3));
  EXPECT_THAT(IdsOf(*journal, {.after_id = 1, .max = 1}), ElementsAre(2));
  EXPECT_THAT(IdsOf(*journal, {.after_id = 3}), ElementsAre());
  EXPECT_THAT(IdsOf(*journal, {.after_id = ~std::uint64_t{0}}), ElementsAre());
  EXPECT_THAT(IdsOf(*journal, {.id = 2, .feed_id = "g"}), ElementsAre());

  batch = {};
  batch.letter_results = {{1, DeadLetter::State::kTaken, kSampleStart, "1 report"},
                          {2, DeadLetter::State::kOpen, kSampleStart, "refused again"}};
  ASSERT_TRUE(journal->Commit(batch).ok());
  batch.letter_results = {{1, DeadLetter::State::kDropped, kSampleStart, "too late"}};
  ASSERT_TRUE(journal->Commit(batch).ok());
  EXPECT_THAT(IdsOf(*journal, {.feed_id = "f"}), ElementsAre(2));
  const auto taken = *journal->DeadLetters(DeadLetterQuery{.id = 1, .dealt_with_too = true});
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].state, DeadLetter::State::kTaken);
  EXPECT_EQ(taken[0].note, "1 report");
  const auto refused = *journal->DeadLetters(DeadLetterQuery{.id = 2});
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].note, "refused again");
}

TEST_F(SqliteJournalTest, DeadLettersStayWithinTheirBoundsAndTheOldestGoCounted) {
  JournalOptions options = SampleOptions();
  options.dead_letters_max = 3;
  options.dead_letter_bytes_max = 100;
  auto journal = OpenOrDie(path_, options);
  JournalBatch batch;
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    batch.dead_letters.push_back({"f", "o", seq, kSampleStart, "MALFORMED", "", "", "0123456789"});
  }
  ASSERT_TRUE(journal->Commit(batch).ok());
  EXPECT_THAT(IdsOf(*journal, {}), ElementsAre(3, 4, 5));
  EXPECT_EQ(journal->statistics().dead_letters_pruned, 2u);
  EXPECT_EQ(journal->statistics().dead_letter_bytes, 30u);
  batch.dead_letters = {{"f", "o", 6, kSampleStart, "MALFORMED", "", "", std::string(85, 'x')}};
  ASSERT_TRUE(journal->Commit(batch).ok());
  EXPECT_THAT(IdsOf(*journal, {}), ElementsAre(5, 6));
  journal.reset();
  journal = OpenOrDie(path_, options);
  EXPECT_EQ(journal->statistics().dead_letters, 2u);
  EXPECT_EQ(journal->statistics().dead_letter_bytes, 95u);
  EXPECT_EQ((*journal->DeadLetterCounts()).at("f"), 6u) << "those that are gone count too";
}

TEST_F(SqliteJournalTest, DeadLettersThatWereDealtWithGoBeforeOlderOpenOnes) {
  JournalOptions options = SampleOptions();
  options.dead_letters_max = 4;
  auto journal = OpenOrDie(path_, options);
  JournalBatch batch;
  for (std::uint64_t seq = 1; seq <= 4; ++seq) {
    batch.dead_letters.push_back({"f", "o", seq, kSampleStart, "MALFORMED", "", "", "p"});
  }
  ASSERT_TRUE(journal->Commit(batch).ok());
  batch = {};
  batch.letter_results = {{4, DeadLetter::State::kDropped, kSampleStart, ""},
                          {3, DeadLetter::State::kTaken, kSampleStart, ""}};
  batch.dead_letters = {{"g", "o", 1, kSampleStart, "MALFORMED", "", "", "p"}};
  ASSERT_TRUE(journal->Commit(batch).ok());
  EXPECT_THAT(IdsOf(*journal, {.dealt_with_too = true}), ElementsAre(1, 2, 4, 5));
  batch = {};
  batch.dead_letters = {{"g", "o", 2, kSampleStart, "MALFORMED", "", "", "p"},
                        {"g", "o", 3, kSampleStart, "MALFORMED", "", "", "p"}};
  ASSERT_TRUE(journal->Commit(batch).ok());
  EXPECT_THAT(IdsOf(*journal, {.dealt_with_too = true}), ElementsAre(2, 5, 6, 7));
  EXPECT_EQ(journal->statistics().dead_letters_pruned, 3u);
}

TEST_F(SqliteJournalTest, ABoundOfDeadLettersThatWasLoweredIsReachedOverSomeCommits) {
  JournalBatch batch;
  for (std::uint64_t seq = 1; seq <= 2500; ++seq) {
    batch.dead_letters.push_back({"f", "o", seq, kSampleStart, "MALFORMED", "", "", "p"});
  }
  ASSERT_TRUE(OpenOrDie(path_)->Commit(batch).ok());
  JournalOptions options = SampleOptions();
  options.dead_letters_max = 10;
  auto journal = OpenOrDie(path_, options);
  for (const std::uint64_t held : {1500u, 500u, 10u}) {
    const std::uint64_t seq = 10'000 - held;
    batch.dead_letters = {{"f", "o", seq, kSampleStart, "MALFORMED", "", "", "p"}};
    ASSERT_TRUE(journal->Commit(batch).ok());
    EXPECT_EQ(journal->statistics().dead_letters, held);
  }
}

TEST_F(SqliteJournalTest, APageOfDeadLettersEndsAtFourMebibytesOfPayloadsAndTheNextGoesOn) {
  auto journal = OpenOrDie(path_);
  JournalBatch batch;
  for (std::uint64_t seq = 1; seq <= 6; ++seq) {
    batch.dead_letters.push_back(
        {"f", "o", seq, kSampleStart, "MALFORMED", "", "", std::string(1 << 20, 'x')});
  }
  ASSERT_TRUE(journal->Commit(batch).ok());
  EXPECT_THAT(IdsOf(*journal, {}), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(IdsOf(*journal, {.after_id = 4}), ElementsAre(5, 6));
  EXPECT_THAT(IdsOf(*journal, {.after_id = 6}), ElementsAre());
}

TEST_F(SqliteJournalTest, BelowWhatIsHeldIsOutOfRangeAndAboveItIsEmpty) {
  {
    auto journal = OpenOrDie(path_);
    SampleLog log(journal->journal_id());
    CommitBatches(*journal, log, 4, 5);
  }
  ASSERT_EQ(std::system(("sqlite3 " + path_ + " 'DELETE FROM settled WHERE first <= 20'").c_str()),
            0);
  auto journal = OpenOrDie(path_);
  EXPECT_EQ(journal->range(StreamId::kSettled).oldest, 21u);
  EXPECT_EQ(journal->ReadRecords(StreamId::kSettled, 19, 5).status().code(),
            StatusCode::kOutOfRange);
  EXPECT_EQ(journal->ReadRecords(StreamId::kSettled, 20, 5)->front()->seq(), 21u);
  EXPECT_TRUE(journal->ReadRecords(StreamId::kSettled, 40, 5)->empty());
  EXPECT_TRUE(journal->ReadRecords(StreamId::kSettled, 4000, 5)->empty());
}

TEST_F(SqliteJournalTest, TheTailStaysWithinItsBoundsAndOlderRecordsComeFromDisk) {
  JournalOptions options = SampleOptions();
  options.tail_records_max = 16;
  auto journal = OpenOrDie(path_, options);
  SampleLog log(journal->journal_id());
  const Expected expected = CommitBatches(*journal, log, 10, 10);
  EXPECT_EQ(AllRecords(*journal, StreamId::kLive, 3), expected.live);
}

TEST_F(SqliteJournalTest, DeltasSurviveALossOfTheirBasesInMemory) {
  JournalOptions options = SampleOptions();
  options.delta_bases_bytes_max = 0;
  auto journal = OpenOrDie(path_, options);
  SampleLog log(journal->journal_id());
  const Expected expected = CommitBatches(*journal, log, 5, 30);
  journal.reset();
  EXPECT_EQ(AllRecords(*OpenOrDie(path_), StreamId::kLive), expected.live);
}

TEST_F(SqliteJournalTest, OneRowHoldsABatchOfEntriesOrRecords) {
  auto journal = OpenOrDie(path_);
  SampleLog log(journal->journal_id());
  ASSERT_TRUE(journal->Commit(log.NextBatch(100)).ok());
  // log, live, settled, two origins (once per journal), outbox
  EXPECT_EQ(journal->statistics().rows, 6u);
  ASSERT_TRUE(journal->Commit(log.NextBatch(100)).ok());
  EXPECT_EQ(journal->statistics().rows, 10u);
}

TEST_F(SqliteJournalTest, ReadersSeeWholeBatchesWhileTheWriterGoesOn) {
  auto journal = OpenOrDie(path_);
  SampleLog log(journal->journal_id());
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const auto held = journal->range(StreamId::kLive);
        EXPECT_EQ(held.newest % 10, 0u);
        auto records = journal->ReadRecords(StreamId::kLive, held.newest / 2, 20);
        EXPECT_TRUE(records.ok()) << records.status().message();
        EXPECT_TRUE(journal->ReadLog(held.newest / 4, [](const LogEntry&) { return true; }).ok());
        EXPECT_TRUE(journal->OutboxThrough("police-110", "outbox-1").ok());
      }
    });
  }
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(journal->Commit(log.NextBatch(5)).ok());
  done = true;
  for (auto& reader : readers) reader.join();
}

TEST_F(SqliteJournalTest, TheWriteAheadLogIsCheckpointedWhileTheWriterDoesNotRest) {
  JournalOptions options = SampleOptions();
  options.checkpoint_bytes = std::uint64_t{256} << 10;
  options.wal_bytes_max = std::uint64_t{1} << 20;
  auto journal = OpenOrDie(path_, options);
  SampleLog log(journal->journal_id());
  const Expected expected = CommitBatches(*journal, log, 150, 60);
  EXPECT_LT(std::filesystem::file_size(path_ + "-wal"), std::uint64_t{4} << 20);
  EXPECT_EQ(AllRecords(*journal, StreamId::kLive), expected.live);
}

TEST_F(SqliteJournalTest, AReadOnlyJournalReadsBesideTheWriterAndNeverWrites) {
  auto journal = OpenOrDie(path_);
  SampleLog log(journal->journal_id());
  const Expected expected = CommitBatches(*journal, log, 2, 10);
  JournalOptions options{.gateway_id = "", .clock = SampleClock(), .read_only = true};
  auto reading = OpenOrDie(path_, options);
  EXPECT_EQ(AllRecords(*reading, StreamId::kLive), expected.live);
  EXPECT_EQ(reading->journal_id(), journal->journal_id());
  EXPECT_EQ(reading->Commit(log.NextBatch(1)).code(), StatusCode::kFailedPrecondition);
  auto nowhere = OpenSqliteJournal(folder_.File("absent"), options);
  EXPECT_EQ(nowhere.status().code(), StatusCode::kNotFound);
}

TEST_F(SqliteJournalTest, TheIdentityIsMadeOnceAndStays) {
  const std::string id = OpenOrDie(path_)->journal_id();
  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ(OpenOrDie(path_)->journal_id(), id);
  EXPECT_NE(OpenOrDie(folder_.File("other"))->journal_id(), id);
}

}  // namespace
}  // namespace fusiongateway
