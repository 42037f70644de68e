#include "plugins/json_fields/plugin_config.h"

#include <optional>
#include <utility>

namespace fusiongateway::plugin {
namespace {

using nlohmann::json;

std::string TextOf(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

const json& ArrayOf(const json& object, const char* key) {
  static const json none = json::array();
  const auto it = object.find(key);
  return it != object.end() && it->is_array() ? *it : none;
}

// {"LL", "L", "H", "HH"}, any of them absent.
bool ReadLimits(const json& from, EngineConfig::Point* to) {
  if (!from.is_object()) return false;
  const std::pair<const char*, std::optional<double>*> kLimits[] = {
      {"LL", &to->low_low}, {"L", &to->low}, {"H", &to->high}, {"HH", &to->high_high}};
  for (const auto& [key, to_limit] : kLimits) {
    const auto limit = from.find(key);
    if (limit == from.end()) continue;
    if (!limit->is_number()) return false;
    *to_limit = limit->get<double>();
  }
  return true;
}

Status ReadPoint(const json& from, const std::string& site_medium, PluginConfig* config) {
  EngineConfig::Point point;
  point.device_id = TextOf(from, "quotaId");
  point.name = TextOf(from, "name");
  point.medium = TextOf(from, "medium");
  point.unit = TextOf(from, "unit");
  point.indicator = TextOf(from, "indicator");
  if (point.medium.empty()) point.medium = site_medium;
  const auto limits = from.find("limits");
  if (limits != from.end() && !ReadLimits(*limits, &point)) {
    return InvalidArgument("sites: the limits of point \"" + point.device_id +
                           "\" must be numbers");
  }
  config->points[point.device_id] = std::move(point);
  return {};
}

Status ReadSite(const json& from, PluginConfig* config) {
  SiteFacts site{TextOf(from, "medium"), 0};
  if (const auto level = from.find("hazardLevel"); level != from.end()) {
    if (!level->is_number_unsigned()) {
      return InvalidArgument("sites: hazardLevel must be a whole number, 0 to 4");
    }
    site.hazard_level = level->get<std::uint32_t>();
  }
  config->sites[TextOf(from, "siteId")] = site;
  for (const json& device : ArrayOf(from, "deviceIds")) {
    if (device.is_string()) config->sites[device.get<std::string>()] = site;
  }
  for (const json& point : ArrayOf(from, "points")) {
    if (!point.is_object()) return InvalidArgument("sites: a point must be an object");
    if (Status s = ReadPoint(point, site.medium, config); !s.ok()) return s;
  }
  return {};
}

const json* Find(const json& tables, const std::string& table, const std::string& key) {
  const auto found = tables.find(table);
  if (found == tables.end() || !found->is_object()) return nullptr;
  const auto value = found->find(key);
  return value == found->end() ? nullptr : &*value;
}

Status Wrong(const std::string& table, const std::string& place, const char* wanted) {
  return InvalidArgument("table \"" + table + "\": " + place + " must be " + wanted);
}

}  // namespace

Result<PluginConfig> PluginConfig::FromText(const char* text) {
  const json from = json::parse(text, nullptr, false);
  if (!from.is_object()) return InvalidArgument("the plugin's configuration is not a JSON object");
  PluginConfig config;
  config.feed_id = TextOf(from, "feedId");
  const std::string crs = TextOf(from, "defaultCrs");
  if (!crs.empty() && !v1::CoordinateSystem_Parse(crs, &config.default_crs)) {
    return InvalidArgument("defaultCrs must be WGS84, GCJ02 or BD09");
  }
  const auto offset = from.find("timeZoneOffsetMinutes");
  if (offset != from.end()) {
    if (!offset->is_number_integer()) {
      return InvalidArgument("timeZoneOffsetMinutes must be a whole number of minutes");
    }
    config.time_zone_offset = std::chrono::minutes{offset->get<std::int64_t>()};
  }
  const auto tables = from.find("tables");
  if (tables != from.end() && tables->is_object()) config.tables = *tables;
  for (const json& site : ArrayOf(from, "sites")) {
    if (!site.is_object()) continue;
    if (Status s = ReadSite(site, &config); !s.ok()) return s;
  }
  return config;
}

Result<CodeTable> PluginConfig::Table(const std::string& name) const {
  const auto table = tables.find(name);
  if (table == tables.end()) return CodeTable();
  auto read = CodeTable::FromJson(*table);
  if (read.ok()) return read;
  return InvalidArgument("table \"" + name + "\": " + read.status().message());
}

Status PluginConfig::Read(const std::string& table, const std::string& key, double* to) const {
  const json* value = Find(tables, table, key);
  if (!value) return {};
  if (!value->is_number()) return Wrong(table, key, "a number");
  *to = value->get<double>();
  return {};
}

Status PluginConfig::Read(const std::string& table, const std::string& key, std::string* to) const {
  const json* value = Find(tables, table, key);
  if (!value) return {};
  if (!value->is_string()) return Wrong(table, key, "a text");
  *to = value->get<std::string>();
  return {};
}

Status PluginConfig::Read(const std::string& table, const std::string& key,
                          std::vector<std::string>* to) const {
  const json* value = Find(tables, table, key);
  if (!value) return {};
  if (!value->is_array()) return Wrong(table, key, "a list of texts");
  for (const json& text : *value) {
    if (!text.is_string()) return Wrong(table, key, "a list of texts");
    to->push_back(text.get<std::string>());
  }
  return {};
}

Status PluginConfig::Read(const std::string& table, const std::string& key,
                          std::map<std::string, v1::ReportAction>* to) const {
  const json* value = Find(tables, table, key);
  if (!value) return {};
  if (!value->is_object()) return Wrong(table, key, "an object of codes");
  for (const auto& [code, name] : value->items()) {
    v1::ReportAction action = v1::REPORT_ACTION_UNSPECIFIED;
    if (!name.is_string() || !v1::ReportAction_Parse(name.get<std::string>(), &action)) {
      return Wrong(table, key + "." + code, "START, UPDATE, STOP or CANCEL");
    }
    (*to)[code] = action;
  }
  return {};
}

}  // namespace fusiongateway::plugin
