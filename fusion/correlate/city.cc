#include "fusion/correlate/city.h"

#include <algorithm>
#include <utility>

namespace fusiongateway {
namespace {

template <typename Map>
auto FindOrNull(const Map& map, const std::string& key) -> typename Map::mapped_type {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

}  // namespace

City::City(std::shared_ptr<const EngineConfig> config) : config_(std::move(config)) {
  for (const EngineConfig::Site& site : config_->sites) {
    sites_.emplace(site.site_id, &site);
    for (const std::string& device_id : site.device_ids) sites_by_device_.emplace(device_id, &site);
  }
  for (const EngineConfig::Camera& camera : config_->cameras) {
    cameras_.emplace(camera.camera_id, &camera);
  }
}

const EngineConfig::Site* City::FindSite(const std::string& site_id) const {
  return FindOrNull(sites_, site_id);
}

const EngineConfig::Site* City::FindSiteOfDevice(const std::string& device_id) const {
  return FindOrNull(sites_by_device_, device_id);
}

const EngineConfig::Camera* City::FindCamera(const std::string& camera_id) const {
  return FindOrNull(cameras_, camera_id);
}

bool City::IsDeclaredDrill(const std::string& drill_id) const {
  const auto& declared = config_->drill_ids;
  return !drill_id.empty() &&
         std::find(declared.begin(), declared.end(), drill_id) != declared.end();
}

}  // namespace fusiongateway
