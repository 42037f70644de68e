// Time as types: instants on the UTC time line, instants on a monotonic clock, and spans. They
// cannot be mixed by accident. No function of this project takes a raw integer as a time.
//
// Only app/ reads a clock; everybody else is handed a `Clock` or an instant.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "fusion/base/status.h"

namespace fusiongateway {

using Duration = std::chrono::nanoseconds;
// UTC as Unix time, nanoseconds; 1677 .. 2262.
using UtcTime = std::chrono::sys_time<Duration>;
// A monotonic clock of this machine; comparable within one process only.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;

// A source of both times. Implemented by app/ (the machine's) and tests/support (a simulated one).
class Clock {
 public:
  virtual ~Clock() = default;
  virtual UtcTime UtcNow() const = 0;
  virtual SteadyTime SteadyNow() const = 0;
};

// "2026-11-23T10:00:00.000000000Z": RFC 3339, UTC, always nine decimals.
std::string FormatRfc3339(UtcTime time);
// Any RFC 3339 instant with an offset. Refuses everything else, naming what is wrong.
Result<UtcTime> ParseRfc3339(std::string_view text);

// `a + b`, held at the ends of the representable range instead of overflowing.
UtcTime SaturatingAdd(UtcTime a, Duration b);
// `a - b` of two instants, held at the ends of Duration's range.
Duration SaturatingSubtract(UtcTime a, UtcTime b);

enum class ClockSource : std::uint8_t {
  kUnspecified = 0,
  kSenderReport = 1,
  kHeaderExtension = 2,
  kArrival = 3,
  kProbed = 4,
  kDeclared = 5,
  kUnsynchronised = 6,
};

// "SENDER_REPORT" …: the wire name.
std::string_view ToString(ClockSource source);

// An instant as an interval: the truth lies within utc ± uncertainty relative to the gateway's
// clock. `uncertainty` is a half-width and a bound, never a sigma. `epoch` counts steps of the
// clock the stamp came from, from 1.
struct Stamp {
  UtcTime utc{};
  Duration uncertainty{};
  ClockSource source = ClockSource::kUnspecified;
  std::uint64_t epoch = 1;

  UtcTime Earliest() const { return SaturatingAdd(utc, -uncertainty); }
  UtcTime Latest() const { return SaturatingAdd(utc, uncertainty); }
  friend bool operator==(const Stamp&, const Stamp&) = default;
};

}  // namespace fusiongateway
