#include "pipeline/cameras/camera_system.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include "pipeline/cameras/camera_session.h"

namespace fusiongateway {
namespace {

using std::chrono::milliseconds;

constexpr auto kPollInterval = milliseconds{100};
constexpr Duration kStartSpacing = milliseconds{20};
constexpr std::size_t kCameraIdMax = 128;

bool WellFormedId(std::string_view id) {
  return !id.empty() && id.size() <= kCameraIdMax &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

Status CheckUrl(std::string_view url) {
  std::string_view rest;
  for (std::string_view scheme : {"rtsp://", "rtsps://"}) {
    if (url.starts_with(scheme)) rest = url.substr(scheme.size());
  }
  if (rest.empty()) return InvalidArgument("the url must begin with rtsp:// or rtsps://");
  if (rest.substr(0, rest.find('/')).find('@') != std::string_view::npos) {
    return InvalidArgument("take user and password out of the url: they have fields of their own");
  }
  return {};
}

Status Check(const CameraConfig& config) {
  if (!WellFormedId(config.camera_id)) {
    return InvalidArgument("camera_id \"" + config.camera_id.substr(0, 40) +
                           "\": use 1 to 128 letters, digits, '.', '_' and '-'");
  }
  const std::string where = "camera " + config.camera_id + ": ";
  if (Status url = CheckUrl(config.url); !url.ok()) return InvalidArgument(where + url.message());
  const std::pair<const char*, Duration> positive[] = {
      {"path_delay_max", config.path_delay_max},
      {"unsynchronised_bound", config.unsynchronised_bound},
      {"clock_error_max", config.clock_error_max.value_or(milliseconds{1})},
      {"ring_seconds", config.ring_seconds},
      {"stall_after", config.stall_after}};
  for (const auto& [name, value] : positive) {
    if (value <= Duration::zero() || value > std::chrono::hours{24}) {
      return InvalidArgument(where + name + " must be above zero and at most a day");
    }
  }
  if (config.latency < Duration::zero() || config.latency > std::chrono::seconds{10}) {
    return InvalidArgument(where + "latency must lie between 0 and 10 s");
  }
  if (config.ring_bytes == 0) return InvalidArgument(where + "ring_bytes must be above zero");
  return {};
}

// Whether an operator would want to know: not every wobble of rate and uncertainty.
bool WorthTelling(const CameraStatus& before, const CameraStatus& now) {
  CameraStatus same_rest = now;
  same_rest.frame_rate = before.frame_rate;
  same_rest.uncertainty = before.uncertainty;
  if (same_rest != before) return true;
  return now.uncertainty > 2 * before.uncertainty || before.uncertainty > 2 * now.uncertainty;
}

struct FrameKey {
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
};

std::optional<std::uint64_t> Number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<FrameKey> ParseFrameId(const std::string& camera_id, std::string_view frame_id) {
  const std::string prefix = camera_id + "/";
  if (frame_id.starts_with(prefix)) {
    const std::string_view rest = frame_id.substr(prefix.size());
    const std::size_t slash = rest.find('/');
    if (slash != std::string_view::npos) {
      const auto session = Number(rest.substr(0, slash));
      const auto sequence = Number(rest.substr(slash + 1));
      if (session && sequence) return FrameKey{*session, *sequence};
    }
  }
  return InvalidArgument("\"" + std::string(frame_id.substr(0, 160)) + "\" is no frame of camera " +
                         camera_id + "; a frame_id is <camera_id>/<epoch>/<sequence>");
}

}  // namespace

struct CameraSystem::Impl {
  Impl(const Clock& c, std::string worker_path, Callbacks cb)
      : clock(c), callbacks(std::move(cb)), worker(std::move(worker_path), c) {}

  const Clock& clock;
  const Callbacks callbacks;
  DecodeWorker worker;
  SessionCloser closer;
  std::map<std::string, std::unique_ptr<CameraSession>> sessions;

  std::thread supervisor;
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::map<std::string, CameraStatus> told;  // of the supervisor

  void Supervise();
  void Tell(const CameraStatus& status);
  Result<const CameraSession*> Find(const std::string& camera_id) const;
  Result<AccessUnitPtr> Choose(const CameraSession& session, std::optional<UtcTime> at,
                               const std::string& frame_id) const;
};

Result<std::unique_ptr<CameraSystem>> CameraSystem::Create(std::vector<CameraConfig> configs,
                                                           const Clock& clock,
                                                           std::string worker_path,
                                                           Callbacks callbacks) {
  if (Status status = PreparePulls(); !status.ok()) return status;
  auto impl = std::make_unique<Impl>(clock, std::move(worker_path), std::move(callbacks));
  for (CameraConfig& config : configs) {
    if (Status status = Check(config); !status.ok()) return status;
    const std::string id = config.camera_id;
    if (impl->sessions.contains(id)) {
      return InvalidArgument("camera_id " + id + " is used twice; give each camera its own");
    }
    const Duration delay = kStartSpacing * static_cast<int>(impl->sessions.size());
    impl->sessions[id] =
        std::make_unique<CameraSession>(std::move(config), clock, impl->closer, delay);
  }
  return std::unique_ptr<CameraSystem>(new CameraSystem(std::move(impl)));
}

CameraSystem::CameraSystem(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CameraSystem::~CameraSystem() { Stop(); }

Status CameraSystem::Start() {
  if (impl_->supervisor.joinable()) return FailedPrecondition("the cameras are started already");
  if (Status status = impl_->worker.Start(); !status.ok()) return status;
  impl_->stopping = false;
  impl_->supervisor = std::thread([impl = impl_.get()] { impl->Supervise(); });
  return {};
}

void CameraSystem::Stop() {
  if (!impl_->supervisor.joinable()) return;
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  impl_->supervisor.join();
  impl_->worker.Stop();
}

void CameraSystem::Impl::Supervise() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    lock.unlock();
    const SteadyTime now = clock.SteadyNow();
    for (auto& [id, session] : sessions) {
      session->Poll(now);
      Tell(session->CurrentStatus());
    }
    lock.lock();
    wake.wait_for(lock, kPollInterval, [this] { return stopping; });
  }
  for (auto& [id, session] : sessions) session->Stop();
}

void CameraSystem::Impl::Tell(const CameraStatus& status) {
  const auto [at, first] = told.try_emplace(status.camera_id, status);
  if (!first && !WorthTelling(at->second, status)) return;
  if (first || at->second.state != status.state) {
    constexpr const char* kNames[] = {"unknown", "connecting", "streaming", "stalled", "down"};
    spdlog::info("camera {}: {} {}", status.camera_id, kNames[static_cast<int>(status.state)],
                 status.note);
  }
  at->second = status;
  if (callbacks.on_status) callbacks.on_status(status);
}

Result<const CameraSession*> CameraSystem::Impl::Find(const std::string& camera_id) const {
  const auto found = sessions.find(camera_id);
  if (found == sessions.end()) {
    return NotFound("no camera \"" + camera_id.substr(0, kCameraIdMax) +
                    "\"; /api/v1/cameras lists them");
  }
  return found->second.get();
}

Result<AccessUnitPtr> CameraSystem::Impl::Choose(const CameraSession& session,
                                                 std::optional<UtcTime> at,
                                                 const std::string& frame_id) const {
  if (!frame_id.empty()) {
    const Result<FrameKey> key = ParseFrameId(session.config().camera_id, frame_id);
    if (!key.ok()) return key.status();
    if (AccessUnitPtr unit = session.ring().Find(key->session, key->sequence)) return unit;
    return OutOfRange("frame " + frame_id + " is no longer held");
  }
  if (at) return session.ring().Nearest(*at);
  if (AccessUnitPtr unit = session.ring().Newest()) return unit;
  return Unavailable("camera " + session.config().camera_id + " has sent no frame yet");
}

std::vector<CameraStatus> CameraSystem::Cameras() const {
  std::vector<CameraStatus> all;
  for (const auto& [id, session] : impl_->sessions) all.push_back(session->CurrentStatus());
  return all;
}

Result<std::optional<HeldRange>> CameraSystem::Held(const std::string& camera_id) const {
  const auto session = impl_->Find(camera_id);
  if (!session.ok()) return session.status();
  const auto range = (*session)->ring().Held();
  if (!range) return std::optional<HeldRange>{};
  return std::optional<HeldRange>{HeldRange{range->oldest, range->newest}};
}

Result<FrameInfo> CameraSystem::Nearest(const std::string& camera_id, UtcTime at) const {
  const auto session = impl_->Find(camera_id);
  if (!session.ok()) return session.status();
  const Result<AccessUnitPtr> unit = (*session)->ring().Nearest(at);
  if (!unit.ok()) return Status{unit.status().code(), camera_id + ": " + unit.status().message()};
  return (*session)->Describe(**unit);
}

Result<Snapshot> CameraSystem::Decode(const std::string& camera_id, std::optional<UtcTime> at,
                                      const std::string& frame_id, Duration timeout) {
  const auto found = impl_->Find(camera_id);
  if (!found.ok()) return found.status();
  const CameraSession& session = **found;
  const Result<AccessUnitPtr> unit = impl_->Choose(session, at, frame_id);
  if (!unit.ok()) return unit.status();
  CodedSequence sequence;
  sequence.codec = (*unit)->codec;
  for (const AccessUnitPtr& link :
       session.ring().DecodingChain((*unit)->session, (*unit)->sequence)) {
    sequence.frames.push_back({link, link->bytes()});
  }
  if (sequence.frames.empty()) return OutOfRange("that frame has just left the ring");
  Result<DecodedPicture> picture = impl_->worker.Decode(std::move(sequence), timeout);
  if (!picture.ok()) return picture.status();
  return Snapshot{session.Describe(**unit), std::move(picture->jpeg), picture->width,
                  picture->height};
}

std::vector<CameraCounters> CameraSystem::Counters() const {
  std::vector<CameraCounters> all;
  for (const auto& [id, session] : impl_->sessions) {
    const FrameRing::Counters ring = session->ring().counters();
    const CameraSession::Counters own = session->counters();
    all.push_back({id, ring.taken, ring.taken_bytes, ring.unusable, own.clock_outliers,
                   own.clock_epochs, own.connects, own.reconnects, own.stalls, ring.held_bytes});
  }
  return all;
}

DecodeCounters CameraSystem::DecoderCounters() const { return impl_->worker.Counters(); }

}  // namespace fusiongateway
