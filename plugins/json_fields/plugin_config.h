// The configuration a feed plugin is created with (plugins/abi/feed_plugin.h, `create`).
//
// Immutable after creation; any thread. Refused, naming the place: a known key of the wrong type.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fusion/base/status.h"
#include "fusion/base/time.h"
#include "fusion/model/engine_config.h"
#include "fusiongateway/v1/report.pb.h"
#include "plugins/json_fields/code_table.h"

namespace fusiongateway::plugin {

// What the site table says of a site.
struct SiteFacts {
  std::string medium;
  std::uint32_t hazard_level = 0;
};

struct PluginConfig {
  std::string feed_id;
  v1::CoordinateSystem default_crs = v1::GCJ02;
  Duration time_zone_offset = std::chrono::hours{8};
  nlohmann::json tables = nlohmann::json::object();
  // By site id, and by the id of each device that belongs to the site.
  std::map<std::string, SiteFacts> sites;
  // By quota id; a point's medium is its own, or its site's.
  std::unordered_map<std::string, EngineConfig::Point> points;

  static Result<PluginConfig> FromText(const char* text);

  // The table of that name; an empty one if there is none (every code is then unknown).
  Result<CodeTable> Table(const std::string& name) const;

  // What stands under a key at the top of a table, besides labels and rules. Absent: `to` stays.
  Status Read(const std::string& table, const std::string& key, double* to) const;
  Status Read(const std::string& table, const std::string& key, std::string* to) const;
  Status Read(const std::string& table, const std::string& key, std::vector<std::string>* to) const;
  // Name of a code -> what it does to the report.
  Status Read(const std::string& table, const std::string& key,
              std::map<std::string, v1::ReportAction>* to) const;
};

}  // namespace fusiongateway::plugin
