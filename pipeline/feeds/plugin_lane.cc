#include "pipeline/feeds/plugin_lane.h"

#include <utility>

namespace fusiongateway {
namespace {

constexpr std::chrono::seconds kWait{1};

}  // namespace

PluginLane::PluginLane(std::shared_ptr<FeedPlugin> plugin, std::function<void()> wake)
    : plugin_(std::move(plugin)), wake_(std::move(wake)) {
  thread_ = std::thread([this] { Loop(); });
}

PluginLane::~PluginLane() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  plugin_->Stop();
  asked_.notify_all();
  thread_.join();
}

void PluginLane::Ask(std::vector<std::string> payloads) {
  {
    std::lock_guard lock(mutex_);
    payloads_ = std::move(payloads);
    outputs_.clear();
  }
  asked_.notify_all();
}

std::vector<PluginOutput> PluginLane::Take() {
  std::lock_guard lock(mutex_);
  answered_ = false;
  return std::exchange(outputs_, {});
}

void PluginLane::Loop() {
  while (!stopping_) {
    std::vector<std::string> payloads;
    {
      std::unique_lock lock(mutex_);
      asked_.wait_for(lock, kWait, [this] { return stopping_ || !payloads_.empty(); });
      payloads.swap(payloads_);
    }
    if (payloads.empty()) continue;
    std::vector<PluginOutput> outputs;
    for (const std::string& payload : payloads) {
      outputs.push_back(plugin_->Decode(payload));
      if (stopping_) return;
    }
    {
      std::lock_guard lock(mutex_);
      outputs_ = std::move(outputs);
      answered_ = true;
    }
    wake_();
  }
}

}  // namespace fusiongateway
