// A short clip for decoder tests: picture i is plain grey of brightness GreyOf(i), so that a
// decoded picture tells which one it is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/analysis/coded_video.h"

namespace fusiongateway {

constexpr int GreyOf(int picture) { return 40 + 8 * picture; }

struct ClipForm {
  VideoCodec codec = VideoCodec::kH264;
  int b_frames = 0;
  int width = 320;
  int height = 240;
};

// `pictures` of them in decoding order, one key frame in front. `shown_as[i]` (when not null)
// becomes the place of the i-th coded frame in the order of showing.
CodedSequence MakeClip(const ClipForm& form, int pictures, std::vector<int>* shown_as = nullptr);

// The mean brightness of a JPEG; -1 when it is none.
int MeanGrey(const std::string& jpeg);

}  // namespace fusiongateway
