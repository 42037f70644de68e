#include <google/protobuf/util/json_util.h>

#include "fusiongateway/v1/report.pb.h"
#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ReportPlugin, TakesJsonAndProtobufAlike) {
  v1::Report wire;
  wire.set_report_id("R1");
  wire.set_kind(v1::CAMERA_FINDING);
  wire.set_class_code("12G00");
  wire.mutable_camera_finding()->set_finding("smoke");
  const Report from_protobuf = DecodeOne("report", wire.SerializeAsString());
  const Report from_json = DecodeOne("report", R"({"reportId":"R1","kind":"CAMERA_FINDING",
      "classCode":"12G00","cameraFinding":{"finding":"smoke"}})");
  EXPECT_EQ(from_protobuf, from_json);
  EXPECT_EQ(from_json.action, ReportAction::kStart);
}

TEST(ReportPlugin, WhatOnlyTheGatewaySetsIsRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("feedId":"somebody-else")", "FORBIDDEN_FIELD feedId"},
      {R"("receivedAt":"2020-01-01T00:00:00Z")", "FORBIDDEN_FIELD receivedAt"},
      {R"("aligned":{"source":"PROBED","epoch":"9"})", "FORBIDDEN_FIELD aligned"},
      {R"("attachments":[{"url":"u"},{"digest":{"alg":"sm3"}}])",
       "FORBIDDEN_FIELD attachments.digest"}};
  for (const auto& [field, refusal] : cases) {
    const std::string json = R"({"reportId":"R1","kind":"GRID_REPORT",)" + std::string(field) + "}";
    EXPECT_EQ(RefusalOf("report", json), refusal);
    v1::Report wire;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &wire).ok());
    EXPECT_EQ(RefusalOf("report", wire.SerializeAsString()), refusal) << "in protobuf";
  }
}

TEST(ReportPlugin, ANumberThatIsNoneIsRefused) {
  for (const char* number : {"\"NaN\"", "\"Infinity\""}) {
    EXPECT_EQ(RefusalOf("report", R"({"reportId":"R1","kind":"SENSOR_READING",
        "sensor":{"values":[{"quotaId":"q","value":1},{"quotaId":"q","value":)" +
                                      std::string(number) + "}]}}"),
              "OUT_OF_RANGE sensor.values.value");
  }
}

TEST(ReportPlugin, WordsThatTheContractDoesNotHaveAreFlagged) {
  const Report report = DecodeOne("report", R"({"reportId":"R1","kind":"GRID_REPORT",
      "action":"BEGIN","severity":"AWFUL"})");
  EXPECT_THAT(report.flags, ::testing::ElementsAre("UNKNOWN_CODE:action", "UNKNOWN_CODE:severity"));
  v1::Report wire;
  wire.set_report_id("R1");
  wire.set_kind(v1::GRID_REPORT);
  wire.set_action(static_cast<v1::ReportAction>(77));
  EXPECT_THAT(DecodeOne("report", wire.SerializeAsString()).flags,
              ::testing::ElementsAre("UNKNOWN_CODE:action"));
}

TEST(ReportPlugin, UnknownFieldsAreKeptAndMasked) {
  const Report report = DecodeOne(
      "report", R"({"reportId":"R1","kind":"GRID_REPORT","callback":"+86 138-1234-5678"})");
  EXPECT_EQ(report.unknown_fields_json, R"({"callback":"+86 138****5678"})");
}

TEST(ReportPlugin, ADrillThatIsNotDeclaredIsReal) {
  const Report real = DecodeOne("report", R"({"reportId":"R","kind":"GRID_REPORT","drill":true})");
  EXPECT_FALSE(real.drill);
  EXPECT_THAT(real.flags, ::testing::Contains("DRILL_UNDECLARED"));
  const Report drill = DecodeOne("report", R"({"reportId":"R","kind":"GRID_REPORT","drill":true,
                                               "drillId":"drill-2026-11"})");
  EXPECT_TRUE(drill.drill);
  EXPECT_THAT(drill.flags, ::testing::IsEmpty());
}

TEST(ReportPlugin, RefusalsNameTheFieldAndTheReason) {
  EXPECT_EQ(RefusalOf("report", R"({"kind":"GRID_REPORT"})"), "MISSING_FIELD reportId");
  EXPECT_EQ(RefusalOf("report", R"({"reportId":"R"})"), "MISSING_FIELD kind");
  EXPECT_EQ(RefusalOf("report", R"({"reportId":"R","kind":"POEM"})"), "UNKNOWN_TYPE kind");
  EXPECT_THAT(RefusalOf("report", R"({"reportId":"R","kind":"GRID_REPORT","confidence":"high"})"),
              HasSubstr("WRONG_TYPE"));
  EXPECT_EQ(RefusalOf("report", R"({"reportId":"R","kind":"GRID_REPORT","confidence":7})"),
            "OUT_OF_RANGE confidence");
  EXPECT_EQ(RefusalOf("report", R"({"reportId":"R","kind":"GRID_REPORT",
                                    "position":{"latitude":95}})"),
            "OUT_OF_RANGE position");
  EXPECT_EQ(RefusalOf("report", "\xff\xff\xff"), "MALFORMED ");
}

TEST(ReportPlugin, ARefusalDoesNotQuotePersonalData) {
  const DecodeOutcome outcome =
      DecodeWith("report", R"({"reportId":"R","kind":"GRID_REPORT","confidence":"13812345678",
                               "summary":"13912345678"})");
  ASSERT_TRUE(outcome.refusal);
  EXPECT_THAT(outcome.refusal->message, Not(HasSubstr("13812345678")));
  EXPECT_THAT(outcome.masked_payload, Not(HasSubstr("13812345678")));
  EXPECT_THAT(outcome.masked_payload, HasSubstr("139****5678"));
}

}  // namespace
}  // namespace fusiongateway
