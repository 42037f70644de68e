// The decoder around the plugins: text encodings, and code tables that change under way.
#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const DecodeContext kArrival{TestArrival(), std::nullopt};

FeedConfig OldPolice() {
  FeedConfig config = TestFeed("police110");
  config.encoding = TextEncoding::kGb18030;
  return config;
}

// 张三 in GB18030.
constexpr char kName[] = "\xD5\xC5\xC8\xFD";

TEST(FeedDecoder, AGb18030FeedIsReadAsIfItWereUtf8) {
  auto decoder = MakeDecoder(OldPolice());
  const std::string name = kName;
  const auto outcome =
      decoder->Decode(R"({"type":"call","JJDBH":"J1","BJRMC":")" + name + R"(","BJNR":")" + name +
                          "\xB1\xA8\xBE\xAF" + R"( 13812345678"})",
                      kArrival);
  ASSERT_EQ(outcome.reports.size(), 1u);
  EXPECT_EQ(std::get<PoliceCallDetail>(outcome.reports[0].detail).text, "张*报警 138****5678");
}

TEST(FeedDecoder, WhatIsNoGb18030IsRefusedAtItsByteAndKeptMasked) {
  auto decoder = MakeDecoder(OldPolice());
  const std::string payload = R"({"type":"call","JJDBH":"J1","BJRMC":")" + std::string(kName) +
                              R"(","BJNR":"13812345678 )" + kName + "\xFF\"}";
  const auto outcome = decoder->Decode(payload, kArrival);
  ASSERT_TRUE(outcome.refusal);
  EXPECT_EQ(outcome.refusal->code, "MALFORMED");
  EXPECT_THAT(outcome.refusal->message,
              HasSubstr("byte " + std::to_string(payload.find('\xFF')) + " "));
  EXPECT_THAT(outcome.masked_payload, AllOf(HasSubstr("138****5678"), HasSubstr("J1"),
                                            Not(HasSubstr("张三")), Not(HasSubstr("13812345678"))));
}

TEST(FeedDecoder, ARefusalOfTheReadablePayloadKeepsItInUtf8) {
  auto decoder = MakeDecoder(OldPolice());
  const auto outcome = decoder->Decode(
      R"({"type":"wish","JJDBH":"J1","BJNR":")" + std::string(kName) + "\"}", kArrival);
  ASSERT_TRUE(outcome.refusal);
  EXPECT_EQ(outcome.refusal->code, "UNKNOWN_TYPE");
  EXPECT_THAT(outcome.masked_payload, HasSubstr("张三")) << "not declared a person here";
}

std::string SecretCall(const std::string& id, const std::string& mark) {
  return R"({"type":"call","JJDBH":")" + id + R"(","BJSJ":"20261123100000","BJNR":"试",)" + mark +
         "}";
}

TEST(FeedDecoder, AMarkOfSecrecyHoldsInWhateverWayItIsWritten) {
  for (const char* mark : {R"("SFBM":"1")", R"("sfbm":"1")", R"("SF\u0042M":"1")",
                           R"("restricted":true)", R"("x":{"SFBM":1})"}) {
    const auto outcome = DecodeWith("police110", SecretCall("1", mark));
    ASSERT_EQ(outcome.reports.size(), 1u) << mark;
    EXPECT_TRUE(outcome.reports[0].restricted) << mark;
  }
  const auto open = DecodeWith("police110", SecretCall("1", R"("sfbm":"0")"));
  ASSERT_EQ(open.reports.size(), 1u);
  EXPECT_FALSE(open.reports[0].restricted);
}

TEST(FeedDecoder, AMarkThatNoElementIsKnownToBearMakesAllOfThemSecret) {
  const std::string open = SecretCall("2", R"("SFBM":"0")");
  const auto told =
      DecodeWith("police110", "[" + SecretCall("1", R"("SFBM":"1")") + "," + open + "]");
  ASSERT_EQ(told.reports.size(), 2u);
  EXPECT_TRUE(told.reports[0].restricted);
  EXPECT_FALSE(told.reports[1].restricted) << "its own mark is told apart";
  const auto odd =
      DecodeWith("police110", "[" + SecretCall("1", R"("sfbm":"1")") + "," + open + "]");
  ASSERT_EQ(odd.reports.size(), 2u);
  EXPECT_TRUE(odd.reports[0].restricted);
  EXPECT_TRUE(odd.reports[1].restricted);
}

TEST(FeedDecoder, AFieldThatStandsTwiceIsRefusedAndItsMarkOfSecrecyIsKept) {
  const auto outcome = DecodeWith("police110", SecretCall("1", R"("SFBM":"1","SFBM":"0")"));
  ASSERT_TRUE(outcome.refusal);
  EXPECT_EQ(outcome.refusal->code, "DUPLICATE_FIELD");
  EXPECT_EQ(outcome.refusal->field, "SFBM");
  EXPECT_THAT(outcome.masked_payload, ::testing::HasSubstr(R"("restricted":true)"));
}

TEST(FeedDecoder, NewTablesHoldFromTheNextPayloadOn) {
  auto decoder = MakeDecoder(TestFeed("grid"));
  const std::string payload = R"({"eventId":"E1","category":"UFO"})";
  const auto before = decoder->Decode(payload, kArrival);
  ASSERT_EQ(before.reports.size(), 1u);
  EXPECT_THAT(before.reports[0].flags, Contains("UNKNOWN_CODE:category"));

  const auto tables = CodeTables::FromTexts({{"grid", R"({"labels":{"category":{"UFO":"飞碟"}},
                    "rules":[{"when":{"category":["UFO"]},"class":"11X01"}]})"},
                                             {"incident_classes", R"({"11X01": {}})"}});
  ASSERT_TRUE(tables.ok());
  auto made = FeedDecoder::MakeTables(TestFeed("grid"), TestSites(), *tables);
  ASSERT_TRUE(made.ok()) << made.status().message();
  decoder->TakeTables(std::move(*made));
  const auto after = decoder->Decode(payload, kArrival);
  ASSERT_EQ(after.reports.size(), 1u);
  EXPECT_THAT(after.reports[0].flags, IsEmpty());
  EXPECT_EQ(after.reports[0].class_code, "11X01");
  EXPECT_EQ(decoder->counters().unknown_code_count, 1u) << "what the decoder remembers stays";
}

TEST(FeedDecoder, TablesThatAPluginDoesNotTakeAreRefusedNamingThePlace) {
  const auto tables = CodeTables::FromTexts({{"grid", R"({"actions":{"closed":"END"}})"}});
  ASSERT_TRUE(tables.ok());
  const auto made = FeedDecoder::MakeTables(TestFeed("grid"), {}, *tables);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.status().message(), HasSubstr("table \"grid\": actions.closed"));
  const auto gases = CodeTables::FromTexts({{"hazmat", R"({"gas_limits":{}})"}});
  EXPECT_THAT(FeedDecoder::MakeTables(TestFeed("hazmat"), {}, *gases).status().message(),
              HasSubstr("gas_limits must be a list"));
  const auto optics = CodeTables::FromTexts({{"sky_guard", R"({"tilt_error_deg":0})"}});
  EXPECT_THAT(FeedDecoder::MakeTables(TestFeed("sky_guard"), {}, *optics).status().message(),
              HasSubstr("tilt_error_deg must be above 0"));
}

}  // namespace
}  // namespace fusiongateway
