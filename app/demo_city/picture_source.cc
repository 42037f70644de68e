#include "app/demo_city/picture_source.h"

#include <spdlog/spdlog.h>

#include <string>
#include <system_error>

#include "app/demo_city/clip_loop.h"
#include "app/demo_city/scenes.h"

namespace fusiongateway::demo_city {
namespace {

constexpr std::string_view kCampusClip = "vtest.avi";
constexpr Duration kStandInStart = std::chrono::seconds(40);

std::optional<std::filesystem::path> FindClip(
    std::string_view name, const std::vector<std::filesystem::path>& clip_folders) {
  for (const std::filesystem::path& folder : clip_folders) {
    std::error_code ignored;
    if (const auto path = folder / name; std::filesystem::is_regular_file(path, ignored))
      return path;
  }
  return std::nullopt;
}

}  // namespace

std::unique_ptr<PictureSource> MakePictureSource(
    const CityCamera& camera, const std::vector<std::filesystem::path>& clip_folders,
    std::uint64_t seed) {
  const cv::Size size(camera.width, camera.height);
  if (camera.picture != PictureKind::kClip) return MakeScene(camera.picture, size, seed);
  if (const auto clip = FindClip(camera.clip, clip_folders)) {
    return std::make_unique<ClipLoop>(ClipLoopOptions{.path = *clip, .size = size});
  }
  const auto campus = FindClip(kCampusClip, clip_folders);
  if (camera.role == CameraRole::kStreet && campus) {
    spdlog::info("camera {}: {} is absent; the campus clip stands in", camera.id, camera.clip);
    return std::make_unique<ClipLoop>(
        ClipLoopOptions{.path = *campus, .size = size, .start = kStandInStart, .mirrored = true});
  }
  spdlog::info("camera {}: {} is absent; a rendered street stands in", camera.id, camera.clip);
  return MakeScene(PictureKind::kStreetScene, size, seed);
}

}  // namespace fusiongateway::demo_city
