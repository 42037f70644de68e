#include "app/demo_city/camera_server.h"

#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <string_view>
#include <thread>
#include <utility>

#include "app/demo_city/camera.h"
#include "app/demo_city/city.h"

namespace fusiongateway::demo_city {
namespace {

constexpr std::chrono::milliseconds kTeardownTimeout{5000};
constexpr guint kSessionCleanupSeconds = 2;
constexpr char kOpencvDocClips[] = "/usr/share/doc/opencv-doc/examples/data";

Status InitGStreamer() {
  GError* error = nullptr;
  if (!gst_init_check(nullptr, nullptr, &error)) {
    std::string message = error != nullptr ? error->message : "unknown reason";
    g_clear_error(&error);
    return Internal("GStreamer does not start: " + message);
  }
  constexpr std::pair<const char*, const char*> kNeeded[] = {
      {"x264enc", "gstreamer1.0-plugins-ugly"},
      {"h264parse", "gstreamer1.0-plugins-bad"},
      {"rtph264pay", "gstreamer1.0-plugins-good"}};
  for (const auto& [element, package] : kNeeded) {
    GstElementFactory* factory = gst_element_factory_find(element);
    if (factory == nullptr) {
      return FailedPrecondition(std::string("GStreamer has no ") + element +
                                "; install the Debian package " + package);
    }
    gst_object_unref(factory);
  }
  return {};
}

std::string MountPath(std::string_view camera_id) { return "/" + std::string(camera_id); }

GstRTSPFilterResult RemoveAllClients(GstRTSPServer*, GstRTSPClient*, gpointer) {
  return GST_RTSP_FILTER_REMOVE;
}

// Which camera a client asked for is kept on the client, from its first request on: a viewer
// between DESCRIBE and PLAY is in no session yet, but must be cut with the others.
constexpr char kAskedPath[] = "demo-city-path";

GstRTSPStatusCode RememberPath(GstRTSPClient* client, GstRTSPContext* context, gpointer) {
  g_object_set_data_full(G_OBJECT(client), kAskedPath, g_strdup(context->uri->abspath), g_free);
  return GST_RTSP_STS_OK;
}

void OnClientConnected(GstRTSPServer*, GstRTSPClient* client, gpointer) {
  for (const char* request : {"pre-describe-request", "pre-setup-request"}) {
    g_signal_connect(client, request, G_CALLBACK(RememberPath), nullptr);
  }
}

// A camera's own path, or that of its stream below it.
GstRTSPFilterResult RemoveViewersOf(GstRTSPServer*, GstRTSPClient* client, gpointer path) {
  const std::string_view camera = static_cast<const char*>(path);
  const auto* kept = static_cast<const char*>(g_object_get_data(G_OBJECT(client), kAskedPath));
  const std::string_view asked = kept == nullptr ? "" : kept;
  const bool views =
      asked.starts_with(camera) && (asked.size() == camera.size() || asked[camera.size()] == '/');
  return views ? GST_RTSP_FILTER_REMOVE : GST_RTSP_FILTER_KEEP;
}

gboolean CleanUpSessions(gpointer server) {
  GstRTSPSessionPool* pool = gst_rtsp_server_get_session_pool(GST_RTSP_SERVER(server));
  gst_rtsp_session_pool_cleanup(pool);
  g_object_unref(pool);
  return G_SOURCE_CONTINUE;
}

}  // namespace

class CameraServer::Impl {
 public:
  Impl(const Clock& clock, const ScenarioClock& scenario, CameraServerOptions options)
      : clock_(clock), scenario_(scenario), options_(std::move(options)) {
    options_.clip_folders.emplace_back(kOpencvDocClips);
  }
  ~Impl() { Stop(); }

  Result<std::uint16_t> Start(std::uint16_t port);
  void Stop();
  Status StopCamera(std::string_view id);
  Status StartCamera(std::string_view id);
  Result<CameraStats> Stats(std::string_view id) const;

 private:
  Result<std::uint16_t> Listen(std::uint16_t port);
  // Runs `task` in the server's thread, where its clients live, and waits for it.
  void InServerThread(std::function<void()> task);
  void Mount(const CityCamera& facts);
  void Unmount(std::string_view id);
  void ReleaseServer();

  const Clock& clock_;
  const ScenarioClock& scenario_;
  CameraServerOptions options_;

  GMainContext* context_ = nullptr;
  GMainLoop* loop_ = nullptr;
  GstRTSPServer* server_ = nullptr;
  GSource* listener_ = nullptr;
  GSource* cleanup_ = nullptr;
  std::thread thread_;
  std::map<std::string, std::unique_ptr<Camera>, std::less<>> cameras_;
};

Result<std::uint16_t> CameraServer::Impl::Listen(std::uint16_t port) {
  const guint id = gst_rtsp_server_attach(server_, context_);
  if (id == 0) {
    return Unavailable("RTSP " + options_.address + ":" + std::to_string(port) +
                       ": cannot listen; is the port taken? Choose another with --rtsp-port");
  }
  listener_ = g_source_ref(g_main_context_find_source_by_id(context_, id));
  cleanup_ = g_timeout_source_new_seconds(kSessionCleanupSeconds);
  g_source_set_callback(cleanup_, CleanUpSessions, server_, nullptr);
  g_source_attach(cleanup_, context_);
  return static_cast<std::uint16_t>(gst_rtsp_server_get_bound_port(server_));
}

Result<std::uint16_t> CameraServer::Impl::Start(std::uint16_t port) {
  if (server_ != nullptr) return FailedPrecondition("the cameras are started already");
  if (Status status = InitGStreamer(); !status.ok()) return status;
  context_ = g_main_context_new();
  loop_ = g_main_loop_new(context_, FALSE);
  server_ = gst_rtsp_server_new();
  gst_rtsp_server_set_address(server_, options_.address.c_str());
  gst_rtsp_server_set_service(server_, std::to_string(port).c_str());
  // All clients are served by our one thread, so that Stop() knows when they are gone.
  GstRTSPThreadPool* pool = gst_rtsp_server_get_thread_pool(server_);
  gst_rtsp_thread_pool_set_max_threads(pool, 0);
  g_object_unref(pool);
  g_signal_connect(server_, "client-connected", G_CALLBACK(OnClientConnected), nullptr);
  Result<std::uint16_t> bound = Listen(port);
  if (!bound.ok()) {
    ReleaseServer();
    return bound;
  }
  for (const CityCamera& facts : Cameras()) Mount(facts);
  thread_ = std::thread([this] {
    g_main_context_push_thread_default(context_);
    g_main_loop_run(loop_);
    g_main_context_pop_thread_default(context_);
  });
  return bound;
}

void CameraServer::Impl::InServerThread(std::function<void()> task) {
  std::promise<void> done;
  struct Call {
    std::function<void()> task;
    std::promise<void>& done;
  } call{std::move(task), done};
  GSource* source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  g_source_set_callback(
      source,
      [](gpointer data) -> gboolean {
        auto* what = static_cast<Call*>(data);
        what->task();
        what->done.set_value();
        return G_SOURCE_REMOVE;
      },
      &call, nullptr);
  g_source_attach(source, context_);
  g_source_unref(source);
  done.get_future().wait();
}

void CameraServer::Impl::Mount(const CityCamera& facts) {
  auto camera = std::make_unique<Camera>(
      facts, MakePictureSource(facts, options_.clip_folders, options_.seed), clock_, scenario_);
  GstRTSPMountPoints* mounts = gst_rtsp_server_get_mount_points(server_);
  gst_rtsp_mount_points_add_factory(mounts, MountPath(facts.id).c_str(), camera->MakeFactory());
  g_object_unref(mounts);
  cameras_.emplace(facts.id, std::move(camera));
}

void CameraServer::Impl::Unmount(std::string_view id) {
  const std::string path = MountPath(id);
  InServerThread([&] {
    GstRTSPMountPoints* mounts = gst_rtsp_server_get_mount_points(server_);
    gst_rtsp_mount_points_remove_factory(mounts, path.c_str());
    g_object_unref(mounts);
    gst_rtsp_server_client_filter(server_, RemoveViewersOf, const_cast<char*>(path.c_str()));
  });
}

void CameraServer::Impl::Stop() {
  if (server_ == nullptr) return;
  for (const auto& [id, camera] : cameras_) Unmount(id);
  InServerThread([this] { gst_rtsp_server_client_filter(server_, RemoveAllClients, nullptr); });
  for (const auto& [id, camera] : cameras_) {
    if (!camera->WaitUntilIdle(kTeardownTimeout))
      spdlog::warn("camera {}: its encoder lingers", id);
  }
  cameras_.clear();
  InServerThread([this] { g_main_loop_quit(loop_); });
  thread_.join();
  ReleaseServer();
}

void CameraServer::Impl::ReleaseServer() {
  for (GSource** source : {&cleanup_, &listener_}) {
    if (*source == nullptr) continue;
    g_source_destroy(*source);
    g_source_unref(*source);
    *source = nullptr;
  }
  g_clear_object(&server_);
  g_main_loop_unref(loop_);
  g_main_context_unref(context_);
  loop_ = nullptr;
  context_ = nullptr;
}

Status CameraServer::Impl::StopCamera(std::string_view id) {
  const auto at = cameras_.find(id);
  if (at == cameras_.end()) return NotFound("no running camera is called " + std::string(id));
  Unmount(id);
  if (!at->second->WaitUntilIdle(kTeardownTimeout)) {
    spdlog::warn("camera {}: its encoder lingers", id);
  }
  cameras_.erase(at);
  return {};
}

Status CameraServer::Impl::StartCamera(std::string_view id) {
  const CityCamera* facts = FindCamera(id);
  if (facts == nullptr) return NotFound("the city has no camera " + std::string(id));
  if (server_ == nullptr) return FailedPrecondition("the camera server is not started");
  if (!cameras_.contains(id)) Mount(*facts);
  return {};
}

Result<CameraStats> CameraServer::Impl::Stats(std::string_view id) const {
  if (FindCamera(id) == nullptr) return NotFound("the city has no camera " + std::string(id));
  const auto at = cameras_.find(id);
  return at == cameras_.end() ? CameraStats{} : at->second->Stats();
}

CameraServer::CameraServer(const Clock& clock, const ScenarioClock& scenario,
                           CameraServerOptions options)
    : impl_(std::make_unique<Impl>(clock, scenario, std::move(options))) {}
CameraServer::~CameraServer() = default;
Result<std::uint16_t> CameraServer::Start(std::uint16_t port) { return impl_->Start(port); }
void CameraServer::Stop() { impl_->Stop(); }
Status CameraServer::StopCamera(std::string_view id) { return impl_->StopCamera(id); }
Status CameraServer::StartCamera(std::string_view id) { return impl_->StartCamera(id); }
Result<CameraStats> CameraServer::Stats(std::string_view id) const { return impl_->Stats(id); }

}  // namespace fusiongateway::demo_city
