// 蓝天卫士: smoke, fire and thermal alarms of 360° PTZ cameras on telecom towers.
//
// A fix is the point where the line of sight meets the ground, so its error grows with the
// distance: it is carried. Without a fix there is only a bearing, and how far it can reach. Pan is
// taken as azimuth from true north. A sweep that sees the same fire again is the source's update of
// one alarm if it keeps the alarmId; else it is an alarm of its own, and joining is fusion's.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "plugins/json_fields/feed_module.h"
#include "plugins/json_fields/json_fields.h"

namespace fusiongateway::plugin {
namespace {

constexpr double kRadiansPerDegree = std::numbers::pi / 180;
constexpr double kEarthRadiusM = 6'371'008.8;

// Towers see some kilometres: a sphere is exact to 0.3 % of that.
double DistanceM(const v1::Position& a, const v1::Position& b) {
  const double north = (b.latitude() - a.latitude()) * kRadiansPerDegree * kEarthRadiusM;
  const double east = (b.longitude() - a.longitude()) * kRadiansPerDegree * kEarthRadiusM *
                      std::cos((a.latitude() + b.latitude()) / 2 * kRadiansPerDegree);
  return std::hypot(north, east);
}

struct Optics {
  double tilt_error_deg = 0.1;
  double azimuth_error_deg = 0.5;
  double tower_height_m = 40;
  double range_max_m = 10'000;
};

bool IsCameraId(std::string_view id) {
  return id.size() == 20 &&
         std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// How far away what is seen at this depression can be at most: where the line of sight, lifted by
// the tilt's error, meets the ground; the camera's range if it may miss it.
double ReachM(double height_m, double depression_deg, const Optics& optics) {
  if (depression_deg <= optics.tilt_error_deg) return optics.range_max_m;
  return std::min(optics.range_max_m, height_m / std::tan((depression_deg - optics.tilt_error_deg) *
                                                          kRadiansPerDegree));
}

// How far from the fix the truth can be. The far side of the tilt error is the wider one, and
// unbounded when the line of sight may miss the ground: the camera's range then bounds it.
double FixUncertaintyM(double distance_m, double height_m, std::optional<double> depression_deg,
                       const Optics& optics) {
  const double depression =
      depression_deg.value_or(std::atan2(height_m, distance_m) / kRadiansPerDegree);
  const double reach = std::max(optics.range_max_m, distance_m);
  double along = reach;
  if (depression > optics.tilt_error_deg) {
    const double here = height_m / std::tan(depression * kRadiansPerDegree);
    const double far =
        height_m / std::tan((depression - optics.tilt_error_deg) * kRadiansPerDegree);
    along = std::min(far - here, reach);
  }
  return std::hypot(along, distance_m * optics.azimuth_error_deg * kRadiansPerDegree);
}

class SkyGuard {
 public:
  static Result<SkyGuard> Create(const PluginConfig& config) {
    auto table = config.Table("sky_guard");
    if (!table.ok()) return table.status();
    SkyGuard decoder;
    decoder.table_ = std::move(*table);
    decoder.default_crs_ = config.default_crs;
    decoder.time_zone_offset_ = config.time_zone_offset;
    Optics& o = decoder.optics_;
    const std::pair<const char*, double*> numbers[] = {{"tilt_error_deg", &o.tilt_error_deg},
                                                       {"azimuth_error_deg", &o.azimuth_error_deg},
                                                       {"tower_height_m", &o.tower_height_m},
                                                       {"range_max_m", &o.range_max_m}};
    for (const auto& [key, number] : numbers) {
      if (Status s = config.Read("sky_guard", key, number); !s.ok()) return s;
      if (!(*number > 0)) {
        return InvalidArgument("table \"sky_guard\": " + std::string(key) + " must be above 0");
      }
    }
    if (Status s = config.Read("sky_guard", "handle_actions", &decoder.handle_actions_); !s.ok()) {
      return s;
    }
    return decoder;
  }

  void Decode(const std::uint8_t* payload, std::size_t length,
              const fusion_gateway_emitter& emitter) const {
    EachElement(payload, length, time_zone_offset_, emitter, [&](Fields& fields) {
      v1::Report report;
      Read(fields, &report);
      if (fields.ok()) Emit(fields, &report, emitter);
    });
  }

 private:
  void Read(Fields& fields, v1::Report* report) const {
    report->set_kind(v1::SKY_GUARD_ALARM);
    report->set_report_id(fields.Id("alarmId"));
    report->set_device_id(fields.Id("cameraId"));
    report->add_camera_ids(report->device_id());
    if (!IsCameraId(report->device_id())) FlagUnknownCode("cameraId", report);
    report->set_district_code(fields.Text("adCode"));
    report->set_confidence(fields.Number("confidence", 0, 1).value_or(0));
    const auto occurred = fields.Time("occurTime");
    SetOccurredAt(occurred, report);
    SetUpdatedAt(occurred, report);

    auto* alarm = report->mutable_sky_guard();
    alarm->set_alarm_type(fields.RequiredText("alarmType"));
    if (!table_.Label("alarm_type", alarm->alarm_type())) FlagUnknownCode("alarmType", report);
    alarm->set_camera_name(fields.Text("cameraName"));
    alarm->set_village(fields.Text("village"));
    alarm->set_feedback(fields.Text("feedback"));
    if (const auto box = fields.Box("bbox")) *alarm->mutable_bbox() = *box;
    ReadPlace(fields, report);
    ReadPictures(fields, report);
    ReadAction(fields, report);

    const auto found = table_.Classify({{"alarm_type", {alarm->alarm_type()}},
                                        {"review_state", {alarm->review_state()}},
                                        {"village", {alarm->village()}}});
    report->set_class_code(found.class_code);
    report->set_severity(found.severity);
    Summarise(report);
  }

  void ReadPlace(Fields& fields, v1::Report* report) const {
    auto* alarm = report->mutable_sky_guard();
    const auto pan = fields.Number("pan", -360, 360);
    const auto tilt = fields.Number("tilt", -90, 90);
    const auto height = fields.Number("camHeight", 0, 1000);
    const double height_m = height && *height > 0 ? *height : optics_.tower_height_m;
    // Tilt's sign differs between makers; an alarm's camera looks down. Level = not told.
    const std::optional<double> depression =
        tilt && *tilt != 0 ? std::optional(std::abs(*tilt)) : std::nullopt;
    alarm->set_pan_deg(pan.value_or(0));
    alarm->set_tilt_deg(tilt.value_or(0));
    alarm->set_zoom(fields.Number("zoom", 0, 1e6).value_or(0));
    alarm->set_camera_height_m(height.value_or(0));

    const auto crs = ReadCrs(fields, "crs", default_crs_, report);
    const auto camera = ReadPosition(fields, "camLon", "camLat", crs, report);
    const auto fix = ReadPosition(fields, "fireLon", "fireLat", crs, report);
    if (camera) *alarm->mutable_camera_position() = *camera;
    if (camera && pan) {
      auto* bearing = report->mutable_bearing();
      const double azimuth = std::fmod(*pan + 360, 360);
      bearing->set_azimuth_deg(azimuth);
      bearing->set_uncertainty_deg(optics_.azimuth_error_deg);
      *bearing->mutable_origin() = *camera;
      bearing->set_range_m(depression ? ReachM(height_m, *depression, optics_)
                                      : optics_.range_max_m);
    }
    if (!fix) return;
    *report->mutable_position() = *fix;
    const double distance_m = camera       ? DistanceM(*camera, *fix)
                              : depression ? height_m / std::tan(*depression * kRadiansPerDegree)
                                           : optics_.range_max_m;
    report->mutable_position()->set_uncertainty_m(
        crs.uncertainty_m + FixUncertaintyM(distance_m, height_m, depression, optics_));
  }

  void ReadPictures(Fields& fields, v1::Report* report) const {
    const std::pair<const char*, const char*> kinds[] = {{"snapshotUrl", "snapshot"},
                                                         {"clipUrl", "clip"}};
    for (const auto& [key, role] : kinds) {
      const std::string url = fields.Text(key);
      if (url.empty()) continue;
      auto* attachment = report->add_attachments();
      attachment->set_role(role);
      attachment->set_url(url);
    }
  }

  // A person's verdict goes before what the camera says of itself.
  void ReadAction(Fields& fields, v1::Report* report) const {
    auto* alarm = report->mutable_sky_guard();
    const std::string action = fields.Text("action");
    if (!action.empty() && action != "start" && action != "update" && action != "stop") {
      FlagUnknownCode("action", report);
    }
    // "true" and "false" may come as JSON's own.
    const auto reviewed = fields.Boolean("reviewState");
    alarm->set_review_state(reviewed ? (*reviewed ? "true" : "false") : fields.Text("reviewState"));
    if (!table_.Knows("review_state", alarm->review_state())) {
      FlagUnknownCode("reviewState", report);
    }
    alarm->set_handle_state(fields.Text("handleState"));
    v1::ReportAction handled = v1::REPORT_ACTION_UNSPECIFIED;
    if (!alarm->handle_state().empty()) {
      const auto found = handle_actions_.find(alarm->handle_state());
      if (found != handle_actions_.end()) handled = found->second;
      if (found == handle_actions_.end()) FlagUnknownCode("handleState", report);
    }
    if (alarm->review_state() == "false" || handled == v1::CANCEL) {
      report->set_action(v1::CANCEL);
    } else if (action == "stop" || handled == v1::STOP) {
      report->set_action(v1::STOP);
    } else if (action == "update" || handled == v1::UPDATE ||
               (action.empty() &&
                (alarm->review_state() == "true" || !alarm->feedback().empty()))) {
      report->set_action(v1::UPDATE);
    } else {
      report->set_action(v1::START);
    }
  }

  void Summarise(v1::Report* report) const {
    const auto& alarm = report->sky_guard();
    const std::string* label = table_.Label("alarm_type", alarm.alarm_type());
    std::string summary = "蓝天卫士 " + (label ? *label : alarm.alarm_type());
    if (!alarm.camera_name().empty()) summary += " " + alarm.camera_name();
    if (!alarm.village().empty()) summary += " " + alarm.village();
    if (!alarm.feedback().empty()) summary += "：" + alarm.feedback();
    report->set_summary(summary);
  }

  CodeTable table_;
  Optics optics_;
  std::map<std::string, v1::ReportAction> handle_actions_;
  v1::CoordinateSystem default_crs_ = v1::GCJ02;
  Duration time_zone_offset_{};
};

}  // namespace
}  // namespace fusiongateway::plugin

FUSION_GATEWAY_FEED_MODULE(fusiongateway::plugin::SkyGuard, "sky_guard", "1.1")
