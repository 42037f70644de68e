#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string EnergyData(const std::string& connected, const std::string& datas) {
  return R"({"dataType":"energy_data","enterpriseId":"410200007","gatewayId":"GW1",
             "collectTime":"20261123100000","isConnectDataSource":)" +
         connected + R"(,"datas":)" + datas + "}";
}

constexpr char kChlorineAlarm[] = R"({"dataType":"alarm","enterpriseId":"410200007",
    "alarmId":"AL1","quotaId":"410200007002G0001QT001","level":"HH","value":3.4,"threshold":"3",
    "unit":"ppm","startTime":"20261123100000","state":"active","gatewayId":"GW1"})";

TEST(Hazmat, ReadsTheValuesOfOneCollection) {
  const Report report =
      DecodeOne("hazmat", EnergyData("true", R"([{"quotaId":"410200007002G0001YW001","value":1.25},
                             {"quotaId":"410200007002G0001WD001","value":"20.5"}])"));
  EXPECT_EQ(report.kind, ReportKind::kSensorReading);
  EXPECT_EQ(report.report_id, "GW1:20261123100000");
  EXPECT_EQ(report.clock_id, "GW1") << "a device behind the publisher has its own clock";
  EXPECT_EQ(report.site_id, "chlorine-works");
  EXPECT_EQ(report.district_code, "410212") << "the site's";
  const auto& sensor = std::get<SensorDetail>(report.detail);
  ASSERT_EQ(sensor.values.size(), 2u);
  EXPECT_DOUBLE_EQ(sensor.values[1].value, 20.5);
}

// The level that a value of this point has reached, and its unit.
std::string JudgedAs(const std::string& quota_id, const std::string& value) {
  const Report report = DecodeOne(
      "hazmat", EnergyData("true", R"([{"quotaId":")" + quota_id + R"(","value":)" + value + "}]"));
  const auto& sensor = std::get<SensorDetail>(report.detail);
  if (sensor.values.size() != 1) return "lost";
  return sensor.values[0].level + " " + sensor.values[0].unit;
}

TEST(Hazmat, AValueIsJudgedByItsPointsLimits) {
  const std::string level = "410200007002G0001YW001";
  EXPECT_EQ(JudgedAs(level, "0.3"), "LL m");
  EXPECT_EQ(JudgedAs(level, "0.31"), "L m");
  EXPECT_EQ(JudgedAs(level, "0.5"), "L m");
  EXPECT_EQ(JudgedAs(level, "2"), " m");
  EXPECT_EQ(JudgedAs(level, "3.6"), "H m");
  EXPECT_EQ(JudgedAs(level, "1e9"), "HH m");
  EXPECT_EQ(JudgedAs("pump-7", "1.3"), "H MPa") << "the site table gives its indicator";
  EXPECT_EQ(JudgedAs("410200007002G0001YW002", "1e9"), " ") << "not in the site table";
}

TEST(Hazmat, AGasPointWithoutLimitsHasThoseOfItsMedium) {
  EXPECT_EQ(JudgedAs("410200007002G0001QT001", "0.99"), " ppm") << "chlorine, as its site";
  EXPECT_EQ(JudgedAs("410200007002G0001QT001", "1"), "H ppm");
  EXPECT_EQ(JudgedAs("410200007002G0001QT001", "3"), "HH ppm");
  EXPECT_EQ(JudgedAs("410200007002G0001QT002", "24.9"), " %LEL");
  EXPECT_EQ(JudgedAs("410200007002G0001QT002", "25"), "H %LEL");
  EXPECT_EQ(JudgedAs("410200007002G0001QT002", "50"), "HH %LEL");
  EXPECT_EQ(JudgedAs("410200007002G0001QT003", "90"), " mg/m3") << "the table's limits are in %LEL";
}

TEST(Hazmat, TheWorstValueMakesTheReadingsSeverity) {
  const Report report =
      DecodeOne("hazmat", EnergyData("true", R"([{"quotaId":"410200007002G0001YW001","value":0.4},
                             {"quotaId":"410200007002G0001QT001","value":3.4},
                             {"quotaId":"410200007002G0001QT002","value":26}])"));
  EXPECT_EQ(report.kind, ReportKind::kSensorReading) << "a value is no alarm in itself";
  EXPECT_EQ(report.severity, Severity::kSevere);
  EXPECT_THAT(report.summary, HasSubstr("高高限"));
  const Report quiet = DecodeOne(
      "hazmat", EnergyData("true", R"([{"quotaId":"410200007002G0001YW001","value":2}])"));
  EXPECT_EQ(quiet.severity, Severity::kInfo);
}

TEST(Hazmat, AnUnknownIndicatorOrFormOfAPointIsFlaggedOnceAndTaken) {
  const Report odd =
      DecodeOne("hazmat", EnergyData("true", R"([{"quotaId":"410200007002G0001ZZ001","value":1},
                             {"quotaId":"meter 4","value":2},
                             {"quotaId":"410200007002G0001WD001","value":3}])"));
  EXPECT_THAT(odd.flags, ElementsAre("UNKNOWN_CODE:quotaId"));
  EXPECT_EQ(std::get<SensorDetail>(odd.detail).values.size(), 3u);
  const Report known =
      DecodeOne("hazmat", EnergyData("true", R"([{"quotaId":"410200007002G0001WD001","value":3},
                                       {"quotaId":"pump-7","value":1}])"));
  EXPECT_THAT(known.flags, IsEmpty());
}

TEST(Hazmat, AnEnterpriseOfAnotherCityIsFlagged) {
  EXPECT_THAT(DecodeOne("hazmat", R"({"dataType":"state","enterpriseId":"410100007",
      "gatewayId":"GW1","collectTime":"20261123100000","isConnectDataSource":true})")
                  .flags,
              ElementsAre("UNKNOWN_CODE:enterpriseId"));
}

TEST(Hazmat, WhatAValueSaysBesideItselfIsKept) {
  const Report report =
      DecodeOne("hazmat", EnergyData("true", R"([{"quotaId":"410200007002G0001WD001","value":3},
          {"quotaId":"410200007002G0001WD002","value":3,"quality":"bad","by":"13812345678"}])"));
  EXPECT_EQ(report.unknown_fields_json, R"({"datas[1]":{"by":"138****5678","quality":"bad"}})");
}

TEST(Hazmat, ThousandsOfValuesFitIntoOnePayload) {
  const auto values = [](int count) {
    std::string datas = "[";
    for (int i = 0; i < count; ++i) {
      datas += std::string(i > 0 ? "," : "") + R"({"quotaId":"410200007002G)" +
               std::to_string(1000 + i / 1000) + "WD" + std::to_string(1000 + i % 1000).substr(1) +
               R"(","value":)" + std::to_string(i) + "}";
    }
    return EnergyData("true", datas + "]");
  };
  const Report report = DecodeOne("hazmat", values(5000));
  const auto& sensor = std::get<SensorDetail>(report.detail);
  ASSERT_EQ(sensor.values.size(), 5000u);
  EXPECT_DOUBLE_EQ(sensor.values[4999].value, 4999);
  EXPECT_EQ(RefusalOf("hazmat", values(20'001)), "OUT_OF_RANGE datas");
}

TEST(Hazmat, LeftoversOfALostSourceAreNotRead) {
  const Report report = DecodeOne("hazmat", EnergyData("\"false\"", R"([{"value":"---"},7])"));
  EXPECT_EQ(report.kind, ReportKind::kDataLost);
  EXPECT_THAT(report.unknown_fields_json, IsEmpty());
}

TEST(Hazmat, TheSiteTableTellsWhatAnAlarmLeavesOut) {
  const auto alarm = [](const std::string& more) {
    return R"({"dataType":"alarm","enterpriseId":"410200007","alarmId":"AL1",
               "quotaId":"410200007002G0001QT001","level":"HH","value":3.4)" +
           more + "}";
  };
  const Report bare = DecodeOne("hazmat", alarm(""));
  const auto& sensor = std::get<SensorDetail>(bare.detail);
  EXPECT_EQ(sensor.unit, "ppm");
  EXPECT_DOUBLE_EQ(sensor.threshold, 3);
  EXPECT_EQ(sensor.medium, "chlorine");
  EXPECT_EQ(sensor.hazard_level, 2u);
  ASSERT_TRUE(sensor.limits);
  EXPECT_EQ(sensor.limits->high, 1);
  EXPECT_EQ(sensor.limits->high_high, 3);
  EXPECT_FALSE(sensor.limits->low_low);
  EXPECT_THAT(bare.summary, HasSubstr("T-101 罐区 氯气气体浓度高高限 3.4ppm（限值 3ppm）"));

  const Report said = DecodeOne("hazmat", alarm(R"(,"unit":"mg/m3","threshold":0)"));
  EXPECT_EQ(std::get<SensorDetail>(said.detail).unit, "mg/m3") << "the source's own word";
  EXPECT_DOUBLE_EQ(std::get<SensorDetail>(said.detail).threshold, 0);
  EXPECT_DOUBLE_EQ(
      std::get<SensorDetail>(DecodeOne("hazmat", alarm(R"(,"unit":"mg/m3")")).detail).threshold, 0)
      << "a limit in ppm is no threshold in mg/m3";
}

TEST(Hazmat, DataLostIsNeverAReadingHoweverItIsWritten) {
  for (const char* lost : {"\"false\"", "false", "0", "\"0\""}) {
    const Report report = DecodeOne(
        "hazmat", EnergyData(lost, R"([{"quotaId":"410200007002G0001YW001","value":null}])"));
    EXPECT_EQ(report.kind, ReportKind::kDataLost) << lost;
    EXPECT_EQ(report.action, ReportAction::kStart);
    EXPECT_THAT(std::get<SensorDetail>(report.detail).values, IsEmpty());
  }
}

TEST(Hazmat, AStateEndsOrBeginsDataLost) {
  const std::string state = R"({"dataType":"state","enterpriseId":"410200007","gatewayId":"GW1",
      "collectTime":"20261123100500","isConnectDataSource":)";
  const Report back = DecodeOne("hazmat", state + "true}");
  EXPECT_EQ(back.kind, ReportKind::kDataLost);
  EXPECT_EQ(back.action, ReportAction::kStop);
  EXPECT_EQ(DecodeOne("hazmat", state + "\"false\"}").action, ReportAction::kStart);
}

TEST(Hazmat, AGasAlarmAtAChlorineSiteIsALeak) {
  const Report report = DecodeOne("hazmat", kChlorineAlarm);
  EXPECT_EQ(report.kind, ReportKind::kSensorAlarm);
  EXPECT_EQ(report.report_id, "AL1");
  EXPECT_EQ(report.class_code, "12D02");
  EXPECT_EQ(report.severity, Severity::kSevere);
  EXPECT_EQ(report.device_id, "410200007002G0001QT001");
  EXPECT_EQ(report.site_id, "chlorine-works");
  const auto& sensor = std::get<SensorDetail>(report.detail);
  EXPECT_EQ(sensor.medium, "chlorine");
  EXPECT_EQ(sensor.indicator, "QT");
  EXPECT_DOUBLE_EQ(sensor.threshold, 3);
  EXPECT_THAT(report.summary, HasSubstr("氯气"));
  EXPECT_THAT(report.summary, HasSubstr("3.4ppm"));
}

TEST(Hazmat, AClearedAlarmStopsWhenItEnded) {
  const Report report = DecodeOne("hazmat", R"({"dataType":"alarm","enterpriseId":"410200007",
      "alarmId":"AL1","quotaId":"410200007002G0001YW001","level":"H","value":9,
      "startTime":"20261123095000","endTime":"20261123100000","state":"cleared"})");
  EXPECT_EQ(report.action, ReportAction::kStop);
  EXPECT_EQ(report.occurred_at, Time("2026-11-23T10:00:00+08:00"));
  EXPECT_EQ(report.class_code, "12D99");
  EXPECT_EQ(report.severity, Severity::kModerate);
}

TEST(Hazmat, AWarningIsAnotherKindThanAnAlarm) {
  const Report report = DecodeOne("hazmat", R"({"dataType":"warning","warningId":"W1",
      "enterpriseId":"410200007","colour":"orange","time":"20261123100000",
      "reason":"联系 13812345678"})");
  EXPECT_EQ(report.kind, ReportKind::kRiskWarning);
  EXPECT_EQ(report.severity, Severity::kSevere);
  EXPECT_EQ(std::get<RiskWarningDetail>(report.detail).reason, "联系 138****5678");
  EXPECT_EQ(std::get<RiskWarningDetail>(report.detail).hazard_level, 2u);
}

TEST(Hazmat, UnknownCodesAreTakenAndFlagged) {
  const Report report = DecodeOne("hazmat", R"({"dataType":"alarm","enterpriseId":"X","alarmId":"A",
      "quotaId":"pump-8","level":"HHH","value":1,"state":"odd"})");
  for (const char* field : {"enterpriseId", "quotaId", "level", "state"}) {
    EXPECT_THAT(report.flags, Contains("UNKNOWN_CODE:" + std::string(field)));
  }
  EXPECT_EQ(report.class_code, "12D99");
}

TEST(Hazmat, RefusalsNameTheFieldAndTheReason) {
  const struct {
    std::string payload;
    const char* refusal;
  } cases[] = {
      {R"({"enterpriseId":"410200007"})", "MISSING_FIELD dataType"},
      {R"({"dataType":"poem"})", "UNKNOWN_TYPE dataType"},
      {EnergyData("\"maybe\"", "[]"), "WRONG_TYPE isConnectDataSource"},
      {EnergyData("true", "null"), "MISSING_FIELD datas"},
      {EnergyData("true", "\"x\""), "WRONG_TYPE datas"},
      {EnergyData("true", "[7]"), "WRONG_TYPE datas[0]"},
      {EnergyData("true", R"([{"quotaId":"q","value":"high"}])"), "WRONG_TYPE datas[0].value"},
      {EnergyData("true", R"([{"quotaId":"q","value":1e300}])"), "OUT_OF_RANGE datas[0].value"},
      {EnergyData("true", R"([{"quotaId":"q"}])"), "MISSING_FIELD datas[0].value"},
      {EnergyData("true", R"([{"value":1}])"), "MISSING_FIELD datas[0].quotaId"},
      {R"({"dataType":"energy_data","enterpriseId":"410200007","gatewayId":"G","datas":[]})",
       "MISSING_FIELD collectTime"},
      {R"({"dataType":"state","enterpriseId":"410200007","gatewayId":"G",
           "collectTime":"20261123100000"})",
       "MISSING_FIELD isConnectDataSource"},
      {R"({"dataType":"alarm","enterpriseId":"410200007","quotaId":"q","level":"H","value":1})",
       "MISSING_FIELD alarmId"},
      {R"({"dataType":"warning","enterpriseId":"410200007","warningId":"w"})",
       "MISSING_FIELD colour"},
  };
  for (const auto& c : cases) EXPECT_EQ(RefusalOf("hazmat", c.payload), c.refusal) << c.payload;
}

}  // namespace
}  // namespace fusiongateway
