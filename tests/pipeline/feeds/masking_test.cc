#include "pipeline/feeds/masking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/feeds/utf8.h"

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

UtcTime Arrival() { return *ParseRfc3339("2026-11-23T10:00:00Z"); }

std::string Mask(std::string_view text, const std::vector<std::string>& declared = {}) {
  Masker masker(Arrival());
  for (const auto& person : declared) masker.Declare(person);
  return masker.Text(text);
}

TEST(Masking, TelephonesGoHoweverTheyAreWritten) {
  const struct {
    const char* text;
    const char* masked;
  } cases[] = {
      {"13812345678", "138****5678"},
      {"请回电13812345678谢谢", "请回电138****5678谢谢"},
      {"１３８１２３４５６７８", "138****5678"},
      {"１３８-1234-５６７８", "138****5678"},
      {"138 1234 5678", "138****5678"},
      {"138-1234-5678", "138****5678"},
      {"138 - 1234 - 5678", "138****5678"},
      {"138.1234.5678", "138****5678"},
      {"138－1234－5678", "138****5678"},
      {"138　1234　5678", "138****5678"},
      {"138 12345678", "138****5678"},
      {"1381234 5678", "138****5678"},
      {"1 3 8 1 2 3 4 5 6 7 8", "138****5678"},
      {"138\u200b1234\u200b5678", "138****5678"},
      {"+8613812345678", "+138****5678"},
      {"+86 138 1234 5678", "+86 138****5678"},
      {"+86-138-1234-5678", "+86-138****5678"},
      {"008613812345678", "138****5678"},
      {"013812345678", "138****5678"},
      {"tel:19912345678;", "tel:199****5678;"},
      {"微信wx13812345678", "微信wx138****5678"},
      {"1.13812345678 2.13912345678", "1.138****5678 2.139****5678"},
      {"13812345678/13912345679", "138****5678/139****5679"},
      {"13812345678 13912345679", "138****5678 139****5679"},
      {"13812345678,2人受伤", "138****5678,2人受伤"},
      {"0378-2391234", "037****1234"},
      {"(0378)2391234", "(037****1234"},
      {"037123456789", "037****6789"},
      {"010-62345678", "010****5678"},
      {"138\n1234\n5678", "138****5678"},
      {"138\r\n1234\r\n5678", "138****5678"},
      {"138/1234/5678", "138****5678"},
      {"138_1234_5678", "138****5678"},
      {"138·1234·5678", "138****5678"},
      {"138，1234，5678", "138****5678"},
      {"138 1234-5678", "138****5678"},
      {"138    1234    5678", "138****5678"},
      {"138&nbsp;1234&nbsp;5678", "138****5678"},
      {"138<br>1234<br/>5678", "138****5678"},
      {"1 38 1234 5678", "138****5678"},
      {"1-3812345678", "138****5678"},
      {"一三八一二三四五六七八", "138****5678"},
      {"电话幺三八幺二三四五六七八。", "电话138****5678。"},
      {"一三八 〇〇〇〇 零零零零", "138****0000"},
      {"138一二三四5678", "138****5678"},
      {"三13812345678一", "三138****5678一"},
      {"①③⑧①②③④⑤⑥⑦⑧", "138****5678"},
      {"①13812345678", "①138****5678"},
      {"١٣٨١٢٣٤٥٦٧٨", "138****5678"},
      {"\U0001D7CF\U0001D7D1\U0001D7D6\U0001D7CF\U0001D7D0\U0001D7D1\U0001D7D2\U0001D7D3"
       "\U0001D7D4\U0001D7D5\U0001D7D6",
       "138****5678"},
      {"1381234567813912345678", "138****5678139****5678"},
      {"请回电1381234567812", "请回电138****7812"},
      {"13812345678410202198001011234", "138****5678[证件号]"},
      {"1381234567841020219800101123X", "138****5678[证件号]"},
      {"41020219800101123413812345678", "[证件号]138****5678"},
  };
  for (const auto& c : cases) EXPECT_EQ(Mask(c.text), c.masked) << c.text;
}

TEST(Masking, AddressesOfPersonsAndAccountsGo) {
  const struct {
    const char* text;
    const char* masked;
  } cases[] = {
      {"写信到wang.fang@example.com。", "写信到[邮箱]。"},
      {"13812345678@example.com.", "[邮箱]."},
      {"a@example.com,b_c@example.com.cn", "[邮箱],[邮箱]"},
      {"fang＠example.com", "[邮箱]"},
      {"http://nvr/a@example.com", "http://nvr/[邮箱]"},
      {"rtsp://admin:p@ss@10.0.0.8:554/1", "rtsp://***@10.0.0.8:554/1"},
      {"http://admin@nvr.example.com/7.jpg?x=1", "http://***@nvr.example.com/7.jpg?x=1"},
      {"见http://u:p@h/1和http://h/2", "见http://***@h/1和http://h/2"},
  };
  for (const auto& c : cases) EXPECT_EQ(Mask(c.text), c.masked) << c.text;
}

TEST(Masking, IdentityNumbersGo) {
  for (const char* id : {"410204199001011234", "41020419900101123X", "41020419900101123x",
                         "４１０２０４１９９００１０１１２３４", "410204 19900101 1234",
                         "410204-19900101-123X", "410204900101123"}) {
    const std::string masked = Mask("身份证" + std::string(id) + "。");
    EXPECT_EQ(masked, "身份证[证件号]。") << id;
  }
  EXPECT_EQ(Mask("110101202401010019 出生"), "[证件号] 出生") << "recent, with its check digit";
}

TEST(Masking, WhatOnlyLooksLikeANumberOfAPersonStays) {
  for (const char* text : {"410200000000202611230000000001",  // call number
                           "410200202611230001",
                           "410200202611230002",      // ticket: district, today, serial
                           "41020000001310000001",    // camera
                           "410200007002G0001YW001",  // quota
                           "GW-410200007",
                           "20261123100000",
                           "1795399200250",
                           "1795399200",
                           "2026-11-23 10:00:00",
                           "2026-11-23T10:00:00.123456789+08:00",
                           "114.312943,34.796206",
                           "114.31294312345 34.79620654321",
                           "192.168.100.100",
                           "139.196.200.12",
                           "10.0.0.1:5701",
                           "3.4 ppm（限值 3 ppm）",
                           "12D02",
                           "410202",
                           "400-123-4567",
                           "12345678901",
                           "10812345678",
                           "138123456789",
                           "1381234567",
                           "读数 15 16 17 18 19 2",
                           "13 20 15 17 82 1",
                           "1 3 8 1 2 3 4 5 6 7 8 9",
                           "罐T-101第138号 1234 5678",
                           "警情15 2026-11-23 1",
                           "uuid 6f1c2a9e-13ab-4c3d-9e8f-138aa2345678",
                           "市区3公里处2车相撞1人受伤",
                           "时间1795399200250到达",  // milliseconds since 1970
                           "138/1234",
                           "138_1234_56789",
                           "2026/1123/1000",
                           "12/138/123/45678",
                           "139.1234,34.5678",
                           "135.1234 34.5678",
                           "138.5/1234/5678",
                           "1 38 1234 56",
                           "1 38 12 345678",
                           "1-2-3",
                           "第一、二、三、四、五、六、七、八、九、十一车间",
                           "二〇二六年一一月二三日一〇时",
                           "①②③④⑤⑥⑦⑧⑨",
                           "5m³ 13m² 16m²",
                           "138                 1234 5678",
                           "4102000000002026112300",
                           "1120261123100000000001",
                           "admin@10.0.0.1",
                           "3.5m@2.0",
                           "a@b",
                           "@example.com"}) {
    EXPECT_EQ(Mask(text), text);
  }
}

TEST(Masking, DeclaredNamesGoFromEveryText) {
  EXPECT_EQ(Mask("张三说李四看到张 三", {"张三", "李四"}), "张*说李*看到张*");
  EXPECT_EQ(Mask("欧阳修报警", {"欧阳修"}), "欧*报警");
  EXPECT_EQ(Mask("张三丰和张三", {"张三", "张三丰"}), "张*和张*");
  EXPECT_EQ(Mask("联系张三", {"张三先生"}), "联系张*");
  EXPECT_EQ(Mask("张先生在门口", {"张先生"}), "张*在门口");
  EXPECT_EQ(Mask("张三在，李四也在", {"张三、李四 13812345678"}), "张*在，李*也在");
  EXPECT_EQ(Mask("John Smith called; Smith", {"John Smith"}), "J* called; S*");
  EXPECT_EQ(Mask("张三", {"张 三"}), "张*");
}

TEST(Masking, WordsThatAreNoNamesDoNotSpoilTheText) {
  EXPECT_EQ(Mask("群众报警，匿名", {"群众"}), "群众报警，匿名");
  EXPECT_EQ(Mask("李家村王庄", {"李"}), "李家村王庄");
  EXPECT_EQ(Mask("报警人张女士", {"女士"}), "报警人张女士");
}

TEST(Masking, DeclaredNumbersOfAnyFormGo) {
  EXPECT_EQ(Mask("回电 2391-2345", {"23912345"}), "回电 ****");
  EXPECT_EQ(Mask("回电２３９１２３４５", {"2391 2345"}), "回电****");
  EXPECT_EQ(Mask("证件 410204202611230001", {"410204202611230001"}), "证件 [证件号]")
      << "declared, though it has the form of a ticket";
}

TEST(Masking, EveryScalarOfAJsonPayloadIsRead) {
  Masker masker(Arrival());
  EXPECT_EQ(masker.Json(R"({"JJDBH":"410200199001011234","BJDH":"13812345678","BJRMC":"张三",
          "a":{"b":[13812345678,1.3812345678e10,"张三",true,null,114.3129]},"13912345678":1})"),
            R"({"139****5678":1,"BJDH":"138****5678","BJRMC":"张*","JJDBH":"410200199001011234",)"
            R"("a":{"b":["138****5678","138****5678","张*",true,null,114.3129]}})");
}

TEST(Masking, EscapesInJsonHideNothing) {
  Masker masker(Arrival());
  EXPECT_EQ(masker.Json(R"({"x":"\u0031\u0033812345678"})"), R"({"x":"138****5678"})");
}

TEST(Masking, APayloadThatIsNoJsonIsMaskedAsText) {
  Masker masker(Arrival());
  const std::string masked = masker.Json(
      R"({"BJRMC" : "张三", "BJDH":"23912345", "BJNR":"张三 \u003138 1234 5678 23912345", )"
      "\xff\xfe");
  EXPECT_THAT(masked, Not(HasSubstr("张三")));
  EXPECT_THAT(masked, Not(HasSubstr("23912345")));
  EXPECT_THAT(masked, HasSubstr("BJNR"));
  EXPECT_THAT(masked, Not(HasSubstr("\xff")));
  EXPECT_EQ(masked.find_first_of("0123456789"), std::string::npos);
}

TEST(Masking, EscapesInWhatIsNoJsonHideNothing) {
  EXPECT_EQ(Masker(Arrival()).Json(R"({"BJRMC":"\u5f20\u4e09","x":"\u5f20\u4e09 138\n1234\r\n5678 )"
                                   R"(\ud835\udfcf3812345678 \ud835 \u0022")"),
            R"({"BJRMC":"张*","x":"张* 138****5678 138****5678 \ud835 \u0022")");
}

TEST(Masking, OtherFormsThanJsonDeclareTheirPersonsToo) {
  for (const char* text : {"<call><BJRMC>张三</BJRMC><tel>23912345</tel><BJNR>张三 23912345</BJNR>",
                           "BJRMC=张三&phone=23912345&BJNR=张三 23912345",
                           "联系人：张三，联系电话：23912345。张三 23912345",
                           "{BJRMC: '张三', LXDH: 23912345, BJNR: '张三 23912345'"}) {
    const std::string masked = Masker(Arrival()).Json(text);
    EXPECT_THAT(masked, Not(HasSubstr("张三")));
    EXPECT_THAT(masked, Not(HasSubstr("23912345")));
    EXPECT_THAT(masked, HasSubstr("张*"));
  }
}

std::string Utf16(std::u16string_view text, bool big_endian) {
  std::string bytes;
  for (const char16_t unit : text) {
    const char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit & 0xFF);
    bytes += big_endian ? high : low;
    bytes += big_endian ? low : high;
  }
  return bytes;
}

TEST(Masking, OfBytesThatAreNoTextOnlyTheLengthIsKept) {
  constexpr std::u16string_view kCall =
      u"{\"BJRMC\":\"张三\",\"BJDH\":\"13812345678\",\"BJRZJHM\":\"41020419900101123X\"}";
  constexpr std::u16string_view kAscii = u"13812345678";
  const std::string binary("\x89PNG\r\n\x1a\n\0\0 13812345678 410204199001011234", 41);
  const struct {
    std::string bytes;
    std::string kept;
  } cases[] = {
      {Utf16(kCall, false), R"({"notText":{"bytes":132,"looksLike":"UTF-16LE"}})"},
      {Utf16(kCall, true), R"({"notText":{"bytes":132,"looksLike":"UTF-16BE"}})"},
      {"\xFF\xFE" + Utf16(kCall, false), R"({"notText":{"bytes":134,"looksLike":"UTF-16LE"}})"},
      {"\xFE\xFF" + Utf16(kCall, true), R"({"notText":{"bytes":134,"looksLike":"UTF-16BE"}})"},
      {Utf16(kAscii, false), R"({"notText":{"bytes":22,"looksLike":"UTF-16LE"}})"},
      {Utf16(kAscii, true), R"({"notText":{"bytes":22,"looksLike":"UTF-16BE"}})"},
      {binary, R"({"notText":{"bytes":41,"looksLike":"binary"}})"},
  };
  for (const auto& c : cases) EXPECT_EQ(Masker(Arrival()).Json(c.bytes), c.kept);
}

TEST(Masking, TextInAnotherEncodingLosesEveryDigit) {
  // 报警人张三 in GB18030, a four-byte character (with digit bytes) at the number, digits two bytes
  // wide, an identity number, and UTF-8 cut within a character.
  const std::string texts[] = {
      "{\"BJNR\":\"\xB1\xA8\xBE\xAF\xC8\xCB\xD5\xC5\xC8\xFD 13812345678\"}",
      "{\"BJNR\":\"\x81\x39\xEF\x39"
      "13812345678\"}",
      "{\"BJNR\":\"138\xA3\xB1\xA3\xB2\xA3\xB3\xA3\xB4"
      "5678\"}",
      "{\"BJRZJHM\":\"41020419900101123X \xD6\xA4\"}",
      "{\"BJDH\":\"13812345678\",\"BJNR\":\"气味\xE5\x88",
  };
  for (const std::string& text : texts) {
    const std::string masked = Masker(Arrival()).Json(text);
    EXPECT_EQ(masked.find_first_of("0123456789"), std::string::npos) << masked;
    EXPECT_TRUE(IsUtf8(masked)) << masked;
    EXPECT_THAT(masked, HasSubstr("\"BJ")) << "what it was can still be seen";
  }
}

TEST(Masking, InvisibleCharactersHideNothing) {
  EXPECT_EQ(Mask(std::string("1\0"
                             "3\0"
                             "8\0"
                             "1\0"
                             "2\0"
                             "3\0"
                             "4\0"
                             "5\0"
                             "6\0"
                             "7\0"
                             "8",
                             21)),
            "138****5678");
  EXPECT_EQ(Mask("138\u00AD1234\u200E5678"), "138****5678");
  EXPECT_EQ(Mask("张\u200B三", {"张三"}), "张*");
}

TEST(Masking, DeepPayloadsDoNotFallOver) {
  Masker masker(Arrival());
  const std::string deep = std::string(300'000, '[') + "13812345678";
  EXPECT_THAT(masker.Json(deep), Not(HasSubstr("13812345678")));
}

TEST(Masking, WhatIsMaskedAloneIsMaskedWhereASummaryGluesItToItsNeighbour) {
  v1::Report report;
  report.mutable_sensor()->set_unit("13812345678");
  report.set_summary("危化品 5.513812345678（限值 113812345678）");
  Masker(Arrival()).Mask(&report);
  EXPECT_EQ(report.sensor().unit(), "138****5678");
  EXPECT_EQ(report.summary(), "危化品 5.5138****5678（限值 1138****5678）");
}

TEST(Masking, AFieldOfItsOwnForThirteenDigitsHoldsATime) {
  EXPECT_EQ(Masker(Arrival()).Json(R"({"installed":"1530000000000","x":1530000000000})"),
            R"({"installed":"1530000000000","x":1530000000000})");
}

TEST(Masking, WhatHasNotTheFormOfAnIdIsMaskedInAnIdsFieldToo) {
  v1::Report report;
  report.set_report_id("13812345678 欧阳锋钧");
  report.set_device_id("rtsp://admin:secret@10.0.0.8/1");
  report.add_camera_ids("1号门 13812345678");
  report.add_camera_ids("rtsp://10.0.0.8:554/cam_1@main");
  auto* call = report.mutable_police_call();
  call->set_call_id("13812345678");
  call->add_category_codes("13812345678");
  call->add_category_codes("800200");
  call->set_grade_code("13812345678 欧阳锋钧");
  call->set_result_code("fang@example.com");
  call->set_unit_code("410202138000");
  Masker masker(Arrival());
  masker.Declare("欧阳锋钧");
  masker.Mask(&report);
  EXPECT_EQ(report.report_id(), "138****5678 欧*");
  EXPECT_EQ(report.device_id(), "rtsp://***@10.0.0.8/1");
  EXPECT_EQ(report.camera_ids(0), "1号门 138****5678");
  EXPECT_EQ(call->call_id(), "13812345678") << "of an id's form, and the source's own";
  EXPECT_EQ(call->category_codes(0), "138****5678");
  EXPECT_EQ(call->category_codes(1), "800200");
  EXPECT_EQ(call->grade_code(), "138****5678 欧*");
  EXPECT_EQ(call->result_code(), "[邮箱]");
  EXPECT_EQ(call->unit_code(), "410202138000");
  EXPECT_EQ(
      Masker(Arrival()).Json(R"({"JJDBH":"打13812345678","JQLBDM":13812345678,"BJRMC":"张三",)"
                             R"("CJDWDM":"张三","PJDBH":13812345678})"),
      R"({"BJRMC":"张*","CJDWDM":"张*","JJDBH":"打138****5678","JQLBDM":"138****5678",)"
      R"("PJDBH":13812345678})");
}

TEST(Masking, IdsInAReportStayAndTextsDoNot) {
  v1::Report report;
  report.set_report_id("13812345678");
  report.set_device_id("410204199001011234");
  report.set_summary("13812345678");
  report.add_attachments()->set_url("http://nvr/13812345678.jpg");
  report.mutable_police_call()->set_call_id("13812345678");
  report.mutable_police_call()->set_address("张三家");
  report.set_unknown_fields_json(R"({"contactName":"张三"})");
  Masker masker(Arrival());
  masker.Mask(&report);
  EXPECT_EQ(report.report_id(), "13812345678");
  EXPECT_EQ(report.device_id(), "410204199001011234");
  EXPECT_EQ(report.police_call().call_id(), "13812345678");
  EXPECT_EQ(report.summary(), "138****5678");
  EXPECT_EQ(report.attachments(0).url(), "http://nvr/138****5678.jpg");
  EXPECT_EQ(report.police_call().address(), "张*家") << "named in a field the plugin did not know";
  EXPECT_EQ(report.unknown_fields_json(), R"({"contactName":"张*"})");
}

}  // namespace
}  // namespace fusiongateway
