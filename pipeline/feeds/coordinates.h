// GCJ-02 and BD-09 to WGS-84. Pure; any thread.
#pragma once

#include "fusion/model/report.h"

namespace fusiongateway {

// To WGS-84 within a centimetre of the inverse of the published forward formulas; `original_crs`
// keeps what the source spoke. Outside the area those systems cover (72.004..137.8347 E,
// 0.8293..55.8271 N) nothing is shifted. kUnspecified is taken as WGS-84.
Position ToWgs84(Position position);

// The forward way, for tests and simulated sources.
Position FromWgs84(Position position, CoordinateSystem to);

}  // namespace fusiongateway
