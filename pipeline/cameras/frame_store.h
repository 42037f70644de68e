// How the rest of the gateway asks for pictures: which frame is nearest to an instant, and that
// frame as a JPEG. Implemented by pipeline/cameras over the frame rings and the decode worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fusion/base/status.h"
#include "fusion/base/time.h"
#include "fusion/model/stream_record.h"

namespace fusiongateway {

// One frame held in a ring. frame_id is "<camera_id>/<epoch>/<sequence>".
struct FrameInfo {
  std::string frame_id;
  std::string camera_id;
  Stamp captured;
  bool keyframe = false;
};

struct Snapshot {
  FrameInfo frame;
  std::string jpeg;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
};

struct HeldRange {
  UtcTime oldest{};
  UtcTime newest{};
};

// Thread-safe.
class FrameStore {
 public:
  virtual ~FrameStore() = default;

  virtual std::vector<CameraStatus> Cameras() const = 0;
  // kNotFound for an unknown camera; none when nothing is held.
  virtual Result<std::optional<HeldRange>> Held(const std::string& camera_id) const = 0;
  // The frame nearest to `at`. kNotFound: unknown camera. kOutOfRange: `at` lies outside what is
  // held; kUnavailable: `at` is not reached yet (the newest frame is older), try again.
  virtual Result<FrameInfo> Nearest(const std::string& camera_id, UtcTime at) const = 0;
  // Decodes one frame in the worker process; waits at most `timeout`. By time (nearest), by id, or
  // the newest if both are absent. kUnavailable: the worker is busy or restarting.
  virtual Result<Snapshot> Decode(const std::string& camera_id, std::optional<UtcTime> at,
                                  const std::string& frame_id, Duration timeout) = 0;
};

}  // namespace fusiongateway
