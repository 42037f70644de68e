#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "delivery/journal/sqlite_journal.h"
#include "tests/delivery/journal/journal_samples.h"

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;

class JournalBackupTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  const std::string store_ = folder_.File("journal.sqlite");
  const std::string backup_ = folder_.File("backup.sqlite");
  const std::string restored_ = folder_.File("restored.sqlite");
};

TEST_F(JournalBackupTest, ARestoredJournalGoesOnCountingUnderANewIdentity) {
  std::string first_id;
  SampleLog log("first");
  JournalBatch next;
  {
    auto journal = OpenSqliteJournal(store_, SampleOptions());
    ASSERT_TRUE(journal.ok());
    first_id = (*journal)->journal_id();
    ASSERT_TRUE((*journal)->Commit(log.NextBatch(30)).ok());
    const Status status = BackupJournal(store_, backup_);
    ASSERT_TRUE(status.ok()) << status.message();
    next = log.NextBatch(5);
    ASSERT_TRUE((*journal)->Commit(next).ok());  // not in the backup
  }
  std::uint64_t done = 0, total = 0;
  auto restored = RestoreJournal(backup_, restored_, [&](std::uint64_t d, std::uint64_t t) {
    done = d;
    total = t;
  });
  ASSERT_TRUE(restored.ok()) << restored.status().message();
  EXPECT_GT(total, 0u);
  EXPECT_EQ(done, total);
  EXPECT_EQ(restored->earlier_journal_id, first_id);
  EXPECT_NE(restored->journal_id, first_id);
  EXPECT_EQ(restored->live_through, 60u);

  auto journal = OpenSqliteJournal(restored_, SampleOptions());
  ASSERT_TRUE(journal.ok()) << journal.status().message();
  EXPECT_EQ((*journal)->journal_id(), restored->journal_id);
  const auto earlier = (*journal)->earlier_identities();
  ASSERT_EQ(earlier.size(), 1u);
  EXPECT_EQ(earlier[0].journal_id, first_id);
  EXPECT_EQ(earlier[0].live_through, 60u);
  EXPECT_EQ((*journal)->last_position(), 30u);
  for (auto& record : next.live) record.origin.journal_id = restored->journal_id;
  ASSERT_TRUE((*journal)->Commit(next).ok());
  auto records = (*journal)->ReadRecords(StreamId::kLive, 59, 10);
  ASSERT_TRUE(records.ok());
  EXPECT_EQ(records->at(0)->origin().journal_id(), "first");
  EXPECT_EQ(records->at(1)->origin().journal_id(), restored->journal_id);
}

TEST_F(JournalBackupTest, ABackupTakenWhileTheGatewayCommitsIsOneWholeMoment) {
  auto journal = OpenSqliteJournal(store_, SampleOptions());
  ASSERT_TRUE(journal.ok());
  SampleLog log("first");
  ASSERT_TRUE((*journal)->Commit(log.NextBatch(2000)).ok());
  std::atomic<bool> done = false;
  std::thread writer([&] {
    while (!done) EXPECT_TRUE((*journal)->Commit(log.NextBatch(3)).ok());
  });
  const Status status = BackupJournal(store_, backup_);
  done = true;
  writer.join();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_FALSE(std::filesystem::exists(backup_ + "-wal"));
  EXPECT_FALSE(std::filesystem::exists(backup_ + ".partial"));
  for (const std::string& file : {store_, store_ + "-wal", backup_}) {
    EXPECT_EQ(std::filesystem::status(file).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << file;
  }
  JournalOptions reading{.gateway_id = "", .clock = SampleClock(), .read_only = true};
  auto copy = OpenSqliteJournal(backup_, reading);
  ASSERT_TRUE(copy.ok()) << copy.status().message();
  const auto last = (*copy)->last_position();
  EXPECT_GE(last, 2000u);
  EXPECT_EQ((*copy)->range(StreamId::kLive).newest, 2 * last);
  EXPECT_EQ(*(*copy)->OutboxThrough("police-110", "outbox-1"), last);
}

TEST_F(JournalBackupTest, AFolderThatIsNotThereIsNamed) {
  ASSERT_TRUE(OpenSqliteJournal(store_, SampleOptions()).ok());
  ASSERT_TRUE(BackupJournal(store_, backup_, {}).ok());
  const std::string nowhere = folder_.File("no-such-folder/journal.db");
  for (const Status& status :
       {BackupJournal(store_, nowhere, {}), RestoreJournal(backup_, nowhere, {}).status()}) {
    EXPECT_EQ(status.code(), StatusCode::kNotFound);
    EXPECT_NE(status.message().find("there is no folder "), std::string::npos);
  }
}

TEST_F(JournalBackupTest, NothingIsOverwritten) {
  { ASSERT_TRUE(OpenSqliteJournal(store_, SampleOptions()).ok()); }
  std::ofstream(backup_) << "precious";
  EXPECT_THAT(BackupJournal(store_, backup_).message(), HasSubstr("is not overwritten"));
  const std::string good = folder_.File("good");
  ASSERT_TRUE(BackupJournal(store_, good).ok());
  EXPECT_THAT(RestoreJournal(good, store_).status().message(), HasSubstr("is not overwritten"));
  std::string kept;
  std::ifstream(backup_) >> kept;
  EXPECT_EQ(kept, "precious");
}

TEST_F(JournalBackupTest, ADamagedOrForeignBackupIsNotRestored) {
  {
    auto journal = OpenSqliteJournal(store_, SampleOptions());
    ASSERT_TRUE(journal.ok());
    SampleLog log("first");
    ASSERT_TRUE((*journal)->Commit(log.NextBatch(500)).ok());
  }
  ASSERT_TRUE(BackupJournal(store_, backup_).ok());
  {
    std::fstream damage(backup_, std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(4096 * 3);
    damage << std::string(4096, '\xff');
  }
  auto restored = RestoreJournal(backup_, restored_);
  EXPECT_EQ(restored.status().code(), StatusCode::kDataLoss) << restored.status().message();
  EXPECT_FALSE(std::filesystem::exists(restored_));

  const std::string foreign = folder_.File("foreign");
  std::ofstream(foreign) << std::string(5000, 'x');
  EXPECT_EQ(RestoreJournal(foreign, restored_).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(RestoreJournal(folder_.File("absent"), restored_).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(BackupJournal(folder_.File("absent"), restored_).code(), StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(restored_));
}

}  // namespace
}  // namespace fusiongateway
