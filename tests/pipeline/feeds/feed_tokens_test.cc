#include "pipeline/feeds/feed_tokens.h"

#include <gtest/gtest.h>

namespace fusiongateway {
namespace {

TEST(FeedTokens, ATokenIsKnownByItsHashAndOpensItsOwnFeed) {
  // FIPS 180-2's own example.
  EXPECT_EQ(FeedTokens::HashOf("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string grid = FeedTokens::Make();
  const std::string police = FeedTokens::Make();
  const FeedTokens tokens(
      {{FeedTokens::HashOf(grid), "grid"}, {FeedTokens::HashOf(police), "police"}});
  EXPECT_EQ(tokens.FeedOf(grid), "grid");
  EXPECT_EQ(tokens.FeedOf(police), "police");
  EXPECT_FALSE(tokens.FeedOf(""));
  EXPECT_FALSE(tokens.FeedOf(grid + " "));
  EXPECT_FALSE(tokens.FeedOf(FeedTokens::HashOf(grid))) << "the hash is no token";
}

TEST(FeedTokens, EachIsNewAndHolds256Bits) {
  const std::string token = FeedTokens::Make();
  EXPECT_EQ(token.size(), 43u);
  EXPECT_NE(token, FeedTokens::Make());
  EXPECT_TRUE(FeedTokens::IsHash(FeedTokens::HashOf(token)));
  EXPECT_FALSE(FeedTokens::IsHash(token));
  EXPECT_FALSE(FeedTokens::IsHash(std::string(64, 'G')));
}

}  // namespace
}  // namespace fusiongateway
