#include "pipeline/feeds/restricted_mark.h"

#include <gtest/gtest.h>

namespace fusiongateway {
namespace {

TEST(RestrictedMarkTest, IsAssumedUnlessTheMarkIsAClearNo) {
  for (const char* text : {R"({"SFBM":"1"})",
                           R"({"SFBM":1})",
                           R"({"a":0,"SFBM" : true})",
                           R"({"SFBM":"是"})",
                           R"({"restricted":true,"x":1})",
                           R"({"SFBM":0,"d":{"SFBM":1}})",
                           R"(xx"SFBM":"maybe)",
                           R"({"sfbm":"1"})",
                           R"({"Sfbm":1})",
                           R"({"SF\u0042M":"1"})",
                           R"({"\u0053FBM":"\u0031"})",
                           R"({'SFBM':1)",
                           R"({SFBM: 1)",
                           R"({"SFBM":"1","SFBM":"0"})",
                           R"({"Restricted":true})",
                           R"({'restricted':true)",
                           R"({"d":"{\"SFBM\":\"1\"}"})",
                           R"({"SFBM":["1"]})",
                           "<call><SFBM>1</SFBM></call>",
                           "<call SFBM=\"1\">",
                           "JJDBH=1&SFBM=1&restricted=0"}) {
    EXPECT_TRUE(LooksRestricted(text)) << text;
  }
  for (const char* text :
       {R"({"SFBM":"0"})", R"({"SFBM":0})", R"({"SFBM":""})", R"({"SFBM":null})",
        R"({"restricted":false})", R"({"SFBMX":1})", "", R"("SFBM")", R"({"XSFBM":1})",
        R"({"sfbm":"0"})", R"({'SFBM':'0')", "SFBM", R"({"SFBM":[]})", "<SFBM>0</SFBM> <b>1</b>",
        "<SFBM/>", "restricte", "sfb",
        R"({"text":"a restricted area: keep out","unrestricted":true})"}) {
    EXPECT_FALSE(LooksRestricted(text)) << text;
  }
}

TEST(RestrictedMarkTest, EveryMarkCounts) {
  EXPECT_EQ(CountRestrictedMarks(R"([{"SFBM":1},{"SFBM":0},{"sfbm":"1"},{"restricted":true}])"),
            3u);
}

}  // namespace
}  // namespace fusiongateway
