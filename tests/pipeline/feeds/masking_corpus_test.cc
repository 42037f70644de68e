// Two corpora of JSON payloads, counted: what is personal must go, whatever its field and form, and
// what only looks like it must come out as it went in.
#include <gtest/gtest.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "pipeline/feeds/masking.h"

namespace fusiongateway {
namespace {

using Json = nlohmann::json;

UtcTime Arrival() { return *ParseRfc3339("2026-11-23T10:00:00Z"); }

std::string Masked(const std::string& payload) { return Masker(Arrival()).Json(payload); }

// Digits of any run, with what people put between them taken out.
std::string DigitsOf(const std::string& text) {
  std::string digits;
  for (const char c : text) {
    if (c >= '0' && c <= '9') digits += c;
  }
  return digits;
}

// What of a person each payload holds: none of `secrets` may be found in what is left, nor, if it
// is a number, its digits.
struct PersonalCase {
  std::string payload;
  std::vector<std::string> secrets;
};

std::vector<PersonalCase> PersonalCorpus() {
  std::vector<PersonalCase> corpus;
  // A field named for it, at any depth, in any spelling of the name.
  const std::vector<std::string> phone_keys = {
      "phone",     "Phone",       "PHONE",       "mobile",    "mobileNo",   "mobile_no",
      "tel",       "telephone",   "contactTel",  "cellPhone", "cell_phone", "phoneNumber",
      "phone-num", "callerPhone", "dutyPhone",   "LXDH",      "BJDH",       "lxdh",
      "LXRDH",     "SJHM",        "电话",        "联系电话",  "手机号码",   "联系方式",
      "contactNo", "homephone",   "reporterTel", "linkTel"};
  const std::vector<std::string> phone_values = {R"("23912345")",
                                                 R"("2391-2345")",
                                                 R"("2391 2345")",
                                                 R"("２３９１２３４５")",
                                                 R"(23912345)",
                                                 R"(["23912345"])",
                                                 R"({"value":"23912345","type":"home"})",
                                                 R"("（2391）2345")",
                                                 R"(2.3912345E7)"};
  for (const auto& key : phone_keys) {
    for (const auto& value : phone_values) {
      corpus.push_back({"{\"a\":[{\"" + key + "\":" + value + "}],\"note\":\"回电23912345\"}",
                        {"23912345", "２３９１２３４５"}});
    }
  }
  const std::vector<std::string> identity_keys = {
      "idCard",           "IDCard",   "id_card",  "idCardNo", "idcard_number", "ownerIdCard",
      "identityCard",     "idNo",     "idNumber", "sfzh",     "SFZH",          "SFZHM",
      "GMSFHM",           "BJRZJHM",  "ZJHM",     "CYZJHM",   "身份证",        "身份证号",
      "报警人身份证号码", "证件号码", "passport"};
  const std::vector<std::string> identity_values = {R"("410204199001011234")",
                                                    R"("41020419900101123X")",
                                                    R"(410204199001011234)",
                                                    R"(4.10204199001011234E17)",
                                                    R"("410204 19900101 1234")",
                                                    R"("４１０２０４１９９００１０１１２３４")",
                                                    R"("410204202611230001")",
                                                    R"("E12345678")",
                                                    R"("H1234567")",
                                                    R"("军字第1234567号")"};
  for (const auto& key : identity_keys) {
    for (const auto& value : identity_values) {
      corpus.push_back({"{\"person\":{\"x\":{\"" + key + "\":" + value + "}}}",
                        {"410204199", "19900101", "410204202611230001", "12345678", "H123456",
                         "1234567", "４１０２０４"}});
    }
  }
  const std::vector<std::string> name_keys = {
      "contactName", "contact_name", "CallerName", "reporter", "handler", "linkman",
      "realName",    "driverName",   "XM",         "BJRXM",    "DSRXM",   "LXR",
      "YWLXR",       "姓名",         "现场联系人", "报警人",   "经办人"};
  const std::vector<std::string> name_values = {R"("张三")", R"("张三先生")", R"(["李四","张三"])",
                                                R"({"name":"张三","unit":"消防支队"})",
                                                R"("张三 23912345")"};
  for (const auto& key : name_keys) {
    for (const auto& value : name_values) {
      corpus.push_back({"{\"" + key + "\":" + value + ",\"note\":\"见到张三，电话23912345\"}",
                        value.find("2391") == std::string::npos
                            ? std::vector<std::string>{"张三", "李四"}
                            : std::vector<std::string>{"张三", "23912345"}});
    }
  }
  // By form, in a field that says nothing: text, number, key.
  const std::vector<std::string> by_form = {R"("13812345678")",
                                            R"("请回电 138-1234-5678")",
                                            R"("+8613812345678")",
                                            R"("+86 138 1234 5678")",
                                            R"("+86-138-1234-5678")",
                                            R"("0086 13812345678")",
                                            R"("１３８１２３４５６７８")",
                                            R"("１３８ １２３４ ５６７８")",
                                            R"(13812345678)",
                                            R"(1.3812345678E10)",
                                            R"(1.3812345678e+10)",
                                            R"(13812345678.0)",
                                            R"("138\u00001234\u00005678")",
                                            R"("138\u200b12345678")",
                                            R"([[13812345678]])",
                                            R"({"13812345678":1})",
                                            R"({"tel:138 1234 5678":1})"};
  for (const auto& value : by_form) {
    corpus.push_back({"{\"x\":" + value + "}", {"13812345678", "１３８", "12345678"}});
  }
  for (const char* value :
       {R"("410204199001011234")", R"(410204199001011234)", R"(4.10204199001011234E17)",
        R"("41020419900101123x")", R"("410204-19900101-1234")", R"({"410204199001011234":0})",
        R"("身份证４１０２０４１９９００１０１１２３４")"}) {
    corpus.push_back({"{\"x\":" + std::string(value) + "}", {"19900101", "４１０２０４１９９０"}});
  }
  return corpus;
}

std::vector<std::string> OrdinaryCorpus() {
  std::vector<std::string> corpus;
  const std::vector<std::string> values = {
      // Call, dispatch and event numbers, 14 to 30 digits; ids as text and as number.
      R"("41020020261123")", R"("410200202611230001")", R"(410200202611230001)",
      R"("41020020261123000123")", R"("410200000000202611230000000001")", R"(4102002026112300)",
      R"("JJ2026112300012345")", R"("G20261123100000123")",
      // Cameras, enterprises, gateways, indicators, districts, classes.
      R"("41020000001310000001")", R"("41020000001320000138")", R"("410200007")", R"(410200007)",
      R"("GW-410200007")", R"("410200007002G0001YW001")", R"("410200007002G0001QT138")",
      R"("410202")", R"("12D02")", R"("19X01")", R"("410202003004005")",
      // Times: native, ISO 8601, epoch in s, ms, us; as text and as number.
      R"("20261123100000")", R"(20261123100000)", R"("20261123")", R"("2026-11-23 10:00:00")",
      R"("2026-11-23T10:00:00.123456789+08:00")", R"(1795399200)", R"(1795399200250)",
      R"("1795399200250")", R"(1795399200.25)", R"(1.79539920025E12)", R"(1795399200250000)",
      // Coordinates, angles, values.
      R"(114.312943)", R"("114.312943,34.796206")", R"("114.31294312345 34.79620654321")",
      R"(34.79620654321)", R"(-34.7)", R"(0.13812345678)", R"(3.4)", R"([0.1,0.2,0.3,0.4])",
      R"(38412345.67)", R"("POINT 114.3129431234 34.7962061234")",
      // Network, versions, hashes, files.
      R"("192.168.100.100")", R"("tcp://10.0.0.1:5701")", R"("1.13.12")",
      R"("6f1c2a9e-13ab-4c3d-9e8f-138aa2345678")", R"("http://nvr/41020000001310000001/7.jpg")",
      R"("d41d8cd98f00b204e9800998ecf8427e")", R"("400-123-4567")", R"("12345678901")",
      // Words.
      R"("读数 15 16 17 18 19 2")", R"("罐T-101第138号 1234 5678")", R"("氯气 3.4 ppm")",
      R"("市区3公里处2车相撞1人受伤")", R"(true)", R"(null)", R"("")"};
  const std::vector<std::string> keys = {
      "x",          "JJDBH",      "alarmId",     "cameraId",   "quotaId",    "enterpriseId",
      "gridNo",     "gridCode",   "idNoise",     "telemetry",  "cameraName", "siteName",
      "hotel",      "microphone", "mobileUnits", "phoneModel", "contactId",  "personCount",
      "reportTime", "handled",    "报警人数",    "电话亭编号", "证件类型",   "联系单位",
      "PJDH",       "JJDH",       "taskNumber",  "seqNo",      "fileName",   "identityType"};
  for (const auto& key : keys) {
    for (const auto& value : values) {
      corpus.push_back("{\"data\":[{\"" + key + "\":" + value + "}]}");
    }
  }
  return corpus;
}

TEST(MaskingCorpus, NothingPersonalIsLeft) {
  const auto corpus = PersonalCorpus();
  int leaks = 0;
  for (const auto& [payload, secrets] : corpus) {
    const std::string masked = Masked(payload);
    bool leaked = false;
    for (const auto& secret : secrets) {
      const std::string digits = DigitsOf(secret);
      leaked = leaked || masked.find(secret) != std::string::npos ||
               (digits.size() > 6 && DigitsOf(masked).find(digits) != std::string::npos);
    }
    if (leaked) ADD_FAILURE() << ++leaks << ": " << payload << " became " << masked;
  }
  std::printf("%zu payloads with personal data, %d leaks\n", corpus.size(), leaks);
  EXPECT_GE(corpus.size(), 500u);
}

TEST(MaskingCorpus, NothingElseIsTouched) {
  const auto corpus = OrdinaryCorpus();
  int touched = 0;
  for (const auto& payload : corpus) {
    const std::string masked = Masked(payload);
    if (Json::parse(masked) == Json::parse(payload)) continue;
    ADD_FAILURE() << ++touched << ": " << payload << " became " << masked;
  }
  std::printf("%zu ordinary payloads, %d touched\n", corpus.size(), touched);
  EXPECT_GE(corpus.size(), 1500u);
}

}  // namespace
}  // namespace fusiongateway
