#include "app/commands/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/clients/temp_folder.h"

namespace fusiongateway {
namespace {

using client::TempFolder;
using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kAlarm[] =
    R"({"dataType":"alarm","enterpriseId":"410200007","alarmId":"A-1",)"
    R"("quotaId":"410200007002G0001QT001","level":"HH","value":3.4,"threshold":3,"unit":"ppm",)"
    R"("startTime":"20261123100000","state":"active","dutyRoom":"B-2"})";
constexpr char kSite[] =
    "gateway_id: a\n"
    "sites:\n"
    "  - {site_id: works, name: 氯碱厂, district_code: '410212', device_ids: ['410200007']}\n"
    "feeds:\n"
    "  - {feed_id: tanks, plugin: hazmat}\n"
    "  - {feed_id: calls, plugin: police110}\n"
    "  - {feed_id: towers, plugin: sky_guard}\n";

class DoctorTest : public testing::Test {
 protected:
  DoctorTest() {
    std::ofstream(config_) << kSite;
    options_.config = config_;
    options_.feed_id = "tanks";
    options_.at = "2026-11-23T10:00:02+08:00";
    options_.input = file_;
  }

  int Run(const std::string& text) {
    std::ofstream(file_) << text;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = RunDoctor(options_);
    told_ = testing::internal::GetCapturedStdout();
    error_ = testing::internal::GetCapturedStderr();
    return status;
  }
  // One examination a payload.
  std::vector<json> RunForJson(const std::string& text, int status) {
    options_.json = true;
    EXPECT_EQ(Run(text), status) << error_;
    std::vector<json> all;
    std::istringstream lines(told_);
    for (std::string line; std::getline(lines, line);) all.push_back(json::parse(line));
    return all;
  }

  static json Field(const json& examined, const std::string& path) {
    for (const json& field : examined["fields"]) {
      if (field["path"] == path) return field;
    }
    ADD_FAILURE() << "no field " << path;
    return json::object();
  }
  static std::vector<std::string> Became(const json& examined, const std::string& path) {
    std::vector<std::string> became;
    const json traced = Field(examined, path);
    for (const json& field : traced["became"]) {
      became.push_back(field["path"].get<std::string>() + "=" + field["value"].get<std::string>());
    }
    return became;
  }
  static std::vector<std::string> Codes(const json& notes) {
    std::vector<std::string> codes;
    for (const json& note : notes) codes.push_back(note["code"]);
    return codes;
  }
  std::vector<std::string> NotesOf(const std::string& payload) {
    const auto all = RunForJson(payload, 0);
    return Codes(all.at(0)["reports"][0]["notes"]);
  }

  const TempFolder folder_;
  const std::string config_ = folder_.Path("site.yaml");
  const std::string file_ = folder_.Path("samples.ndjson");
  DoctorOptions options_;
  std::string told_;
  std::string error_;
};

TEST_F(DoctorTest, EachFieldIsShownWithWhatItBecame) {
  const json examined = RunForJson(kAlarm, 0).at(0);
  EXPECT_TRUE(examined["accepted"]);
  EXPECT_THAT(Became(examined, "startTime"), Contains("occurredAt=2026-11-23T02:00:00Z"));
  EXPECT_THAT(Became(examined, "level"), Contains("sensor.level=HH"));
  EXPECT_EQ(Field(examined, "level")["role"], "required");
  EXPECT_THAT(Became(examined, "alarmId"), Contains("reportId=A-1"));
  EXPECT_THAT(Became(examined, "enterpriseId"), Contains("sensor.enterpriseId=410200007"))
      << "also where another field would have said it";
  EXPECT_EQ(Field(examined, "state")["role"], "noEffect") << "active is what it is without it";
  EXPECT_THAT(Became(examined, "unit"), Contains("sensor.unit=ppm"));
  EXPECT_EQ(Field(examined, "dutyRoom")["role"], "unknown");
  EXPECT_EQ(examined["reports"][0]["report"]["siteId"], "works");
  EXPECT_EQ(examined["reports"][0]["report"]["districtCode"], "410212");
}

TEST_F(DoctorTest, TheTableNamesCodesZoneClockSourceAndWhatIsMissing) {
  EXPECT_EQ(Run(kAlarm), 0) << error_;
  for (const char* said :
       {"read as UTC+08:00", "source DECLARED", "祥符区", "Xiangfu District", "NO_POSITION",
        "NO_CLOCK_ID", "COARSE_TIME", "unknown, kept", "1 accepted, 0 refused"}) {
    EXPECT_THAT(told_, HasSubstr(said));
  }
}

TEST_F(DoctorTest, PersonsAreShownMaskedOnly) {
  options_.feed_id = "calls";
  const std::string call =
      R"({"type":"call","JJDBH":"410202001","BJSJ":"20261123100000","BJRMC":"张三",)"
      R"("BJDH":"13912345678","BJNR":"张三 13912345678 说有气味","FXDWJD":114.312943,)"
      R"("FXDWWD":34.796206,"XZQHDM":"410202"})";
  EXPECT_EQ(Run(call), 0) << error_;
  EXPECT_THAT(told_, HasSubstr("139****5678"));
  EXPECT_THAT(told_, HasSubstr("(已屏蔽 masked)"));
  EXPECT_THAT(told_, Not(HasSubstr("13912345678")));
  EXPECT_THAT(told_, Not(HasSubstr("张三")));
  EXPECT_THAT(told_, HasSubstr("GCJ-02 114.312943, 34.796206 → WGS-84 114.3071"));
  EXPECT_THAT(told_, HasSubstr("NO_CRS"));
  const json examined = RunForJson(call, 0).at(0);
  EXPECT_EQ(told_.find("13912345678"), std::string::npos);
  EXPECT_EQ(Field(examined, "BJDH")["masked"], true);
  EXPECT_EQ(Field(examined, "JJDBH")["masked"], false);
}

TEST_F(DoctorTest, ARefusalNamesCodeAndFieldAndFails) {
  const auto all = RunForJson(std::string(kAlarm) + "\n{\"dataType\":\"alarm\"}\nrubbish\n", 1);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_TRUE(all[0]["accepted"]);
  EXPECT_EQ(all[1]["rejection"]["code"], "MISSING_FIELD");
  EXPECT_EQ(all[1]["rejection"]["field"], "alarmId");
  EXPECT_EQ(all[2]["rejection"]["code"], "MALFORMED");
  EXPECT_THAT(all[2]["payload"].get<std::string>(), HasSubstr("samples.ndjson:3"));
  options_.json = false;
  EXPECT_EQ(Run("rubbish"), 1);
  EXPECT_THAT(told_, HasSubstr("拒收 refused MALFORMED"));
}

TEST_F(DoctorTest, EightHoursOffIsCalledATimeZone) {
  options_.at = "2026-11-23T10:00:02Z";  // the payload says ten o'clock, and means it in UTC
  EXPECT_THAT(NotesOf(kAlarm), Contains("TIME_ZONE"));
  options_.feed_id = "towers";
  const std::string ahead =
      R"({"alarmId":"S-1","cameraId":"41020000001310000001","alarmType":"smoke",)"
      R"("action":"start","occurTime":"2026-11-23T18:00:00Z"})";
  const auto notes = NotesOf(ahead);
  EXPECT_THAT(notes, Contains("TIME_ZONE"));
  EXPECT_THAT(notes, Contains("FUTURE_TIME"));
  EXPECT_THAT(notes, Contains("CLOCK_OFF"));
  options_.at = "2026-11-23T18:00:01Z";
  EXPECT_THAT(NotesOf(ahead), Not(Contains("TIME_ZONE")));
}

TEST_F(DoctorTest, AnEpochInSecondsIsTold) {
  options_.feed_id = "towers";
  const std::string tower = R"({"alarmId":"S-1","cameraId":"41020000001310000001",)"
                            R"("alarmType":"smoke","action":"start","occurTime":)";
  EXPECT_THAT(NotesOf(tower + "1795399200}"), Contains("EPOCH_SECONDS"));
  const auto refused = RunForJson(tower + "\"1795399200\"}", 1);
  EXPECT_THAT(Codes(refused.at(0)["notes"]), Contains("EPOCH_SECONDS"));
  options_.at = "2026-11-23T02:00:01Z";
  EXPECT_THAT(NotesOf(tower + "1795399200000}"), Not(Contains("EPOCH_SECONDS")));
}

TEST_F(DoctorTest, AFileOfOneArrayIsExaminedElementByElement) {
  const auto all = RunForJson("[\n" + std::string(kAlarm) + ",\n{\"dataType\":\"poem\"}\n]\n", 1);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_TRUE(all[0]["accepted"]);
  EXPECT_THAT(all[1]["payload"].get<std::string>(), HasSubstr("samples.ndjson[1]"));
  EXPECT_EQ(all[1]["rejection"]["code"], "UNKNOWN_TYPE");
}

TEST_F(DoctorTest, ADocumentOverSeveralLinesIsOnePayload) {
  const std::string pretty = json::parse(kAlarm).dump(2);
  EXPECT_EQ(RunForJson(pretty, 0).size(), 1u);
}

TEST_F(DoctorTest, WithoutAConfigurationThePluginOfThatNameIsTried) {
  options_.config.clear();
  options_.feed_id = "hazmat";
  EXPECT_THAT(NotesOf(kAlarm), Contains("NO_SITE"));
  options_.feed_id.clear();
  options_.plugin = "hazmat";
  EXPECT_THAT(NotesOf(kAlarm), Contains("NO_SITE"));
}

TEST_F(DoctorTest, BadUsageIsSaidAndNothingIsExamined) {
  options_.feed_id = "none";
  EXPECT_EQ(Run(kAlarm), 2);
  EXPECT_THAT(error_, HasSubstr("tanks, calls, towers"));
  options_.feed_id = "tanks";
  options_.at = "yesterday";
  EXPECT_EQ(Run(kAlarm), 2);
  options_.at.clear();
  EXPECT_EQ(Run("\n \n"), 2);
  options_.input = folder_.Path("none");
  EXPECT_EQ(Run(kAlarm), 2);
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(DoctorTest, AFeedsNameWithoutItsConfigurationIsNoPlugin) {
  options_.config.clear();
  options_.feed_id = "try-it";
  EXPECT_EQ(Run(kAlarm), 2);
  EXPECT_THAT(error_, HasSubstr("give --config CONFIG"));
  EXPECT_THAT(error_, HasSubstr("hazmat"));
  EXPECT_THAT(error_, Not(HasSubstr("shared object")));
}

TEST_F(DoctorTest, AReportThatComesLateIsExplained) {
  options_.at = "2026-11-23T11:00:00+08:00";
  EXPECT_EQ(Run(kAlarm), 0);
  EXPECT_THAT(told_, HasSubstr("! DELAYED "));
  EXPECT_THAT(told_, HasSubstr("came later after its time than delay_max (5 s)"));
}

}  // namespace
}  // namespace fusiongateway
