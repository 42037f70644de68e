#include "pipeline/analysis/frame_decoder.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <memory>
#include <mutex>
#include <string>

namespace fusiongateway {
namespace {

struct Unref {
  void operator()(GstElement* e) const { gst_object_unref(e); }
  void operator()(GstBus* b) const { gst_object_unref(b); }
  void operator()(GstCaps* c) const { gst_caps_unref(c); }
  void operator()(GstSample* s) const { gst_sample_unref(s); }
  void operator()(GstMessage* m) const { gst_message_unref(m); }
};
template <typename T>
using Owned = std::unique_ptr<T, Unref>;

constexpr GstClockTime kStep = 40 * GST_MSECOND;

// Marks the wanted frame on its way through the decoder, which hands a buffer's metas on to the
// picture made of it. Time stamps would do less well: decoders mend what looks odd to them.
GstCaps* TargetMark() {
  static GstCaps* const mark = gst_caps_new_empty_simple("timestamp/x-fusion-gateway-target");
  return mark;
}

// Keeps the wanted picture and lets the others go as they come out.
struct Catcher {
  std::mutex mutex;
  Owned<GstSample> picture;
};

GstFlowReturn OnPicture(GstAppSink* sink, gpointer user) {
  auto* catcher = static_cast<Catcher*>(user);
  Owned<GstSample> sample(gst_app_sink_pull_sample(sink));
  if (!sample) return GST_FLOW_OK;
  GstBuffer* buffer = gst_sample_get_buffer(sample.get());
  if (buffer && gst_buffer_get_reference_timestamp_meta(buffer, TargetMark())) {
    std::lock_guard lock(catcher->mutex);
    catcher->picture = std::move(sample);
  }
  return GST_FLOW_OK;
}

Status CannotBuild(const std::string& what) {
  return Internal("cannot build the decoder: " + what +
                  "; is the Debian package gstreamer1.0-libav there?");
}

GstBuffer* MakeBuffer(const CodedFrame& frame, std::size_t index, bool target) {
  GstBuffer* buffer = gst_buffer_new_memdup(frame.bytes.data(), frame.bytes.size());
  GST_BUFFER_PTS(buffer) = index * kStep;
  GST_BUFFER_DTS(buffer) = index * kStep;
  if (index > 0) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (target) gst_buffer_add_reference_timestamp_meta(buffer, TargetMark(), 0, 0);
  return buffer;
}

void Feed(GstAppSrc* source, const CodedSequence& sequence) {
  for (std::size_t i = 0; i < sequence.frames.size(); ++i) {
    const bool target = i + 1 == sequence.frames.size();
    if (gst_app_src_push_buffer(source, MakeBuffer(sequence.frames[i], i, target)) != GST_FLOW_OK) {
      return;
    }
  }
  gst_app_src_end_of_stream(source);
}

// Waits for the end of the stream; the gateway kills a worker that takes too long.
std::string AwaitEnd(GstElement* pipeline) {
  Owned<GstBus> bus(gst_element_get_bus(pipeline));
  Owned<GstMessage> message(gst_bus_timed_pop_filtered(
      bus.get(), 60 * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  if (!message) return "the decoder does not end";
  if (GST_MESSAGE_TYPE(message.get()) != GST_MESSAGE_ERROR) return "it gives no picture";
  GError* error = nullptr;
  gst_message_parse_error(message.get(), &error, nullptr);
  std::string reason = error ? error->message : "unknown error";
  g_clear_error(&error);
  return reason;
}

// The sample in another form.
Result<Owned<GstSample>> Convert(GstSample* sample, const char* form) {
  Owned<GstCaps> caps(gst_caps_from_string(form));
  GError* error = nullptr;
  Owned<GstSample> converted(gst_video_convert_sample(sample, caps.get(), 10 * GST_SECOND, &error));
  if (converted) return converted;
  Status status = DataLoss(std::string("no JPEG: ") + (error ? error->message : "unknown error"));
  g_clear_error(&error);
  return status;
}

Result<DecodedPicture> ToJpeg(GstSample* picture) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, gst_sample_get_caps(picture))) {
    return DataLoss("the decoder gives no picture format");
  }
  // By way of RGB: JPEG is full range, which the encoder does not see to when it is given YUV.
  const auto rgb = Convert(picture, "video/x-raw,format=RGB");
  if (!rgb.ok()) return rgb.status();
  const auto jpeg = Convert(rgb->get(), "image/jpeg");
  if (!jpeg.ok()) return jpeg.status();
  DecodedPicture result;
  result.width = static_cast<std::uint32_t>(GST_VIDEO_INFO_WIDTH(&info));
  result.height = static_cast<std::uint32_t>(GST_VIDEO_INFO_HEIGHT(&info));
  GstBuffer* buffer = gst_sample_get_buffer(jpeg->get());
  result.jpeg.resize(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, result.jpeg.data(), result.jpeg.size());
  return result;
}

}  // namespace

Status PrepareDecoders() {
  GError* error = nullptr;
  if (!gst_init_check(nullptr, nullptr, &error)) {
    Status status = Internal(error ? error->message : "GStreamer does not start");
    g_clear_error(&error);
    return status;
  }
  for (const char* name : {"avdec_h264", "avdec_h265", "jpegenc", "videoconvert"}) {
    Owned<GstElement> element(gst_element_factory_make(name, nullptr));
    if (!element) return CannotBuild(std::string("no element ") + name);
  }
  return {};
}

Result<DecodedPicture> DecodeLast(const CodedSequence& sequence) {
  const bool h265 = sequence.codec == VideoCodec::kH265;
  Owned<GstElement> pipeline(gst_pipeline_new(nullptr));
  GstElement* source = gst_element_factory_make("appsrc", nullptr);
  GstElement* decoder = gst_element_factory_make(h265 ? "avdec_h265" : "avdec_h264", nullptr);
  GstElement* sink = gst_element_factory_make("appsink", nullptr);
  if (!source || !decoder || !sink) return CannotBuild("an element is missing");
  Owned<GstCaps> caps(gst_caps_new_simple(h265 ? "video/x-h265" : "video/x-h264", "stream-format",
                                          G_TYPE_STRING, "byte-stream", "alignment", G_TYPE_STRING,
                                          "au", nullptr));
  g_object_set(source, "caps", caps.get(), "format", GST_FORMAT_TIME, "block", TRUE, nullptr);
  g_object_set(decoder, "max-threads", 1, nullptr);
  g_object_set(sink, "sync", FALSE, nullptr);

  Catcher catcher;
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = OnPicture;
  gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, &catcher, nullptr);
  gst_bin_add_many(GST_BIN(pipeline.get()), source, decoder, sink, nullptr);
  if (!gst_element_link_many(source, decoder, sink, nullptr)) return CannotBuild("no link");

  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  Feed(GST_APP_SRC(source), sequence);
  std::string reason = AwaitEnd(pipeline.get());
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  if (!catcher.picture) return DataLoss(std::move(reason));
  return ToJpeg(catcher.picture.get());
}

}  // namespace fusiongateway
