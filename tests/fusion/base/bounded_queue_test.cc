#include "fusion/base/bounded_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace fusiongateway {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::ElementsAre;
using testing::IsEmpty;

// Long enough that a test which waits for it has failed.
constexpr auto kForever = 20s;

TEST(BoundedQueue, GivesItemsBackInOrderAndAtMostAsManyAsAskedFor) {
  BoundedQueue<int> queue(4);
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(queue.TryPush(std::move(i)));
  EXPECT_THAT(queue.PopBatch(2, kForever), ElementsAre(1, 2));
  EXPECT_THAT(queue.PopBatch(2, kForever), ElementsAre(3));
}

TEST(BoundedQueue, RefusesAboveItsCapacityAndTakesAgainOnceThereIsRoom) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.TryPush(1));
  EXPECT_TRUE(queue.TryPush(2));
  EXPECT_FALSE(queue.TryPush(3));
  EXPECT_EQ(queue.size(), queue.capacity());
  EXPECT_THAT(queue.PopBatch(1, kForever), ElementsAre(1));
  EXPECT_TRUE(queue.TryPush(4));
  EXPECT_THAT(queue.PopBatch(9, kForever), ElementsAre(2, 4));
}

TEST(BoundedQueue, LeavesARefusedItemWithItsOwner) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.TryPush(std::make_unique<int>(1)));
  auto refused = std::make_unique<int>(2);
  EXPECT_FALSE(queue.TryPush(std::move(refused)));
  ASSERT_NE(refused, nullptr);  // NOLINT: that it was not moved from is the claim
  EXPECT_EQ(*refused, 2);
}

TEST(BoundedQueue, AQueueOfNoCapacityTakesNothing) {
  BoundedQueue<int> queue(0);
  EXPECT_FALSE(queue.TryPush(1));
}

TEST(BoundedQueue, AReservedPlaceIsKeptForWhoReservedIt) {
  BoundedQueue<int> queue(2);
  ASSERT_TRUE(queue.TryReserve());
  EXPECT_TRUE(queue.TryPush(1));
  EXPECT_FALSE(queue.TryPush(2));
  EXPECT_FALSE(queue.TryReserve());
  queue.PushReserved(3);
  EXPECT_FALSE(queue.TryPush(4));
  EXPECT_THAT(queue.PopBatch(9, kForever), ElementsAre(1, 3));
  EXPECT_TRUE(queue.TryPush(5));
}

TEST(BoundedQueue, AClosedQueueReservesNothingButTakesWhatWasReserved) {
  BoundedQueue<int> queue(2);
  ASSERT_TRUE(queue.TryReserve());
  queue.Close();
  EXPECT_FALSE(queue.TryReserve());
  queue.PushReserved(1);
  EXPECT_THAT(queue.PopBatch(9, kForever), ElementsAre(1));
}

TEST(BoundedQueue, PopsNothingFromAnEmptyQueueOnceTheWaitIsOver) {
  BoundedQueue<int> queue(1);
  EXPECT_THAT(queue.PopBatch(1, 1ms), IsEmpty());
}

TEST(BoundedQueue, AClosedQueueTakesNothingMoreButGivesWhatItHolds) {
  BoundedQueue<int> queue(4);
  EXPECT_TRUE(queue.TryPush(1));
  queue.Close();
  EXPECT_TRUE(queue.closed());
  EXPECT_FALSE(queue.TryPush(2));
  EXPECT_THAT(queue.PopBatch(9, kForever), ElementsAre(1));
  EXPECT_THAT(queue.PopBatch(9, kForever), IsEmpty());
}

TEST(BoundedQueue, CloseWakesAWaitingConsumer) {
  BoundedQueue<int> queue(1);
  std::vector<int> popped{-1};
  std::thread consumer([&] { popped = queue.PopBatch(1, kForever); });
  const auto before = std::chrono::steady_clock::now();
  queue.Close();
  consumer.join();
  EXPECT_THAT(popped, IsEmpty());
  EXPECT_LT(std::chrono::steady_clock::now() - before, kForever);
}

TEST(BoundedQueue, APushWakesAWaitingConsumer) {
  BoundedQueue<int> queue(1);
  std::vector<int> popped;
  std::thread consumer([&] { popped = queue.PopBatch(1, kForever); });
  EXPECT_TRUE(queue.TryPush(7));
  consumer.join();
  EXPECT_THAT(popped, ElementsAre(7));
}

TEST(BoundedQueue, ManyProducersLoseNothingAndEachKeepsItsOwnOrder) {
  constexpr int kProducers = 4;
  constexpr int kEach = 5000;
  BoundedQueue<std::pair<int, int>> queue(64);
  std::atomic<int> refused = 0;
  std::vector<std::thread> producers;
  for (int producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&, producer] {
      for (int i = 0; i < kEach; ++i) {
        while (!queue.TryPush({producer, i})) {
          ++refused;
          std::this_thread::yield();
        }
      }
    });
  }
  std::vector<int> next(kProducers, 0);
  int taken = 0;
  while (taken < kProducers * kEach) {
    const auto batch = queue.PopBatch(16, kForever);
    ASSERT_FALSE(batch.empty());
    ASSERT_LE(batch.size(), 16U);
    for (const auto& [producer, i] : batch) EXPECT_EQ(i, next[producer]++);
    taken += static_cast<int>(batch.size());
  }
  for (auto& producer : producers) producer.join();
  EXPECT_EQ(queue.size(), 0U);
}

}  // namespace
}  // namespace fusiongateway
