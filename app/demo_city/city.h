// The simulated city's fixed facts: its cameras, its sites and its tower, which the camera half and
// the publisher half share and which examples and tests rely on. All coordinates are WGS-84.
//
// Everything here is constant data: no threads, no ownership.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "fusion/base/time.h"

namespace fusiongateway::demo_city {

struct Site {
  std::string_view id;  // the enterprise id of the hazmat feed: 9 digits
  std::string_view name_zh;
  std::string_view name_en;
  double latitude = 0;
  double longitude = 0;
  std::string_view district_code;  // GB/T 2260
  std::string_view medium;         // the hazardous substance stored; empty for none
};

// The chlorine enterprise of scenario 1.
inline constexpr Site kChlorineSite{"410200007", "龙宇化工（演示）", "Longyu Chemical (demo)",
                                    34.7971,     114.3071,           "410202",
                                    "chlorine"};
// A second site, 6 km to the east-north-east, where nothing of scenario 1 happens.
inline constexpr Site kStorageSite{
    "410200019", "豫东仓储（演示）", "Yudong Storage (demo)", 34.82703, 114.36180, "410203", ""};

enum class CameraRole : std::uint8_t { kTank, kGate, kTower, kStreet, kYard };

// "tank" | "gate" | "tower" | "street" | "yard": the role as the gateway's config writes it.
std::string_view ToString(CameraRole role);

// Where the picture comes from. A clip that is absent is stood in for (picture_source.h).
enum class PictureKind : std::uint8_t { kTankScene, kGateScene, kTowerScene, kStreetScene, kClip };

struct CityCamera {
  std::string_view id;  // also the path of its RTSP address
  std::string_view name_zh;
  std::string_view name_en;
  CameraRole role;
  std::string_view site_id;  // empty when it belongs to no site
  double latitude = 0;
  double longitude = 0;
  double height_m = 0;  // above ground
  PictureKind picture;
  std::string_view clip;  // file name, for kClip
  int width = 640;
  int height = 360;
};

inline constexpr int kCameraFramesPerSecond = 10;
inline constexpr int kCameraKeyFrameSeconds = 2;
inline constexpr std::uint16_t kDefaultRtspPort = 8554;

inline constexpr std::string_view kTankCameraId = "tank-101";
inline constexpr std::string_view kGateCameraId = "gate-1";
// The Blue Sky Guard camera, 20 digits as that system numbers its own; also its `cameraId`.
inline constexpr std::string_view kTowerCameraId = "41020201001320000007";

// Scenario 1's instants that a camera can see, from the scenario's zero (10:00:00 in its story).
inline constexpr Duration kLeakBegins = std::chrono::seconds(0);
inline constexpr Duration kTowerSmokeRises = std::chrono::seconds(150);

// All cameras, in the order they are listed.
std::span<const CityCamera> Cameras();
// The camera called `id`, or null.
const CityCamera* FindCamera(std::string_view id);
// "rtsp://127.0.0.1:<port>/<camera id>".
std::string RtspUrl(std::uint16_t port, std::string_view camera_id);

}  // namespace fusiongateway::demo_city
