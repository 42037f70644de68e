#include "fusion/correlate/incident_index.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "fusion/correlate/geometry.h"

namespace fusiongateway {
namespace {

constexpr double kCellDeg = 0.02;       // about 2 km
constexpr double kBearingStepM = 2000;  // along a bearing without a fix
constexpr double kMetresPerDegree = 110'574;

std::uint64_t CellAt(std::int32_t row, std::int32_t column) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(row)) << 32 |
         static_cast<std::uint32_t>(column);
}

std::int32_t Row(double degrees) {
  return static_cast<std::int32_t>(std::floor(degrees / kCellDeg));
}

std::uint64_t CellOf(const Position& place) {
  return CellAt(Row(place.latitude), Row(place.longitude));
}

std::string SiteKey(const std::string& site_id) { return "s/" + site_id; }
std::string CallKey(const std::string& call) { return "c/" + call; }
std::string DistrictKey(const std::string& district) { return "d/" + district; }

template <typename Map>
void EraseFrom(Map* map, const typename Map::key_type& key, std::uint64_t ordinal) {
  const auto found = map->find(key);
  if (found == map->end()) return;
  std::erase(found->second, ordinal);
  if (found->second.empty()) map->erase(found);
}

template <typename Map>
void Collect(const Map& map, const typename Map::key_type& key, std::vector<std::uint64_t>* into) {
  const auto found = map.find(key);
  if (found != map.end()) into->insert(into->end(), found->second.begin(), found->second.end());
}

}  // namespace

IncidentIndex::Keys IncidentIndex::KeysOf(const IncidentTraits& traits) {
  Keys keys;
  for (const std::string& site : traits.sites) keys.names.push_back(SiteKey(site));
  for (const std::string& call : traits.call_keys) keys.names.push_back(CallKey(call));
  if (!traits.district_code.empty()) keys.names.push_back(DistrictKey(traits.district_code));
  if (traits.place) {
    keys.cells.push_back(CellOf(*traits.place));
  } else {
    for (const Bearing& bearing : traits.bearings) {
      for (double along = 0; along <= kBearingReachM; along += kBearingStepM) {
        keys.cells.push_back(CellOf(Destination(bearing.origin, bearing.azimuth_deg, along)));
      }
    }
    std::sort(keys.cells.begin(), keys.cells.end());
    keys.cells.erase(std::unique(keys.cells.begin(), keys.cells.end()), keys.cells.end());
  }
  return keys;
}

void IncidentIndex::Put(std::uint64_t ordinal, const IncidentTraits& traits) {
  Keys keys = KeysOf(traits);
  const auto known = keys_.find(ordinal);
  if (known != keys_.end()) {
    if (known->second == keys) return;
    Remove(ordinal);
  }
  for (const std::string& name : keys.names) by_name_[name].push_back(ordinal);
  for (const Cell cell : keys.cells) by_cell_[cell].push_back(ordinal);
  keys_.emplace(ordinal, std::move(keys));
}

void IncidentIndex::Remove(std::uint64_t ordinal) {
  const auto known = keys_.find(ordinal);
  if (known == keys_.end()) return;
  for (const std::string& name : known->second.names) EraseFrom(&by_name_, name, ordinal);
  for (const Cell cell : known->second.cells) EraseFrom(&by_cell_, cell, ordinal);
  keys_.erase(known);
}

void IncidentIndex::CollectNear(const Position& centre, double radius_m, Ordinals* found) const {
  const double north = radius_m / kMetresPerDegree;
  const double east = north / std::max(0.05, std::cos(centre.latitude * 0.017453292519943295));
  for (std::int32_t row = Row(centre.latitude - north); row <= Row(centre.latitude + north);
       ++row) {
    for (std::int32_t column = Row(centre.longitude - east); column <= Row(centre.longitude + east);
         ++column) {
      Collect(by_cell_, CellAt(row, column), found);
    }
  }
}

std::vector<std::uint64_t> IncidentIndex::OfCall(const std::string& call_key) const {
  Ordinals found;
  Collect(by_name_, CallKey(call_key), &found);
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::uint64_t> IncidentIndex::Candidates(const ReportFacts& report,
                                                     const EngineConfig::Windows& windows) const {
  Ordinals found;
  const Report& said = *report.report;
  if (!report.site_id.empty()) Collect(by_name_, SiteKey(report.site_id), &found);
  if (!report.call_key.empty()) Collect(by_name_, CallKey(report.call_key), &found);
  if (!report.main_call_key.empty()) Collect(by_name_, CallKey(report.main_call_key), &found);
  if (report.place) {
    CollectNear(*report.place, SearchRadiusM(report, windows), &found);
  } else if (said.bearing && IsOnEarth(said.bearing->origin)) {
    for (double along = 0; along <= kBearingReachM; along += kBearingStepM) {
      CollectNear(Destination(said.bearing->origin, said.bearing->azimuth_deg, along),
                  kBearingStepM, &found);
    }
  } else if (!said.district_code.empty() && said.district_code != "000000") {
    Collect(by_name_, DistrictKey(said.district_code), &found);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace fusiongateway
