// One camera: keeps one RtspPull alive, gives its frames their times and puts them into the ring.
//
// A state machine without a thread: Poll is called a few times a second by the supervising thread
// and never waits. A session that failed or stalled is handed to the closer, and after a jittered
// back-off (0.5 s doubling to 3 s, so that a camera that is back is seen within 10 s) the next one
// is opened; not before the old one is closed, since many cameras refuse a second session. Poll,
// Stop: the supervising thread. The rest is thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "fusion/base/time.h"
#include "fusion/model/stream_record.h"
#include "pipeline/cameras/camera_config.h"
#include "pipeline/cameras/frame_ring.h"
#include "pipeline/cameras/frame_store.h"
#include "pipeline/cameras/rtsp_pull.h"
#include "pipeline/cameras/session_closer.h"

namespace fusiongateway {

class CameraSession {
 public:
  struct Counters {
    std::uint64_t clock_outliers = 0;
    std::uint64_t clock_epochs = 0;
    std::uint64_t connects = 0;    // attempts, the first included
    std::uint64_t reconnects = 0;  // frames came back after a loss
    std::uint64_t stalls = 0;
  };

  // `clock` and `closer` outlive the session. The first connection is opened `start_delay` after
  // the first Poll, so that a hundred cameras do not connect in one instant.
  CameraSession(CameraConfig config, const Clock& clock, SessionCloser& closer,
                Duration start_delay);
  ~CameraSession();

  void Poll(SteadyTime now);
  void Stop();

  CameraStatus CurrentStatus() const;
  Counters counters() const;
  const FrameRing& ring() const;
  const CameraConfig& config() const { return config_; }
  FrameInfo Describe(const AccessUnit& unit) const;

 private:
  // What the streaming threads write: shared with them, since one may outlive a slow teardown.
  class Intake;

  void OpenPull(SteadyTime now);
  void Watch(SteadyTime now);
  void EndPull(SteadyTime now, CameraStatus::State state, std::string note);
  void SetState(CameraStatus::State state, std::string note);
  Duration NextBackOff();

  const CameraConfig config_;
  const Clock& clock_;
  SessionCloser& closer_;
  std::shared_ptr<Intake> intake_;
  std::minstd_rand random_;

  Duration start_delay_;
  std::optional<SteadyTime> open_at_;
  std::unique_ptr<RtspPull> pull_;
  std::shared_ptr<const std::atomic<bool>> closing_;
  SteadyTime opened_at_{};
  std::uint64_t session_ = 0;
  int failures_ = 0;  // since frames last came for a while
};

}  // namespace fusiongateway
