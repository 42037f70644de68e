// One compressed picture with its true time: made once when it arrives, then shared and never
// changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "fusion/base/time.h"
#include "pipeline/analysis/coded_video.h"

namespace fusiongateway {

struct AccessUnit {
  // frame_id is "<camera_id>/<session>/<sequence>". `session` is the Unix time in microseconds at
  // which the session was opened, raised where needed to lie above every earlier one of this
  // camera; `sequence` counts from 1 in it. So a frame_id names one frame across reconnects and
  // restarts of the gateway without anything being stored.
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  Stamp captured;
  UtcTime arrival{};
  SteadyTime arrival_steady{};
  Duration media{};  // presentation time on the session's RTP time line
  bool keyframe = false;
  VideoCodec codec = VideoCodec::kH264;
  std::unique_ptr<const std::uint8_t[]> data;  // byte-stream form, parameter sets before key frames
  std::size_t size = 0;

  std::span<const std::uint8_t> bytes() const { return {data.get(), size}; }
};
using AccessUnitPtr = std::shared_ptr<const AccessUnit>;

}  // namespace fusiongateway
