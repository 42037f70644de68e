#include "clients/cpp/send_window.h"

#include <gtest/gtest.h>

namespace fusiongateway::client {
namespace {

TEST(SendWindowTest, CreditCountsFromWhatIsAcked) {
  SendWindow window;
  window.Reset(10, 2, 100);
  EXPECT_EQ(window.last_sent(), 10u);
  window.Sent(10);
  window.Sent(10);
  EXPECT_FALSE(window.MaySend(10));
  EXPECT_EQ(window.PayloadsLeft(), 0u);
  window.Acked(11);
  EXPECT_TRUE(window.MaySend(10));
  EXPECT_EQ(window.last_sent(), 12u);
}

TEST(SendWindowTest, BytesAreBoundedToo) {
  SendWindow window;
  window.Reset(0, 100, 100);
  window.Sent(60);
  EXPECT_FALSE(window.MaySend(41));
  EXPECT_TRUE(window.MaySend(40));
}

TEST(SendWindowTest, PayloadLargerThanTheCreditGoesAlone) {
  SendWindow window;
  window.Reset(0, 100, 100);
  EXPECT_TRUE(window.MaySend(500));
  window.Sent(500);
  EXPECT_FALSE(window.MaySend(1));
}

TEST(SendWindowTest, RewindTakesBackTheRefusedOnesOnly) {
  SendWindow window;
  window.Reset(0, 10, 1000);
  for (int i = 0; i < 5; ++i) window.Sent(10);
  window.Rewind(4);
  EXPECT_EQ(window.last_sent(), 3u);
  // An older refusal that comes late does not push the place forward.
  window.Rewind(9);
  EXPECT_EQ(window.last_sent(), 3u);
}

TEST(SendWindowTest, AckBeyondWhatIsOnTheWayMovesThePlace) {
  SendWindow window;
  window.Reset(0, 10, 1000);
  window.Sent(10);
  window.Acked(5);
  EXPECT_EQ(window.last_sent(), 5u);
  EXPECT_EQ(window.in_flight(), 0u);
}

}  // namespace
}  // namespace fusiongateway::client
