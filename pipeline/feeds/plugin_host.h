// One feed plugin and one instance of it. Load takes it into this process over the C ABI
// (plugins/abi/feed_plugin.h): trusted code, which takes this process with it when it crashes;
// plugin_process.h runs it in another.
//
// Owned and used by one thread. What the plugin hands over is copied and checked: bytes that are no
// Report, more than is allowed, or neither report nor refusal are a refusal PLUGIN_ERROR, counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusion/base/status.h"
#include "fusiongateway/v1/report.pb.h"
#include "pipeline/feeds/refusal.h"

namespace fusiongateway {

struct PluginOutput {
  std::vector<v1::Report> reports;
  // Set: the reports are not to be taken. The first one told.
  std::optional<Refusal> refusal;
  // What the payload declares as names of persons, or as numbers that reach them.
  std::vector<std::string> persons;
};

// Of a plugin in a process of its own.
struct PluginProcessCounters {
  std::uint64_t starts = 0;
  std::uint64_t crashes = 0;   // ended on a payload
  std::uint64_t timeouts = 0;  // gave no answer in time and was killed
};

class FeedPlugin {
 public:
  static constexpr std::size_t kReportsMax = 1000;
  static constexpr std::size_t kReportBytesMax = 1 << 20;
  static constexpr std::size_t kPersonsMax = 10'000;

  // `name` is what the configuration calls it; "" = any. `config_json` goes to create().
  static Result<std::unique_ptr<FeedPlugin>> Load(const std::string& path, const std::string& name,
                                                  const std::string& config_json);
  FeedPlugin() = default;
  virtual ~FeedPlugin() = default;
  FeedPlugin(const FeedPlugin&) = delete;
  FeedPlugin& operator=(const FeedPlugin&) = delete;

  virtual PluginOutput Decode(std::string_view payload) = 0;
  // Any thread. A Decode that may take long returns soon, with a refusal that means nothing.
  virtual void Stop() {}
  // Takes Stop back. Not during a Decode.
  virtual void GoOn() {}
  // Any thread.
  virtual PluginProcessCounters process_counters() const { return {}; }
};

}  // namespace fusiongateway
