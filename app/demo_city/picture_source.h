// PictureSource: what one simulated camera looks at. Gives pictures as I420 (planar YUV 4:2:0), the
// encoder's own form, in a one-channel matrix of height × 3/2 rows: its upper part is the
// brightness plane, on which time text and pattern are drawn.
//
// Each source is used by one thread, its camera's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "app/demo_city/city.h"
#include "fusion/base/time.h"

namespace fusiongateway::demo_city {

// The moment a picture is made for.
struct SceneTime {
  UtcTime now{};
  std::optional<Duration> story;  // ScenarioClock's time; none while the city is quiet
};

class PictureSource {
 public:
  virtual ~PictureSource() = default;

  // Makes the next picture into `i420`, which it may reallocate. kUnavailable when none could be
  // had in time; the next call tries again.
  virtual Status Next(const SceneTime& at, cv::Mat& i420) = 0;
};

// The source of `camera`. Its clip is looked for in `clip_folders` in order. An absent clip is
// stood in for: a street camera by the campus clip, mirrored and from its middle; any other, and a
// street camera without the campus clip, by the rendered street.
std::unique_ptr<PictureSource> MakePictureSource(
    const CityCamera& camera, const std::vector<std::filesystem::path>& clip_folders,
    std::uint64_t seed);

}  // namespace fusiongateway::demo_city
