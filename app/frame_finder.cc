#include "app/frame_finder.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace fusiongateway {
namespace {

constexpr std::chrono::milliseconds kRetry{100};

FrameFound AnswerTo(const FrameWanted& wanted) {
  FrameFound found;
  found.incident_id = wanted.incident_id;
  found.camera_id = wanted.camera_id;
  found.feed_id = wanted.feed_id;
  found.report_id = wanted.report_id;
  return found;
}

}  // namespace

FrameFinder::FrameFinder(const FrameStore* frames, const Clock* clock, Duration wait_max,
                         std::function<bool(FrameFound)> answer)
    : frames_(frames),
      clock_(clock),
      wait_max_(wait_max),
      answer_(std::move(answer)),
      thread_([this] {
        const Status ended = watch_.Run([this] { return Loop(); });
        if (!ended.ok()) spdlog::critical("frames: {}; restart the gateway", ended.message());
      }) {}

FrameFinder::~FrameFinder() { Stop(); }

void FrameFinder::Want(std::vector<FrameWanted> wanted) {
  {
    std::lock_guard lock(mutex_);
    const SteadyTime give_up = clock_->SteadyNow() + wait_max_;
    for (FrameWanted& wish : wanted) pending_.push_back({std::move(wish), give_up});
  }
  changed_.notify_one();
}

void FrameFinder::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Status FrameFinder::Loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::list<Pending> taken;
    taken.swap(pending_);
    lock.unlock();
    for (auto pending = taken.begin(); pending != taken.end();) {
      auto answer = TryAnswer(*pending);
      if (answer && answer_(*std::move(answer))) {
        pending = taken.erase(pending);
      } else {
        ++pending;
      }
    }
    lock.lock();
    pending_.splice(pending_.begin(), taken);
    if (stopping_) return {};
    if (pending_.empty()) {
      changed_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
    } else {
      changed_.wait_for(lock, kRetry);
    }
  }
  return {};
}

std::optional<FrameFound> FrameFinder::TryAnswer(const Pending& pending) const {
  FrameFound answer = AnswerTo(pending.wanted);
  const auto nearest = frames_->Nearest(pending.wanted.camera_id, pending.wanted.at.utc);
  if (nearest.ok()) {
    answer.frame_id = nearest->frame_id;
    answer.captured = nearest->captured;
    answer.keyframe = nearest->keyframe;
    return answer;
  }
  // Not there yet, or the camera is away: it may come back and have it.
  const bool may_come = nearest.status().code() == StatusCode::kUnavailable;
  if (may_come && clock_->SteadyNow() < pending.give_up) return std::nullopt;
  answer.reason = nearest.status().message();
  return answer;
}

}  // namespace fusiongateway
