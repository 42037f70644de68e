#include "app/commands/run.h"

#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <ctime>

#include "app/config.h"
#include "app/config_check.h"
#include "app/gateway.h"
#include "app/system_clock.h"
#include "pipeline/process/core_dumps.h"

namespace fusiongateway {
namespace {

constexpr timespec kHousekeeping{1, 0};

void ReloadTables(Gateway& gateway) {
  gateway.ReloadTables([](const Status& status) {
    if (status.ok()) {
      spdlog::info("code tables read again; every feed uses them from its next payload on");
    } else {
      spdlog::error("code tables not taken, the old ones stay in use: {}", status.message());
    }
  });
}

// Blocks the signals in this and all later threads, so that only sigtimedwait takes them.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void PrintEndpoints(const GatewayEndpoints& endpoints) {
  std::printf(
      "融合网关已启动 Fusion Gateway is running\n"
      "  视频墙 wall        %s\n"
      "  发布端 publishers  %s\n"
      "  订阅流 stream      %s\n"
      "  广播   broadcast   %s\n",
      endpoints.wall.c_str(), endpoints.publishers.c_str(), endpoints.consumers.c_str(),
      endpoints.broadcast.c_str());
  std::fflush(stdout);
}

}  // namespace

int RunGateway(const RunOptions& options) {
  spdlog::set_level(options.verbose ? spdlog::level::debug : spdlog::level::info);
  if (!options.core_dumps) ForbidCoreDumps();
  const sigset_t signals = BlockSignals();
  auto loaded = LoadConfig(options.config);
  if (!loaded.ok()) {
    std::fprintf(stderr, "%s\n", loaded.status().message().c_str());
    return 2;
  }
  const ProgramFiles files = ProgramFiles::BesideProgram();
  const ConfigFindings found = CheckAgainstProgram(*loaded, options.config, files);
  for (const std::string& text : found.errors) std::fprintf(stderr, "%s\n", text.c_str());
  if (!found.errors.empty()) return 2;
  for (const std::string& text : found.warnings) spdlog::warn("{}", text);
  const SystemClock clock;
  auto gateway = Gateway::Create(std::move(loaded->config), files, &clock);
  Status status = gateway.ok() ? (*gateway)->Start() : gateway.status();
  if (!status.ok()) {
    std::fprintf(stderr, "fusion-gateway: %s\n", status.message().c_str());
    return status.code() == StatusCode::kInvalidArgument ? 2 : 1;
  }
  PrintEndpoints((*gateway)->endpoints());
  for (;;) {
    const int signal = sigtimedwait(&signals, nullptr, &kHousekeeping);
    if (signal == SIGHUP) {
      ReloadTables(**gateway);
      continue;
    }
    if (signal > 0) break;
    (*gateway)->Housekeep();
    if (status = (*gateway)->fatal(); !status.ok()) break;
  }
  (*gateway)->Stop();
  if (status.ok()) return 0;
  std::fprintf(stderr, "fusion-gateway: %s\n", status.message().c_str());
  return 1;
}

}  // namespace fusiongateway
