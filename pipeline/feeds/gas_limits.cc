#include "pipeline/feeds/gas_limits.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

namespace fusiongateway {
namespace {

using Json = nlohmann::json;

struct Gas {
  std::vector<std::string> media;
  std::string unit;
  EngineConfig::Point limits;
};

bool ReadText(const Json& from, std::string* to) {
  if (!from.is_string()) return false;
  *to = from.get<std::string>();
  return true;
}

bool HasLimits(const EngineConfig::Point& point) {
  return point.low_low || point.low || point.high || point.high_high;
}

std::optional<Gas> ReadGas(const Json& from) {
  Gas gas;
  if (!from.is_object()) return std::nullopt;
  const std::pair<const char*, std::optional<double>*> kLimits[] = {{"LL", &gas.limits.low_low},
                                                                    {"L", &gas.limits.low},
                                                                    {"H", &gas.limits.high},
                                                                    {"HH", &gas.limits.high_high}};
  for (const auto& [name, limit] : kLimits) {
    const Json value = from.value(name, Json());
    if (!value.is_null() && !value.is_number()) return std::nullopt;
    if (value.is_number()) *limit = value.get<double>();
  }
  const Json media = from.value("media", Json());
  bool fits =
      HasLimits(gas.limits) && media.is_array() && ReadText(from.value("unit", Json()), &gas.unit);
  for (std::size_t i = 0; fits && i < media.size(); ++i) {
    fits = ReadText(media[i], &gas.media.emplace_back());
  }
  return fits ? std::optional(std::move(gas)) : std::nullopt;
}

Result<std::vector<Gas>> ReadGases(const CodeTables& tables) {
  const Json all = Json::parse(tables.json(), nullptr, false);
  const Json from = all.value("hazmat", Json::object()).value("gas_limits", Json::array());
  const std::string place = "table \"hazmat\": gas_limits";
  if (!from.is_array()) return InvalidArgument(place + " must be a list");
  std::vector<Gas> gases;
  for (const Json& gas : from) {
    auto read = ReadGas(gas);
    if (!read) {
      return InvalidArgument(place + "[" + std::to_string(gases.size()) +
                             "] must have a list media, a text unit, and some of the limits LL, L, "
                             "H, HH as numbers");
    }
    gases.push_back(std::move(*read));
  }
  return gases;
}

bool IsGas(const EngineConfig::Point& point) {
  constexpr std::size_t kQuotaIdSize = 22, kIndicatorAt = 17;
  if (!point.indicator.empty()) return point.indicator == "QT";
  return point.device_id.size() == kQuotaIdSize &&
         point.device_id.compare(kIndicatorAt, 2, "QT") == 0;
}

void Fill(const std::vector<Gas>& gases, const std::string& medium, EngineConfig::Point* point) {
  for (const Gas& gas : gases) {
    if (std::find(gas.media.begin(), gas.media.end(), medium) == gas.media.end()) continue;
    // Limits in another unit than the point's say nothing of it.
    if (!point->unit.empty() && point->unit != gas.unit) continue;
    point->unit = gas.unit;
    point->low_low = gas.limits.low_low;
    point->low = gas.limits.low;
    point->high = gas.limits.high;
    point->high_high = gas.limits.high_high;
    return;
  }
}

}  // namespace

Result<std::vector<EngineConfig::Site>> WithGasLimits(std::vector<EngineConfig::Site> sites,
                                                      const CodeTables& tables) {
  const auto gases = ReadGases(tables);
  if (!gases.ok()) return gases.status();
  for (EngineConfig::Site& site : sites) {
    for (EngineConfig::Point& point : site.points) {
      if (!IsGas(point) || HasLimits(point)) continue;
      Fill(*gases, point.medium.empty() ? site.medium : point.medium, &point);
    }
  }
  return sites;
}

}  // namespace fusiongateway
