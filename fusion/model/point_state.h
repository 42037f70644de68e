// What is known of a measuring point.
#pragma once

#include <cstdint>
#include <string_view>

#include "fusion/base/time.h"

namespace fusiongateway {

// Against the limits of the site table; a point without limits is normal.
enum class PointLevel : std::uint8_t { kNormal = 0, kLow, kHigh, kLowLow, kHighHigh };

// "" | "L" | "H" | "LL" | "HH": the wire name.
std::string_view ToString(PointLevel level);

// The last that was heard of a measuring point. Lost is not normal: value and level are only the
// last ones. How old the last value is tells `aligned`.
struct PointState {
  double value = 0;
  Stamp aligned;  // of the value
  bool lost = false;
  PointLevel level = PointLevel::kNormal;
  UtcTime since{};  // of the value that brought it to this level
  friend bool operator==(const PointState&, const PointState&) = default;
};

}  // namespace fusiongateway
