#include "pipeline/feeds/codes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;

TEST(CodeTables, ABrokenTableIsRefusedWithFileAndLine) {
  const auto broken = CodeTables::FromTexts({{"grid", "{\n  \"labels\": {},\n  \"rules\": [}\n}"}});
  ASSERT_FALSE(broken.ok());
  EXPECT_THAT(broken.status().message(), HasSubstr("grid.json:3: not JSON"));
  const auto list = CodeTables::FromTexts({{"grid", "[]"}});
  EXPECT_THAT(list.status().message(), HasSubstr("grid.json:1: not a JSON object"));
}

TEST(CodeTables, AListThatIsAbsentKnowsEveryCode) {
  const auto none = CodeTables::FromTexts({});
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->KnowsClass("99Z99"));
  const auto some = CodeTables::FromTexts({{"incident_classes", R"({"12D02": {}})"}});
  EXPECT_TRUE(some->KnowsClass("12D02"));
  EXPECT_FALSE(some->KnowsClass("99Z99"));
  EXPECT_TRUE(some->KnowsDistrict("410202"));
}

TEST(CodeTables, AFolderThatIsNotThereIsRefusedByName) {
  EXPECT_THAT(CodeTables::Read("/nonexistent/tables").status().message(),
              HasSubstr("/nonexistent/tables"));
}

}  // namespace
}  // namespace fusiongateway
