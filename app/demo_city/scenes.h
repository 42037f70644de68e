// The rendered scenes: a tank farm, a plant gate, the panorama of a tower and a street, drawn live,
// with a chlorine cloud and smoke that begin when the scenario's story says so (city.h). What is
// seen is a pure function of the seed, the instant and the story's time.
#pragma once

#include <cstdint>
#include <memory>
#include <opencv2/core/types.hpp>

#include "app/demo_city/picture_source.h"

namespace fusiongateway::demo_city {

// `kind` is any but kClip.
std::unique_ptr<PictureSource> MakeScene(PictureKind kind, cv::Size size, std::uint64_t seed);

}  // namespace fusiongateway::demo_city
