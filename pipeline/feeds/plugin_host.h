// One loaded feed plugin and one instance of it, over the C ABI (plugins/abi/feed_plugin.h).
//
// Owned and used by one thread. What the plugin hands over is copied and checked here: bytes that
// are no Report, more than is allowed, or neither report nor refusal are a refusal PLUGIN_ERROR,
// counted. The module is trusted code: it runs in this process.
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

class FeedPlugin {
 public:
  static constexpr std::size_t kReportsMax = 1000;
  static constexpr std::size_t kReportBytesMax = 1 << 20;
  static constexpr std::size_t kPersonsMax = 10'000;

  // `name` is what the configuration calls it; "" = any. `config_json` goes to create().
  static Result<std::unique_ptr<FeedPlugin>> Load(const std::string& path, const std::string& name,
                                                  const std::string& config_json);
  ~FeedPlugin();
  FeedPlugin(const FeedPlugin&) = delete;
  FeedPlugin& operator=(const FeedPlugin&) = delete;

  PluginOutput Decode(std::string_view payload);

  const std::string& version() const { return version_; }

 private:
  struct Module;
  FeedPlugin(std::unique_ptr<Module> module, void* instance, std::string version);

  std::unique_ptr<Module> module_;
  void* instance_;
  std::string version_;
};

}  // namespace fusiongateway
