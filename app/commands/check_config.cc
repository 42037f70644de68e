#include "app/commands/check_config.h"

#include <cstdio>

#include "app/config.h"
#include "app/gateway.h"
#include "app/system_clock.h"

namespace fusiongateway {

int RunCheckConfig(const CheckConfigOptions& options) {
  auto loaded = LoadConfig(options.config);
  if (!loaded.ok()) {
    std::fprintf(stderr, "%s\n", loaded.status().message().c_str());
    return 2;
  }
  const Config& config = loaded->config;
  const SystemClock clock;
  const auto decoders = MakeDecoders(config, ProgramFiles::BesideProgram(), clock);
  if (!decoders.ok()) {
    std::fprintf(stderr, "%s: %s\n", options.config.c_str(), decoders.status().message().c_str());
    return 2;
  }
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
