// Asks an isolated feed's plugin on a thread of its own, one lot of payloads at a time, so that a
// plugin that hangs holds up its own feed and no other.
//
// A lot may be answered in part, its first payloads: when it has taken long, when what the plugin
// made of it is much, when it is cut short. Without a cut at least one payload is answered.
// Threading: Ask, Cut and Take belong to one thread, answered may be asked by any; `wake` is called
// on the lane's thread when a lot is answered. The destructor stops the plugin and drops what it is
// at.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fusion/base/time.h"
#include "pipeline/feeds/plugin_host.h"

namespace fusiongateway {

class PluginLane {
 public:
  // After which no further payload of a lot is begun.
  static constexpr Duration kLotTime = std::chrono::seconds{1};
  static constexpr std::size_t kLotBytes = std::size_t{16} << 20;

  // `clock` outlives this.
  PluginLane(std::shared_ptr<FeedPlugin> plugin, const Clock& clock, std::function<void()> wake);
  ~PluginLane();
  PluginLane(const PluginLane&) = delete;
  PluginLane& operator=(const PluginLane&) = delete;

  // Nothing may be under way, answered or not.
  void Ask(std::vector<std::string> payloads);
  // The lot under way is answered soon, without the payload that the plugin is at.
  void Cut();
  // What was asked for is there to be taken.
  bool answered() const { return answered_; }
  // Payloads of the lot that are; once answered.
  std::size_t count() const;
  // One output for each of them, in order; once answered.
  std::vector<PluginOutput> Take();

 private:
  void Loop();
  std::vector<PluginOutput> Decode(const std::vector<std::string>& payloads) const;

  const std::shared_ptr<FeedPlugin> plugin_;
  const Clock& clock_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::condition_variable asked_;
  std::vector<std::string> payloads_;
  std::vector<PluginOutput> outputs_;
  std::atomic<bool> answered_{false};
  std::atomic<bool> cut_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace fusiongateway
