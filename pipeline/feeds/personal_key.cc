#include "pipeline/feeds/personal_key.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fusiongateway {
namespace {

using Words = std::vector<std::string>;
using Endings = std::initializer_list<std::string_view>;

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }

// "contactPhone_No" → contact, phone, no; "IDCard" → id, card; "BJRZJHM" → bjrzjhm.
Words WordsOf(std::string_view key) {
  Words words(1);
  for (std::size_t i = 0; i < key.size(); ++i) {
    const char c = key[i];
    const bool after_lower = i > 0 && IsUpper(c) && !IsUpper(key[i - 1]);
    const bool after_capitals =
        i > 0 && i + 1 < key.size() && IsUpper(key[i - 1]) && IsUpper(c) && IsLower(key[i + 1]);
    if ((after_lower || after_capitals) && !words.back().empty()) words.emplace_back();
    if (IsUpper(c)) {
      words.back() += static_cast<char>(c - 'A' + 'a');
    } else if (IsLower(c)) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

bool EndsWithAny(std::string_view text, Endings endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view end) { return text.ends_with(end); });
}

bool IsAny(std::string_view word, Endings words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

PersonalKey KindOfChineseKey(std::string_view key) {
  if (EndsWithAny(key, {"身份证", "身份证号", "身份证号码", "证件号", "证件号码", "身份号码"})) {
    return PersonalKey::kIdentity;
  }
  if (EndsWithAny(key, {"电话", "电话号", "电话号码", "手机", "手机号", "手机号码", "联系方式"})) {
    return PersonalKey::kNumber;
  }
  if (EndsWithAny(key, {"姓名", "联系人", "报警人", "当事人", "经办人", "处理人", "负责人"})) {
    return PersonalKey::kName;
  }
  return PersonalKey::kNone;
}

// One word: pinyin initials, or English written together.
PersonalKey KindOfWord(std::string_view word) {
  if (EndsWithAny(word, {"zjhm", "sfzh", "sfzhm", "sfhm"}) ||
      IsAny(word, {"sfz", "idcard", "idcardno", "idcardnum", "idcardnumber", "idnumber", "passport",
                   "passportno"})) {
    return PersonalKey::kIdentity;
  }
  if (EndsWithAny(word, {"lxdh", "bjdh", "rdh", "sjhm", "dhhm", "lxfs"}) ||
      IsAny(word, {"phone",        "mobile",      "tel",          "telephone", "cellphone",
                   "mobilephone",  "phonenumber", "phoneno",      "phonenum",  "mobileno",
                   "mobilenumber", "telno",       "telphone",     "telnumber", "contactphone",
                   "contacttel",   "linkphone",   "linktel",      "userphone", "callerphone",
                   "homephone",    "dutyphone",   "reporterphone"})) {
    return PersonalKey::kNumber;
  }
  if (EndsWithAny(word, {"rxm", "lxr"}) ||
      IsAny(word, {"bjrmc", "xm", "handler", "reporter", "contact", "linkman", "caller",
                   "contactname", "reportername", "callername", "personname", "handlername",
                   "linkmanname", "realname", "fullname"})) {
    return PersonalKey::kName;
  }
  return PersonalKey::kNone;
}

PersonalKey KindOfWords(Words words) {
  const bool numbered = IsAny(words.back(), {"no", "num", "number"});
  if (numbered && words.size() > 1) words.pop_back();
  const std::string& last = words.back();
  const std::string before = words.size() > 1 ? words[words.size() - 2] : std::string();
  if ((before == "id" || before == "identity") && last == "card") return PersonalKey::kIdentity;
  // "idNo" alone: a gridNo, or a device's idNo, is nobody's.
  if (numbered && words.size() == 1 && last == "id") return PersonalKey::kIdentity;
  if (numbered && IsAny(last, {"contact", "caller"})) return PersonalKey::kNumber;
  if (last == "name") {
    return IsAny(before, {"contact", "reporter", "caller", "person", "handler", "driver", "patient",
                          "victim", "owner", "linkman", "real", "full"})
               ? PersonalKey::kName
               : PersonalKey::kNone;
  }
  if (before == "cell" && last == "phone") return PersonalKey::kNumber;
  return KindOfWord(last);
}

}  // namespace

PersonalKey KindOfKey(std::string_view key) {
  if (const PersonalKey kind = KindOfChineseKey(key); kind != PersonalKey::kNone) return kind;
  Words words = WordsOf(key);
  return words.empty() ? PersonalKey::kNone : KindOfWords(std::move(words));
}

bool IsIdKey(std::string_view key) {
  static const std::set<std::string, std::less<>> keys = {
      "JJDBH",        "GLZJJDBH",  "PJDBH",    "FKDBH",      "XZQHDM",     "CJDWDM",
      "JQLBDM",       "JQLXDM",    "JQXLDM",   "alarmId",    "warningId",  "eventId",
      "cameraId",     "cameraIds", "quotaId",  "gatewayId",  "gridCode",   "adCode",
      "reportId",     "deviceId",  "siteId",   "feedId",     "clockId",    "drillId",
      "callId",       "frameId",   "unitCode", "documentId", "mainCallId", "enterpriseId",
      "districtCode", "classCode"};
  return keys.contains(key);
}

}  // namespace fusiongateway
