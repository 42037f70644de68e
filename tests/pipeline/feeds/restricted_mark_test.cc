#include "pipeline/feeds/restricted_mark.h"

#include <gtest/gtest.h>

namespace fusiongateway {
namespace {

TEST(RestrictedMarkTest, IsAssumedUnlessTheMarkIsAClearNo) {
  for (const char* text :
       {R"({"SFBM":"1"})", R"({"SFBM":1})", R"({"a":0,"SFBM" : true})", R"({"SFBM":"是"})",
        R"({"restricted":true,"x":1})", R"({"SFBM":0,"d":{"SFBM":1}})", R"(xx"SFBM":"maybe)"}) {
    EXPECT_TRUE(LooksRestricted(text)) << text;
  }
  for (const char* text : {R"({"SFBM":"0"})", R"({"SFBM":0})", R"({"SFBM":""})", R"({"SFBM":null})",
                           R"({"restricted":false})", R"({"SFBMX":1})", "", R"("SFBM")"}) {
    EXPECT_FALSE(LooksRestricted(text)) << text;
  }
}

}  // namespace
}  // namespace fusiongateway
