// 危化品: values, threshold alarms (报警), model warnings (预警) and states of hazardous-chemicals
// enterprises.
//
// "isConnectDataSource": false is DATA_LOST, never a normal value; what values come with it are not
// read. A quotaId is enterprise(9) + hazard source(3) + device(letter+4) + indicator(2) + seq(3).
// Medium, unit and limits of a point come from the site table; each value is judged by its point's
// limits, apart from what the point's value was before: that is the engine's business.
#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fusion/model/point_limits.h"
#include "plugins/json_fields/feed_module.h"
#include "plugins/json_fields/json_fields.h"

namespace fusiongateway::plugin {
namespace {

constexpr double kValueMax = 1e12;
// About what fits into the largest message.
constexpr std::size_t kValuesMax = 20'000;

bool IsQuotaId(std::string_view id) {
  constexpr std::string_view kForm = "dddddddddddduddddluddd";
  if (id.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto c = static_cast<unsigned char>(id[i]);
    if (kForm[i] == 'd' ? !std::isdigit(c) : !std::isalpha(c)) return false;
  }
  return true;
}

// "" for an id of another form.
std::string IndicatorIn(const std::string& quota_id) {
  return IsQuotaId(quota_id) ? quota_id.substr(17, 2) : std::string();
}

std::string NumberText(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

PointLevel LevelNamed(std::string_view name) {
  for (const auto level :
       {PointLevel::kLow, PointLevel::kHigh, PointLevel::kLowLow, PointLevel::kHighHigh}) {
    if (ToString(level) == name) return level;
  }
  return PointLevel::kNormal;
}

void SetLimits(const EngineConfig::Point& point, v1::SensorDetail* sensor) {
  if (point.low_low) sensor->mutable_limits()->set_low_low(*point.low_low);
  if (point.low) sensor->mutable_limits()->set_low(*point.low);
  if (point.high) sensor->mutable_limits()->set_high(*point.high);
  if (point.high_high) sensor->mutable_limits()->set_high_high(*point.high_high);
}

class Hazmat {
 public:
  static Result<Hazmat> Create(const PluginConfig& config) {
    auto table = config.Table("hazmat");
    if (!table.ok()) return table.status();
    Hazmat decoder;
    decoder.table_ = std::move(*table);
    decoder.sites_ = config.sites;
    decoder.points_ = config.points;
    for (auto& [quota_id, point] : decoder.points_) {
      if (point.indicator.empty()) point.indicator = IndicatorIn(quota_id);
    }
    decoder.time_zone_offset_ = config.time_zone_offset;
    if (Status s = config.Read("hazmat", "enterprise_prefix", &decoder.enterprise_prefix_);
        !s.ok()) {
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
    const std::string type = fields.RequiredText("dataType");
    report->set_clock_id(fields.Text("gatewayId"));
    if (type == "energy_data" || type == "state") {
      ReadCollection(type, fields, report);
    } else if (type == "alarm") {
      ReadAlarm(fields, report);
    } else if (type == "warning") {
      ReadWarning(fields, report);
    } else if (!type.empty()) {
      fields.Refuse("UNKNOWN_TYPE", "dataType",
                    "\"dataType\" must be energy_data, alarm, warning or state");
    }
  }

  // Nine digits, of this city by their beginning; another one is taken and flagged.
  std::string ReadEnterprise(Fields& fields, v1::Report* report) const {
    const std::string id = fields.Id("enterpriseId");
    const bool known_form =
        id.size() == 9 && id.starts_with(enterprise_prefix_) &&
        std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isdigit(c); });
    if (!id.empty() && !known_form) FlagUnknownCode("enterpriseId", report);
    return id;
  }

  void ReadCollection(const std::string& type, Fields& fields, v1::Report* report) const {
    auto* sensor = report->mutable_sensor();
    sensor->set_enterprise_id(ReadEnterprise(fields, report));
    sensor->set_gateway_id(fields.Id("gatewayId"));
    report->set_device_id(sensor->gateway_id());
    const std::string collected = fields.RequiredText("collectTime");
    const auto time = collected.empty() ? std::nullopt : fields.Time("collectTime");
    SetOccurredAt(time, report);
    SetUpdatedAt(time, report);
    const auto connected = fields.Flag("isConnectDataSource");

    const bool is_state = type == "state";
    report->set_report_id(sensor->gateway_id() + ":" + collected + (is_state ? ":state" : ""));
    const bool lost = connected && !*connected;
    if (is_state && !connected && fields.ok()) {
      fields.Refuse("MISSING_FIELD", "isConnectDataSource",
                    "a state must say \"isConnectDataSource\"; add it and send the payload again");
    }
    report->set_kind(lost || is_state ? v1::DATA_LOST : v1::SENSOR_READING);
    report->set_action(is_state && !lost ? v1::STOP : v1::START);
    PointLevel worst = PointLevel::kNormal;
    if (lost) {
      // A lost source's values are leftovers.
      fields.MarkRead("datas");
    } else if (!is_state) {
      worst = ReadValues(fields, report);
    }
    Classify(lost ? "data_lost" : type, std::string(ToString(worst)), "", fields, report);
    std::string summary = lost       ? "危化品 数据中断 "
                          : is_state ? "危化品 数据恢复 "
                                     : "危化品 监测值 ";
    summary += sensor->enterprise_id();
    if (worst != PointLevel::kNormal) {
      summary += "：有测点达到" + LabelOf("level", std::string(ToString(worst)));
    }
    report->set_summary(summary);
  }

  // The worst level that any of the values has reached.
  PointLevel ReadValues(Fields& fields, v1::Report* report) const {
    if (!fields.Has("datas")) {
      fields.Refuse("MISSING_FIELD", "datas",
                    "\"datas\" is required while the data source is connected; add the values");
    }
    PointLevel worst = PointLevel::kNormal;
    bool all_known = true;
    fields.EachObject("datas", kValuesMax, [&](Fields& data) {
      auto* to = report->mutable_sensor()->add_values();
      to->set_quota_id(data.Id("quotaId"));
      to->set_value(data.RequiredNumber("value", -kValueMax, kValueMax));
      const auto point = points_.find(to->quota_id());
      if (point == points_.end()) {
        all_known = all_known && table_.Label("indicator", IndicatorIn(to->quota_id()));
        return;
      }
      to->set_unit(point->second.unit);
      const PointLevel level = LevelOf(to->value(), point->second);
      if (level == PointLevel::kNormal) return;
      to->set_level(std::string(ToString(level)));
      worst = std::max(worst, level);
    });
    if (!all_known) FlagUnknownCode("quotaId", report);
    return worst;
  }

  void ReadAlarm(Fields& fields, v1::Report* report) const {
    report->set_kind(v1::SENSOR_ALARM);
    report->set_report_id(fields.Id("alarmId"));
    auto* sensor = report->mutable_sensor();
    sensor->set_gateway_id(fields.Text("gatewayId"));
    sensor->set_quota_id(fields.Id("quotaId"));
    sensor->set_enterprise_id(fields.Has("enterpriseId") || !IsQuotaId(sensor->quota_id())
                                  ? ReadEnterprise(fields, report)
                                  : sensor->quota_id().substr(0, 9));
    report->set_device_id(sensor->quota_id());
    sensor->set_level(fields.RequiredText("level"));
    if (!table_.Label("level", sensor->level())) FlagUnknownCode("level", report);
    sensor->set_value(fields.RequiredNumber("value", -kValueMax, kValueMax));
    sensor->set_unit(fields.Text("unit"));
    const auto threshold = fields.Number("threshold", -kValueMax, kValueMax);
    const EngineConfig::Point* point = FillFromPoint(threshold, sensor);
    if (!table_.Label("indicator", sensor->indicator())) FlagUnknownCode("quotaId", report);

    const auto started = fields.Time("startTime");
    const auto ended = fields.Time("endTime");
    const std::string state = fields.Text("state");
    const bool cleared = state == "cleared";
    if (!state.empty() && !cleared && state != "active") FlagUnknownCode("state", report);
    report->set_action(cleared ? v1::STOP : v1::START);
    SetOccurredAt(cleared && ended ? ended : started, report);
    SetUpdatedAt(started, report);
    SetUpdatedAt(ended, report);
    Classify("alarm", sensor->level(), "", fields, report);
    SummariseAlarm(threshold.has_value(), point, report);
  }

  // What the source leaves out and the site table knows; the source's own word goes first.
  const EngineConfig::Point* FillFromPoint(std::optional<double> threshold,
                                           v1::SensorDetail* sensor) const {
    sensor->set_threshold(threshold.value_or(0));
    sensor->set_indicator(IndicatorIn(sensor->quota_id()));
    const auto found = points_.find(sensor->quota_id());
    if (found == points_.end()) return nullptr;
    const EngineConfig::Point& point = found->second;
    sensor->set_indicator(point.indicator);
    sensor->set_medium(point.medium);
    SetLimits(point, sensor);
    const bool same_unit = sensor->unit().empty() || sensor->unit() == point.unit;
    if (sensor->unit().empty()) sensor->set_unit(point.unit);
    if (!threshold && same_unit) {
      sensor->set_threshold(LimitOf(point, LevelNamed(sensor->level())).value_or(0));
    }
    return &point;
  }

  std::string LabelOf(const char* list, const std::string& code) const {
    const std::string* found = table_.Label(list, code);
    return found ? *found : code;
  }

  void SummariseAlarm(bool threshold_sent, const EngineConfig::Point* point,
                      v1::Report* report) const {
    const auto& sensor = report->sensor();
    std::string summary = report->action() == v1::STOP ? "危化品 报警解除 " : "危化品 报警 ";
    if (point && !point->name.empty()) summary += point->name + " ";
    if (!sensor.medium().empty()) summary += LabelOf("medium", sensor.medium());
    summary += LabelOf("indicator", sensor.indicator()) + LabelOf("level", sensor.level()) + " " +
               NumberText(sensor.value()) + sensor.unit();
    if (threshold_sent || sensor.threshold() != 0) {
      summary += "（限值 " + NumberText(sensor.threshold()) + sensor.unit() + "）";
    }
    report->set_summary(summary + " " + sensor.quota_id());
  }

  void ReadWarning(Fields& fields, v1::Report* report) const {
    report->set_kind(v1::RISK_WARNING);
    report->set_action(v1::START);
    report->set_report_id(fields.Id("warningId"));
    auto* warning = report->mutable_risk_warning();
    warning->set_enterprise_id(ReadEnterprise(fields, report));
    report->set_device_id(warning->enterprise_id());
    warning->set_colour(fields.RequiredText("colour"));
    warning->set_reason(fields.Text("reason"));
    if (!table_.Label("colour", warning->colour())) FlagUnknownCode("colour", report);
    const auto time = fields.Time("time");
    SetOccurredAt(time, report);
    SetUpdatedAt(time, report);
    Classify("warning", "", warning->reason(), fields, report);
    report->set_summary("危化品 " + LabelOf("colour", warning->colour()) + "预警 " +
                        warning->enterprise_id() + "：" + warning->reason());
  }

  const SiteFacts* SiteOf(const v1::Report& report) const {
    for (const std::string* id :
         {&report.sensor().quota_id(), &report.sensor().enterprise_id(),
          &report.sensor().gateway_id(), &report.risk_warning().enterprise_id()}) {
      const auto site = sites_.find(*id);
      if (site != sites_.end()) return &site->second;
    }
    return nullptr;
  }

  void Classify(const std::string& type, const std::string& level, const std::string& text,
                const Fields& fields, v1::Report* report) const {
    if (!fields.ok()) return;
    const SiteFacts* site = SiteOf(*report);
    const std::uint32_t hazard_level = site ? site->hazard_level : 0;
    if (report->has_sensor()) {
      auto* sensor = report->mutable_sensor();
      if (sensor->medium().empty() && site) sensor->set_medium(site->medium);
      sensor->set_hazard_level(hazard_level);
    } else {
      report->mutable_risk_warning()->set_hazard_level(hazard_level);
    }
    const auto found = table_.Classify({{"data_type", {type}},
                                        {"indicator", {report->sensor().indicator()}},
                                        {"medium", {report->sensor().medium()}},
                                        {"level", {level}},
                                        {"hazard_level", {std::to_string(hazard_level)}},
                                        {"colour", {report->risk_warning().colour()}},
                                        {"text", {text}}});
    report->set_class_code(found.class_code);
    report->set_severity(found.severity);
  }

  CodeTable table_;
  std::map<std::string, SiteFacts> sites_;
  std::unordered_map<std::string, EngineConfig::Point> points_;
  std::string enterprise_prefix_;
  Duration time_zone_offset_{};
};

}  // namespace
}  // namespace fusiongateway::plugin

FUSION_GATEWAY_FEED_MODULE(fusiongateway::plugin::Hazmat, "hazmat", "1.1")
