// What the engine knows of the city and how it joins: the part of the configuration that is an
// entry of the log. Defaults are domain figures (docs/architecture.md) and may all be configured.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fusion/base/time.h"
#include "fusion/model/report.h"

namespace fusiongateway {

struct EngineConfig {
  struct Feed {
    std::string feed_id;
    Duration lateness_max = std::chrono::seconds{10};
    Duration idle_after = std::chrono::seconds{5};
    friend bool operator==(const Feed&, const Feed&) = default;
  };
  struct Camera {
    std::string camera_id;
    std::string name;
    std::string role;
    std::string site_id;
    Position position;
    double range_m = 300;
    friend bool operator==(const Camera&, const Camera&) = default;
  };
  // A measuring point: what its values mean. Limits are for sources that send values and no alarms
  // too; absent = none.
  struct Point {
    std::string device_id;  // the quota id
    std::string name;
    std::string medium;  // empty = the site's
    std::string unit;
    std::string indicator;  // empty = the two letters in its id
    std::optional<double> low_low, low, high, high_high;
    double hysteresis = 0;  // how far back over a limit a value must be before it counts as back
    friend bool operator==(const Point&, const Point&) = default;
  };
  struct Site {
    std::string site_id;
    std::string name;
    Position position;
    std::string district_code;
    std::string medium;
    double radius_m = 200;
    std::vector<std::string> device_ids;
    std::vector<Point> points;
    // Of the major hazard source: 1 (一级, the worst) to 4; 0 = not told.
    std::uint32_t hazard_level = 0;
    friend bool operator==(const Site&, const Site&) = default;
  };
  struct Windows {
    Duration sensor = std::chrono::seconds{60};
    Duration tower = std::chrono::minutes{6};
    Duration police_before = std::chrono::minutes{10};
    Duration police_after = std::chrono::minutes{15};
    Duration grid = std::chrono::minutes{30};
    Duration video = std::chrono::seconds{1};
    double distance_m = 1000;
    double odour_distance_m = 3000;
    Duration expire_after = std::chrono::minutes{60};
    Duration future_max = std::chrono::seconds{60};
    friend bool operator==(const Windows&, const Windows&) = default;
  };

  std::string gateway_id;
  std::vector<Feed> feeds;
  std::vector<Camera> cameras;
  std::vector<Site> sites;
  Windows windows;
  std::uint32_t accept_sources = 2;
  std::vector<std::string> drill_ids;
  bool fetch_attachments = false;
  friend bool operator==(const EngineConfig&, const EngineConfig&) = default;
};

}  // namespace fusiongateway
