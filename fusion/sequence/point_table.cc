#include "fusion/sequence/point_table.h"

namespace fusiongateway {

void PointTable::Take(const Report& report) {
  const auto* sensor = std::get_if<SensorDetail>(&report.detail);
  if (!sensor) return;
  const std::string source = sensor->enterprise_id + "/" + sensor->gateway_id;
  if (report.kind == ReportKind::kSensorReading) {
    for (const SensorDetail::Value& value : sensor->values) {
      Set(value.quota_id, source, value.value, report.aligned);
    }
  } else if (report.kind == ReportKind::kDataLost) {
    const auto points = points_by_source_.find(source);
    if (points == points_by_source_.end()) return;
    for (const std::string& quota_id : points->second) {
      points_[quota_id].lost = report.action != ReportAction::kStop;
    }
  }
}

void PointTable::Set(const std::string& quota_id, const std::string& source, double value,
                     const Stamp& at) {
  const auto known = points_.find(quota_id);
  if (known != points_.end()) {
    if (at.utc >= known->second.aligned.utc) known->second = {value, at, false};
    return;
  }
  if (points_.size() >= kPointsMax) {
    ++refused_count_;
    return;
  }
  points_.emplace(quota_id, PointState{value, at, false});
  points_by_source_[source].push_back(quota_id);
}

std::optional<PointState> PointTable::Find(std::string_view quota_id) const {
  const auto found = points_.find(std::string(quota_id));
  if (found == points_.end()) return std::nullopt;
  return found->second;
}

}  // namespace fusiongateway
