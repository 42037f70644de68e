#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kOdourCall[] = R"({
  "type": "call", "JJDBH": "410200000000202611230000000001", "GLZJJDBH": "", "XZQHDM": "410202",
  "JJLX": "01", "JQLYFS": "01", "BJSJ": "20261123100000", "JJSJ": "20261123100005",
  "JJWCSJ": "20261123100130", "BJDH": "13812345678", "BJRMC": "张三",
  "BJRZJHM": "41020419900101123X", "LXDH": "0371-23456789", "BJDZ": "某小区",
  "JQDZ": "龙亭区东环路", "FXDWJD": 114.312943, "FXDWWD": "34.796206", "CRS": "GCJ02",
  "JQLBDM": "800200", "JQDJDM": "04", "BJNR": "张三称闻到刺鼻气味，请回电 138 1234 5678",
  "YWWXWZ": 1, "YWBZXL": "0", "SFSWHCL": 0, "BKRS": 0, "SSRS": "2", "SWRS": 0, "SFBM": 0})";

TEST(Police110, ReadsACallWhole) {
  const Report report = DecodeOne("police110", kOdourCall);
  EXPECT_EQ(report.report_id, "410200000000202611230000000001");
  EXPECT_EQ(report.feed_id, "police110-1");
  EXPECT_EQ(report.kind, ReportKind::kPoliceCall);
  EXPECT_EQ(report.action, ReportAction::kStart);
  EXPECT_EQ(report.occurred_at, Time("2026-11-23T10:00:00+08:00"));
  EXPECT_EQ(report.updated_at, Time("2026-11-23T10:01:30+08:00"));
  EXPECT_EQ(report.time_resolution, std::chrono::seconds{1});
  EXPECT_EQ(report.district_code, "410202");
  EXPECT_EQ(report.class_code, "12D02");
  EXPECT_EQ(report.severity, Severity::kSevere) << "two injured";
  EXPECT_FALSE(report.restricted);
  ASSERT_TRUE(report.position);
  EXPECT_NEAR(report.position->longitude, 114.3071, 1e-5);
  EXPECT_NEAR(report.position->latitude, 34.7971, 1e-5);
  const auto& call = std::get<PoliceCallDetail>(report.detail);
  EXPECT_EQ(call.document, PoliceCallDetail::Document::kCall);
  EXPECT_EQ(call.call_id, report.report_id);
  EXPECT_THAT(call.category_codes, ElementsAre("800200"));
  EXPECT_TRUE(call.hazardous_substance);
  EXPECT_FALSE(call.explosion_or_leak);
  EXPECT_EQ(call.injured, 2u);
  EXPECT_EQ(call.intake_type, "01");
  EXPECT_EQ(call.intake_source, "01");
  EXPECT_EQ(call.caller_address, "某小区");
  EXPECT_EQ(call.address, "龙亭区东环路");
  EXPECT_EQ(call.grade_code, "04");
  EXPECT_THAT(report.unknown_fields_json, IsEmpty()) << "every field of the call is known";
  EXPECT_THAT(report.flags, IsEmpty());
}

TEST(Police110, ACorrectedCallIsALaterVersionOfTheSame) {
  const std::string call = R"({"type":"call","JJDBH":"J1","BJSJ":"20261123100000",
      "JJSJ":"20261123100005","SWRS":)";
  const Report first = DecodeOne("police110", call + "3}");
  const Report corrected = DecodeOne("police110", call + R"(10,"JJWCSJ":"20261123100400"})");
  EXPECT_EQ(corrected.report_id, first.report_id);
  EXPECT_EQ(corrected.occurred_at, first.occurred_at);
  EXPECT_LT(first.updated_at, corrected.updated_at);
  EXPECT_EQ(std::get<PoliceCallDetail>(corrected.detail).dead, 10u);
}

TEST(Police110, AnyDocumentMayTellOfTheMatter) {
  for (const char* document : {R"("type":"call")", R"("type":"dispatch","PJDBH":"P1")",
                               R"("type":"feedback","FKDBH":"F1")"}) {
    const Report report = DecodeOne(
        "police110", std::string("{") + document + R"(,"JJDBH":"J1","GLZJJDBH":"J0","BKRS":4,
            "SSRS":2,"SWRS":1,"YWWXWZ":1,"YWBZXL":1,"SFSWHCL":1,"JQLBDM":"800200",
            "JQDZ":"东环路","FXDWJD":114.3071,"FXDWWD":34.7971,"CRS":"WGS84","SFBM":1})");
    const auto& call = std::get<PoliceCallDetail>(report.detail);
    EXPECT_EQ(call.main_call_id, "J0") << document;
    EXPECT_EQ(call.trapped, 4u);
    EXPECT_EQ(call.injured, 2u);
    EXPECT_EQ(call.dead, 1u);
    EXPECT_TRUE(call.hazardous_substance && call.explosion_or_leak && call.hazmat_vehicle);
    EXPECT_EQ(report.class_code, "12D02");
    EXPECT_EQ(report.severity, Severity::kExtreme);
    EXPECT_TRUE(report.position);
    EXPECT_TRUE(report.restricted);
  }
}

TEST(Police110, WithoutAPlaceOfItsOwnTheCallersIsShown) {
  const Report report =
      DecodeOne("police110", R"({"type":"call","JJDBH":"J1","BJDZ":"汴京路 12 号"})");
  EXPECT_THAT(report.summary, HasSubstr("汴京路 12 号"));
  EXPECT_THAT(std::get<PoliceCallDetail>(report.detail).address, IsEmpty());
}

TEST(Police110, ZeroIsNoCoordinate) {
  const auto decoded = [](const char* more) {
    return DecodeOne("police110", std::string(R"({"type":"call","JJDBH":"J1",)") + more + "}");
  };
  for (const char* none : {R"("FXDWJD":0,"FXDWWD":0)", R"("FXDWJD":"0","FXDWWD":"0.0")",
                           R"("FXDWJD":"","FXDWWD":"")", R"("FXDWJD":null)"}) {
    EXPECT_FALSE(decoded(none).position) << none;
    EXPECT_THAT(decoded(none).flags, IsEmpty()) << none;
  }
  const Report half = decoded(R"("FXDWJD":0,"FXDWWD":34.8)");
  EXPECT_FALSE(half.position);
  EXPECT_THAT(half.flags, ElementsAre("POSITION_INCOMPLETE"));
}

TEST(Police110, APlaceInAnUnknownSystemIsAsUncertainAsTheSystemsLieApart) {
  const auto uncertainty = [](const char* crs) {
    const Report report =
        DecodeOne("police110", std::string(R"({"type":"call","JJDBH":"J1","FXDWJD":114.3,
                                               "FXDWWD":34.8,"CRS":")") +
                                   crs + "\"}");
    return report.position ? report.position->uncertainty_m : -1;
  };
  EXPECT_DOUBLE_EQ(uncertainty("BD09"), 50);
  EXPECT_GE(uncertainty("MARS"), 1300);
}

TEST(Police110, NothingOfTheCallerIsLeftAnywhere) {
  const Report report = DecodeOne("police110", kOdourCall);
  const auto& call = std::get<PoliceCallDetail>(report.detail);
  EXPECT_EQ(call.text, "张*称闻到刺鼻气味，请回电 138****5678");
  for (const auto& text : {report.summary, call.text, call.address, report.unknown_fields_json}) {
    EXPECT_THAT(text, Not(HasSubstr("张三")));
    EXPECT_THAT(text, Not(HasSubstr("13812345678")));
    EXPECT_THAT(text, Not(HasSubstr("23456789")));
    EXPECT_THAT(text, Not(HasSubstr("41020419900101123X")));
  }
}

TEST(Police110, ADispatchAndAFeedbackNameTheirCall) {
  const Report dispatch = DecodeOne("police110", R"({"type":"dispatch","JJDBH":"J1","PJDBH":"P1",
      "PJSJ":"20261123100200","CJDWDM":"410202010000","XZQHDM":"410202"})");
  EXPECT_EQ(dispatch.report_id, "P1");
  EXPECT_EQ(dispatch.action, ReportAction::kUpdate);
  EXPECT_EQ(std::get<PoliceCallDetail>(dispatch.detail).call_id, "J1");
  EXPECT_EQ(std::get<PoliceCallDetail>(dispatch.detail).unit_code, "410202010000");

  const Report feedback = DecodeOne("police110", R"({"type":"feedback","JJDBH":"J1","FKDBH":"F1",
      "FKSJ":"20261123101500","FKNR":"3人死亡","SSRS":1,"SWRS":3,"CLJG":"01"})");
  EXPECT_EQ(feedback.report_id, "F1");
  EXPECT_EQ(feedback.severity, Severity::kExtreme);
  EXPECT_EQ(std::get<PoliceCallDetail>(feedback.detail).dead, 3u);
  EXPECT_EQ(feedback.district_code, "410202") << "the feed's own, where none is sent";
}

TEST(Police110, AFalseCallCancels) {
  const Report report =
      DecodeOne("police110", R"({"type":"feedback","JJDBH":"J1","FKDBH":"F1","CLJG":"03"})");
  EXPECT_EQ(report.action, ReportAction::kCancel);
}

TEST(Police110, SecretCallsAreRestricted) {
  EXPECT_TRUE(DecodeOne("police110", R"({"type":"call","JJDBH":"J1","SFBM":"1"})").restricted);
  EXPECT_TRUE(
      DecodeOne("police110", R"({"type":"dispatch","JJDBH":"J","PJDBH":"P","SFBM":1})").restricted);
  EXPECT_TRUE(DecodeOne("police110", R"({"type":"feedback","JJDBH":"J","FKDBH":"F","SFBM":true})")
                  .restricted);
}

TEST(Police110, UnknownCodesAreTakenAndFlagged) {
  const Report report = DecodeOne(
      "police110", R"({"type":"call","JJDBH":"J1","JQLBDM":"999999","CRS":"MARS","XZQHDM":"1"})");
  EXPECT_THAT(report.flags, Contains("UNKNOWN_CODE:JQLBDM"));
  EXPECT_THAT(report.flags, Contains("UNKNOWN_CODE:CRS"));
  EXPECT_THAT(report.flags, Contains("UNKNOWN_CODE:district_code"));
  EXPECT_THAT(report.class_code, IsEmpty());
  EXPECT_EQ(report.district_code, "410202");
}

TEST(Police110, UnknownFieldsAreKeptAndMasked) {
  const Report report = DecodeOne(
      "police110",
      R"({"type":"call","JJDBH":"J1","BJRMC":"李小龙","newField":{"a":[13912345678,"李小龙 on site"],
          "n":4}})");
  EXPECT_EQ(report.unknown_fields_json,
            R"({"newField":{"a":["139****5678","李* on site"],"n":4}})");
}

TEST(Police110, AnArrayIsTakenWholeOrRefusedWhole) {
  const DecodeOutcome both =
      DecodeWith("police110", R"([{"type":"call","JJDBH":"J1"},{"type":"call","JJDBH":"J2"}])");
  ASSERT_EQ(both.reports.size(), 2u);
  EXPECT_EQ(both.reports[1].report_id, "J2");
  EXPECT_EQ(RefusalOf("police110", R"([{"type":"call","JJDBH":"J1"},{"type":"call"}])"),
            "MISSING_FIELD [1].JJDBH");
  EXPECT_EQ(RefusalOf("police110", R"([{"type":"call","JJDBH":"J1"},7])"), "WRONG_TYPE [1]");
  EXPECT_EQ(RefusalOf("police110", "[]"), "MISSING_FIELD ");
}

TEST(Police110, RefusalsNameTheFieldAndTheReason) {
  const struct {
    const char* payload;
    const char* refusal;
  } cases[] = {
      {"", "MALFORMED "},
      {"{\"type\":\"call\"", "MALFORMED "},
      {"{\"type\":\"call\",\"JJDBH\":\"\xff\xfe\"}", "MALFORMED "},
      {R"({"type":"call","JJDBH":"J1","SSRS":1e999})", "MALFORMED "},
      {R"("text")", "WRONG_TYPE "},
      {R"({"JJDBH":"J1"})", "MISSING_FIELD type"},
      {R"({"type":"call"})", "MISSING_FIELD JJDBH"},
      {R"({"type":"call","JJDBH":null})", "MISSING_FIELD JJDBH"},
      {R"({"type":"dispatch","JJDBH":"J1"})", "MISSING_FIELD PJDBH"},
      {R"({"type":"feedback","JJDBH":"J1"})", "MISSING_FIELD FKDBH"},
      {R"({"type":"wish","JJDBH":"J1"})", "UNKNOWN_TYPE type"},
      {R"({"type":"call","JJDBH":7})", "WRONG_TYPE JJDBH"},
      {R"({"type":"call","JJDBH":"J1","BJSJ":"yesterday"})", "WRONG_TYPE BJSJ"},
      {R"({"type":"call","JJDBH":"J1","BJSJ":"20261323100000"})", "OUT_OF_RANGE BJSJ"},
      {R"({"type":"call","JJDBH":"J1","BJSJ":{}})", "WRONG_TYPE BJSJ"},
      {R"({"type":"call","JJDBH":"J1","SSRS":"two"})", "WRONG_TYPE SSRS"},
      {R"({"type":"call","JJDBH":"J1","SSRS":-1})", "OUT_OF_RANGE SSRS"},
      {R"({"type":"call","JJDBH":"J1","SSRS":1.5})", "OUT_OF_RANGE SSRS"},
      {R"({"type":"call","JJDBH":"J1","SFBM":"maybe"})", "WRONG_TYPE SFBM"},
      {R"({"type":"call","JJDBH":"J1","FXDWJD":999,"FXDWWD":34})", "OUT_OF_RANGE FXDWJD"},
      {R"({"type":"call","JJDBH":"J1","BJNR":["a"]})", "WRONG_TYPE BJNR"},
  };
  for (const auto& c : cases) EXPECT_EQ(RefusalOf("police110", c.payload), c.refusal) << c.payload;
}

TEST(Police110, AnIdOfMoreThan128BytesIsRefused) {
  EXPECT_EQ(RefusalOf("police110", R"({"type":"call","JJDBH":")" + std::string(129, '1') + "\"}"),
            "OUT_OF_RANGE JJDBH");
}

TEST(Police110, DeepNestingIsRefusedWithoutFallingOver) {
  const std::string open(500'000, '[');
  EXPECT_EQ(RefusalOf("police110", open), "MALFORMED ");
  EXPECT_EQ(RefusalOf("police110", R"({"type":"call","JJDBH":"J1","x":)" + std::string(40, '[') +
                                       std::string(40, ']') + "}"),
            "MALFORMED ");
}

TEST(Police110, HalfAPositionIsFlaggedAndTheCallTaken) {
  const Report report = DecodeOne("police110", R"({"type":"call","JJDBH":"J1","FXDWJD":114.3})");
  EXPECT_FALSE(report.position);
  EXPECT_THAT(report.flags, Contains("POSITION_INCOMPLETE"));
}

TEST(Police110, ClassesComeFromCategoriesFlagsAndWords) {
  const struct {
    const char* fields;
    const char* class_code;
  } cases[] = {
      {R"("JQLBDM":"400100")", "12G00"},
      {R"("JQLBDM":"400100","BJNR":"厂房冒烟")", "12G01"},
      {R"("JQLBDM":"800200","BJNR":"罐区氯气泄漏")", "12D02"},
      {R"("JQLBDM":"800200","BJNR":"爆炸了")", "12D01"},
      {R"("JQLBDM":"800200")", "12D99"},
      {R"("YWWXWZ":1,"YWBZXL":1)", "12D02"},
      {R"("JQLBDM":"600900","BJNR":"冒黑烟")", "12Q02"},
      {R"("JQLBDM":"800400","BJNR":"路面积水")", "11A02"},
      {R"("JQLBDM":"601500")", ""},
  };
  for (const auto& c : cases) {
    const std::string payload = std::string(R"({"type":"call","JJDBH":"J1",)") + c.fields + "}";
    EXPECT_EQ(DecodeOne("police110", payload).class_code, c.class_code) << payload;
  }
}

}  // namespace
}  // namespace fusiongateway
