#include "tests/pipeline/analysis/coded_clip.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <optional>
#include <vector>

namespace fusiongateway {
namespace {

constexpr GstClockTime kFrame = 40 * GST_MSECOND;

std::string Launch(const ClipForm& form) {
  const std::string size =
      "width=" + std::to_string(form.width) + ",height=" + std::to_string(form.height);
  const std::string encoder =
      form.codec == VideoCodec::kH265
          ? "x265enc speed-preset=ultrafast key-int-max=1000 option-string=bframes=" +
                std::to_string(form.b_frames) + " ! h265parse ! video/x-h265"
          : "x264enc speed-preset=ultrafast b-adapt=false key-int-max=1000 bframes=" +
                std::to_string(form.b_frames) + " ! h264parse ! video/x-h264";
  return "appsrc name=in format=time caps=video/x-raw,format=I420,framerate=25/1," + size + " ! " +
         encoder + ",stream-format=byte-stream,alignment=au ! appsink name=out sync=false";
}

void FeedPictures(GstElement* pipeline, const ClipForm& form, int pictures) {
  GstElement* in = gst_bin_get_by_name(GST_BIN(pipeline), "in");
  const auto luma = static_cast<std::size_t>(form.width * form.height);
  for (int i = 0; i < pictures; ++i) {
    std::vector<std::uint8_t> picture(luma * 3 / 2, 128);
    std::memset(picture.data(), GreyOf(i), luma);
    GstBuffer* buffer = gst_buffer_new_memdup(picture.data(), picture.size());
    GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(i) * kFrame;
    GST_BUFFER_DURATION(buffer) = kFrame;
    gst_app_src_push_buffer(GST_APP_SRC(in), buffer);
  }
  gst_app_src_end_of_stream(GST_APP_SRC(in));
  gst_object_unref(in);
}

}  // namespace

CodedSequence MakeClip(const ClipForm& form, int pictures, std::vector<int>* shown_as) {
  gst_init(nullptr, nullptr);
  GstElement* pipeline = gst_parse_launch(Launch(form).c_str(), nullptr);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  FeedPictures(pipeline, form, pictures);
  GstElement* out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  CodedSequence clip{form.codec, {}};
  std::optional<GstClockTime> first;
  while (GstSample* sample = gst_app_sink_pull_sample(GST_APP_SINK(out))) {
    GstBuffer* buffer = gst_sample_get_buffer(sample);
    auto bytes = std::make_shared<std::vector<std::uint8_t>>(gst_buffer_get_size(buffer));
    gst_buffer_extract(buffer, 0, bytes->data(), bytes->size());
    if (!first) first = GST_BUFFER_PTS(buffer);
    if (shown_as) shown_as->push_back(static_cast<int>((GST_BUFFER_PTS(buffer) - *first) / kFrame));
    clip.frames.push_back({bytes, {bytes->data(), bytes->size()}});
    gst_sample_unref(sample);
  }
  gst_object_unref(out);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return clip;
}

int MeanGrey(const std::string& jpeg) {
  const cv::Mat coded(1, static_cast<int>(jpeg.size()), CV_8U, const_cast<char*>(jpeg.data()));
  const cv::Mat picture = cv::imdecode(coded, cv::IMREAD_COLOR);
  if (picture.empty()) return -1;
  // BGR of video range back to brightness as it was coded.
  return static_cast<int>(std::lround(cv::mean(picture)[0] * 219.0 / 255.0 + 16));
}

}  // namespace fusiongateway
