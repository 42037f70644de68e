#include "pipeline/cameras/rtsp_pull.h"

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/rtsp/gstrtspmessage.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <mutex>
#include <utility>

namespace fusiongateway {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kTcpTimeout = seconds{5};
constexpr auto kUdpFallbackAfter = seconds{3};
constexpr Duration kNtpToUnix = seconds{2'208'988'800};
constexpr gsize kUnitBytesMax = gsize{16} << 20;
// rtspsrc's own numbers.
constexpr unsigned kProtocolUdp = 0x1;
constexpr unsigned kProtocolTcp = 0x4;
constexpr int kBufferModeNone = 0;

struct Instants {
  UtcTime utc;
  SteadyTime steady;
};

// Both clocks at one instant: read again when this thread was held up between the two.
Instants Now(const Clock& clock) {
  Instants now{};
  for (int attempt = 0; attempt < 3; ++attempt) {
    now.steady = clock.SteadyNow();
    now.utc = clock.UtcNow();
    if (clock.SteadyNow() - now.steady < milliseconds{1}) break;
  }
  return now;
}

GstCaps* NtpCaps() {
  static GstCaps* const caps = gst_caps_new_empty_simple("timestamp/x-ntp");
  return caps;
}

std::optional<UtcTime> ClaimedTime(GstBuffer* buffer) {
  const auto* meta = gst_buffer_get_reference_timestamp_meta(buffer, NtpCaps());
  if (!meta || meta->timestamp == GST_CLOCK_TIME_NONE) return std::nullopt;
  constexpr auto kMax = static_cast<guint64>(std::numeric_limits<std::int64_t>::max());
  const auto since_1900 = static_cast<std::int64_t>(std::min<guint64>(meta->timestamp, kMax));
  return SaturatingAdd(UtcTime{Duration{since_1900}}, -kNtpToUnix);
}

// Media time as the camera counts it: the RTP time of each packet, unwrapped. GStreamer's own times
// are no use for it: after a gap of 3 s its jitter buffer begins a new time line at zero, which
// looks like frames out of order when the old one has just begun.
class RtpTimeLine {
 public:
  explicit RtpTimeLine(int clock_rate) : clock_rate_(static_cast<guint64>(clock_rate)) {}

  void Stamp(GstBuffer* packet) {
    std::array<std::uint8_t, 4> field{};
    if (gst_buffer_extract(packet, kTimeField, field.data(), field.size()) != field.size()) return;
    const std::uint32_t ticks = std::uint32_t{field[0]} << 24 | std::uint32_t{field[1]} << 16 |
                                std::uint32_t{field[2]} << 8 | field[3];
    // The nearest of all counts with these low bits.
    ticks_ += static_cast<std::int32_t>(ticks - static_cast<std::uint32_t>(ticks_));
    GST_BUFFER_PTS(packet) =
        gst_util_uint64_scale(static_cast<guint64>(ticks_), GST_SECOND, clock_rate_);
    GST_BUFFER_DTS(packet) = GST_CLOCK_TIME_NONE;
  }

 private:
  static constexpr gsize kTimeField = 4;  // RFC 3550, 5.1
  const guint64 clock_rate_;
  std::int64_t ticks_ = std::int64_t{1} << 40;  // far from zero, where jumps backwards end
};

GstPadProbeReturn StampPacket(GstPad*, GstPadProbeInfo* info, gpointer line) {
  auto* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_PAD_PROBE_INFO_DATA(info) = buffer;
  static_cast<RtpTimeLine*>(line)->Stamp(buffer);
  return GST_PAD_PROBE_OK;
}

// Our media times have another zero than the segment of a recording, which would end at once.
GstPadProbeReturn OpenSegment(GstPad*, GstPadProbeInfo* info, gpointer) {
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_SEGMENT) return GST_PAD_PROBE_OK;
  GstSegment open;
  gst_segment_init(&open, GST_FORMAT_TIME);
  gst_event_unref(event);
  GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_segment(&open);
  return GST_PAD_PROBE_OK;
}

// With user and password in it. An address of RTSP carries them to its own host only: a redirect
// replaces the address, and they are gone. As properties of rtspsrc they would be for whatever host
// the camera names.
std::string UrlWithLogin(const CameraConfig& config) {
  if (config.user.empty()) return config.url;
  const std::size_t host = config.url.find("://") + 3;
  gchar* user = g_uri_escape_string(config.user.c_str(), nullptr, FALSE);
  gchar* password = g_uri_escape_string(config.password.c_str(), nullptr, FALSE);
  std::string url = config.url.substr(0, host) + user + ':' + password + '@';
  g_free(user);
  g_free(password);
  return url + config.url.substr(host);
}

// What an operator can do about it. GStreamer's own text may name hosts and stays out.
std::string Explain(const GError* error) {
  if (error->domain == GST_RESOURCE_ERROR) {
    switch (error->code) {
      case GST_RESOURCE_ERROR_NOT_AUTHORIZED:
        return "摄像机拒绝登录，请核对用户名和密码 / the camera refuses the login: check user and "
               "password";
      case GST_RESOURCE_ERROR_NOT_FOUND:
        return "摄像机上没有此路径，请核对地址 / the camera has no such path: check the URL";
      case GST_RESOURCE_ERROR_OPEN_READ:
      case GST_RESOURCE_ERROR_OPEN_WRITE:
      case GST_RESOURCE_ERROR_OPEN_READ_WRITE:
        return "连接不上摄像机，请检查电源和网络 / cannot connect to the camera: check power and "
               "network";
      default:
        return "与摄像机的连接中断 / the connection to the camera broke";
    }
  }
  if (error->domain == GST_STREAM_ERROR) {
    return "摄像机的码流无法解析 / the camera's stream cannot be parsed";
  }
  return "拉流失败 / pulling the camera failed";
}

}  // namespace

struct RtspPull::Impl {
  Impl(const CameraConfig& c, const Clock& k, std::shared_ptr<PullSink> s)
      : config(c), location(UrlWithLogin(c)), clock(k), sink(std::move(s)) {}

  const CameraConfig config;
  const std::string location;
  const Clock& clock;
  const std::shared_ptr<PullSink> sink;
  GstElement* pipeline = nullptr;

  mutable std::mutex mutex;
  std::optional<std::string> failure;
  bool chosen = false;       // a video stream has been
  bool other_codec = false;  // one was offered that we do not take

  // Of the streaming thread.
  GstCaps* format_caps = nullptr;
  VideoFormat format;
  Duration last_media{};

  void Fail(std::string reason);
  bool Choose(GstCaps* caps);
  bool Attach(GstPad* pad);
  void TakeFormat(GstCaps* caps);
  GstFlowReturn Take(GstSample* sample);

  static GstBusSyncReply OnMessage(GstBus*, GstMessage* message, gpointer self);
  static gboolean OnBeforeSend(GstElement* source, GstRTSPMessage* request, gpointer self);
  static gboolean OnSelectStream(GstElement*, guint, GstCaps* caps, gpointer self);
  static void OnPad(GstElement*, GstPad* pad, gpointer self);
  static GstFlowReturn OnSample(GstAppSink* appsink, gpointer self);
};

Status PreparePulls() {
  GError* error = nullptr;
  if (!gst_init_check(nullptr, nullptr, &error)) {
    Status status = Internal(std::string("GStreamer does not start: ") +
                             (error ? error->message : "unknown error"));
    g_clear_error(&error);
    return status;
  }
  for (const char* name :
       {"rtspsrc", "rtph264depay", "rtph265depay", "h264parse", "h265parse", "appsink"}) {
    GstElementFactory* factory = gst_element_factory_find(name);
    if (!factory) {
      return FailedPrecondition(std::string("GStreamer has no element ") + name +
                                "; install gstreamer1.0-plugins-base, -good and -bad");
    }
    gst_object_unref(factory);
  }
  return {};
}

RtspPull::RtspPull(const CameraConfig& config, const Clock& clock, std::shared_ptr<PullSink> sink)
    : impl_(std::make_unique<Impl>(config, clock, std::move(sink))) {}

RtspPull::~RtspPull() { Close(); }

Status RtspPull::Open() {
  const CameraConfig& config = impl_->config;
  impl_->pipeline = gst_pipeline_new(nullptr);
  GstElement* source = gst_element_factory_make("rtspsrc", nullptr);
  if (!source) return Internal("GStreamer has no element rtspsrc");
  const unsigned protocols = config.transport == CameraTransport::kTcp ? kProtocolTcp
                             : config.transport == CameraTransport::kUdp
                                 ? kProtocolUdp
                                 : kProtocolUdp | kProtocolTcp;
  g_object_set(source, "location", impl_->location.c_str(), "protocols", protocols, "latency",
               static_cast<guint>(duration_cast<milliseconds>(config.latency).count()),
               // No skew correction: the frame clock does that.
               "buffer-mode", kBufferModeNone, "add-reference-timestamp-meta", TRUE,
               // Reconnecting is ours, with a reason and a back-off.
               "udp-reconnect", FALSE, "tcp-timeout",
               static_cast<guint64>(duration_cast<microseconds>(kTcpTimeout).count()), "timeout",
               static_cast<guint64>(duration_cast<microseconds>(kUdpFallbackAfter).count()),
               "user-agent", "fusion-gateway", nullptr);
  g_signal_connect(source, "before-send", G_CALLBACK(Impl::OnBeforeSend), impl_.get());
  g_signal_connect(source, "select-stream", G_CALLBACK(Impl::OnSelectStream), impl_.get());
  g_signal_connect(source, "pad-added", G_CALLBACK(Impl::OnPad), impl_.get());
  gst_bin_add(GST_BIN(impl_->pipeline), source);
  // Messages are looked at where they are posted and thrown away, so that no bus grows.
  GstBus* bus = gst_element_get_bus(impl_->pipeline);
  gst_bus_set_sync_handler(bus, Impl::OnMessage, impl_.get(), nullptr);
  gst_object_unref(bus);
  if (gst_element_set_state(impl_->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    return Unavailable("地址无法打开 / the URL cannot be opened");
  }
  return {};
}

std::optional<std::string> RtspPull::Failure() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->failure;
}

void RtspPull::Close() {
  if (!impl_->pipeline) return;
  gst_element_set_state(impl_->pipeline, GST_STATE_NULL);
  GstBus* bus = gst_element_get_bus(impl_->pipeline);
  gst_bus_set_sync_handler(bus, nullptr, nullptr, nullptr);
  gst_object_unref(bus);
  gst_object_unref(impl_->pipeline);
  impl_->pipeline = nullptr;
  gst_caps_replace(&impl_->format_caps, nullptr);
}

void RtspPull::Impl::Fail(std::string reason) {
  std::lock_guard lock(mutex);
  if (failure) return;
  failure =
      !chosen && other_codec
          ? "摄像机的视频既不是 H.264 也不是 H.265，请改设置 / the camera sends neither H.264 nor "
            "H.265: change its settings"
          : std::move(reason);
}

GstBusSyncReply RtspPull::Impl::OnMessage(GstBus*, GstMessage* message, gpointer self) {
  auto* impl = static_cast<Impl*>(self);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    impl->Fail(Explain(error));
    g_clear_error(&error);
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
    impl->Fail("摄像机结束了码流 / the camera ended the stream");
  }
  gst_message_unref(message);
  return GST_BUS_DROP;
}

// Redirects are not followed: nothing is said to where the camera sends us.
gboolean RtspPull::Impl::OnBeforeSend(GstElement* source, GstRTSPMessage* request, gpointer self) {
  auto* impl = static_cast<Impl*>(self);
  gchar* location = nullptr;
  g_object_get(source, "location", &location, nullptr);
  const bool redirected = impl->location != (location ? location : "");
  g_free(location);
  if (redirected) {
    impl->Fail(
        "摄像机转到另一个地址，请直接配置该地址 / the camera redirects to another address, which "
        "is "
        "not followed: configure that address");
    return FALSE;
  }
  if (impl->config.user.empty()) return TRUE;
  // rtspsrc tries what is in the address once; a camera that asks again, with a new nonce, is
  // answered from the properties. Redirects answer DESCRIBE: then they are not set.
  const GstRTSPMethod method = request->type_data.request.method;
  const bool settled = method != GST_RTSP_OPTIONS && method != GST_RTSP_DESCRIBE;
  g_object_set(source, "user-id", settled ? impl->config.user.c_str() : nullptr, "user-pw",
               settled ? impl->config.password.c_str() : nullptr, nullptr);
  return TRUE;
}

gboolean RtspPull::Impl::OnSelectStream(GstElement*, guint, GstCaps* caps, gpointer self) {
  return static_cast<Impl*>(self)->Choose(caps);
}

// The first video stream in a form we take; sound and metadata are not even set up.
bool RtspPull::Impl::Choose(GstCaps* caps) {
  const GstStructure* s = gst_caps_get_structure(caps, 0);
  const char* media = gst_structure_get_string(s, "media");
  if (!media || std::strcmp(media, "video") != 0) return false;
  const char* encoding = gst_structure_get_string(s, "encoding-name");
  if (!encoding || (std::strcmp(encoding, "H264") != 0 && std::strcmp(encoding, "H265") != 0)) {
    std::lock_guard lock(mutex);
    other_codec = true;
    return false;
  }
  std::lock_guard lock(mutex);
  return !std::exchange(chosen, true);
}

void RtspPull::Impl::OnPad(GstElement*, GstPad* pad, gpointer self) {
  auto* impl = static_cast<Impl*>(self);
  if (!impl->Attach(pad)) impl->Fail("无法建立收流管道 / cannot build the receiving pipeline");
}

bool RtspPull::Impl::Attach(GstPad* pad) {
  GstCaps* caps = gst_pad_get_current_caps(pad);
  if (!caps) return false;
  const GstStructure* s = gst_caps_get_structure(caps, 0);
  const char* encoding = gst_structure_get_string(s, "encoding-name");
  const bool h265 = encoding && std::strcmp(encoding, "H265") == 0;
  int clock_rate = 0;
  gst_structure_get_int(s, "clock-rate", &clock_rate);
  gst_caps_unref(caps);
  if (clock_rate <= 0) return false;
  format.codec = h265 ? VideoCodec::kH265 : VideoCodec::kH264;

  GstElement* depay = gst_element_factory_make(h265 ? "rtph265depay" : "rtph264depay", nullptr);
  GstElement* parse = gst_element_factory_make(h265 ? "h265parse" : "h264parse", nullptr);
  GstElement* appsink = gst_element_factory_make("appsink", nullptr);
  if (!depay || !parse || !appsink) return false;
  // Parameter sets before every key frame: each one can be the first.
  g_object_set(parse, "config-interval", -1, nullptr);
  g_object_set(appsink, "sync", FALSE, "enable-last-sample", FALSE, nullptr);
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = OnSample;
  gst_app_sink_set_callbacks(GST_APP_SINK(appsink), &callbacks, this, nullptr);

  // Whole access units from the depayloader on: the parser need not wait for the next one to begin.
  GstCaps* units =
      gst_caps_new_simple(h265 ? "video/x-h265" : "video/x-h264", "stream-format", G_TYPE_STRING,
                          "byte-stream", "alignment", G_TYPE_STRING, "au", nullptr);
  GstPad* parsed = gst_element_get_static_pad(parse, "sink");
  gst_pad_add_probe(parsed, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, OpenSegment, nullptr, nullptr);
  gst_object_unref(parsed);
  gst_bin_add_many(GST_BIN(pipeline), depay, parse, appsink, nullptr);
  const bool linked = gst_element_link_filtered(depay, parse, units) &&
                      gst_element_link_filtered(parse, appsink, units);
  gst_caps_unref(units);
  if (!linked) return false;
  for (GstElement* element : {appsink, parse, depay}) gst_element_sync_state_with_parent(element);
  GstPad* sink_pad = gst_element_get_static_pad(depay, "sink");
  gst_pad_add_probe(sink_pad, GST_PAD_PROBE_TYPE_BUFFER, StampPacket, new RtpTimeLine(clock_rate),
                    [](gpointer line) { delete static_cast<RtpTimeLine*>(line); });
  const bool ok = gst_pad_link(pad, sink_pad) == GST_PAD_LINK_OK;
  gst_object_unref(sink_pad);
  return ok;
}

GstFlowReturn RtspPull::Impl::OnSample(GstAppSink* appsink, gpointer self) {
  GstSample* sample = gst_app_sink_pull_sample(appsink);
  if (!sample) return GST_FLOW_EOS;
  const GstFlowReturn flow = static_cast<Impl*>(self)->Take(sample);
  gst_sample_unref(sample);
  return flow;
}

void RtspPull::Impl::TakeFormat(GstCaps* caps) {
  if (caps == format_caps) return;
  const bool first = format_caps == nullptr;
  gst_caps_replace(&format_caps, caps);
  VideoFormat next = format;
  const GstStructure* s = gst_caps_get_structure(caps, 0);
  int width = 0, height = 0;
  gst_structure_get_int(s, "width", &width);
  gst_structure_get_int(s, "height", &height);
  next.width = static_cast<std::uint32_t>(std::max(width, 0));
  next.height = static_cast<std::uint32_t>(std::max(height, 0));
  if (!first && next == format) return;
  format = next;
  sink->OnFormat(format);
}

GstFlowReturn RtspPull::Impl::Take(GstSample* sample) {
  const Instants now = Now(clock);
  GstBuffer* buffer = gst_sample_get_buffer(sample);
  const gsize size = buffer ? gst_buffer_get_size(buffer) : 0;
  if (size == 0) return GST_FLOW_OK;
  if (size > kUnitBytesMax) {
    Fail("摄像机送来过大的一帧 / the camera sent a frame of more than 16 MiB");
    return GST_FLOW_ERROR;
  }
  if (GstCaps* caps = gst_sample_get_caps(sample)) TakeFormat(caps);

  PulledUnit unit;
  unit.arrival = now.utc;
  unit.arrival_steady = now.steady;
  const GstClockTime pts =
      GST_BUFFER_PTS_IS_VALID(buffer) ? GST_BUFFER_PTS(buffer) : GST_BUFFER_DTS(buffer);
  if (GST_CLOCK_TIME_IS_VALID(pts)) last_media = Duration{static_cast<std::int64_t>(pts)};
  unit.media = last_media;
  unit.claimed = ClaimedTime(buffer);
  unit.keyframe = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  auto data = std::make_unique_for_overwrite<std::uint8_t[]>(size);
  gst_buffer_extract(buffer, 0, data.get(), size);
  unit.data = std::move(data);
  unit.size = size;
  sink->OnUnit(std::move(unit));
  return GST_FLOW_OK;
}

}  // namespace fusiongateway
