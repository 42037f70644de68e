#include "app/commands/check_config.h"

#include <cstdio>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/config_check.h"
#include "app/gateway.h"
#include "app/system_clock.h"

namespace fusiongateway {
namespace {

// What each feed's plugin says to its configuration.
std::vector<std::string> LoadEveryFeed(const LoadedConfig& loaded, const std::string& path,
                                       const ProgramFiles& files) {
  const SystemClock clock;
  std::vector<std::string> errors;
  for (std::size_t i = 0; i < loaded.config.feeds.size(); ++i) {
    Config one = loaded.config;
    one.feeds = {loaded.config.feeds[i]};
    const auto decoders = MakeDecoders(one, files, clock);
    if (decoders.ok()) continue;
    errors.push_back(PlaceOf(loaded, path, "feeds[" + std::to_string(i) + "].plugin") + ": " +
                     decoders.status().message());
  }
  return errors;
}

}  // namespace

int RunCheckConfig(const CheckConfigOptions& options) {
  auto loaded = LoadConfig(options.config);
  if (!loaded.ok()) {
    std::fprintf(stderr, "%s\n", loaded.status().message().c_str());
    return 2;
  }
  const ProgramFiles files = ProgramFiles::BesideProgram();
  ConfigFindings found = CheckAgainstProgram(*loaded, options.config, files);
  if (found.errors.empty()) found.errors = LoadEveryFeed(*loaded, options.config, files);
  for (const auto* findings : {&found.errors, &found.warnings}) {
    for (const std::string& text : *findings) std::fprintf(stderr, "%s\n", text.c_str());
  }
  if (!found.errors.empty()) return 2;
  const Config& config = loaded->config;
  std::printf("%s: OK\n  gateway %s, state in %s\n  %zu sites, %zu feeds, %zu cameras\n",
              options.config.c_str(), config.gateway_id.c_str(), config.state_dir.c_str(),
              config.sites.size(), config.feeds.size(), config.cameras.size());
  for (const auto& feed : config.feeds) {
    std::printf("  feed   %-24s plugin %s\n", feed.feed.feed_id.c_str(), feed.feed.plugin.c_str());
  }
  for (const auto& camera : config.cameras) {
    std::printf("  camera %-24s %s\n", camera.camera.camera_id.c_str(), camera.camera.url.c_str());
  }
  std::printf("  publishers %s  stream %s  broadcast %s  wall http://%s:%u\n",
              config.publishers.endpoint.c_str(), config.consumers.endpoint.c_str(),
              config.consumers.broadcast_endpoint.c_str(), config.wall.address.c_str(),
              config.wall.port);
  return 0;
}

}  // namespace fusiongateway
