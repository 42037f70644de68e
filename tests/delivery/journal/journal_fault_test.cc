// What the disk and the machine do to a journal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <random>

#include "delivery/journal/journal_schema.h"
#include "delivery/journal/sqlite_journal.h"
#include "tests/delivery/journal/journal_samples.h"

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;

class JournalFaultTest : public ::testing::Test {
 protected:
  void Execute(const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  void MakeJournal(int batches) {
    auto journal = OpenSqliteJournal(path_, SampleOptions());
    ASSERT_TRUE(journal.ok()) << journal.status().message();
    SampleLog log((*journal)->journal_id());
    for (int i = 0; i < batches; ++i) ASSERT_TRUE((*journal)->Commit(log.NextBatch(10)).ok());
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.File("journal.sqlite");
};

// Commits for ever; tells through `tell` the position that is on disk after each commit.
[[noreturn]] void CommitUntilKilled(const std::string& path, int tell, unsigned seed) {
  JournalOptions options = SampleOptions();
  options.checkpoint_bytes = 64 << 10;  // so that checkpoints are killed too
  options.wal_bytes_max = 512 << 10;
  auto journal = OpenSqliteJournal(path, options);
  if (!journal.ok()) _exit(1);
  // The batches are a function of the count alone: what is there already is skipped.
  SampleLog log("journal");
  std::mt19937 sizes(seed);
  while (true) {
    if (!(*journal)->Commit(log.NextBatch(1 + sizes() % 40)).ok()) _exit(2);
    const std::uint64_t position = log.position();
    if (write(tell, &position, sizeof(position)) != sizeof(position)) _exit(3);
  }
}

// Everything reported is there and whole; returns the journal's last position.
void VerifyThrough(const std::string& path, std::uint64_t reported) {
  auto journal = OpenSqliteJournal(path, SampleOptions());
  ASSERT_TRUE(journal.ok()) << journal.status().message();
  const std::uint64_t last = (*journal)->last_position();
  ASSERT_GE(last, reported);
  // A commit is all or nothing across log, streams and outboxes.
  ASSERT_EQ((*journal)->range(StreamId::kLive).newest, 2 * last);
  ASSERT_EQ((*journal)->range(StreamId::kSettled).newest, 2 * last);
  ASSERT_EQ(*(*journal)->OutboxThrough("police-110", "outbox-1"), last);
  SampleLog log("journal");
  const JournalBatch expected = log.NextBatch(last);
  std::uint64_t seq = 0;
  while (seq < 2 * last) {
    auto records = (*journal)->ReadRecords(StreamId::kLive, seq, 1000);
    ASSERT_TRUE(records.ok()) << records.status().message();
    for (const auto& record : *records) {
      ASSERT_EQ(record->SerializeAsString(), WireBytes(expected.live[seq]));
      ++seq;
    }
  }
  std::uint64_t position = 0;
  ASSERT_TRUE((*journal)
                  ->ReadLog(1, [&](const LogEntry& entry) { return entry.position == ++position; })
                  .ok());
  ASSERT_EQ(position, last);
}

TEST_F(JournalFaultTest, KilledAtAnyMomentNothingReportedAsCommittedIsLost) {
  std::mt19937 random(20261123);
  for (int round = 0; round < 12; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) CommitUntilKilled(path_, pipe_ends[1], static_cast<unsigned>(random()));
    ASSERT_GT(child, 0);
    close(pipe_ends[1]);
    const std::uint64_t commits = 3 + random() % 15;
    std::uint64_t reported = 0;
    for (std::uint64_t i = 0; i < commits; ++i) {
      ASSERT_EQ(read(pipe_ends[0], &reported, sizeof(reported)),
                static_cast<ssize_t>(sizeof(reported)));
    }
    usleep(static_cast<useconds_t>(random() % 3000));  // somewhere inside a later commit
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    std::uint64_t told = 0;
    while (read(pipe_ends[0], &told, sizeof(told)) == static_cast<ssize_t>(sizeof(told))) {
      reported = std::max(reported, told);
    }
    close(pipe_ends[0]);
    ASSERT_NO_FATAL_FAILURE(VerifyThrough(path_, reported)) << "round " << round;
  }
}

TEST_F(JournalFaultTest, ATornEndOfTheWriteAheadLogCostsOnlyTheTornCommit) {
  std::filesystem::path wal = path_ + "-wal";
  const std::string copy = folder_.File("copy.sqlite");
  {
    auto journal = OpenSqliteJournal(path_, SampleOptions());
    ASSERT_TRUE(journal.ok());
    SampleLog log("journal");
    for (int i = 0; i < 20; ++i) ASSERT_TRUE((*journal)->Commit(log.NextBatch(5)).ok());
    // As a crash would leave it: the files as they are while the journal is open.
    std::filesystem::copy_file(path_, copy);
    std::filesystem::copy_file(wal, copy + "-wal");
  }
  const auto size = std::filesystem::file_size(copy + "-wal");
  std::filesystem::resize_file(copy + "-wal", size - 100);
  ASSERT_NO_FATAL_FAILURE(VerifyThrough(copy, 95));
  auto journal = OpenSqliteJournal(copy, SampleOptions());
  ASSERT_TRUE(journal.ok());
  EXPECT_EQ((*journal)->last_position(), 95u);
}

TEST_F(JournalFaultTest, AFullDiskKeepsNothingOfTheBatchAndMayBeTriedAgain) {
  JournalOptions options = SampleOptions();
  options.file_bytes_max = 512 << 10;
  SampleLog log("journal");
  std::uint64_t committed = 0;
  JournalBatch refused;
  {
    auto journal = OpenSqliteJournal(path_, options);
    ASSERT_TRUE(journal.ok()) << journal.status().message();
    Status status;
    while (status.ok()) {
      refused = log.NextBatch(50);
      status = (*journal)->Commit(refused);
      if (status.ok()) committed = log.position();
      ASSERT_LT(committed, 100000u);
    }
    EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
    EXPECT_THAT(status.message(), HasSubstr("full"));
    EXPECT_EQ((*journal)->last_position(), committed);
    EXPECT_EQ((*journal)->range(StreamId::kLive).newest, 2 * committed);
    EXPECT_EQ((*journal)->Commit(refused).code(), StatusCode::kResourceExhausted);
    EXPECT_TRUE((*journal)->ReadRecords(StreamId::kLive, committed, 10).ok());
  }
  auto journal = OpenSqliteJournal(path_, SampleOptions());  // room was made
  ASSERT_TRUE(journal.ok());
  EXPECT_TRUE((*journal)->Commit(refused).ok());
  journal = NotFound("closed");
  ASSERT_NO_FATAL_FAILURE(VerifyThrough(path_, committed + 50));
}

TEST_F(JournalFaultTest, AFileThatMayNotGrowIsTakenAsAFullDisk) {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    auto journal = OpenSqliteJournal(path_, SampleOptions());
    const rlimit limit{300 << 10, 300 << 10};
    if (!journal.ok() || setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(1);
    SampleLog log("journal");
    Status status;
    while (status.ok()) status = (*journal)->Commit(log.NextBatch(5));
    _exit(status.code() == StatusCode::kResourceExhausted ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  ASSERT_NO_FATAL_FAILURE(VerifyThrough(path_, 5));
}

TEST_F(JournalFaultTest, ADatabaseOfAnotherApplicationIsRefusedAndLeftAlone) {
  Execute("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
  auto journal = OpenSqliteJournal(path_, SampleOptions());
  EXPECT_EQ(journal.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(journal.status().message(), HasSubstr("not a Fusion Gateway journal"));
  Execute("INSERT INTO theirs VALUES (2)");
}

TEST_F(JournalFaultTest, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(path_) << std::string(8192, 'x');
  auto journal = OpenSqliteJournal(path_, SampleOptions());
  EXPECT_EQ(journal.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(journal.status().message(), HasSubstr("not a Fusion Gateway journal"));
}

TEST_F(JournalFaultTest, AJournalOfANewerVersionIsRefusedByName) {
  MakeJournal(1);
  Execute("PRAGMA user_version = " + std::to_string(kJournalVersion + 1));
  auto journal = OpenSqliteJournal(path_, SampleOptions());
  EXPECT_EQ(journal.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(journal.status().message(),
              HasSubstr("journal version " + std::to_string(kJournalVersion + 1) +
                        ", this program knows " + std::to_string(kJournalVersion)));
}

TEST_F(JournalFaultTest, AJournalOfAnOlderVersionIsBroughtUpToDate) {
  // Version 0 is what stands there before the first tables.
  Execute("PRAGMA application_id = " + std::to_string(kJournalApplicationId) +
          "; PRAGMA user_version = 0; VACUUM");
  {
    JournalOptions reading = SampleOptions();
    reading.read_only = true;
    auto journal = OpenSqliteJournal(path_, reading);
    EXPECT_THAT(journal.status().message(), HasSubstr("older journal version 0"));
  }
  MakeJournal(2);
  ASSERT_NO_FATAL_FAILURE(MakeJournal(0));
  auto db = sqlite::Connection::Open(path_, sqlite::OpenMode::kReadWrite);
  ASSERT_TRUE(db.ok());
  EXPECT_EQ(*JournalVersion(*db, path_), kJournalVersion);
}

// The dead letters as version 2 had them.
constexpr const char* kBackToVersion2 = R"sql(
DROP TABLE rejected;
DROP TABLE dead_letter;
CREATE TABLE dead_letter (feed_id TEXT NOT NULL, outbox_id TEXT NOT NULL, seq INTEGER NOT NULL,
                          received_at_ns INTEGER NOT NULL, code TEXT NOT NULL,
                          message TEXT NOT NULL, field TEXT NOT NULL, masked_payload BLOB NOT NULL,
                          UNIQUE (feed_id, outbox_id, seq)) STRICT;
PRAGMA user_version = 2;
)sql";

TEST_F(JournalFaultTest, DeadLettersOfAVersion2JournalAreKeptOpenInTheirOrder) {
  MakeJournal(3);
  Execute(kBackToVersion2);
  Execute(
      "INSERT INTO dead_letter VALUES ('f', 'o', 9, 5, 'C', 'm', 'a', x'70'), "
      "('g', 'o', 1, 6, 'D', '', '', x''), ('f', 'o', 3, 7, 'E', '', '', x'7171')");
  for (int opening = 0; opening < 2; ++opening) {
    auto journal = OpenSqliteJournal(path_, SampleOptions());
    ASSERT_TRUE(journal.ok()) << journal.status().message();
    const auto letters = *(*journal)->DeadLetters(DeadLetterQuery{});
    ASSERT_EQ(letters.size(), 3u);
    EXPECT_EQ(letters[0].id, 1u);
    EXPECT_EQ(letters[0].feed_id, "f");
    EXPECT_EQ(letters[0].outbox_id, "o");
    EXPECT_EQ(letters[0].seq, 9u);
    EXPECT_EQ(letters[0].received_at, UtcTime(Duration(5)));
    EXPECT_EQ(letters[0].code, "C");
    EXPECT_EQ(letters[0].message, "m");
    EXPECT_EQ(letters[0].field, "a");
    EXPECT_EQ(letters[0].masked_payload, "p");
    EXPECT_EQ(letters[0].state, DeadLetter::State::kOpen);
    EXPECT_EQ(letters[0].dealt_at, UtcTime{});
    EXPECT_EQ(letters[2].seq, 3u);
    EXPECT_EQ((*journal)->DeadLetterCounts()->at("f"), 2u);
    EXPECT_EQ((*journal)->statistics().dead_letter_bytes, 3u);
  }
}

TEST_F(JournalFaultTest, OutboxesOfAVersion1JournalKeepTheirProgress) {
  MakeJournal(3);
  Execute(kBackToVersion2);
  Execute("ALTER TABLE outbox DROP COLUMN used; PRAGMA user_version = 1");
  auto journal = OpenSqliteJournal(path_, SampleOptions());
  ASSERT_TRUE(journal.ok()) << journal.status().message();
  EXPECT_GT(*(*journal)->OutboxThrough("police-110", "outbox-1"), 0u);
}

TEST_F(JournalFaultTest, ADamagedSegmentIsDataLossAndNotARecord) {
  MakeJournal(3);
  Execute("UPDATE live SET segment = zeroblob(length(segment)) WHERE first = 21");
  auto journal = OpenSqliteJournal(path_, SampleOptions());
  ASSERT_TRUE(journal.ok());
  EXPECT_TRUE((*journal)->ReadRecords(StreamId::kLive, 0, 20).ok());
  auto damaged = (*journal)->ReadRecords(StreamId::kLive, 20, 20);
  EXPECT_EQ(damaged.status().code(), StatusCode::kDataLoss);
  EXPECT_THAT(damaged.status().message(), HasSubstr("live from 21 is damaged"));
}

TEST_F(JournalFaultTest, ADatabaseCutShortIsDataLoss) {
  MakeJournal(40);
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) / 2);
  auto journal = OpenSqliteJournal(path_, SampleOptions());
  EXPECT_EQ(journal.status().code(), StatusCode::kDataLoss) << journal.status().message();
}

TEST_F(JournalFaultTest, ASecondWriterIsRefused) {
  auto journal = OpenSqliteJournal(path_, SampleOptions());
  ASSERT_TRUE(journal.ok());
  auto second = OpenSqliteJournal(path_, SampleOptions());
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.status().message(), HasSubstr("in use by another process"));
}

TEST_F(JournalFaultTest, AnotherGatewaysJournalIsRefused) {
  MakeJournal(1);
  auto journal = OpenSqliteJournal(path_, {.gateway_id = "zhengzhou", .clock = SampleClock()});
  EXPECT_EQ(journal.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(journal.status().message(), HasSubstr("gateway kaifeng, not of zhengzhou"));
}

TEST_F(JournalFaultTest, AFolderThatIsNotThereIsNamed) {
  auto journal = OpenSqliteJournal(folder_.File("nowhere/journal.sqlite"), SampleOptions());
  EXPECT_EQ(journal.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(journal.status().message(), HasSubstr("nowhere"));
}

}  // namespace
}  // namespace fusiongateway
