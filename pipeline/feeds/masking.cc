#include "pipeline/feeds/masking.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "pipeline/feeds/foreign_text.h"
#include "pipeline/feeds/net_address.h"
#include "pipeline/feeds/personal_key.h"
#include "pipeline/feeds/personal_number.h"
#include "pipeline/feeds/utf8.h"
#include "pipeline/feeds/written_digits.h"

namespace fusiongateway {
namespace {

using Json = nlohmann::json;
using google::protobuf::FieldDescriptor;

constexpr int kNestingMax = 64;

// Fields of our own Report that hold ids and codes, by full name. A code is of a table; an id is
// the source's own, whatever it looks like.
const std::set<std::string, std::less<>>& IdFields() {
  static const std::set<std::string, std::less<>> fields = {
      "fusiongateway.v1.Report.report_id",
      "fusiongateway.v1.Report.feed_id",
      "fusiongateway.v1.Report.clock_id",
      "fusiongateway.v1.Report.district_code",
      "fusiongateway.v1.Report.class_code",
      "fusiongateway.v1.Report.site_id",
      "fusiongateway.v1.Report.device_id",
      "fusiongateway.v1.Report.camera_ids",
      "fusiongateway.v1.Report.drill_id",
      "fusiongateway.v1.PoliceCallDetail.call_id",
      "fusiongateway.v1.PoliceCallDetail.main_call_id",
      "fusiongateway.v1.PoliceCallDetail.category_codes",
      "fusiongateway.v1.PoliceCallDetail.grade_code",
      "fusiongateway.v1.PoliceCallDetail.result_code",
      "fusiongateway.v1.PoliceCallDetail.unit_code",
      "fusiongateway.v1.PoliceCallDetail.document_id",
      "fusiongateway.v1.SensorDetail.Value.quota_id",
      "fusiongateway.v1.SensorDetail.enterprise_id",
      "fusiongateway.v1.SensorDetail.gateway_id",
      "fusiongateway.v1.SensorDetail.quota_id",
      "fusiongateway.v1.RiskWarningDetail.enterprise_id",
      "fusiongateway.v1.GridDetail.grid_code",
      "fusiongateway.v1.CameraFindingDetail.camera_id",
      "fusiongateway.v1.CameraFindingDetail.frame_id"};
  return fields;
}

bool IsBlank(char32_t c) { return c == U' ' || c == U'\t' || c == 0xA0 || c == 0x3000; }

// Letters of any script; what stands between names in one field is not.
bool IsNameLetter(char32_t c) {
  if (c < 0x80) return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  const bool cjk_punctuation = c >= 0x3000 && c <= 0x303F;
  const bool full_width_form = c >= 0xFF00 && c <= 0xFFEF;
  const bool general_punctuation = c >= 0x2000 && c <= 0x206F;
  return c != 0xA0 && c != kReplacementCharacter && !cjk_punctuation && !full_width_form &&
         !general_punctuation;
}

std::vector<char32_t> Letters(std::string_view text) {
  std::vector<char32_t> letters;
  for (const CodePoint& point : DecodeUtf8(text)) letters.push_back(point.value);
  return letters;
}

bool EndsWith(const std::vector<char32_t>& text, const std::vector<char32_t>& end) {
  return text.size() >= end.size() && std::equal(end.rbegin(), end.rend(), text.rbegin());
}

// What callers are entered as when their name is not known, and forms of address: no names.
bool IsNoName(const std::vector<char32_t>& letters) {
  static const std::array<std::u32string_view, 16> words = {
      U"匿名", U"不详", U"未知", U"群众", U"路人", U"热心群众", U"无名氏", U"报警人",
      U"先生", U"女士", U"小姐", U"同志", U"师傅", U"市民",     U"网格员", U"值班员"};
  const std::u32string_view text(letters.data(), letters.size());
  return std::find(words.begin(), words.end(), text) != words.end();
}

std::vector<char32_t> WithoutTitle(std::vector<char32_t> letters) {
  static const std::array<std::u32string_view, 5> titles = {U"先生", U"女士", U"小姐", U"同志",
                                                            U"师傅"};
  for (const auto title : titles) {
    const std::vector<char32_t> end(title.begin(), title.end());
    if (letters.size() > end.size() && EndsWith(letters, end)) {
      letters.resize(letters.size() - end.size());
      break;
    }
  }
  return letters;
}

// The end of `name` in `points` from `at`, blanks between its letters allowed.
std::optional<std::size_t> MatchName(const std::vector<CodePoint>& points, std::size_t at,
                                     const std::vector<char32_t>& name) {
  std::size_t matched = 0;
  for (; at < points.size() && matched < name.size(); ++at) {
    if (points[at].value == name[matched]) {
      ++matched;
    } else if (matched == 0 || !(IsBlank(points[at].value) || IsInvisible(points[at].value))) {
      return std::nullopt;
    }
  }
  return matched == name.size() ? std::optional(at) : std::nullopt;
}

// Reading a document deeper than kNestingMax is given up; writing one recurses.
Json ParseBounded(std::string_view text) {
  bool too_deep = false;
  Json document = Json::parse(
      text,
      [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > kNestingMax;
        return !too_deep;
      },
      false);
  return too_deep ? Json(Json::value_t::discarded) : document;
}

// A whole number's digits, also of one that went through a spreadsheet (1.3812345678e10). A float
// holds the first 15 digits of a longer one, which are enough to tell an identity number by.
std::string ScalarText(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number_float()) return value.is_number() ? value.dump() : std::string();
  const double number = value.get<double>();
  constexpr double kTooLong = 1.8e19;
  constexpr double kElevenDigits = 1e10;
  if (!(number >= 0 && number < kTooLong)) return {};
  const auto whole = static_cast<std::uint64_t>(number);
  if (number < kElevenDigits && number != static_cast<double>(whole)) return {};
  return std::to_string(whole);
}

// What a member is, by its own name and by the object it stands in: {"contact": {"name": …}},
// {"phone": {"value": …}}.
PersonalKey KindOfMember(const std::string& name, PersonalKey outer) {
  const PersonalKey own = KindOfKey(name);
  if (own != PersonalKey::kNone || IsIdKey(name)) return own;
  if (outer == PersonalKey::kName) {
    return name == "name" || name == "Name" ? PersonalKey::kName : PersonalKey::kNone;
  }
  return outer == PersonalKey::kNone ? PersonalKey::kNone : PersonalKey::kNumber;
}

template <class Visit>
void EachScalar(const Json& value, PersonalKey kind, const Visit& visit) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      EachScalar(member, KindOfMember(name, kind), visit);
    }
  } else if (value.is_array()) {
    for (const Json& element : value) EachScalar(element, kind, visit);
  } else {
    visit(kind, value);
  }
}

bool IsMilliseconds(std::string_view text) {
  constexpr std::size_t kMillisecondDigits = 13;
  return text.size() == kMillisecondDigits && text[0] == '1' &&
         text.find_first_not_of("0123456789") == text.npos;
}

bool IsCodeKey(std::string_view key) { return key.ends_with("DM") || key.ends_with("Code"); }

// Letters, digits and what ids are made of besides; and nobody's account.
bool HasTheFormOfAnId(std::string_view text) {
  constexpr std::size_t kIdBytesMax = 128;
  constexpr std::string_view kMarks = "-_:./@";
  const bool account = text.find("://") != text.npos && text.find('@') != text.npos;
  return !account && text.size() <= kIdBytesMax &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  kMarks.find(c) != kMarks.npos;
         });
}

// Of a code's form, and yet a person's: no code is a mobile number or has an @.
bool IsNoCode(std::string_view text) { return text.find('@') != text.npos || IsMobileNumber(text); }

// An id as it is; what stands in an id's field and has not the form of one, as any text.
std::string MaskedId(const std::string& text, bool is_code, const Masker& masker) {
  const bool kept = HasTheFormOfAnId(text) && !(is_code && IsNoCode(text));
  return kept ? text : masker.Text(text);
}

std::string MaskedScalar(const std::string& text, PersonalKey kind, const Masker& masker) {
  constexpr std::size_t kIdentityBytesMin = 6;  // shorter: "无", "不详"
  if (kind == PersonalKey::kIdentity && text.size() > kIdentityBytesMin) {
    return std::string(kMaskedIdentity);
  }
  if (kind == PersonalKey::kNumber || kind == PersonalKey::kIdentity) {
    const std::string digits = DigitsOfNumber(text, DigitForms::kAny);
    if (digits.size() >= kPersonalDigitsMin) return MaskedNumber(digits);
  }
  // A field of its own for 13 digits holds a time.
  if (IsMilliseconds(text)) return text;
  return masker.Text(text);
}

Json MaskedJson(const Json& value, const std::string& key, PersonalKey kind, const Masker& masker) {
  if (value.is_object()) {
    Json masked = Json::object();
    for (const auto& [name, member] : value.items()) {
      masked[masker.Text(name)] = MaskedJson(member, name, KindOfMember(name, kind), masker);
    }
    return masked;
  }
  if (value.is_array()) {
    Json masked = Json::array();
    for (const Json& element : value) masked.push_back(MaskedJson(element, key, kind, masker));
    return masked;
  }
  const std::string text = ScalarText(value);
  std::string masked =
      IsIdKey(key) ? MaskedId(text, IsCodeKey(key), masker) : MaskedScalar(text, kind, masker);
  return masked == text ? value : Json(std::move(masked));
}

// What MaskMessage does with a field.
enum class TextKind { kText, kCode, kId };

TextKind KindOfField(const FieldDescriptor* field) {
  if (!IdFields().contains(field->full_name())) return TextKind::kText;
  return field->name().ends_with("_code") || field->name().ends_with("_codes") ? TextKind::kCode
                                                                               : TextKind::kId;
}

const FieldDescriptor* UnknownFieldsJson() {
  static const auto* field = v1::Report::descriptor()->FindFieldByName("unknown_fields_json");
  return field;
}

}  // namespace

// The texts of a message, and of the messages in it.
struct Masker::TextFields {
  struct Inner;
  struct OwnText {
    const FieldDescriptor* field;
    TextKind kind;
  };
  std::vector<OwnText> texts;
  std::vector<Inner> messages;
};
struct Masker::TextFields::Inner {
  const FieldDescriptor* field;
  TextFields fields;
};

Masker::TextFields Masker::TextFieldsOf(const google::protobuf::Descriptor* descriptor) {
  TextFields fields;
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      TextFields inner = TextFieldsOf(field->message_type());
      if (inner.texts.empty() && inner.messages.empty()) continue;
      fields.messages.push_back({field, std::move(inner)});
    } else if (field->type() == FieldDescriptor::TYPE_STRING) {
      fields.texts.push_back({field, KindOfField(field)});
    }
  }
  return fields;
}

Masker::Masker(UtcTime received_at)
    : received_(std::chrono::floor<std::chrono::days>(received_at)) {}

void Masker::Declare(std::string_view person) {
  const std::string digits = DigitsOfNumber(person);
  if (!digits.empty()) return DeclareNumber(digits);
  // A name may be made of numerals, but not of so many.
  const std::string in_words = DigitsOfNumber(person, DigitForms::kAny);
  if (in_words.size() >= kPersonalDigitsMin) return DeclareNumber(in_words);
  // One field may hold several names, a name with a title, or a name with a number.
  std::vector<char32_t> token, together;
  for (const char32_t c : Letters(person)) {
    if (IsNameLetter(c)) {
      token.push_back(c);
      together.push_back(c);
    } else {
      DeclareName(std::exchange(token, {}));
      if (!IsBlank(c)) DeclareName(std::exchange(together, {}));
    }
  }
  DeclareName(std::move(token));
  DeclareName(std::move(together));
  for (const std::string& number : NumbersIn(person)) DeclareNumber(number);
}

void Masker::DeclareNumber(const std::string& digits) {
  // Fewer are an extension and reach nobody from outside.
  if (digits.size() < kPersonalDigitsMin) return;
  numbers_.push_back(digits);
}

void Masker::DeclareName(std::vector<char32_t> letters) {
  constexpr std::size_t kLettersMin = 2;
  if (letters.size() < kLettersMin || IsNoName(letters)) return;
  auto bare = WithoutTitle(letters);
  if (bare.size() >= kLettersMin && bare.size() < letters.size()) {
    names_.push_back({std::move(bare)});
  }
  names_.push_back({std::move(letters)});
  // The longest first, so that a name is not masked as the shorter one it begins with.
  std::stable_sort(names_.begin(), names_.end(), [](const Name& a, const Name& b) {
    return a.letters.size() > b.letters.size();
  });
}

std::string Masker::MaskNames(std::string_view text) const {
  if (names_.empty()) return std::string(text);
  const std::vector<CodePoint> points = DecodeUtf8(text);
  std::string masked;
  for (std::size_t at = 0; at < points.size();) {
    std::optional<std::size_t> end;
    for (const Name& name : names_) {
      if ((end = MatchName(points, at, name.letters))) break;
    }
    masked += text.substr(points[at].begin, points[at].end - points[at].begin);
    if (end) masked += '*';
    at = end.value_or(at + 1);
  }
  return masked;
}

std::string Masker::MaskNumbers(std::string_view text) const {
  if (HoldsFewerDigits(text, kPersonalDigitsMin)) return std::string(text);
  std::string masked = MaskNumbers(text, DigitForms::kDecimal);
  return HoldsOtherDigits(masked) ? MaskNumbers(masked, DigitForms::kAny) : masked;
}

std::string Masker::MaskNumbers(std::string_view text, DigitForms forms) const {
  std::string masked;
  std::size_t at = 0;
  for (const PersonalNumber& number : FindPersonalNumbers(text, numbers_, received_, forms)) {
    masked += text.substr(at, number.begin - at);
    masked += number.masked;
    at = number.end;
  }
  masked += text.substr(at);
  return masked;
}

std::string Masker::Text(std::string_view text) const {
  return MaskNumbers(MaskNames(MaskAddresses(text)));
}

std::string Masker::Json(std::string_view text) {
  if (!IsText(text)) return NoteOfBytes(text);
  const auto document = ParseBounded(text);
  if (document.is_discarded()) return UnreadableText(text);
  EachScalar(document, PersonalKey::kNone, [this](PersonalKey kind, const auto& value) {
    if (kind != PersonalKey::kNone) Declare(ScalarText(value));
  });
  return MaskedJson(document, "", PersonalKey::kNone, *this)
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string Masker::UnreadableText(std::string_view bytes) {
  const std::string text = WithoutEscapes(ValidUtf8(bytes));
  for (const std::string_view value : PersonalValues(text)) Declare(value);
  // Between bytes of another encoding a number's form says nothing any more.
  return IsUtf8(bytes) ? Text(text) : WithoutDigits(Text(text));
}

void Masker::MaskMessage(const TextFields& fields, google::protobuf::Message* message,
                         std::vector<Change>* changes) {
  const auto* reflection = message->GetReflection();
  std::string scratch;
  for (const auto& [field, kind] : fields.texts) {
    const bool is_json = field == UnknownFieldsJson();
    const auto masked = [&, kind = kind](const std::string& text) {
      std::string result = is_json ? Json(text)
                           : kind == TextKind::kText
                               ? Text(text)
                               : MaskedId(text, kind == TextKind::kCode, *this);
      if (!is_json && result != text) changes->push_back({text, result});
      return result;
    };
    if (field->is_repeated()) {
      for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
        reflection->SetRepeatedString(
            message, field, i,
            masked(reflection->GetRepeatedStringReference(*message, field, i, &scratch)));
      }
    } else if (const auto& text = reflection->GetStringReference(*message, field, &scratch);
               !text.empty()) {
      reflection->SetString(message, field, masked(text));
    }
  }
  for (const auto& [field, inner] : fields.messages) {
    if (field->is_repeated()) {
      for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
        MaskMessage(inner, reflection->MutableRepeatedMessage(message, field, i), changes);
      }
    } else if (reflection->HasField(*message, field)) {
      MaskMessage(inner, reflection->MutableMessage(message, field), changes);
    }
  }
}

// Parts that stand together without a blank hide each other's form ("5.5" and a telephone where a
// unit should be): what is masked where it stands alone is masked the same way here.
std::string Masker::Summary(std::string summary, std::vector<Change> changes) const {
  std::stable_sort(changes.begin(), changes.end(),
                   [](const Change& a, const Change& b) { return a.text.size() > b.text.size(); });
  for (const Change& change : changes) {
    for (std::size_t at = summary.find(change.text); at != summary.npos;
         at = summary.find(change.text, at + change.masked.size())) {
      summary.replace(at, change.text.size(), change.masked);
    }
  }
  return Text(summary);
}

void Masker::Mask(v1::Report* report) {
  static const TextFields fields = TextFieldsOf(v1::Report::descriptor());
  // Names in fields the plugin does not know are declared before anything is masked.
  if (!report->unknown_fields_json().empty()) Json(report->unknown_fields_json());
  std::string summary = std::move(*report->mutable_summary());
  report->clear_summary();
  std::vector<Change> changes;
  MaskMessage(fields, report, &changes);
  if (!summary.empty()) report->set_summary(Summary(std::move(summary), std::move(changes)));
}

}  // namespace fusiongateway
