#include "pipeline/cameras/camera_session.h"

#include <algorithm>
#include <functional>
#include <mutex>
#include <utility>

#include "fusion/clock/frame_clock.h"

namespace fusiongateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kBackOffMin = milliseconds{500};
constexpr Duration kBackOffMax = seconds{3};
// From Open to the first frame; UDP that falls back to TCP needs some of it.
constexpr Duration kFirstFrameWithin = seconds{10};
// Frames for so long make a session a good one: the back-off starts anew.
constexpr Duration kGoodAfter = seconds{10};

}  // namespace

// Takes the units of the newest pull, and only of that one.
class CameraSession::Intake : public std::enable_shared_from_this<Intake> {
 public:
  explicit Intake(const CameraConfig& config)
      : ring_(config.ring_seconds, config.ring_bytes),
        frame_clock_(FrameClockConfig{config.path_delay_max, config.unsynchronised_bound,
                                      config.clock_error_max}) {
    status_.camera_id = config.camera_id;
    status_.state = CameraStatus::State::kConnecting;
  }

  // The sink of one pull.
  class Sink final : public PullSink {
   public:
    Sink(std::shared_ptr<Intake> intake, std::uint64_t session)
        : intake_(std::move(intake)), session_(session) {}
    void OnFormat(const VideoFormat& format) override { intake_->TakeFormat(session_, format); }
    void OnUnit(PulledUnit unit) override { intake_->TakeUnit(session_, std::move(unit)); }

   private:
    const std::shared_ptr<Intake> intake_;
    const std::uint64_t session_;
  };

  std::shared_ptr<PullSink> Begin(std::uint64_t session, SteadyTime opened) {
    std::lock_guard lock(mutex_);
    session_ = session;
    sequence_ = 0;
    first_frame_at_.reset();
    frame_clock_.Restart(opened);
    return std::make_shared<Sink>(shared_from_this(), session);
  }

  void End() {
    std::lock_guard lock(mutex_);
    session_ = 0;
  }

  // Which frames came, as the supervisor needs it.
  struct Progress {
    std::optional<SteadyTime> first_frame_at;
    SteadyTime media_moved_at{};
  };
  Progress progress() const {
    std::lock_guard lock(mutex_);
    return {first_frame_at_, media_moved_at_};
  }

  template <typename F>
  void ChangeStatus(F change) {
    std::lock_guard lock(mutex_);
    change(status_, counters_);
  }

  CameraStatus status() const {
    CameraStatus status;
    {
      std::lock_guard lock(mutex_);
      status = status_;
    }
    status.frame_rate = ring_.FrameRate();
    return status;
  }

  Counters counters() const {
    std::lock_guard lock(mutex_);
    Counters counters = counters_;
    counters.clock_outliers = frame_clock_.outlier_count();
    counters.clock_epochs = frame_clock_.epoch();
    return counters;
  }

  const FrameRing& ring() const { return ring_; }

 private:
  void TakeFormat(std::uint64_t session, const VideoFormat& format) {
    std::lock_guard lock(mutex_);
    if (session != session_) return;
    codec_ = format.codec;
    status_.codec = ToString(format.codec);
    status_.width = format.width;
    status_.height = format.height;
  }

  void TakeUnit(std::uint64_t session, PulledUnit unit) {
    std::lock_guard lock(mutex_);
    if (session != session_) return;
    // A picture that comes in two parts (parameter sets between its slices) begins one group.
    const bool continues = sequence_ > 0 && unit.media == media_;
    NoteProgress(unit);
    auto taken = std::make_shared<AccessUnit>();
    taken->session = session;
    taken->sequence = ++sequence_;
    taken->captured =
        frame_clock_.Assign({unit.arrival, unit.arrival_steady, unit.media, unit.claimed});
    taken->arrival = unit.arrival;
    taken->arrival_steady = unit.arrival_steady;
    taken->media = unit.media;
    taken->keyframe = unit.keyframe && !continues;
    taken->codec = codec_;
    taken->data = std::move(unit.data);
    taken->size = unit.size;
    status_.clock_source = taken->captured.source;
    status_.uncertainty = taken->captured.uncertainty;
    ring_.Push(std::move(taken));
  }

  // Media time that stands still is no progress, however many bytes come.
  void NoteProgress(const PulledUnit& unit) {
    if (!first_frame_at_) {
      first_frame_at_ = unit.arrival_steady;
    } else if (unit.media == media_) {
      return;
    }
    media_ = unit.media;
    media_moved_at_ = unit.arrival_steady;
  }

  FrameRing ring_;
  mutable std::mutex mutex_;
  FrameClock frame_clock_;
  CameraStatus status_;
  Counters counters_;
  VideoCodec codec_ = VideoCodec::kH264;
  std::uint64_t session_ = 0;  // 0: none takes frames
  std::uint64_t sequence_ = 0;
  std::optional<SteadyTime> first_frame_at_;
  Duration media_{};
  SteadyTime media_moved_at_{};
};

CameraSession::CameraSession(CameraConfig config, const Clock& clock, SessionCloser& closer,
                             Duration start_delay)
    : config_(std::move(config)),
      clock_(clock),
      closer_(closer),
      intake_(std::make_shared<Intake>(config_)),
      random_(static_cast<std::minstd_rand::result_type>(
          std::hash<std::string>{}(config_.camera_id) ^
          static_cast<std::size_t>(clock.SteadyNow().time_since_epoch().count()))),
      start_delay_(start_delay) {}

CameraSession::~CameraSession() { Stop(); }

void CameraSession::Poll(SteadyTime now) {
  if (pull_) {
    Watch(now);
    return;
  }
  if (!open_at_) open_at_ = now + start_delay_;
  if (closing_ && !*closing_) return;
  closing_.reset();
  if (now >= *open_at_) OpenPull(now);
}

void CameraSession::OpenPull(SteadyTime now) {
  const auto unix_now = std::chrono::floor<std::chrono::microseconds>(clock_.UtcNow());
  session_ =
      std::max(static_cast<std::uint64_t>(unix_now.time_since_epoch().count()), session_ + 1);
  opened_at_ = now;
  intake_->ChangeStatus([](CameraStatus&, Counters& counters) { ++counters.connects; });
  pull_ = std::make_unique<RtspPull>(config_, clock_, intake_->Begin(session_, now));
  if (Status status = pull_->Open(); !status.ok()) {
    EndPull(now, CameraStatus::State::kDown, status.message());
  }
}

void CameraSession::Watch(SteadyTime now) {
  const Intake::Progress progress = intake_->progress();
  if (std::optional<std::string> failure = pull_->Failure()) {
    EndPull(now, CameraStatus::State::kDown, *std::move(failure));
  } else if (!progress.first_frame_at) {
    if (now - opened_at_ < kFirstFrameWithin) return;
    EndPull(now, CameraStatus::State::kDown,
            "已连接但没有画面，请检查码流和防火墙 / connected, but no frames come: check the "
            "stream and the "
            "firewall");
  } else if (now - progress.media_moved_at > config_.stall_after) {
    intake_->ChangeStatus([](CameraStatus&, Counters& counters) { ++counters.stalls; });
    EndPull(now, CameraStatus::State::kStalled,
            "画面停住了，正在重新连接 / the picture stands still: connecting again");
  } else {
    if (now - *progress.first_frame_at > kGoodAfter) failures_ = 0;
    SetState(CameraStatus::State::kStreaming, "");
  }
}

void CameraSession::EndPull(SteadyTime now, CameraStatus::State state, std::string note) {
  intake_->End();
  closing_ = closer_.Close(std::move(pull_));
  open_at_ = now + NextBackOff();
  SetState(state, std::move(note));
}

void CameraSession::SetState(CameraStatus::State state, std::string note) {
  intake_->ChangeStatus([&](CameraStatus& status, Counters& counters) {
    const bool back =
        state == CameraStatus::State::kStreaming && (status.state == CameraStatus::State::kDown ||
                                                     status.state == CameraStatus::State::kStalled);
    if (back) status.reconnect_count = ++counters.reconnects;
    status.state = state;
    status.note = std::move(note);
  });
}

Duration CameraSession::NextBackOff() {
  const Duration full = std::min(kBackOffMin * (1 << std::min(failures_, 4)), kBackOffMax);
  ++failures_;
  std::uniform_real_distribution<double> part(0.5, 1.0);
  return std::chrono::duration_cast<Duration>(full * part(random_));
}

void CameraSession::Stop() {
  intake_->End();
  if (pull_) closer_.Close(std::move(pull_));
}

CameraStatus CameraSession::CurrentStatus() const { return intake_->status(); }
CameraSession::Counters CameraSession::counters() const { return intake_->counters(); }
const FrameRing& CameraSession::ring() const { return intake_->ring(); }

FrameInfo CameraSession::Describe(const AccessUnit& unit) const {
  FrameInfo info;
  info.camera_id = config_.camera_id;
  info.frame_id =
      config_.camera_id + "/" + std::to_string(unit.session) + "/" + std::to_string(unit.sequence);
  info.captured = unit.captured;
  info.keyframe = unit.keyframe;
  return info;
}

}  // namespace fusiongateway
