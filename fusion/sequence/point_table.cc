#include "fusion/sequence/point_table.h"

#include <array>
#include <charconv>
#include <utility>

#include "fusion/model/point_limits.h"

namespace fusiongateway {
namespace {

std::string SourceOf(const SensorDetail& sensor) {
  return sensor.enterprise_id + "/" + sensor.gateway_id;
}

std::string NumberText(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return std::string(text.data(), end);
}

// The indicator's two letters, where a quota id has them.
std::string IndicatorOf(const std::string& quota_id) {
  return quota_id.size() == 22 ? quota_id.substr(17, 2) : "";
}

}  // namespace

void PointTable::Configure(const EngineConfig& config) {
  limits_.clear();
  for (const EngineConfig::Site& site : config.sites) {
    for (const EngineConfig::Point& point : site.points) {
      limits_.emplace(point.device_id, Limits{point, site.site_id,
                                              point.medium.empty() ? site.medium : point.medium});
    }
  }
}

std::vector<Report> PointTable::Take(const Report& report) {
  std::vector<Report> alarms;
  const auto* sensor = std::get_if<SensorDetail>(&report.detail);
  if (!sensor) return alarms;
  if (report.kind == ReportKind::kSensorReading) {
    Source* const source = FindOrAddSource(*sensor);
    if (source && report.aligned.utc >= source->heard_at) {
      source->heard_at = report.aligned.utc;
      source->lost = false;
    }
    for (const SensorDetail::Value& value : sensor->values) {
      Point* point = Set(source, value, report.aligned);
      if (!point || limits_.empty()) continue;
      const auto limits = limits_.find(value.quota_id);
      const PointLevel before = point->state.level;
      const PointLevel now = limits == limits_.end()
                                 ? PointLevel::kNormal
                                 : LevelOf(value.value, limits->second.point, before);
      if (now == before) continue;
      point->state.level = now;
      point->state.since = report.aligned.utc;
      if (before == PointLevel::kNormal) point->left_normal_at = report.aligned.utc;
      if (limits == limits_.end()) continue;  // its limits were taken away
      alarms.push_back(AlarmOf(report, value, *point, limits->second, before));
    }
  } else if (report.kind == ReportKind::kDataLost) {
    Source* const source = FindOrAddSource(*sensor);
    if (!source || report.aligned.utc < source->heard_at) return alarms;
    source->heard_at = report.aligned.utc;
    source->lost = report.action != ReportAction::kStop;
    for (const std::string& quota_id : source->points) points_[quota_id].state.lost = source->lost;
  }
  return alarms;
}

bool PointTable::IsNews(const Report& data_lost) const {
  const auto* sensor = std::get_if<SensorDetail>(&data_lost.detail);
  if (!sensor) return false;
  const bool lost = data_lost.action != ReportAction::kStop;
  const auto source = sources_.find(SourceOf(*sensor));
  if (source == sources_.end()) return lost;
  return lost != source->second.lost && data_lost.aligned.utc >= source->second.heard_at;
}

PointTable::Source* PointTable::FindOrAddSource(const SensorDetail& sensor) {
  std::string name = SourceOf(sensor);
  const auto known = sources_.find(name);
  if (known != sources_.end()) return &known->second;
  if (sources_.size() >= kPointsMax) return nullptr;
  return &sources_[std::move(name)];
}

// The point the value is now the last one of; null if it is not.
PointTable::Point* PointTable::Set(Source* source, const SensorDetail::Value& value,
                                   const Stamp& at) {
  auto known = points_.find(value.quota_id);
  if (known == points_.end()) {
    if (points_.size() >= kPointsMax) {
      ++refused_count_;
      return nullptr;
    }
    known = points_.emplace(value.quota_id, Point{}).first;
    known->second.state.since = at.utc;
    if (source) source->points.push_back(value.quota_id);
  } else if (at.utc < known->second.state.aligned.utc) {
    return nullptr;
  }
  PointState& state = known->second.state;
  state.value = value.value;
  state.aligned = at;
  state.lost = source && source->lost;
  return &known->second;
}

Report PointTable::AlarmOf(const Report& reading, const SensorDetail::Value& value,
                           const Point& point, const Limits& limits, PointLevel before) {
  const PointLevel now = point.state.level;
  const bool is_normal = now == PointLevel::kNormal;
  const PointLevel level = is_normal ? before : now;  // of which the alarm speaks
  const auto& sensor = std::get<SensorDetail>(reading.detail);
  Report alarm = reading;
  alarm.report_id = value.quota_id + "@" + FormatRfc3339(point.left_normal_at);
  alarm.kind = ReportKind::kSensorAlarm;
  alarm.action = is_normal                       ? ReportAction::kStop
                 : before == PointLevel::kNormal ? ReportAction::kStart
                                                 : ReportAction::kUpdate;
  alarm.updated_at = reading.aligned.utc;
  alarm.severity = level == PointLevel::kLowLow || level == PointLevel::kHighHigh
                       ? Severity::kSevere
                       : Severity::kModerate;
  if (alarm.site_id.empty()) alarm.site_id = limits.site_id;
  alarm.device_id = value.quota_id;
  alarm.flags.emplace_back("LIMIT_CROSSED");
  alarm.unknown_fields_json.clear();
  SensorDetail detail;
  detail.enterprise_id = sensor.enterprise_id;
  detail.gateway_id = sensor.gateway_id;
  detail.quota_id = value.quota_id;
  detail.level = ToString(level);
  detail.value = value.value;
  detail.threshold = LimitOf(limits.point, level).value_or(0);
  detail.unit = limits.point.unit;
  detail.indicator =
      limits.point.indicator.empty() ? IndicatorOf(value.quota_id) : limits.point.indicator;
  detail.medium = limits.medium;
  detail.hazard_level = sensor.hazard_level;
  alarm.class_code = detail.indicator == "QT" ? "12D02" : "12D99";
  const std::string name = limits.point.name.empty() ? "" : limits.point.name + " ";
  alarm.summary = (is_normal ? "监测值恢复 " : "监测值越限 ") + name + detail.level + " " +
                  NumberText(value.value) + detail.unit + "（限值 " + NumberText(detail.threshold) +
                  detail.unit + "） " + value.quota_id;
  alarm.detail = std::move(detail);
  return alarm;
}

std::optional<PointState> PointTable::Find(std::string_view quota_id) const {
  const auto found = points_.find(std::string(quota_id));
  if (found == points_.end()) return std::nullopt;
  return found->second.state;
}

}  // namespace fusiongateway
