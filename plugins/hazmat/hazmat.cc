// 危化品: values, threshold alarms (报警), model warnings (预警) and states of hazardous-chemicals
// enterprises.
//
// "isConnectDataSource": false is DATA_LOST, never a normal value; what values come with it are not
// taken. A quotaId is enterprise(9) + hazard source(3) + device(letter+4) + indicator(2) + seq(3).
#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <utility>

#include "plugins/json_fields/feed_module.h"
#include "plugins/json_fields/json_fields.h"

namespace fusiongateway::plugin {
namespace {

constexpr double kValueMax = 1e12;

bool IsQuotaId(std::string_view id) {
  constexpr std::string_view kForm = "dddddddddddduddddluddd";
  if (id.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto c = static_cast<unsigned char>(id[i]);
    if (kForm[i] == 'd' ? !std::isdigit(c) : !std::isalpha(c)) return false;
  }
  return true;
}

std::string Indicator(const std::string& quota_id) {
  return IsQuotaId(quota_id) ? quota_id.substr(17, 2) : std::string();
}

std::string NumberText(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

class Hazmat {
 public:
  static Result<Hazmat> Create(const PluginConfig& config) {
    auto table = config.Table("hazmat");
    if (!table.ok()) return table.status();
    Hazmat decoder;
    decoder.table_ = std::move(*table);
    decoder.media_ = config.media;
    decoder.time_zone_offset_ = config.time_zone_offset;
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

  // The enterprise, and what to call it when it is not one of this city's.
  std::string ReadEnterprise(Fields& fields, v1::Report* report) const {
    const std::string id = fields.Id("enterpriseId");
    const bool known_form =
        id.size() == 9 &&
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
    if (!is_state) ReadValues(lost, fields, sensor);
    Classify(lost ? "data_lost" : type, "", fields, report);
    std::string summary = lost       ? "危化品 数据中断 "
                          : is_state ? "危化品 数据恢复 "
                                     : "危化品 监测值 ";
    report->set_summary(summary + sensor->enterprise_id());
  }

  void ReadValues(bool lost, Fields& fields, v1::SensorDetail* sensor) const {
    if (!lost && !fields.Has("datas")) {
      fields.Refuse("MISSING_FIELD", "datas",
                    "\"datas\" is required while the data source is connected; add the values");
    }
    fields.EachObject("datas", [&](Fields& data) {
      const std::string quota_id = data.Id("quotaId");
      // A lost source's values are leftovers, often null or empty.
      if (lost) return;
      const double value = data.RequiredNumber("value", -kValueMax, kValueMax);
      auto* to = sensor->add_values();
      to->set_quota_id(quota_id);
      to->set_value(value);
    });
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
    sensor->set_indicator(Indicator(sensor->quota_id()));
    if (!table_.Label("indicator", sensor->indicator())) FlagUnknownCode("quotaId", report);
    sensor->set_level(fields.RequiredText("level"));
    if (!table_.Label("level", sensor->level())) FlagUnknownCode("level", report);
    sensor->set_value(fields.RequiredNumber("value", -kValueMax, kValueMax));
    sensor->set_threshold(fields.Number("threshold", -kValueMax, kValueMax).value_or(0));
    sensor->set_unit(fields.Text("unit"));

    const auto started = fields.Time("startTime");
    const auto ended = fields.Time("endTime");
    const std::string state = fields.Text("state");
    const bool cleared = state == "cleared";
    if (!state.empty() && !cleared && state != "active") FlagUnknownCode("state", report);
    report->set_action(cleared ? v1::STOP : v1::START);
    SetOccurredAt(cleared && ended ? ended : started, report);
    SetUpdatedAt(started, report);
    SetUpdatedAt(ended, report);
    Classify("alarm", "", fields, report);
    SummariseAlarm(report);
  }

  void SummariseAlarm(v1::Report* report) const {
    const auto& sensor = report->sensor();
    const auto label = [&](const char* list, const std::string& code) {
      const std::string* found = table_.Label(list, code);
      return found ? *found : code;
    };
    std::string summary = report->action() == v1::STOP ? "危化品 报警解除 " : "危化品 报警 ";
    if (!sensor.medium().empty()) summary += label("medium", sensor.medium());
    summary += label("indicator", sensor.indicator()) + label("level", sensor.level()) + " " +
               NumberText(sensor.value()) + sensor.unit();
    if (sensor.threshold() != 0) {
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
    const std::string* label = table_.Label("colour", warning->colour());
    if (!label) FlagUnknownCode("colour", report);
    const auto time = fields.Time("time");
    SetOccurredAt(time, report);
    SetUpdatedAt(time, report);
    Classify("warning", warning->reason(), fields, report);
    report->set_summary("危化品 " + (label ? *label : warning->colour()) + "预警 " +
                        warning->enterprise_id() + "：" + warning->reason());
  }

  void Classify(const std::string& type, const std::string& text, const Fields& fields,
                v1::Report* report) const {
    if (!fields.ok()) return;
    if (report->has_sensor()) {
      auto* sensor = report->mutable_sensor();
      for (const auto& id : {sensor->quota_id(), sensor->enterprise_id()}) {
        const auto medium = media_.find(id);
        if (sensor->medium().empty() && medium != media_.end()) sensor->set_medium(medium->second);
      }
    }
    const auto found = table_.Classify({{"data_type", {type}},
                                        {"indicator", {report->sensor().indicator()}},
                                        {"medium", {report->sensor().medium()}},
                                        {"level", {report->sensor().level()}},
                                        {"colour", {report->risk_warning().colour()}},
                                        {"text", {text}}});
    report->set_class_code(found.class_code);
    report->set_severity(found.severity);
  }

  CodeTable table_;
  std::map<std::string, std::string> media_;
  Duration time_zone_offset_{};
};

}  // namespace
}  // namespace fusiongateway::plugin

FUSION_GATEWAY_FEED_MODULE(fusiongateway::plugin::Hazmat, "hazmat", "1.0")
