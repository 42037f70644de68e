#include "fusion/base/time.h"

#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>

namespace fusiongateway {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

// Reads exactly `digits` decimal digits at `at` and moves past them.
std::optional<int> Digits(std::string_view text, std::size_t& at, std::size_t digits) {
  if (at + digits > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const char c = text[at + i];
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  at += digits;
  return value;
}

bool Literal(std::string_view text, std::size_t& at, std::string_view any_of) {
  if (at >= text.size() || any_of.find(text[at]) == std::string_view::npos) return false;
  ++at;
  return true;
}

}  // namespace

UtcTime SaturatingAdd(UtcTime a, Duration b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a.time_since_epoch().count(), b.count(), &sum)) {
    sum = b.count() > 0 ? kMax : kMin;
  }
  return UtcTime{Duration{sum}};
}

Duration SaturatingSubtract(UtcTime a, UtcTime b) {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(a.time_since_epoch().count(), b.time_since_epoch().count(),
                             &difference)) {
    difference = a > b ? kMax : kMin;
  }
  return Duration{difference};
}

std::string FormatRfc3339(UtcTime time) {
  using namespace std::chrono;
  // By division: the first representable second and day begin before the first representable
  // nanosecond, so that not even a comparison with them fits.
  constexpr std::int64_t kPerSecond = 1'000'000'000;
  const std::int64_t count = time.time_since_epoch().count();
  const std::int64_t below = (count % kPerSecond + kPerSecond) % kPerSecond;
  const sys_seconds second{seconds{count / kPerSecond - (count % kPerSecond < 0 ? 1 : 0)}};
  const auto day = floor<days>(second);
  const year_month_day date{day};
  const hh_mm_ss clock{second - day};
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d.%09lldZ", int(date.year()),
                unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                int(clock.minutes().count()), int(clock.seconds().count()),
                static_cast<long long>(below));
  return buffer;
}

Result<UtcTime> ParseRfc3339(std::string_view text) {
  using namespace std::chrono;
  const auto wrong = [&] {
    return InvalidArgument("not an RFC 3339 time: \"" + std::string(text.substr(0, 64)) +
                           "\"; write it like 2026-11-23T10:00:00.5+08:00");
  };
  std::size_t at = 0;
  const auto y = Digits(text, at, 4);
  if (!y || !Literal(text, at, "-")) return wrong();
  const auto mo = Digits(text, at, 2);
  if (!mo || !Literal(text, at, "-")) return wrong();
  const auto d = Digits(text, at, 2);
  if (!d || !Literal(text, at, "Tt ")) return wrong();
  const auto h = Digits(text, at, 2);
  if (!h || !Literal(text, at, ":")) return wrong();
  const auto mi = Digits(text, at, 2);
  if (!mi || !Literal(text, at, ":")) return wrong();
  const auto s = Digits(text, at, 2);
  if (!s) return wrong();

  Duration fraction{};
  if (at < text.size() && (text[at] == '.' || text[at] == ',')) {
    ++at;
    std::int64_t unit = 100'000'000;
    const std::size_t first = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      fraction += Duration{(text[at] - '0') * unit};
      unit /= 10;
      ++at;
    }
    if (at == first) return wrong();
  }

  minutes offset{};
  if (Literal(text, at, "Zz")) {
    // UTC
  } else {
    if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return wrong();
    const int sign = text[at++] == '-' ? -1 : 1;
    const auto oh = Digits(text, at, 2);
    Literal(text, at, ":");
    const auto om = Digits(text, at, 2);
    if (!oh || !om || *oh > 23 || *om > 59) return wrong();
    offset = minutes{sign * (*oh * 60 + *om)};
  }
  if (at != text.size()) return wrong();

  const year_month_day date{year{*y}, month(unsigned(*mo)), day(unsigned(*d))};
  if (!date.ok() || *h > 23 || *mi > 59 || *s > 60) return wrong();
  if (*y < 1678 || *y > 2261) return wrong();
  return UtcTime{sys_days{date}} + hours{*h} + minutes{*mi} + seconds{*s} + fraction - offset;
}

std::string_view ToString(ClockSource source) {
  switch (source) {
    case ClockSource::kUnspecified:
      return "CLOCK_SOURCE_UNSPECIFIED";
    case ClockSource::kSenderReport:
      return "SENDER_REPORT";
    case ClockSource::kHeaderExtension:
      return "HEADER_EXTENSION";
    case ClockSource::kArrival:
      return "ARRIVAL";
    case ClockSource::kProbed:
      return "PROBED";
    case ClockSource::kDeclared:
      return "DECLARED";
    case ClockSource::kUnsynchronised:
      return "UNSYNCHRONISED";
  }
  return "CLOCK_SOURCE_UNSPECIFIED";
}

}  // namespace fusiongateway
