#include "pipeline/feeds/payload_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fusiongateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(PayloadBody, ALineIsAPayloadAndEmptyLinesCountForNothing) {
  EXPECT_THAT(*PayloadsOf(BodyForm::kLines, "{\"a\": 1}\r\n\n  \n b \nlast"),
              ElementsAre("{\"a\": 1}", " b ", "last"));
  EXPECT_THAT(*PayloadsOf(BodyForm::kLines, "\n\n"), IsEmpty());
}

TEST(PayloadBody, LinesOfGb18030KeepTheirBytes) {
  const std::string line = "{\"\xb5\xd8\xb5\xe3\":\"\xb1\xb1\xbe\xa9\x81\x30\x81\x30\"}";
  EXPECT_THAT(*PayloadsOf(BodyForm::kLines, line + "\n" + line), ElementsAre(line, line));
  EXPECT_THAT(*PayloadsOf(BodyForm::kWhole, line + "\n"), ElementsAre(line + "\n"));
  const auto json = PayloadsOf(BodyForm::kJson, line);
  ASSERT_FALSE(json.ok()) << "JSON is UTF-8";
  EXPECT_THAT(json.status().message(), HasSubstr("application/x-ndjson"));
}

TEST(PayloadBody, JsonIsOnePayloadOrAnArrayOfThemWithTheirExactBytes) {
  EXPECT_THAT(*PayloadsOf(BodyForm::kJson, "\n{\"b\": 1.50,\n \"a\": [2]}\n"),
              ElementsAre("{\"b\": 1.50,\n \"a\": [2]}"));
  EXPECT_THAT(*PayloadsOf(BodyForm::kJson, " [ {\"b\": 1.50}, \"aGk=\" ] "),
              ElementsAre("{\"b\": 1.50}", "hi"));
  EXPECT_THAT(*PayloadsOf(BodyForm::kJson, "[]"), IsEmpty());
  for (const char* body :
       {R"([{"a":1})", R"(["a"],"firstSeq":"5")", R"(["a"],"payloads":["b"])", "[1]]", "[1}"}) {
    EXPECT_FALSE(PayloadsOf(BodyForm::kJson, body).ok()) << body;
  }
}

TEST(PayloadBody, TheContentTypeSaysWhichAndAFormIsNone) {
  EXPECT_EQ(BodyFormOf("application/x-ndjson"), BodyForm::kLines);
  EXPECT_EQ(BodyFormOf("Application/JSON; charset=utf-8"), BodyForm::kJson);
  EXPECT_EQ(BodyFormOf("application/octet-stream"), BodyForm::kWhole);
  EXPECT_FALSE(BodyFormOf("application/x-www-form-urlencoded"));
  EXPECT_FALSE(BodyFormOf(""));
}

}  // namespace
}  // namespace fusiongateway
