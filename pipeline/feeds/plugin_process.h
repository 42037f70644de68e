// One feed plugin in a process of its own (`fusion-gateway feed`, started by the gateway): a plugin
// that crashes or hangs ends that process and not the gateway.
//
// The same module, the same bytes: what the plugin emits crosses a socket pair and is masked,
// normalised and journalled as if it had been loaded here. A payload on which the plugin dies, or
// gives no answer within the deadline, is given to a fresh process once more; then it is refused
// PLUGIN_ERROR. A process that cannot be started at all is no payload's fault: Decode tries again,
// with growing pauses, until it can or is stopped. With `give_up_after` set somebody waits for the
// answer: one start, one try, and no more.
// Threading: Decode belongs to one thread at a time; Stop and process_counters to any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "fusion/base/status.h"
#include "fusion/base/time.h"
#include "pipeline/feeds/plugin_host.h"
#include "pipeline/process/child_process.h"

namespace fusiongateway {

// Where such processes come from; empty program: feeds that want one are refused.
struct PluginProcessOptions {
  std::string program;  // fusion-gateway itself
  const Clock* clock = nullptr;
  // Not 0: from the start to the answer on the one payload it takes at most so long.
  Duration give_up_after{};
  // The plugin is ready by then, or Start fails: one deadline for many plugins.
  SteadyTime start_by = SteadyTime::max();
  // Set meanwhile: Start fails soon. Outlives it.
  const std::atomic<bool>* given_up = nullptr;
};

class PluginProcess final : public FeedPlugin {
 public:
  static constexpr int kTries = 2;

  // Refused, with the plugin's own words: what FeedPlugin::Load refuses. Waits for the plugin.
  static Result<std::unique_ptr<FeedPlugin>> Start(const std::string& path, const std::string& name,
                                                   const std::string& config_json,
                                                   Duration decode_timeout,
                                                   const PluginProcessOptions& options);

  PluginOutput Decode(std::string_view payload) override;
  // Decode under way and from now on.
  void Stop() override { stopping_ = true; }
  void GoOn() override { stopping_ = false; }
  PluginProcessCounters process_counters() const override;

 private:
  PluginProcess(std::string setup, Duration decode_timeout, const PluginProcessOptions& options);

  // A child with its plugin ready.
  Status StartChild(SteadyTime start_by = SteadyTime::max(),
                    const std::atomic<bool>* given_up = nullptr);
  void AwaitAnswer(SteadyTime deadline, const std::atomic<bool>& given_up) const;
  bool StartUntilItRuns();
  void DropChatter();
  SteadyTime Deadline(Duration length) const;
  void Pause(Duration length) const;
  // None: the child was lost on it; `why` for people.
  std::optional<PluginOutput> Ask(std::string_view payload, std::string* why);

  const std::string setup_;
  const Duration decode_timeout_;
  const Clock& clock_;
  const bool once_;
  const SteadyTime give_up_at_;
  std::atomic<bool> stopping_{false};
  ChildProcess child_;
  int losses_in_a_row_ = 0;
  std::atomic<std::uint64_t> starts_{0};
  std::atomic<std::uint64_t> crashes_{0};
  std::atomic<std::uint64_t> timeouts_{0};
};

// The child's half: takes its setup, loads the plugin, answers payloads until the gateway is gone.
// Returns the exit status. `parent` is the gateway's process id.
int ServePlugin(pid_t parent);

}  // namespace fusiongateway
