#include "app/demo_city/clip_loop.h"

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <cstring>
#include <opencv2/core.hpp>
#include <string>

namespace fusiongateway::demo_city {
namespace {

constexpr GstClockTime kTakeTimeout = 500 * GST_MSECOND;
constexpr GstClockTime kOpenTimeout = 5 * GST_SECOND;

// Copies one plane, whose rows may be padded, to `into`; returns where the next plane goes.
unsigned char* CopyPlane(const GstVideoFrame& frame, guint plane, bool mirrored,
                         unsigned char* into) {
  const int width = GST_VIDEO_FRAME_COMP_WIDTH(&frame, plane);
  const int height = GST_VIDEO_FRAME_COMP_HEIGHT(&frame, plane);
  const cv::Mat from(height, width, CV_8UC1, GST_VIDEO_FRAME_PLANE_DATA(&frame, plane),
                     static_cast<std::size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane)));
  cv::Mat to(height, width, CV_8UC1, into);
  if (mirrored) {
    cv::flip(from, to, 1);
  } else {
    from.copyTo(to);
  }
  return into + width * height;
}

}  // namespace

struct ClipLoop::Decoder {
  GstElement* pipeline = nullptr;
  GstElement* sink = nullptr;

  ~Decoder() {
    if (pipeline != nullptr) gst_element_set_state(pipeline, GST_STATE_NULL);
    if (sink != nullptr) gst_object_unref(sink);
    if (pipeline != nullptr) gst_object_unref(pipeline);
  }
};

ClipLoop::ClipLoop(ClipLoopOptions options) : options_(std::move(options)) {}
ClipLoop::~ClipLoop() = default;

Status ClipLoop::Open(Duration start) {
  const std::string description =
      "filesrc name=file ! decodebin ! videorate ! videoscale ! videoconvert ! "
      "video/x-raw,format=I420,pixel-aspect-ratio=1/1,width=" +
      std::to_string(options_.size.width) + ",height=" + std::to_string(options_.size.height) +
      ",framerate=" + std::to_string(kCameraFramesPerSecond) +
      "/1 ! appsink name=sink sync=false max-buffers=2";
  GError* error = nullptr;
  auto decoder = std::make_unique<Decoder>();
  decoder->pipeline = gst_parse_launch(description.c_str(), &error);
  if (error != nullptr) {
    std::string message = error->message;
    g_error_free(error);
    return Unavailable("clip " + options_.path.string() + ": " + message);
  }
  decoder->sink = gst_bin_get_by_name(GST_BIN(decoder->pipeline), "sink");
  GstElement* file = gst_bin_get_by_name(GST_BIN(decoder->pipeline), "file");
  g_object_set(file, "location", options_.path.c_str(), nullptr);
  gst_object_unref(file);

  gst_element_set_state(decoder->pipeline, GST_STATE_PAUSED);
  if (gst_element_get_state(decoder->pipeline, nullptr, nullptr, kOpenTimeout) !=
      GST_STATE_CHANGE_SUCCESS) {
    return Unavailable("clip " + options_.path.string() + ": cannot be decoded");
  }
  if (start > Duration::zero()) {
    // A clip shorter than `start` refuses or ends at once, and then begins at its beginning.
    gst_element_seek_simple(decoder->pipeline, GST_FORMAT_TIME,
                            static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT),
                            start.count());
  }
  gst_element_set_state(decoder->pipeline, GST_STATE_PLAYING);
  decoder_ = std::move(decoder);
  return {};
}

Status ClipLoop::Take(cv::Mat& i420) {
  GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(decoder_->sink), kTakeTimeout);
  if (sample == nullptr) return Unavailable("clip " + options_.path.string() + ": no picture");
  GstVideoInfo info;
  GstVideoFrame frame;
  const bool mapped =
      gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) &&
      gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ);
  if (mapped) {
    i420.create(options_.size.height * 3 / 2, options_.size.width, CV_8UC1);
    unsigned char* into = i420.data;
    for (guint plane = 0; plane < 3; ++plane) {
      into = CopyPlane(frame, plane, options_.mirrored, into);
    }
    gst_video_frame_unmap(&frame);
  }
  gst_sample_unref(sample);
  return mapped ? Status{} : Internal("clip " + options_.path.string() + ": unreadable picture");
}

Status ClipLoop::Next(const SceneTime&, cv::Mat& i420) {
  // Twice: the first time may find the clip at its end.
  for (int attempt = 0;; ++attempt) {
    if (!decoder_) {
      if (Status status = Open(played_ ? Duration::zero() : options_.start); !status.ok()) {
        return status;
      }
      played_ = true;
    }
    Status status = Take(i420);
    if (status.ok()) return status;
    decoder_.reset();
    if (attempt == 1) return status;
  }
}

}  // namespace fusiongateway::demo_city
