#include "app/demo_city/ground_truth.h"

#include <nlohmann/json.hpp>

#include "app/demo_city/city.h"

namespace fusiongateway::demo_city {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

Status GroundTruth::Open(const std::string& path) {
  if (path.empty()) return {};
  std::lock_guard lock(mutex_);
  file_.open(path, std::ios::trunc);
  if (!file_) return InvalidArgument("the ground truth cannot be written to " + path);
  return {};
}

void GroundTruth::Write(const CityEvent& event) {
  const Json line{{"feedId", event.feed_id},
                  {"reportId", event.report_id},
                  {"trueTime", FormatRfc3339(event.true_time)},
                  {"incident", event.incident},
                  {"kind", event.kind},
                  {"cameras", event.cameras}};
  WriteLine(line.dump());
}

void GroundTruth::WriteChlorineIncident(std::span<const CityEvent> events) {
  if (events.empty()) return;
  Json reports = Json::array();
  for (const CityEvent& event : events) {
    reports.push_back({{"feedId", event.feed_id}, {"reportId", event.report_id}});
  }
  const Json line{{"incident", kChlorineIncident},
                  {"classCode", "12D02"},
                  {"siteId", kChlorineSite.id},
                  {"districtCode", kChlorineSite.district_code},
                  {"latitude", kChlorineSite.latitude},
                  {"longitude", kChlorineSite.longitude},
                  {"started", FormatRfc3339(events.front().true_time)},
                  {"reports", std::move(reports)},
                  {"cameras", {kTankCameraId, kGateCameraId, kTowerCameraId}}};
  WriteLine(line.dump());
}

std::uint64_t GroundTruth::failures() const {
  std::lock_guard lock(mutex_);
  return failures_;
}

void GroundTruth::WriteLine(const std::string& line) {
  std::lock_guard lock(mutex_);
  if (!file_.is_open()) return;
  if (!(file_ << line << '\n' << std::flush)) {
    ++failures_;
    file_.clear();
  }
}

}  // namespace fusiongateway::demo_city
