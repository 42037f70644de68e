#include "pipeline/feeds/personal_number.h"

#include <algorithm>
#include <array>
#include <optional>

#include "pipeline/feeds/utf8.h"
#include "pipeline/feeds/written_digits.h"

namespace fusiongateway {

namespace {

constexpr std::size_t kIdentityDigits = 18;
constexpr std::size_t kMobileDigits = 11;

// kOther joins only what has the very form of a number: a slash, a comma, a wide gap.
enum class Separator { kBreak, kSpace, kHyphen, kDot, kOther };

// Digits without anything between them.
struct Group {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string digits;
  // What stands between this group and the one before it.
  Separator before = Separator::kBreak;
  // Where an X that follows at once ends (an identity number's check digit); 0 = none.
  std::size_t x_end = 0;
};

bool IsSpace(char32_t c) {
  return c == U' ' || c == U'\t' || c == U'\n' || c == U'\r' || c == 0xA0 || c == 0x1680 ||
         c == 0x3000 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F;
}

// A closing bracket too: "(0378)2912345".
bool IsHyphen(char32_t c) {
  return c == U'-' || (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == U'－' || c == U')' ||
         c == U'）';
}

bool IsDot(char32_t c) { return c == U'.' || c == U'．'; }

bool IsOtherSeparator(char32_t c) {
  constexpr std::u32string_view kSeparators = U"/／_＿·•・‧･,，、|｜~～";
  return kSeparators.find(c) != kSeparators.npos;
}

bool IsX(char32_t c) { return c == U'x' || c == U'X' || c == U'ｘ' || c == U'Ｘ'; }

// A blank as a page or a document that nobody can parse writes it: its length in bytes, 0 if none
// begins here.
std::size_t WrittenBlank(std::string_view text) {
  for (const std::string_view blank : {"&nbsp;", "&#160;", "&#xA0;", "&#xa0;", "&ensp;", "&emsp;",
                                       "<br>", "<br/>", "<br />", "\\n", "\\r", "\\t"}) {
    if (text.starts_with(blank)) return blank.size();
  }
  return 0;
}

// What stands between two groups.
struct Gap {
  std::size_t points = 0;
  bool hyphen = false, dot = false, other = false, broken = false;

  void Add(char32_t c) {
    ++points;
    hyphen = hyphen || IsHyphen(c);
    dot = dot || IsDot(c);
    other = other || IsOtherSeparator(c);
    broken = broken || !(IsSpace(c) || IsHyphen(c) || IsDot(c) || IsOtherSeparator(c));
  }

  Separator Kind() const {
    constexpr std::size_t kNarrow = 3, kWide = 16;
    if (broken || points > kWide || (dot && points > 1)) return Separator::kBreak;
    if (other || points > kNarrow) return Separator::kOther;
    if (dot) return Separator::kDot;
    return hyphen ? Separator::kHyphen : Separator::kSpace;
  }
};

std::vector<Group> Groups(std::string_view text, DigitForms forms) {
  std::vector<Group> groups;
  bool in_group = false;
  Gap gap;
  std::size_t blank_until = 0;
  for (const CodePoint& point : DecodeUtf8(text)) {
    if (point.begin < blank_until) continue;
    if (const auto digit = DigitOf(point.value, forms)) {
      if (!in_group) {
        const Separator before = groups.empty() ? Separator::kBreak : gap.Kind();
        groups.push_back({point.begin, point.end, {}, before});
      }
      groups.back().digits += *digit;
      groups.back().end = point.end;
      in_group = true;
      gap = {};
      continue;
    }
    if (in_group && IsX(point.value)) groups.back().x_end = point.end;
    if (IsInvisible(point.value)) continue;
    in_group = false;
    const bool markup = point.value == U'&' || point.value == U'<' || point.value == U'\\';
    if (const auto blank = markup ? WrittenBlank(text.substr(point.begin)) : 0; blank > 0) {
      blank_until = point.begin + blank;
      gap.Add(U' ');
    } else {
      gap.Add(point.value);
    }
  }
  return groups;
}

bool AllDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

int Value(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

// Without the country's code or the long-distance 0, if it has one.
std::string_view WithoutPrefix(std::string_view d) {
  for (const std::string_view prefix : {"0086", "86", "0"}) {
    if (d.starts_with(prefix) && IsMobileNumber(d.substr(prefix.size())))
      return d.substr(prefix.size());
  }
  return d;
}

// 010 and 02x have three digits, the others four; a local number has seven or eight and begins with
// 2 to 8.
bool IsLandline(std::string_view d) {
  if (d.size() < 11 || d.size() > 12 || d[0] != '0' || !AllDigits(d)) return false;
  const bool short_area = d.starts_with("010") || d.starts_with("02");
  if (!short_area && (d[1] < '3' || d[1] > '9')) return false;
  const std::string_view local = d.substr(short_area ? 3 : 4);
  return (local.size() == 8 || (local.size() == 7 && !short_area)) && local[0] >= '2' &&
         local[0] <= '8';
}

bool IsRegion(std::string_view two_digits) {
  constexpr std::array kRegions = {11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34,
                                   35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52,
                                   53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83};
  return std::find(kRegions.begin(), kRegions.end(), Value(two_digits)) != kRegions.end();
}

bool IsMonthAndDay(std::string_view mmdd) {
  const int month = Value(mmdd.substr(0, 2));
  const int day = Value(mmdd.substr(2, 2));
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

bool ChecksumHolds(std::string_view d) {
  constexpr std::array kWeights = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  int sum = 0;
  for (std::size_t i = 0; i < kWeights.size(); ++i) sum += (d[i] - '0') * kWeights[i];
  return d[17] == "10X98765432"[sum % 11];
}

// Region, birth date, serial and check digit. A mistyped number is still about somebody, so the
// check digit is asked for only of recent dates, where a ticket number (district, its date, serial)
// has the same form; a date of the last days is a ticket's.
bool IsIdentity(std::string_view d, std::chrono::sys_days received) {
  using std::chrono::days;
  if (d.size() == 15) {
    return AllDigits(d) && IsRegion(d.substr(0, 2)) && Value(d.substr(6, 2)) >= 20 &&
           IsMonthAndDay(d.substr(8, 4));
  }
  if (d.size() != kIdentityDigits || !AllDigits(d.substr(0, 17))) return false;
  const int year = Value(d.substr(6, 4));
  if (!IsRegion(d.substr(0, 2)) || year < 1900 || !IsMonthAndDay(d.substr(10, 4))) return false;
  const std::chrono::sys_days born{std::chrono::year{year} /
                                   std::chrono::month(unsigned(Value(d.substr(10, 2)))) /
                                   std::chrono::day(unsigned(Value(d.substr(12, 2))))};
  const days age = received - born;
  if (age < days{60}) return false;
  return age > days{5 * 365} || ChecksumHolds(d);
}

std::string MaskedPhone(std::string_view digits) {
  constexpr std::size_t kShowable = 10;
  if (digits.size() < kShowable) return "****";
  return std::string(digits.substr(0, 3)) + "****" + std::string(digits.substr(digits.size() - 4));
}

// 138 1234 5678 and 410204 19900101 1234, whatever stands between: one joint may differ from
// another, but dots are a version's or an address's if not all are.
bool HasTheFormOfANumber(const std::vector<Group>& groups, std::size_t first, std::size_t last) {
  if (last - first != 2) return false;
  const auto size = [&](std::size_t i) { return groups[i].digits.size(); };
  const auto dot = [&](std::size_t i) { return groups[i].before == Separator::kDot; };
  if (dot(first + 1) != dot(last)) return false;
  const bool mobile = size(first) == 3 && size(first + 1) == 4 && size(last) == 4;
  const bool identity = size(first) == 6 && size(first + 1) == 8 && size(last) == 4 && !dot(last) &&
                        groups[last].before == groups[first + 1].before;
  return mobile || identity;
}

// How people group a number's digits. Lists of values look alike, so anything else is not a number:
// one group, 11 single digits, a 1 before a mobile number's others, or up to five groups of which
// the first has three or more.
bool IsNaturalGrouping(const std::vector<Group>& groups, std::size_t first, std::size_t last) {
  if (first == last || HasTheFormOfANumber(groups, first, last)) return true;
  const Separator separator = groups[first + 1].before;
  if (separator == Separator::kDot || separator == Separator::kOther) return false;
  for (std::size_t i = first + 1; i <= last; ++i) {
    if (groups[i].before != separator) return false;
  }
  const std::size_t count = last - first + 1;
  const auto size = [&](std::size_t i) { return groups[i].digits.size(); };
  if (size(first) == 1) {
    const std::size_t second = size(first + 1);
    const bool one_apart = (count == 2 && second == 10) ||
                           (count == 3 && second == 2 && size(last) == 8) ||
                           (count == 4 && second == 2 && size(first + 2) == 4 && size(last) == 4);
    if (one_apart) return true;
    const bool all_single = std::all_of(groups.begin() + first, groups.begin() + last + 1,
                                        [](const Group& g) { return g.digits.size() == 1; });
    const bool begins_here = groups[first].before != separator || size(first - 1) != 1;
    const bool ends_here =
        last + 1 == groups.size() || groups[last + 1].before != separator || size(last + 1) != 1;
    return all_single && begins_here && ends_here;
  }
  return size(first) >= 3 && count <= 5;
}

std::optional<std::string> MaskOf(std::string_view digits, std::size_t group_count,
                                  const std::vector<std::string>& declared,
                                  std::chrono::sys_days received) {
  const std::string_view core = WithoutPrefix(digits);
  if (std::find(declared.begin(), declared.end(), core) != declared.end()) {
    return MaskedNumber(core);
  }
  if (IsMobileNumber(core)) return MaskedPhone(core);
  if (IsLandline(digits) && group_count <= 3) return MaskedPhone(digits);
  if (IsIdentity(digits, received)) return std::string(kMaskedIdentity);
  return std::nullopt;
}

// A mobile number with two digits too many, unless they count the milliseconds since 1970.
bool IsMobileAndTwo(std::string_view d, std::chrono::sys_days received) {
  constexpr std::chrono::days kTimesWithin{2 * 365};
  if (d.size() != kMobileDigits + 2 || !IsMobileNumber(d.substr(0, kMobileDigits))) return false;
  std::int64_t count = 0;
  for (const char c : d) count = count * 10 + (c - '0');
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds{count}};
  return time < received - kTimesWithin || time > received + kTimesWithin;
}

// Digits that are nothing but telephone and identity numbers written together; "" if they are not.
std::string MaskedTogether(std::string_view d, std::chrono::sys_days received) {
  std::string masked;
  for (std::size_t at = 0; at < d.size();) {
    const std::string_view rest = d.substr(at);
    if (IsMobileNumber(rest.substr(0, kMobileDigits))) {
      masked += MaskedPhone(rest.substr(0, kMobileDigits));
      at += kMobileDigits;
    } else if (IsIdentity(rest.substr(0, kIdentityDigits), received)) {
      masked += kMaskedIdentity;
      at += kIdentityDigits;
    } else {
      return {};
    }
  }
  return masked;
}

std::optional<std::string> MaskOfRun(std::string_view digits, std::chrono::sys_days received) {
  if (IsMobileAndTwo(digits, received)) return MaskedPhone(digits);
  if (digits.size() < 2 * kMobileDigits) return std::nullopt;
  std::string masked = MaskedTogether(digits, received);
  return masked.empty() ? std::nullopt : std::optional(std::move(masked));
}

// "114.31294312345": the tail of a decimal number with a whole part as long as a coordinate's.
bool IsDecimals(const std::vector<Group>& groups, std::size_t i) {
  return groups[i].before == Separator::kDot && groups[i - 1].digits.size() >= 3;
}

}  // namespace

bool IsMobileNumber(std::string_view d) {
  return d.size() == kMobileDigits && d[0] == '1' && d[1] >= '3' && d[1] <= '9' &&
         d.find_first_not_of("0123456789") == d.npos;
}

std::vector<PersonalNumber> FindPersonalNumbers(std::string_view text,
                                                const std::vector<std::string>& declared,
                                                std::chrono::sys_days received, DigitForms forms) {
  std::vector<PersonalNumber> found;
  const std::vector<Group> groups = Groups(text, forms);
  for (std::size_t first = 0; first < groups.size();) {
    // The longest reading that begins here.
    std::optional<PersonalNumber> longest;
    std::size_t next = first + 1;
    std::string digits;
    for (std::size_t last = first; last < groups.size() && digits.size() < kIdentityDigits;
         ++last) {
      const Group& group = groups[last];
      if (last > first && group.before == Separator::kBreak) break;
      digits += group.digits;
      if (!IsNaturalGrouping(groups, first, last)) continue;
      if (first == last && IsDecimals(groups, first)) continue;
      const bool at_check_digit = digits.size() + 1 == kIdentityDigits ||
                                  digits.size() + 1 == kMobileDigits + kIdentityDigits;
      const bool with_x = at_check_digit && group.x_end != 0;
      const std::string number = with_x ? digits + 'X' : digits;
      auto masked = MaskOf(number, last - first + 1, declared, received);
      if (!masked && first == last) masked = MaskOfRun(number, received);
      if (!masked) continue;
      longest = {groups[first].begin, with_x ? group.x_end : group.end, std::move(*masked)};
      next = last + 1;
    }
    if (longest) found.push_back(std::move(*longest));
    first = next;
  }
  return found;
}

std::string MaskedNumber(std::string_view digits) {
  constexpr std::size_t kIdentityDigitsMin = 15;
  return digits.size() >= kIdentityDigitsMin ? std::string(kMaskedIdentity) : MaskedPhone(digits);
}

std::vector<std::string> NumbersIn(std::string_view text) {
  std::vector<std::string> numbers;
  for (const Group& group : Groups(text, DigitForms::kDecimal)) {
    const std::string_view d = group.digits;
    const bool date = d.size() == 8 && (d.starts_with("19") || d.starts_with("20"));
    const bool as_long = (d.size() >= 7 && d.size() <= 13) || d.size() == 15 || d.size() == 18;
    if (as_long && !date) numbers.emplace_back(WithoutPrefix(d));
  }
  return numbers;
}

std::string DigitsOfNumber(std::string_view text, DigitForms forms) {
  std::string digits;
  for (const CodePoint& point : DecodeUtf8(text)) {
    if (const auto digit = DigitOf(point.value, forms)) {
      digits += *digit;
    } else if (IsX(point.value) && digits.size() == 17) {
      digits += 'X';
    } else if (!IsSpace(point.value) && !IsHyphen(point.value) && !IsInvisible(point.value) &&
               point.value != U'+' && point.value != U'＋' && point.value != U'(' &&
               point.value != U'（') {
      return {};
    }
  }
  return std::string(WithoutPrefix(digits));
}

}  // namespace fusiongateway
