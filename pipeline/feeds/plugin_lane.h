// Asks an isolated feed's plugin on a thread of its own, one lot of payloads at a time, so that a
// plugin that hangs holds up its own feed and no other.
//
// Threading: Ask and Take belong to one thread, answered may be asked by any; `wake` is called on
// the lane's thread when a lot is answered. The destructor stops the plugin and drops what it is
// at.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/feeds/plugin_host.h"

namespace fusiongateway {

class PluginLane {
 public:
  PluginLane(std::shared_ptr<FeedPlugin> plugin, std::function<void()> wake);
  ~PluginLane();
  PluginLane(const PluginLane&) = delete;
  PluginLane& operator=(const PluginLane&) = delete;

  // Nothing may be under way, answered or not.
  void Ask(std::vector<std::string> payloads);
  // What was asked for is there to be taken.
  bool answered() const { return answered_; }
  // One output a payload, in order; once answered.
  std::vector<PluginOutput> Take();

 private:
  void Loop();

  const std::shared_ptr<FeedPlugin> plugin_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::vector<std::string> payloads_;
  std::vector<PluginOutput> outputs_;
  std::atomic<bool> answered_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace fusiongateway
