// The ways the city's systems write a time. Pure; any thread.
#pragma once

#include <string_view>

#include "fusion/base/status.h"
#include "fusion/base/time.h"

namespace fusiongateway::plugin {

struct NativeTime {
  // The start of the interval that was written.
  UtcTime utc{};
  // Its length: one second for "20261123100000", a millisecond for an epoch in milliseconds.
  Duration resolution{};
};

// yyyyMMddHHmmss, yyyyMMddHHmmssSSS, yyyyMMddHHmm, epoch milliseconds (13 digits), ISO 8601 with or
// without offset, "yyyy-MM-dd HH:mm:ss". A time without an offset is in `offset_when_absent`.
// kInvalidArgument: not a time. kOutOfRange: written like one, but no such instant.
Result<NativeTime> ParseNativeTime(std::string_view text, Duration offset_when_absent);

// Milliseconds since 1970, as a number. kOutOfRange outside 1970 .. 2200.
Result<NativeTime> FromEpochMilliseconds(double milliseconds);

}  // namespace fusiongateway::plugin
