#include <gmock/gmock.h>

#include "tests/delivery/wall/wall_fixture.h"

namespace fusiongateway::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class WallStream : public WallFixture {
 protected:
  std::uint64_t Put(const std::string& id) { return backend_.Put(MakeIncident(id)); }

  // Seqs of the records that come until `through`; fails when the range has a gap.
  static std::vector<std::uint64_t> ReadThrough(StreamClient& client, std::uint64_t after,
                                                std::uint64_t through) {
    std::vector<std::uint64_t> seqs;
    while (after < through) {
      const auto message = client.Next();
      if (!message || !message->has_records()) break;
      EXPECT_EQ(message->records().from_seq(), after + 1) << "a gap";
      for (const auto& record : message->records().records()) seqs.push_back(record.seq());
      after = message->records().through_seq();
    }
    return seqs;
  }
};

TEST_F(WallStream, BeginsWithASnapshotAndGoesOnWithoutAGap) {
  Start();
  Put("i-1");
  Put("i-2");
  StreamClient client(port(), "?stream=live");
  const auto first = client.Next();
  ASSERT_TRUE(first && first->has_snapshot());
  EXPECT_EQ(first->snapshot().through_seq(), 2u);
  EXPECT_EQ(first->snapshot().incidents_size(), 2);
  EXPECT_EQ(first->snapshot().journal_id(), "journal-1");
  Put("i-3");
  Put("i-1");
  EXPECT_EQ(ReadThrough(client, 2, 4), (std::vector<std::uint64_t>{3, 4}));
}

TEST_F(WallStream, ResumesAfterTheSeqItIsGiven) {
  options_.stream_batch_records_max = 7;
  Start();
  for (int i = 0; i < 40; ++i) Put("i-" + std::to_string(i));
  StreamClient client(port(), "?after=5&journal_id=journal-1");
  const auto seqs = ReadThrough(client, 5, 40);
  ASSERT_EQ(seqs.size(), 35u);
  EXPECT_EQ(seqs.front(), 6u);
  EXPECT_EQ(seqs.back(), 40u);
}

TEST_F(WallStream, BelowWhatIsHeldSaysSoAndBeginsAgainFromASnapshot) {
  Start();
  for (int i = 0; i < 10; ++i) Put("i-1");
  backend_.memory().ForgetBefore(8);
  StreamClient client(port(), "?after=2");
  const auto gone = client.Next();
  ASSERT_TRUE(gone && gone->has_out_of_range());
  EXPECT_EQ(gone->out_of_range().oldest_seq(), 8u);
  const auto snapshot = client.Next();
  ASSERT_TRUE(snapshot && snapshot->has_snapshot());
  EXPECT_EQ(snapshot->snapshot().through_seq(), 10u);
  Put("i-2");
  EXPECT_EQ(ReadThrough(client, 10, 11), (std::vector<std::uint64_t>{11}));
}

TEST_F(WallStream, AnotherJournalIsToldAndBeginsAgainFromASnapshot) {
  Start();
  Put("i-1");
  for (const char* query : {"?after=1&journal_id=other", "?after=99"}) {
    StreamClient client(port(), query);
    const auto error = client.Next();
    ASSERT_TRUE(error && error->has_error()) << query;
    EXPECT_EQ(error->error().code(), "JOURNAL_CHANGED");
    const auto snapshot = client.Next();
    ASSERT_TRUE(snapshot && snapshot->has_snapshot()) << query;
  }
}

TEST_F(WallStream, ARestoredJournalGoesOnWhereItsBackupReached) {
  Start();
  Put("i-1");
  Put("i-2");
  backend_.memory().Restore("journal-2");
  Put("i-3");
  StreamClient within(port(), "?after=1&journal_id=journal-1");
  EXPECT_EQ(ReadThrough(within, 1, 3), (std::vector<std::uint64_t>{2, 3}));
  StreamClient beyond(port(), "?after=3&journal_id=journal-1");
  const auto error = beyond.Next();
  ASSERT_TRUE(error && error->has_error());
  EXPECT_EQ(error->error().code(), "JOURNAL_CHANGED");
}

TEST_F(WallStream, HeartbeatsWhenNothingHappens) {
  options_.heartbeat = std::chrono::milliseconds(30);
  Start();
  Put("i-1");
  StreamClient client(port(), "?after=1");
  for (int i = 0; i < 3; ++i) {
    const auto message = client.NextOfAnyKind();
    ASSERT_TRUE(message && message->has_records());
    EXPECT_EQ(message->records().from_seq(), 2u);
    EXPECT_EQ(message->records().through_seq(), 1u);
  }
}

TEST_F(WallStream, NeverCarriesWhatIsRestricted) {
  Start();
  v1::Incident hidden = MakeIncident("i-secret");
  hidden.set_restricted(true);
  backend_.Put(hidden);
  StreamClient client(port(), "");
  const auto snapshot = client.Next();
  ASSERT_TRUE(snapshot && snapshot->has_snapshot());
  EXPECT_EQ(snapshot->snapshot().incidents_size(), 0);
  backend_.Put(hidden);
  Put("i-1");
  EXPECT_EQ(ReadThrough(client, 1, 3), (std::vector<std::uint64_t>{3}));
}

TEST_F(WallStream, ForeignOriginsAndUnknownStreamsAreRefused) {
  Start();
  EXPECT_FALSE(StreamClient(port(), "", {{"Origin", "http://evil.example"}}).connected());
  EXPECT_FALSE(StreamClient(port(), "?stream=other").connected());
  EXPECT_FALSE(StreamClient(port(), "?after=x").connected());
  const std::string own = "http://localhost:" + std::to_string(port());
  EXPECT_TRUE(StreamClient(port(), "", {{"Origin", own}}).connected());
}

TEST_F(WallStream, StreamsBeyondTheLimitAreRefused) {
  options_.streams_max = 1;
  Start();
  StreamClient first(port(), "");
  ASSERT_TRUE(first.Next());
  EXPECT_FALSE(StreamClient(port(), "").connected());
}

TEST_F(WallStream, AClientThatDoesNotReadIsDroppedAndTheOthersGoOn) {
  options_.write_timeout = std::chrono::milliseconds(200);
  Start();
  StreamClient stalled(port(), "");
  StreamClient healthy(port(), "");
  ASSERT_TRUE(healthy.Next());
  std::uint64_t seq = 0;
  v1::Incident large = MakeIncident("i-1");
  large.set_title(std::string(200'000, 'x'));
  for (int i = 0; i < 400 && server_->statistics().streams_dropped_slow == 0; ++i) {
    backend_.Put(large);
    ++seq;
    ASSERT_EQ(ReadThrough(healthy, seq - 1, seq).size(), 1u);
  }
  EXPECT_EQ(server_->statistics().streams_dropped_slow, 1u);
  backend_.Put(large);
  EXPECT_EQ(ReadThrough(healthy, seq, seq + 1).size(), 1u);
  StreamClient resumed(port(), "?after=" + std::to_string(seq));
  EXPECT_EQ(ReadThrough(resumed, seq, seq + 1).size(), 1u);
}

TEST_F(WallStream, AMessageHoldsNoMoreBytesThanABatchMay) {
  options_.stream_batch_bytes_max = 30'000;
  v1::Incident large = MakeIncident("i-1");
  large.set_title(std::string(10'000, 'x'));
  for (int i = 0; i < 40; ++i) backend_.Put(large);
  Start();
  StreamClient client(port(), "?after=0");
  for (std::uint64_t after = 0; after < 40;) {
    const auto message = client.Next();
    ASSERT_TRUE(message && message->has_records());
    ASSERT_EQ(message->records().from_seq(), after + 1);
    ASSERT_LE(message->records().records_size(), 3);
    after = message->records().through_seq();
    ASSERT_EQ(message->records().records().rbegin()->seq(), after);
  }
}

TEST_F(WallStream, ManyThatNeverReadAreGivenLittleAndTheOneThatReadsGetsAll) {
  constexpr std::uint64_t kRecords = 2000;
  constexpr std::size_t kStalled = 20;
  v1::Incident incident = MakeIncident("i-1");
  incident.set_title(std::string(4000, 'x'));
  for (std::uint64_t i = 0; i < kRecords; ++i) backend_.Put(incident);
  Start();
  std::vector<std::unique_ptr<StreamClient>> stalled;
  while (stalled.size() < kStalled) {
    stalled.push_back(std::make_unique<StreamClient>(port(), "?after=0"));
  }
  StreamClient healthy(port(), "?after=0");
  EXPECT_EQ(ReadThrough(healthy, 0, kRecords).size(), kRecords);
  // What the kernel holds at both ends, and not megabytes.
  const std::uint64_t unread = server_->statistics().records_sent - kRecords;
  EXPECT_GT(unread, 0u);
  EXPECT_LT(unread * 4000 / kStalled, std::uint64_t{1} << 20);
}

TEST_F(WallStream, EndsWithTheServer) {
  Start();
  StreamClient client(port(), "");
  ASSERT_TRUE(client.Next());
  server_->Stop();
  EXPECT_FALSE(client.NextOfAnyKind());
  EXPECT_EQ(server_->statistics().streams_open, 0u);
  EXPECT_EQ(server_->statistics().connections_open, 0u);
}

}  // namespace
}  // namespace fusiongateway::test
