#include "plugins/json_fields/plugin_config.h"

namespace fusiongateway::plugin {
namespace {

using nlohmann::json;

std::string TextOf(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

void ReadSite(const json& site, PluginConfig* config) {
  const std::string medium = TextOf(site, "medium");
  if (medium.empty()) return;
  config->media[TextOf(site, "siteId")] = medium;
  const auto devices = site.find("deviceIds");
  if (devices == site.end() || !devices->is_array()) return;
  for (const json& device : *devices) {
    if (device.is_string()) config->media[device.get<std::string>()] = medium;
  }
}

const json* Find(const json& tables, const std::string& table, const std::string& key) {
  const auto found = tables.find(table);
  if (found == tables.end() || !found->is_object()) return nullptr;
  const auto value = found->find(key);
  return value == found->end() ? nullptr : &*value;
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
  const auto sites = from.find("sites");
  if (sites != from.end() && sites->is_array()) {
    for (const json& site : *sites) {
      if (site.is_object()) ReadSite(site, &config);
    }
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

double PluginConfig::Number(const std::string& table, const std::string& key,
                            double otherwise) const {
  const json* value = Find(tables, table, key);
  return value && value->is_number() ? value->get<double>() : otherwise;
}

std::vector<std::string> PluginConfig::Texts(const std::string& table,
                                             const std::string& key) const {
  std::vector<std::string> texts;
  const json* value = Find(tables, table, key);
  if (!value || !value->is_array()) return texts;
  for (const json& text : *value) {
    if (text.is_string()) texts.push_back(text.get<std::string>());
  }
  return texts;
}

std::map<std::string, std::string> PluginConfig::TextsByName(const std::string& table,
                                                             const std::string& key) const {
  std::map<std::string, std::string> texts;
  const json* value = Find(tables, table, key);
  if (!value || !value->is_object()) return texts;
  for (const auto& [name, text] : value->items()) {
    if (text.is_string()) texts[name] = text.get<std::string>();
  }
  return texts;
}

}  // namespace fusiongateway::plugin
