#include "tests/support/camera_probe.h"

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <opencv2/core.hpp>

#include "app/demo_city/time_pattern.h"

namespace fusiongateway::testing {
namespace {

// NTP counts from 1900, Unix from 1970.
constexpr Duration kNtpToUnix = std::chrono::seconds(2208988800LL);

std::optional<UtcTime> SenderReportTime(GstBuffer* buffer) {
  GstCaps* ntp = gst_caps_new_empty_simple("timestamp/x-ntp");
  const GstReferenceTimestampMeta* meta = gst_buffer_get_reference_timestamp_meta(buffer, ntp);
  gst_caps_unref(ntp);
  if (meta == nullptr) return std::nullopt;
  // Nanoseconds since 1900 pass a signed 64-bit count in 2192.
  return UtcTime{Duration{static_cast<std::int64_t>(meta->timestamp)} - kNtpToUnix};
}

std::optional<UtcTime> PixelTime(GstSample* sample) {
  GstVideoInfo info;
  GstVideoFrame frame;
  if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
      !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ)) {
    return std::nullopt;
  }
  const cv::Mat picture(GST_VIDEO_FRAME_HEIGHT(&frame), GST_VIDEO_FRAME_WIDTH(&frame), CV_8UC1,
                        GST_VIDEO_FRAME_PLANE_DATA(&frame, 0),
                        static_cast<std::size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0)));
  const Result<UtcTime> time = demo_city::DecodeTimePattern(picture);
  gst_video_frame_unmap(&frame);
  return time.ok() ? std::optional(*time) : std::nullopt;
}

}  // namespace

struct CameraProbe::Pipeline {
  GstElement* pipeline = nullptr;
  GstElement* sink = nullptr;
};

CameraProbe::CameraProbe(const std::string& url, RtspTransport transport)
    : pipeline_(std::make_unique<Pipeline>()) {
  gst_init(nullptr, nullptr);
  const std::string description =
      "rtspsrc location=" + url + " latency=50 add-reference-timestamp-meta=true protocols=" +
      (transport == RtspTransport::kTcp ? "tcp" : "udp") +
      " ! rtph264depay ! h264parse ! avdec_h264 max-threads=1 ! videoconvert ! "
      "video/x-raw,format=GRAY8 ! appsink name=sink sync=false max-buffers=64 drop=true";
  pipeline_->pipeline = gst_parse_launch(description.c_str(), nullptr);
  pipeline_->sink = gst_bin_get_by_name(GST_BIN(pipeline_->pipeline), "sink");
  gst_element_set_state(pipeline_->pipeline, GST_STATE_PLAYING);
}

CameraProbe::~CameraProbe() {
  gst_element_set_state(pipeline_->pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline_->sink);
  gst_object_unref(pipeline_->pipeline);
}

std::optional<ProbedPicture> CameraProbe::Next(std::chrono::milliseconds timeout) {
  const auto wait = static_cast<GstClockTime>(std::chrono::nanoseconds(timeout).count());
  GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(pipeline_->sink), wait);
  if (sample == nullptr) return std::nullopt;
  ProbedPicture picture{PixelTime(sample), SenderReportTime(gst_sample_get_buffer(sample))};
  gst_sample_unref(sample);
  return picture;
}

std::string CameraProbe::error() const {
  GstBus* bus = gst_element_get_bus(pipeline_->pipeline);
  GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  gst_object_unref(bus);
  if (message == nullptr) return {};
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  std::string text = error->message;
  g_error_free(error);
  gst_message_unref(message);
  return text;
}

}  // namespace fusiongateway::testing
