// How far two free-running clocks may part in a span of time.
#pragma once

#include <cstdint>

#include "fusion/base/time.h"

namespace fusiongateway {

// Two free-running crystals, each within ±100 ppm.
inline constexpr std::int64_t kDriftPpm = 200;

inline Duration Magnitude(Duration d) { return d < Duration::zero() ? -d : d; }

// Rounded up: a bound is never made narrower. Spans here are at most some decades.
inline Duration Drift(Duration span, std::int64_t ppm) {
  return Duration{Magnitude(span).count() / 1'000'000 * ppm + ppm};
}

}  // namespace fusiongateway
