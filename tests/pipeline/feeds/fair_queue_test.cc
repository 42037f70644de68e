#include "pipeline/feeds/fair_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace fusiongateway {
namespace {

constexpr std::uint64_t kQuantum = 64;

struct Work {
  std::string owner;
  std::uint64_t left = 0;
};

class FairQueueTest : public ::testing::Test {
 protected:
  void Push(const std::string& owner, std::uint64_t cost) {
    queue_.Push(owner, {owner, cost}, cost);
  }

  // Does the next turn's work; who it was, "" = nobody is ready.
  std::string Turn(SteadyTime now = SteadyTime{}) {
    const auto turn = queue_.Next(now);
    if (!turn) return "";
    const std::string owner = turn->item->owner;
    const std::uint64_t done = std::min({turn->item->left, turn->work_max, turn->count_max});
    turn->item->left -= done;
    spent_[owner] += done;
    queue_.Spend(done, done, turn->item->left == 0);
    return owner;
  }

  FairQueue<Work> queue_{kQuantum};
  std::map<std::string, std::uint64_t> spent_;
};

TEST_F(FairQueueTest, IsEmptyWhenAllIsDone) {
  EXPECT_EQ(Turn(), "");
  Push("a", 3);
  EXPECT_EQ(queue_.size(), 1u);
  EXPECT_EQ(Turn(), "a");
  EXPECT_EQ(queue_.size(), 0u);
  EXPECT_EQ(Turn(), "");
}

TEST_F(FairQueueTest, KeepsTheOrderWithinALine) {
  Push("a", 1);
  Push("a", 2);
  queue_.Push("a", {"a2", 4}, 4);
  EXPECT_EQ(Turn(), "a");
  EXPECT_EQ(Turn(), "a");
  EXPECT_EQ(Turn(), "a2");
}

TEST_F(FairQueueTest, SharesEquallyAmongFloodsWhateverTheirMessages) {
  for (int i = 0; i < 1000; ++i) {
    Push("large", 512);
    Push("small", 1);
    Push("small", 1);
  }
  for (int i = 0; i < 400; ++i) Turn();
  EXPECT_GT(spent_["small"], kQuantum);
  EXPECT_NEAR(static_cast<double>(spent_["small"]), static_cast<double>(spent_["large"]),
              2.0 * kQuantum);
}

TEST_F(FairQueueTest, ASparseLineGoesBeforeEveryFlood) {
  for (int flood = 0; flood < 200; ++flood) {
    for (int i = 0; i < 10; ++i) Push("flood-" + std::to_string(flood), 512);
  }
  for (int i = 0; i < 250; ++i) Turn();  // none of them is new any more
  for (int i = 0; i < 20; ++i) {
    Push("sparse", 1);
    EXPECT_EQ(Turn(), "sparse") << "time " << i;
    for (int j = 0; j < 400; ++j) EXPECT_NE(Turn(), "sparse");
  }
}

// However it spreads what it asks for: what a round of the floods is to it does not count.
TEST_F(FairQueueTest, ALineWithinItsShareWaitsForOnePieceOnly) {
  for (int flood = 0; flood < 200; ++flood) {
    for (int i = 0; i < 100; ++i) Push("flood-" + std::to_string(flood), 512);
  }
  for (int i = 0; i < 300; ++i) Turn();
  for (int i = 0; i < 100; ++i) {
    Push("sparse", 16);
    EXPECT_EQ(Turn(), "sparse") << "time " << i;
    for (int j = 0; j < 100; ++j) EXPECT_NE(Turn(), "sparse");
  }
}

TEST_F(FairQueueTest, ALineThatWasIdleHasSavedNothingUp) {
  Push("late", 1);
  Turn();
  for (int i = 0; i < 200; ++i) Push("early", 64);
  for (int i = 0; i < 100; ++i) Turn();
  const std::uint64_t before = spent_["early"];
  for (int i = 0; i < 200; ++i) Push("late", 64);
  for (int i = 0; i < 50; ++i) Turn();
  EXPECT_NEAR(static_cast<double>(spent_["early"] - before), 25.0 * kQuantum, kQuantum);
}

TEST_F(FairQueueTest, AFloodThatEmptiesItsLineBetweenTurnsIsNotTakenForSparse) {
  for (int i = 0; i < 100; ++i) Push("b", 64);
  for (int i = 0; i < 100; ++i) {
    Push("a", 64);
    Turn();
    Turn();
  }
  EXPECT_GT(spent_["b"], 40 * kQuantum);
}

TEST_F(FairQueueTest, AQuotaHoldsItsLineAndNoOther) {
  queue_.SetQuota("limited", 100);
  for (int i = 0; i < 100; ++i) {
    Push("limited", 10);
    Push("free", 10);
  }
  const SteadyTime start{std::chrono::hours{1}};
  while (!Turn(start).empty()) {
  }
  EXPECT_EQ(spent_["free"], 1000u);
  EXPECT_EQ(spent_["limited"], 100u) << "a second's worth at once";
  const SteadyTime later = start + std::chrono::milliseconds{500};
  while (!Turn(later).empty()) {
  }
  EXPECT_EQ(spent_["limited"], 150u);
}

TEST_F(FairQueueTest, ALineThatIsHeldStandsStillAndTheOthersGoOn) {
  Push("held", 10);
  Push("free", 10);
  Push("free", 10);
  queue_.Hold("held");
  EXPECT_EQ(Turn(), "free");
  EXPECT_EQ(Turn(), "free");
  EXPECT_EQ(Turn(), "");
  EXPECT_EQ(queue_.size(), 1u);
  queue_.Release("held");
  EXPECT_EQ(Turn(), "held");
  queue_.Release("of no line");
}

TEST_F(FairQueueTest, ALineThatStoodStillHasSavedNothingUp) {
  Push("a", 64);
  Push("a", 64);
  Turn();
  queue_.Hold("a");
  for (int i = 0; i < 200; ++i) Push("b", 64);
  for (int i = 0; i < 100; ++i) Turn();
  queue_.Release("a");
  for (int i = 0; i < 100; ++i) Push("a", 64);
  const std::uint64_t before = spent_["b"];
  for (int i = 0; i < 50; ++i) Turn();
  EXPECT_NEAR(static_cast<double>(spent_["b"] - before), 25.0 * kQuantum, 2.0 * kQuantum);
}

TEST_F(FairQueueTest, ABurstWaitsForItsOwnShareOfARound) {
  for (int flood = 0; flood < 100; ++flood) {
    for (int i = 0; i < 10; ++i) Push("flood-" + std::to_string(flood), 512);
  }
  for (int i = 0; i < 150; ++i) Turn();
  Push("burst", 640);
  int turns = 0;
  while (spent_["burst"] < 640) {
    Turn();
    ++turns;
  }
  EXPECT_LE(turns, 10 * 101 + 100);
}

TEST_F(FairQueueTest, LinesThatAreDoneAreForgotten) {
  for (int i = 0; i < 10'000; ++i) {
    Push("once-" + std::to_string(i), 1);
    Turn();
  }
  EXPECT_LE(queue_.lines(), 1u);
  for (int i = 0; i < 1'000; ++i) Push("flood", 64);
  for (int i = 0; i < 1'000; ++i) {
    Push("dropped-" + std::to_string(i), 64);
    queue_.Drop("dropped-" + std::to_string(i));
    Turn();
  }
  EXPECT_LE(queue_.lines(), 3u);
}

TEST_F(FairQueueTest, WhatIsDroppedIsNotDone) {
  Push("gone", 10);
  Push("gone", 10);
  Push("stays", 10);
  queue_.Drop("gone");
  EXPECT_EQ(queue_.size(), 1u);
  EXPECT_EQ(Turn(), "stays");
  EXPECT_EQ(Turn(), "");
  Push("gone", 10);
  EXPECT_EQ(Turn(), "gone");
}

}  // namespace
}  // namespace fusiongateway
