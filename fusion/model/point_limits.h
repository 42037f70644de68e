// Where a value stands against the limits of its measuring point. Pure; any thread.
#pragma once

#include <optional>

#include "fusion/model/engine_config.h"
#include "fusion/model/point_state.h"

namespace fusiongateway {

// The limit of that level; none if the point has no such limit.
const std::optional<double>& LimitOf(const EngineConfig::Point& point, PointLevel level);

// The worst level that `value` has reached: at or beyond its limit. A level that the point was at
// or above `before` is left only by more than the hysteresis.
PointLevel LevelOf(double value, const EngineConfig::Point& point,
                   PointLevel before = PointLevel::kNormal);

}  // namespace fusiongateway
