#include "pipeline/cameras/session_closer.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace fusiongateway {
namespace {

constexpr int kThreads = 4;
constexpr auto kLeaveAfter = std::chrono::seconds{10};

}  // namespace

// Shared with the threads, which may outlive the closer when a camera holds a teardown up.
struct SessionCloser::State {
  struct Task {
    std::unique_ptr<RtspPull> pull;
    std::shared_ptr<std::atomic<bool>> closed;
  };
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Task> tasks;  // at most two per camera: a session waits for its predecessor
  int busy = 0;
  bool ending = false;

  void Work() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return ending || !tasks.empty(); });
      if (tasks.empty()) return;
      Task task = std::move(tasks.front());
      tasks.pop_front();
      ++busy;
      lock.unlock();
      task.pull.reset();
      *task.closed = true;
      lock.lock();
      --busy;
      changed.notify_all();
    }
  }
};

SessionCloser::SessionCloser() : state_(std::make_shared<State>()) {
  for (int i = 0; i < kThreads; ++i) {
    std::thread([state = state_] { state->Work(); }).detach();
  }
}

SessionCloser::~SessionCloser() {
  std::unique_lock lock(state_->mutex);
  state_->ending = true;
  state_->changed.notify_all();
  if (!state_->changed.wait_for(lock, kLeaveAfter,
                                [this] { return state_->tasks.empty() && state_->busy == 0; })) {
    spdlog::warn("{} camera sessions do not close; left behind",
                 state_->tasks.size() + static_cast<std::size_t>(state_->busy));
  }
}

std::shared_ptr<const std::atomic<bool>> SessionCloser::Close(std::unique_ptr<RtspPull> pull) {
  auto closed = std::make_shared<std::atomic<bool>>(false);
  {
    std::lock_guard lock(state_->mutex);
    state_->tasks.push_back({std::move(pull), closed});
  }
  state_->changed.notify_all();
  return closed;
}

}  // namespace fusiongateway
