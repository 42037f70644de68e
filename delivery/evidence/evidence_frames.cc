#include "delivery/evidence/evidence_frames.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace fusiongateway {
namespace {

constexpr int kTriesMax = 3;
constexpr Duration kDecodeTimeout = std::chrono::seconds{3};
constexpr std::chrono::milliseconds kIdle{500};

}  // namespace

EvidenceFrames::EvidenceFrames(FrameStore* cameras, StillStore* stills, std::size_t queue_max)
    : cameras_(cameras), stills_(stills), queue_(queue_max), thread_([this] {
        const Status ended = watch_.Run([this] { return Loop(); });
        if (!ended.ok()) spdlog::critical("stills: {}; restart the gateway", ended.message());
      }) {}

EvidenceFrames::~EvidenceFrames() { Stop(); }

void EvidenceFrames::Stop() {
  stopping_ = true;
  queue_.Close();
  if (thread_.joinable()) thread_.join();
}

void EvidenceFrames::Keep(std::string camera_id, std::string frame_id, bool restricted) {
  if (!queue_.TryPush({std::move(camera_id), std::move(frame_id), restricted})) ++not_kept_count_;
}

Result<Snapshot> EvidenceFrames::Decode(const std::string& camera_id, std::optional<UtcTime> at,
                                        const std::string& frame_id, Duration timeout) {
  if (!frame_id.empty()) {
    auto still = stills_->Load(frame_id);
    if (still.ok() && still->frame.camera_id == camera_id) return still;
  }
  return cameras_->Decode(camera_id, at, frame_id, timeout);
}

Status EvidenceFrames::Loop() {
  while (!stopping_) {
    for (const Wish& wish : queue_.PopBatch(1, kIdle)) DecodeAndSave(wish);
  }
  return {};
}

void EvidenceFrames::DecodeAndSave(const Wish& wish) {
  for (int tries = 0; tries < kTriesMax && !stopping_; ++tries) {
    if (stills_->Holds(wish.frame_id, wish.restricted)) return;
    const auto still =
        cameras_->Decode(wish.camera_id, std::nullopt, wish.frame_id, kDecodeTimeout);
    if (!still.ok()) continue;
    const Status saved = stills_->Save(*still, wish.restricted);
    if (saved.ok()) return;
    spdlog::warn("still of frame {}: {}", wish.frame_id, saved.message());
    break;
  }
  ++not_kept_count_;
}

}  // namespace fusiongateway
