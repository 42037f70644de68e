// The configuration a feed plugin is created with (plugins/abi/feed_plugin.h, `create`).
//
// Immutable after creation; any thread.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fusion/base/status.h"
#include "fusion/base/time.h"
#include "fusiongateway/v1/common.pb.h"
#include "plugins/json_fields/code_table.h"

namespace fusiongateway::plugin {

struct PluginConfig {
  std::string feed_id;
  v1::CoordinateSystem default_crs = v1::GCJ02;
  Duration time_zone_offset = std::chrono::hours{8};
  nlohmann::json tables = nlohmann::json::object();
  // The medium a site's device measures, by device id and by site id.
  std::map<std::string, std::string> media;

  // Refused: not a JSON object, or a known key of the wrong type.
  static Result<PluginConfig> FromText(const char* text);

  // The table of that name; an empty one if there is none (every code is then unknown).
  Result<CodeTable> Table(const std::string& name) const;
  // A number at the top of a table, or `otherwise`.
  double Number(const std::string& table, const std::string& key, double otherwise) const;
  // An array of texts at the top of a table, or an object of texts; empty if absent.
  std::vector<std::string> Texts(const std::string& table, const std::string& key) const;
  std::map<std::string, std::string> TextsByName(const std::string& table,
                                                 const std::string& key) const;
};

}  // namespace fusiongateway::plugin
