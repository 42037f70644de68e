#include "app/demo_city/scenario_clock.h"

#include <gtest/gtest.h>

namespace fusiongateway::demo_city {
namespace {

using std::chrono::seconds;

constexpr UtcTime kStart{seconds(1'795'428'000)};

TEST(ScenarioClock, IsQuietUntilItBegins) {
  ScenarioClock clock;
  EXPECT_EQ(clock.Elapsed(kStart), std::nullopt);
  EXPECT_EQ(clock.At(seconds(1)), std::nullopt);
  clock.Begin(kStart);
  EXPECT_EQ(clock.Elapsed(kStart - Duration{1}), std::nullopt);
  EXPECT_EQ(clock.Elapsed(kStart), Duration::zero());
}

TEST(ScenarioClock, RunsAtItsPaceBothWays) {
  ScenarioClock clock(10);
  clock.Begin(kStart);
  EXPECT_EQ(clock.Elapsed(kStart + seconds(3)), Duration(seconds(30)));
  EXPECT_EQ(clock.At(seconds(30)), kStart + seconds(3));
}

TEST(ScenarioClock, ClearingEndsTheStoryAndBeginningAgainRestartsIt) {
  ScenarioClock clock;
  clock.Begin(kStart);
  clock.Clear();
  EXPECT_EQ(clock.Elapsed(kStart + seconds(5)), std::nullopt);
  clock.Begin(kStart + seconds(10));
  EXPECT_EQ(clock.Elapsed(kStart + seconds(12)), Duration(seconds(2)));
}

}  // namespace
}  // namespace fusiongateway::demo_city
