// The city as configured, indexed: sites by id and device, cameras by id, drills by id. Immutable.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "fusion/model/engine_config.h"

namespace fusiongateway {

class City {
 public:
  explicit City(std::shared_ptr<const EngineConfig> config);

  const EngineConfig& config() const { return *config_; }
  // Null when not configured.
  const EngineConfig::Site* FindSite(const std::string& site_id) const;
  const EngineConfig::Site* FindSiteOfDevice(const std::string& device_id) const;
  const EngineConfig::Camera* FindCamera(const std::string& camera_id) const;
  bool IsDeclaredDrill(const std::string& drill_id) const;

 private:
  std::shared_ptr<const EngineConfig> config_;
  std::unordered_map<std::string, const EngineConfig::Site*> sites_;
  std::unordered_map<std::string, const EngineConfig::Site*> sites_by_device_;
  std::unordered_map<std::string, const EngineConfig::Camera*> cameras_;
};

}  // namespace fusiongateway
