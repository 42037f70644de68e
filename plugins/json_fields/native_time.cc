#include "plugins/json_fields/native_time.h"

#include <algorithm>
#include <chrono>
#include <string>

namespace fusiongateway::plugin {
namespace {

constexpr double kMillisecondsMax = 7'258'118'400'000.0;  // 2200-01-01

Status NotATime() {
  return InvalidArgument(
      "not a time; write yyyyMMddHHmmss or ISO 8601 (2026-11-23T10:00:00+08:00)");
}

Status NoSuchTime() {
  return OutOfRange("no such date or time of day between 1970 and 2200; check month, day and hour");
}

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

int Number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

struct Civil {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

Result<UtcTime> ToUtc(const Civil& c, Duration offset) {
  using namespace std::chrono;
  const year_month_day date{year{c.year}, month(unsigned(c.month)), day(unsigned(c.day))};
  if (!date.ok() || c.hour > 23 || c.minute > 59 || c.second > 60) return NoSuchTime();
  if (c.year < 1970 || c.year > 2199) return NoSuchTime();
  return UtcTime{sys_days{date}} + hours{c.hour} + minutes{c.minute} + seconds{c.second} - offset;
}

// yyyyMMddHHmm[ss[SSS]]
Result<NativeTime> Compact(std::string_view text, Duration offset) {
  Civil c{Number(text.substr(0, 4)), Number(text.substr(4, 2)),  Number(text.substr(6, 2)),
          Number(text.substr(8, 2)), Number(text.substr(10, 2)), 0};
  if (text.size() >= 14) c.second = Number(text.substr(12, 2));
  const auto utc = ToUtc(c, offset);
  if (!utc.ok()) return utc.status();
  if (text.size() == 12) return NativeTime{*utc, std::chrono::minutes{1}};
  if (text.size() == 14) return NativeTime{*utc, std::chrono::seconds{1}};
  return NativeTime{*utc + std::chrono::milliseconds{Number(text.substr(14))},
                    std::chrono::milliseconds{1}};
}

// "2026-11-23T10:00" without seconds is not ISO enough for the systems at hand.
bool LooksIso(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (text.size() < kForm.size()) return false;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const char c = text[i];
    const bool fits = kForm[i] == 'd'   ? c >= '0' && c <= '9'
                      : kForm[i] == 'T' ? c == 'T' || c == 't' || c == ' '
                                        : c == kForm[i];
    if (!fits) return false;
  }
  return true;
}

Duration FractionResolution(std::string_view after_seconds) {
  Duration resolution = std::chrono::seconds{1};
  if (after_seconds.empty() || (after_seconds[0] != '.' && after_seconds[0] != ',')) {
    return resolution;
  }
  for (const char c : after_seconds.substr(1)) {
    if (c < '0' || c > '9' || resolution == Duration{1}) break;
    resolution /= 10;
  }
  return resolution;
}

std::string OffsetText(Duration offset) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(offset).count();
  const auto magnitude = minutes < 0 ? -minutes : minutes;
  std::string text = minutes < 0 ? "-" : "+";
  for (const auto part : {magnitude / 60, magnitude % 60}) {
    text += static_cast<char>('0' + part / 10 % 10);
    text += static_cast<char>('0' + part % 10);
  }
  return text;
}

Result<NativeTime> Iso(std::string_view text, Duration offset) {
  constexpr std::size_t kSecondsEnd = 19;
  const std::string_view rest = text.substr(kSecondsEnd);
  std::string whole(text);
  if (rest.find_first_of("Zz+-") == std::string_view::npos) whole += OffsetText(offset);
  const auto utc = ParseRfc3339(whole);
  if (!utc.ok()) {
    const auto fields =
        Compact(std::string(text.substr(0, 4)) + std::string(text.substr(5, 2)) +
                    std::string(text.substr(8, 2)) + std::string(text.substr(11, 2)) +
                    std::string(text.substr(14, 2)) + std::string(text.substr(17, 2)),
                offset);
    return fields.ok() ? NotATime() : fields.status();
  }
  const int year = Number(text.substr(0, 4));
  if (year < 1970 || year > 2199) return NoSuchTime();
  return NativeTime{*utc, FractionResolution(rest)};
}

}  // namespace

Result<NativeTime> ParseNativeTime(std::string_view text, Duration offset_when_absent) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (LooksIso(text)) return Iso(text, offset_when_absent);
  if (!AllDigits(text)) return NotATime();
  switch (text.size()) {
    case 12:
    case 14:
    case 17:
      return Compact(text, offset_when_absent);
    case 13:
      return FromEpochMilliseconds(std::stod(std::string(text)));
    default:
      return NotATime();
  }
}

Result<NativeTime> FromEpochMilliseconds(double milliseconds) {
  if (!(milliseconds >= 0 && milliseconds < kMillisecondsMax)) return NoSuchTime();
  const auto whole = static_cast<std::int64_t>(milliseconds);
  return NativeTime{UtcTime{std::chrono::milliseconds{whole}}, std::chrono::milliseconds{1}};
}

}  // namespace fusiongateway::plugin
