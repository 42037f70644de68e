// All cameras of a gateway: one pull each, however many look at it; a ring of compressed frames
// with true times; single frames as JPEG from the decode worker.
//
// Threading: Create, Start and Stop belong to one thread; everything else is thread-safe, before
// Start and after Stop too. Beyond GStreamer's own threads per camera there is one thread that
// supervises all cameras, four that close sessions, and one that feeds the decode worker.
// `on_status` is called on the supervising thread, one call at a time, only when something changed;
// it must return soon and must not call Stop. No call follows Stop.
// Refused by Create: a camera_id that is empty, malformed or used twice, a URL that is not RTSP or
// carries credentials, a bound that is not positive. No camera at all is fine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fusion/base/status.h"
#include "fusion/base/time.h"
#include "pipeline/analysis/decode_worker.h"
#include "pipeline/cameras/camera_config.h"
#include "pipeline/cameras/frame_store.h"

namespace fusiongateway {

// Counts since Create, of one camera; `ring_*` are what is held now.
struct CameraCounters {
  std::string camera_id;
  std::uint64_t frames = 0;           // access units taken into the ring
  std::uint64_t bytes = 0;            // of those
  std::uint64_t frames_unusable = 0;  // no key frame before them, or larger than the ring
  std::uint64_t clock_outliers = 0;   // frames whose media time contradicted their arrival
  std::uint64_t clock_epochs = 0;     // time lines begun
  std::uint64_t connects = 0;         // attempts to connect, the first included
  std::uint64_t reconnects = 0;       // times frames came back after the camera was down or stalled
  std::uint64_t stalls = 0;
  std::uint64_t ring_bytes = 0;
};

class CameraSystem final : public FrameStore {
 public:
  struct Callbacks {
    std::function<void(const CameraStatus&)> on_status;
  };

  // `worker_path`: the program fusion-gateway-worker. `clock` outlives the system.
  static Result<std::unique_ptr<CameraSystem>> Create(std::vector<CameraConfig> configs,
                                                      const Clock& clock, std::string worker_path,
                                                      Callbacks callbacks);
  ~CameraSystem() override;  // stops

  Status Start();
  // Returns within a second or so even when cameras are gone. Rings stay readable.
  void Stop();

  std::vector<CameraStatus> Cameras() const override;
  Result<std::optional<HeldRange>> Held(const std::string& camera_id) const override;
  Result<FrameInfo> Nearest(const std::string& camera_id, UtcTime at) const override;
  Result<Snapshot> Decode(const std::string& camera_id, std::optional<UtcTime> at,
                          const std::string& frame_id, Duration timeout) override;

  std::vector<CameraCounters> Counters() const;
  DecodeCounters DecoderCounters() const;

 private:
  struct Impl;
  explicit CameraSystem(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusiongateway
