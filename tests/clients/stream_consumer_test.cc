#include "clients/cpp/stream_consumer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/clients/peer_gateway.h"

namespace fusiongateway::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = StreamEvent::Kind;

class StreamConsumerTest : public testing::Test {
 protected:
  ConsumerOptions Options() {
    ConsumerOptions options;
    options.endpoint = gateway_.endpoint();
    options.retry_min = milliseconds(20);
    options.heartbeat_interval = milliseconds(100);
    return options;
  }
  std::unique_ptr<StreamConsumer> Open(ConsumerOptions options) {
    auto consumer = StreamConsumer::Open(std::move(options));
    EXPECT_TRUE(consumer.ok()) << consumer.status().message();
    return consumer.ok() ? std::move(*consumer) : nullptr;
  }
  // Reads until `through`; keeps seqs, and the kinds of the other events.
  void ReadThrough(StreamConsumer& consumer, std::uint64_t through) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(15);
    while (consumer.through_seq() < through && std::chrono::steady_clock::now() < deadline) {
      Note(consumer.Next(milliseconds(200)));
    }
    ASSERT_EQ(consumer.through_seq(), through);
  }
  void Note(const StreamEvent& event) {
    if (event.kind == Kind::kRecords) {
      for (const auto& record : event.records->records()) seqs_.push_back(record.seq());
    } else if (event.kind != Kind::kTimeout) {
      others_.push_back(event.kind);
    }
  }
  // The next event that is not a time-out.
  StreamEvent NextEvent(StreamConsumer& consumer) { return consumer.Next(seconds(10)); }

  static std::vector<std::uint64_t> Range(std::uint64_t from, std::uint64_t through) {
    std::vector<std::uint64_t> range;
    for (std::uint64_t seq = from; seq <= through; ++seq) range.push_back(seq);
    return range;
  }

  ConsumerPeer gateway_;
  std::vector<std::uint64_t> seqs_;
  std::vector<Kind> others_;
};

TEST_F(StreamConsumerTest, RecordsComeInOrderWithinTheCredit) {
  ConsumerOptions options = Options();
  options.window = 10;
  gateway_.Append(100);
  auto consumer = Open(options);
  ReadThrough(*consumer, 100);
  EXPECT_EQ(seqs_, Range(1, 100));
  EXPECT_EQ(consumer->journal_id(), "journal-1");
  std::lock_guard lock(gateway_.mutex());
  EXPECT_LE(gateway_.most_unconsumed, 10u);
}

TEST_F(StreamConsumerTest, CreditIsGivenOnlyWhenTheLastEventIsDoneWith) {
  ConsumerOptions options = Options();
  options.window = 3;
  gateway_.Append(6);
  auto consumer = Open(options);
  StreamEvent event = NextEvent(*consumer);
  ASSERT_EQ(event.kind, Kind::kRecords);
  EXPECT_EQ(event.through_seq, 3u);
  {
    std::lock_guard lock(gateway_.mutex());
    EXPECT_EQ(gateway_.consumed_through, 0u);
  }
  event = NextEvent(*consumer);
  EXPECT_EQ(event.from_seq, 4u);
  std::lock_guard lock(gateway_.mutex());
  EXPECT_EQ(gateway_.consumed_through, 3u);
}

TEST_F(StreamConsumerTest, GatewayRestartsAndEachRecordIsReadOnce) {
  auto consumer = Open(Options());
  for (int round = 0; round < 4; ++round) {
    gateway_.Append(25);
    ReadThrough(*consumer, std::uint64_t(25 * (round + 1)));
    gateway_.Stop();
    gateway_.Start();
  }
  EXPECT_EQ(seqs_, Range(1, 100));
  EXPECT_THAT(others_, testing::Each(Kind::kDisconnected));
  EXPECT_FALSE(others_.empty());
}

TEST_F(StreamConsumerTest, ResumesAfterAGivenSeq) {
  gateway_.Append(10);
  ConsumerOptions options = Options();
  options.after_seq = 6;
  options.journal_id = "journal-1";
  auto consumer = Open(options);
  ReadThrough(*consumer, 10);
  EXPECT_EQ(seqs_, Range(7, 10));
}

TEST_F(StreamConsumerTest, JsonFormGivesTheSameRecords) {
  gateway_.Append(5);
  ConsumerOptions options = Options();
  options.form = MessageForm::kJson;
  auto consumer = Open(options);
  ReadThrough(*consumer, 5);
  EXPECT_EQ(seqs_, Range(1, 5));
}

TEST_F(StreamConsumerTest, GapIsToldAndTheMissingRecordIsFetched) {
  gateway_.Append(10);
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.skip_once = 4;
  }
  auto consumer = Open(Options());
  ReadThrough(*consumer, 10);
  EXPECT_EQ(seqs_, Range(1, 10));
  EXPECT_THAT(others_, testing::ElementsAre(Kind::kGap));
}

TEST_F(StreamConsumerTest, AnotherJournalIsAnEventAndNothingFollowsUntilRestart) {
  gateway_.Append(5);
  auto consumer = Open(Options());
  ReadThrough(*consumer, 5);
  gateway_.Stop();
  gateway_.journal_id = "journal-2";
  gateway_.Start();
  StreamEvent event = NextEvent(*consumer);
  if (event.kind == Kind::kDisconnected) event = NextEvent(*consumer);
  ASSERT_EQ(event.kind, Kind::kJournalChanged);
  EXPECT_EQ(event.through_seq, 5u);
  EXPECT_EQ(consumer->Next(milliseconds(100)).kind, Kind::kTimeout);
  consumer->Restart(0);
  seqs_.clear();
  ReadThrough(*consumer, 5);
  EXPECT_EQ(seqs_, Range(1, 5));
  EXPECT_EQ(consumer->journal_id(), "journal-2");
}

TEST_F(StreamConsumerTest, PlaceThatIsNoLongerHeldIsToldAndReadingGoesOnFromTheOldest) {
  gateway_.Append(20);
  {
    std::lock_guard lock(gateway_.mutex());
    gateway_.oldest_seq = 15;
  }
  ConsumerOptions options = Options();
  options.after_seq = 3;
  options.journal_id = "journal-1";
  auto consumer = Open(options);
  const StreamEvent event = NextEvent(*consumer);
  ASSERT_EQ(event.kind, Kind::kOutOfRange);
  EXPECT_EQ(event.expected_seq, 4u);
  EXPECT_EQ(event.oldest_seq, 15u);
  ReadThrough(*consumer, 20);
  EXPECT_EQ(seqs_, Range(15, 20));
}

TEST_F(StreamConsumerTest, FilterAndWindowAreAskedFor) {
  ConsumerOptions options = Options();
  options.district_codes = {"410202"};
  options.bodies = {"incident"};
  options.severity_min = v1::SEVERE;
  options.window = 77;
  auto consumer = Open(options);
  EXPECT_EQ(consumer->Next(milliseconds(50)).kind, Kind::kTimeout);
  ASSERT_TRUE(gateway_.WaitFor([&] { return !gateway_.subscribes.empty(); }));
  std::lock_guard lock(gateway_.mutex());
  const v1::Subscribe& request = gateway_.subscribes[0];
  EXPECT_EQ(request.filter().district_codes(0), "410202");
  EXPECT_EQ(request.filter().bodies(0), "incident");
  EXPECT_EQ(request.filter().min_severity(), v1::SEVERE);
  EXPECT_EQ(request.window(), 77u);
}

TEST_F(StreamConsumerTest, UnknownStreamIsRefused) {
  ConsumerOptions options = Options();
  options.stream = "lively";
  EXPECT_EQ(StreamConsumer::Open(options).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace fusiongateway::client
