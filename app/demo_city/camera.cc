#include "app/demo_city/camera.h"

#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <condition_variable>
#include <mutex>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <string>

#include "app/demo_city/time_pattern.h"

namespace {

// How often sender reports are sent. Cameras take 5 s; a demo should not keep its viewers waiting.
constexpr guint64 kSenderReportInterval = GST_SECOND;

void OnRtpbinElement(GstBin*, GstElement* element, gpointer) {
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), "internal-session") == nullptr)
    return;
  GObject* session = nullptr;
  g_object_get(element, "internal-session", &session, nullptr);
  if (session == nullptr) return;
  g_object_set(session, "rtcp-min-interval", kSenderReportInterval, nullptr);
  g_object_unref(session);
}

// A medium whose sender reports tell the time of capture (the buffer's running time) and not the
// time of sending, on the host's UTC clock. The session manager is reachable only by deriving.
struct CaptureTimeMedia {
  GstRTSPMedia parent;
};
struct CaptureTimeMediaClass {
  GstRTSPMediaClass parent_class;
};
GType capture_time_media_get_type();
G_DEFINE_TYPE(CaptureTimeMedia, capture_time_media, GST_TYPE_RTSP_MEDIA)

gboolean SetupRtpbin(GstRTSPMedia* media, GstElement* rtpbin) {
  gst_util_set_object_arg(G_OBJECT(rtpbin), "ntp-time-source", "ntp");
  g_object_set(rtpbin, "rtcp-sync-send-time", FALSE, nullptr);
  g_signal_connect(rtpbin, "element-added", G_CALLBACK(OnRtpbinElement), nullptr);
  auto* base = GST_RTSP_MEDIA_CLASS(capture_time_media_parent_class);
  return base->setup_rtpbin == nullptr ? TRUE : base->setup_rtpbin(media, rtpbin);
}

void capture_time_media_class_init(CaptureTimeMediaClass* klass) {
  GST_RTSP_MEDIA_CLASS(klass)->setup_rtpbin = SetupRtpbin;
}

void capture_time_media_init(CaptureTimeMedia*) {}

}  // namespace

namespace fusiongateway::demo_city {
namespace {

constexpr Duration kFrameInterval = Duration(std::chrono::seconds(1)) / kCameraFramesPerSecond;
constexpr int kBitrateKilobits = 900;
// Pictures that may wait for the encoder; a newer one is then dropped and counted.
constexpr guint64 kEncoderQueueMax = 3;

// One instant on both time lines.
struct Instant {
  UtcTime utc;
  GstClockTime running_time;
};

// None while `element` does not play. UTC is read between two readings of the media clock, and
// again when the thread was interrupted between them, so that both name the same instant within 20
// µs.
std::optional<Instant> TakeInstant(GstElement* element, const Clock& clock) {
  constexpr GstClockTime kApartMax = 20 * GST_USECOND;
  constexpr int kTries = 5;
  if (GST_STATE(element) != GST_STATE_PLAYING) return std::nullopt;
  std::optional<Instant> best;
  GstClockTime best_apart = GST_CLOCK_TIME_NONE;
  for (int i = 0; i < kTries && best_apart > kApartMax; ++i) {
    const GstClockTime before = gst_element_get_current_running_time(element);
    const UtcTime utc = clock.UtcNow();
    const GstClockTime after = gst_element_get_current_running_time(element);
    if (!GST_CLOCK_TIME_IS_VALID(before) || !GST_CLOCK_TIME_IS_VALID(after)) return std::nullopt;
    if (after - before >= best_apart) continue;
    best_apart = after - before;
    best = Instant{utc, before + best_apart / 2};
  }
  return best;
}

// White letters with a black outline, on the brightness plane.
void DrawTimeText(cv::Mat& brightness, std::string_view camera_id, UtcTime time) {
  constexpr std::size_t kToMilliseconds = sizeof("2026-11-23T10:00:00.000") - 1;
  const std::string text =
      std::string(camera_id) + "  " + FormatRfc3339(time).substr(0, kToMilliseconds) + "Z";
  const cv::Point at(10, 22);
  cv::putText(brightness, text, at, cv::FONT_HERSHEY_SIMPLEX, 0.5, 16, 3, cv::LINE_AA);
  cv::putText(brightness, text, at, cv::FONT_HERSHEY_SIMPLEX, 0.5, 235, 1, cv::LINE_AA);
}

// The two quarter-size planes after the brightness plane; headers onto the same pixels.
std::array<cv::Mat, 2> ColourPlanes(cv::Mat& i420) {
  const int height = i420.rows * 2 / 3;
  const int width = i420.cols;
  uchar* blue = i420.ptr(height);
  uchar* red = blue + width / 2 * (height / 2);
  return {cv::Mat(height / 2, width / 2, CV_8UC1, blue),
          cv::Mat(height / 2, width / 2, CV_8UC1, red)};
}

std::string Description() {
  const std::string gop = std::to_string(kCameraFramesPerSecond * kCameraKeyFrameSeconds);
  return "( appsrc name=source is-live=true format=time ! "
         "x264enc speed-preset=ultrafast tune=zerolatency threads=1 bframes=0 key-int-max=" +
         gop + " bitrate=" + std::to_string(kBitrateKilobits) +
         " ! video/x-h264,profile=constrained-baseline ! h264parse config-interval=-1 ! "
         "rtph264pay name=pay0 pt=96 config-interval=-1 )";
}

}  // namespace

// What the camera's thread and GStreamer's threads share.
struct Camera::Feed {
  int width = 0;
  int height = 0;

  mutable std::mutex mutex;
  mutable std::condition_variable_any changed;
  GstElement* input = nullptr;    // the encoder's appsrc, a reference, while somebody watches
  GstRTSPMedia* media = nullptr;  // the medium that `input` belongs to; compared, never used
  int media_alive = 0;

  std::atomic<std::uint64_t> encodes_started = 0;
  std::atomic<std::uint64_t> frames_captured = 0;
  std::atomic<std::uint64_t> frames_dropped = 0;
  std::atomic<std::uint64_t> pictures_missed = 0;

  ~Feed() {
    if (input != nullptr) gst_object_unref(input);
  }

  void Attach(GstRTSPMedia* new_media, GstElement* new_input) {
    std::lock_guard lock(mutex);
    if (input != nullptr) gst_object_unref(input);
    input = new_input;
    media = new_media;
    ++media_alive;
    ++encodes_started;
    changed.notify_all();
  }

  // Both when a medium stops and when it dies: whichever comes first.
  void Detach(const GstRTSPMedia* old_media) {
    std::lock_guard lock(mutex);
    if (media != old_media) return;
    gst_object_unref(input);
    input = nullptr;
    media = nullptr;
  }

  void MediaGone(const GstRTSPMedia* old_media) {
    Detach(old_media);
    std::lock_guard lock(mutex);
    --media_alive;
    changed.notify_all();
  }

  // The callbacks carry a share of the feed, which GLib's closures release.
  using Share = std::shared_ptr<Feed>;
  static gpointer NewShare(const Share& feed) { return new Share(feed); }
  static void DeleteShare(gpointer share, GClosure*) { delete static_cast<Share*>(share); }

  static void OnMediaConfigure(GstRTSPMediaFactory*, GstRTSPMedia* new_media, gpointer share);
  static void OnUnprepared(GstRTSPMedia* old_media, gpointer share) {
    (*static_cast<Share*>(share))->Detach(old_media);
  }
  static void OnMediaFinalized(gpointer share, GObject* where_it_was) {
    (*static_cast<Share*>(share))->MediaGone(reinterpret_cast<GstRTSPMedia*>(where_it_was));
    DeleteShare(share, nullptr);
  }
};

void Camera::Feed::OnMediaConfigure(GstRTSPMediaFactory*, GstRTSPMedia* new_media, gpointer share) {
  const Share& feed = *static_cast<Share*>(share);
  GstElement* bin = gst_rtsp_media_get_element(new_media);
  GstElement* input = gst_bin_get_by_name(GST_BIN(bin), "source");
  gst_object_unref(bin);
  GstCaps* caps = gst_caps_new_simple(
      "video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT, feed->width, "height",
      G_TYPE_INT, feed->height, "framerate", GST_TYPE_FRACTION, kCameraFramesPerSecond, 1, nullptr);
  gst_app_src_set_caps(GST_APP_SRC(input), caps);
  gst_caps_unref(caps);
  feed->Attach(new_media, input);
  g_signal_connect_data(new_media, "unprepared", G_CALLBACK(OnUnprepared), NewShare(feed),
                        DeleteShare, GConnectFlags(0));
  g_object_weak_ref(G_OBJECT(new_media), OnMediaFinalized, NewShare(feed));
}

Camera::Camera(const CityCamera& facts, std::unique_ptr<PictureSource> source, const Clock& clock,
               const ScenarioClock& scenario)
    : facts_(facts),
      source_(std::move(source)),
      clock_(clock),
      scenario_(scenario),
      feed_(std::make_shared<Feed>()) {
  feed_->width = facts.width;
  feed_->height = facts.height;
  thread_ = std::jthread([this](std::stop_token stop) { Run(std::move(stop)); });
}

Camera::~Camera() = default;

GstRTSPMediaFactory* Camera::MakeFactory() const {
  GstRTSPMediaFactory* factory = gst_rtsp_media_factory_new();
  gst_rtsp_media_factory_set_media_gtype(factory, capture_time_media_get_type());
  gst_rtsp_media_factory_set_launch(factory, Description().c_str());
  gst_rtsp_media_factory_set_shared(factory, TRUE);
  gst_rtsp_media_factory_set_protocols(
      factory, static_cast<GstRTSPLowerTrans>(GST_RTSP_LOWER_TRANS_UDP | GST_RTSP_LOWER_TRANS_TCP));
  g_signal_connect_data(factory, "media-configure", G_CALLBACK(Feed::OnMediaConfigure),
                        Feed::NewShare(feed_), Feed::DeleteShare, GConnectFlags(0));
  return factory;
}

CameraStats Camera::Stats() const {
  CameraStats stats;
  stats.running = true;
  {
    std::lock_guard lock(feed_->mutex);
    stats.encoding = feed_->input != nullptr;
  }
  stats.encodes_started = feed_->encodes_started;
  stats.frames_captured = feed_->frames_captured;
  stats.frames_dropped = feed_->frames_dropped;
  stats.pictures_missed = feed_->pictures_missed;
  return stats;
}

bool Camera::WaitUntilIdle(std::chrono::milliseconds timeout) const {
  std::unique_lock lock(feed_->mutex);
  return feed_->changed.wait_for(lock, timeout, [this] { return feed_->media_alive == 0; });
}

void Camera::Run(std::stop_token stop) {
  SteadyTime next = clock_.SteadyNow();
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(feed_->mutex);
      if (!feed_->changed.wait(lock, stop, [this] { return feed_->input != nullptr; })) return;
      const Duration left = next - clock_.SteadyNow();
      feed_->changed.wait_for(lock, stop, left, [] { return false; });
    }
    if (stop.stop_requested()) return;
    CaptureOne();
    // A late camera drops ticks and keeps its beat.
    const Duration late = std::max(Duration::zero(), clock_.SteadyNow() - next);
    next += (late / kFrameInterval + 1) * kFrameInterval;
  }
}

void Camera::CaptureOne() {
  GstElement* input = nullptr;
  {
    std::lock_guard lock(feed_->mutex);
    if (feed_->input == nullptr) return;
    input = GST_ELEMENT(gst_object_ref(feed_->input));
  }
  const UtcTime now = clock_.UtcNow();
  cv::Mat picture;
  const Status made = source_->Next({now, scenario_.Elapsed(now)}, picture);
  if (!made.ok()) ++feed_->pictures_missed;
  if (const auto instant = TakeInstant(input, clock_); made.ok() && instant) {
    MarkTime(picture, instant->utc);
    Encode(input, picture, instant->running_time);
  }
  gst_object_unref(input);
}

void Camera::MarkTime(cv::Mat& i420, UtcTime time) const {
  cv::Mat brightness = i420.rowRange(0, facts_.height);
  DrawTimeText(brightness, facts_.id, time);
  [[maybe_unused]] const Status drawn = DrawTimePattern(brightness, time);
  assert(drawn.ok());
  // No colour under the pattern: black and white must stay so.
  const cv::Rect band = TimePatternBand(brightness.size());
  for (cv::Mat& plane : ColourPlanes(i420)) plane.rowRange(band.y / 2, plane.rows).setTo(128);
}

void Camera::Encode(GstElement* input, const cv::Mat& i420, std::uint64_t running_time) {
  GstAppSrc* source = GST_APP_SRC(input);
  if (gst_app_src_get_current_level_buffers(source) >= kEncoderQueueMax) {
    ++feed_->frames_dropped;
    return;
  }
  const gsize size = i420.total();
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, size, nullptr);
  gst_buffer_fill(buffer, 0, i420.data, size);
  GST_BUFFER_PTS(buffer) = running_time;
  GST_BUFFER_DURATION(buffer) = static_cast<GstClockTime>(kFrameInterval.count());
  // Refused only while the medium is being taken down; the buffer is taken either way.
  if (gst_app_src_push_buffer(source, buffer) == GST_FLOW_OK) ++feed_->frames_captured;
}

}  // namespace fusiongateway::demo_city
