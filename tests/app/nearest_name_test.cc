#include "app/nearest_name.h"

#include <gtest/gtest.h>

namespace fusiongateway {
namespace {

const std::vector<std::string> kNames = {"run", "watch", "publish", "chlorine"};

TEST(NearestNameTest, AMistypedNameIsRecognised) {
  EXPECT_EQ(NearestName("wach", kNames), "watch");
  EXPECT_EQ(NearestName("clorine", kNames), "chlorine");
  EXPECT_EQ(NearestName("pulbish", kNames), "publish");
  EXPECT_EQ(NearestName("rnu", kNames), "run");
  EXPECT_EQ(DidYouMean("wach", kNames), "; did you mean \"watch\"?");
}

TEST(NearestNameTest, AnotherWordIsNoMistypedName) {
  EXPECT_EQ(NearestName("bogus", kNames), "");
  EXPECT_EQ(NearestName("to", kNames), "");
  EXPECT_EQ(NearestName("", kNames), "");
  EXPECT_EQ(DidYouMean("bogus", kNames), "");
}

}  // namespace
}  // namespace fusiongateway
