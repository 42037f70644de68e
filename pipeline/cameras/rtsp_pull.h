// One RTSP session: connects, takes the first H.264 or H.265 stream, cuts it into access units and
// hands them on with what is known of their time. Never decodes, never reconnects: it ends with the
// first failure and is thrown away. Never follows a redirect: user and password are for the host of
// the configured address.
//
// Threading: Open and Close are called once each, in this order; Open does not wait for the
// network, Close may (up to seconds when the camera is gone): SessionCloser calls it. The sink is
// called on a streaming thread of GStreamer's, one call at a time; it must return soon, and is not
// called after Close has returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "fusion/base/status.h"
#include "fusion/base/time.h"
#include "pipeline/analysis/coded_video.h"
#include "pipeline/cameras/camera_config.h"

namespace fusiongateway {

struct VideoFormat {
  VideoCodec codec = VideoCodec::kH264;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  friend bool operator==(const VideoFormat&, const VideoFormat&) = default;
};

struct PulledUnit {
  UtcTime arrival{};
  SteadyTime arrival_steady{};
  Duration media{};
  std::optional<UtcTime> claimed;  // by the camera's sender reports
  bool keyframe = false;
  std::unique_ptr<const std::uint8_t[]> data;
  std::size_t size = 0;
};

class PullSink {
 public:
  virtual ~PullSink() = default;
  // Before the first unit, and again whenever it changes.
  virtual void OnFormat(const VideoFormat& format) = 0;
  virtual void OnUnit(PulledUnit unit) = 0;
};

class RtspPull {
 public:
  // `clock` outlives the pull.
  RtspPull(const CameraConfig& config, const Clock& clock, std::shared_ptr<PullSink> sink);
  ~RtspPull();  // closes

  Status Open();
  // Why the session ended, for people: the Chinese sentence, then the English one. None: it lives.
  std::optional<std::string> Failure() const;
  void Close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Once, before the first Open: starts GStreamer and finds the elements.
Status PreparePulls();

}  // namespace fusiongateway
