#include "fusion/model/point_limits.h"

namespace fusiongateway {
namespace {

bool IsHigh(PointLevel level) {
  return level == PointLevel::kHigh || level == PointLevel::kHighHigh;
}

// Was a point at `before` beyond the limit of `level`? HH is beyond H too.
bool WasBeyond(PointLevel before, PointLevel level) {
  return before != PointLevel::kNormal && IsHigh(before) == IsHigh(level) && before >= level;
}

}  // namespace

const std::optional<double>& LimitOf(const EngineConfig::Point& point, PointLevel level) {
  static const std::optional<double> kNone;
  switch (level) {
    case PointLevel::kLow:
      return point.low;
    case PointLevel::kHigh:
      return point.high;
    case PointLevel::kLowLow:
      return point.low_low;
    case PointLevel::kHighHigh:
      return point.high_high;
    case PointLevel::kNormal:
      break;
  }
  return kNone;
}

PointLevel LevelOf(double value, const EngineConfig::Point& point, PointLevel before) {
  for (const PointLevel level :
       {PointLevel::kHighHigh, PointLevel::kLowLow, PointLevel::kHigh, PointLevel::kLow}) {
    const std::optional<double>& limit = LimitOf(point, level);
    if (!limit) continue;
    const double beyond = IsHigh(level) ? value - *limit : *limit - value;
    if (beyond >= (WasBeyond(before, level) ? -point.hysteresis : 0)) return level;
  }
  return PointLevel::kNormal;
}

}  // namespace fusiongateway
