#include "pipeline/feeds/plugin_lane.h"

#include <utility>

namespace fusiongateway {
namespace {

constexpr std::chrono::seconds kWait{1};

std::size_t BytesOf(const PluginOutput& output) {
  std::size_t bytes = 0;
  for (const v1::Report& report : output.reports) bytes += report.ByteSizeLong();
  for (const std::string& person : output.persons) bytes += person.size();
  return bytes;
}

}  // namespace

PluginLane::PluginLane(std::shared_ptr<FeedPlugin> plugin, const Clock& clock,
                       std::function<void()> wake)
    : plugin_(std::move(plugin)), clock_(clock), wake_(std::move(wake)) {
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

void PluginLane::Cut() {
  cut_ = true;
  plugin_->Stop();
}

std::size_t PluginLane::count() const {
  std::lock_guard lock(mutex_);
  return outputs_.size();
}

std::vector<PluginOutput> PluginLane::Take() {
  if (cut_.exchange(false)) plugin_->GoOn();
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
    std::vector<PluginOutput> outputs = Decode(payloads);
    if (stopping_) return;
    {
      std::lock_guard lock(mutex_);
      outputs_ = std::move(outputs);
      answered_ = true;
    }
    wake_();
  }
}

std::vector<PluginOutput> PluginLane::Decode(const std::vector<std::string>& payloads) const {
  std::vector<PluginOutput> outputs;
  const SteadyTime until = clock_.SteadyNow() + kLotTime;
  std::size_t bytes = 0;
  for (const std::string& payload : payloads) {
    if (cut_ || bytes >= kLotBytes) break;
    PluginOutput output = plugin_->Decode(payload);
    if (cut_ || stopping_) break;  // it may be no answer
    bytes += BytesOf(output);
    outputs.push_back(std::move(output));
    if (clock_.SteadyNow() >= until) break;
  }
  return outputs;
}

}  // namespace fusiongateway
