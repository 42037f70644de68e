// Camera: one simulated camera. A thread makes its pictures at the cameras' rate, stamps each with
// the instant of capture in text, pattern and media time, and feeds the one encoder that all its
// viewers share. While nobody watches there is no encoder and the thread sleeps.
//
// Threads: GStreamer attaches and detaches the encoder from threads of its own; everything else is
// called by the server. A Camera may go while a medium of its factory still lives: what both use is
// shared.
#pragma once

#include <chrono>
#include <memory>
#include <thread>

#include "app/demo_city/camera_server.h"
#include "app/demo_city/city.h"
#include "app/demo_city/picture_source.h"

typedef struct _GstElement GstElement;
typedef struct _GstRTSPMediaFactory GstRTSPMediaFactory;

namespace fusiongateway::demo_city {

class Camera {
 public:
  Camera(const CityCamera& facts, std::unique_ptr<PictureSource> source, const Clock& clock,
         const ScenarioClock& scenario);
  ~Camera();

  // A new factory of this camera's shared medium; the caller owns the reference.
  GstRTSPMediaFactory* MakeFactory() const;
  CameraStats Stats() const;
  // Waits until no medium of its factories lives; false when that takes longer.
  bool WaitUntilIdle(std::chrono::milliseconds timeout) const;

 private:
  struct Feed;
  void Run(std::stop_token stop);
  void CaptureOne();
  void MarkTime(cv::Mat& i420, UtcTime time) const;
  void Encode(GstElement* input, const cv::Mat& i420, std::uint64_t running_time);

  const CityCamera& facts_;
  const std::unique_ptr<PictureSource> source_;
  const Clock& clock_;
  const ScenarioClock& scenario_;
  const std::shared_ptr<Feed> feed_;
  std::jthread thread_;
};

}  // namespace fusiongateway::demo_city
