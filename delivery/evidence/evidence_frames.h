// The frames that evidence refers to, for longer than a camera's ring holds them: a FrameStore that
// answers from stills on disk first and from the cameras otherwise. Keep() decodes a frame and
// saves it as a still, on a thread of its own.
//
// Thread-safe. Bounded: at most `queue_max` frames wait to be kept; beyond it a frame is not kept
// and counted. A frame that cannot be decoded is tried three times.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "delivery/evidence/still_store.h"
#include "fusion/base/bounded_queue.h"
#include "fusion/base/thread_watch.h"
#include "pipeline/cameras/frame_store.h"

namespace fusiongateway {

class EvidenceFrames final : public FrameStore {
 public:
  // Both outlive it.
  EvidenceFrames(FrameStore* cameras, StillStore* stills, std::size_t queue_max);
  ~EvidenceFrames() override;

  // `restricted`: for a restricted incident; the still is kept and not answered.
  void Keep(std::string camera_id, std::string frame_id, bool restricted);
  void Stop();
  // Frames that were not kept: the queue was full, or they could not be decoded in time.
  std::uint64_t not_kept_count() const { return not_kept_count_; }
  // OK while the thread keeps frames; otherwise why it ended.
  Status thread_status() const { return watch_.status(); }

  std::vector<CameraStatus> Cameras() const override { return cameras_->Cameras(); }
  Result<std::optional<HeldRange>> Held(const std::string& camera_id) const override {
    return cameras_->Held(camera_id);
  }
  Result<FrameInfo> Nearest(const std::string& camera_id, UtcTime at) const override {
    return cameras_->Nearest(camera_id, at);
  }
  Result<Snapshot> Decode(const std::string& camera_id, std::optional<UtcTime> at,
                          const std::string& frame_id, Duration timeout) override;

 private:
  struct Wish {
    std::string camera_id;
    std::string frame_id;
    bool restricted = false;
  };
  Status Loop();
  void DecodeAndSave(const Wish& wish);

  FrameStore* const cameras_;
  StillStore* const stills_;
  BoundedQueue<Wish> queue_;
  std::atomic<std::uint64_t> not_kept_count_{0};
  std::atomic<bool> stopping_{false};
  ThreadWatch watch_;
  std::thread thread_;
};

}  // namespace fusiongateway
