#include "app/demo_city/city.h"

#include <algorithm>
#include <array>

namespace fusiongateway::demo_city {
namespace {

// Around the chlorine site: the tank camera 30 m off, the gate 150 m south-east, the tower 1.2 km
// north-west, the campus street 0.9 km east, the car park 5 km south-west, the yard 6 km away.
constexpr std::array<CityCamera, 6> kCameras{{
    {"tank-101", "T-101 储罐区", "Tank farm T-101", CameraRole::kTank, kChlorineSite.id, 34.79737,
     114.30720, 8, PictureKind::kTankScene, ""},
    {"gate-1", "厂区大门", "Plant gate", CameraRole::kGate, kChlorineSite.id, 34.79602, 114.30808,
     5, PictureKind::kGateScene, ""},
    {"41020201001320000007", "蓝天卫士 7 号塔", "Blue Sky Guard tower 7", CameraRole::kTower, "",
     34.80521, 114.29835, 40, PictureKind::kTowerScene, ""},
    {"street-1", "校园路口", "Campus walk", CameraRole::kStreet, "", 34.79331, 114.31585, 6,
     PictureKind::kClip, "vtest.avi", 640, 480},
    {"street-2", "汴西停车场", "Bianxi car park", CameraRole::kStreet, "", 34.76555, 114.26804, 6,
     PictureKind::kClip, "intel_car-detection.mp4"},
    {"yard-1", "仓储院区", "Storage yard", CameraRole::kYard, kStorageSite.id, 34.82703, 114.36180,
     6, PictureKind::kClip, "furg_house6.mp4"},
}};

}  // namespace

std::string_view ToString(CameraRole role) {
  switch (role) {
    case CameraRole::kTank:
      return "tank";
    case CameraRole::kGate:
      return "gate";
    case CameraRole::kTower:
      return "tower";
    case CameraRole::kStreet:
      return "street";
    case CameraRole::kYard:
      return "yard";
  }
  return "";
}

std::span<const CityCamera> Cameras() { return kCameras; }

const CityCamera* FindCamera(std::string_view id) {
  const auto at = std::ranges::find(kCameras, id, &CityCamera::id);
  return at == kCameras.end() ? nullptr : &*at;
}

std::string RtspUrl(std::uint16_t port, std::string_view camera_id) {
  return "rtsp://127.0.0.1:" + std::to_string(port) + "/" + std::string(camera_id);
}

}  // namespace fusiongateway::demo_city
