// GatewayProcess: the program fusion-gateway as a child process, as a site runs it: a configuration
// in a folder of its own, free ports on loopback that stay the same over restarts, and signals.
//
// Start writes the configuration, starts `fusion-gateway run` and returns once its endpoints are
// printed and /readyz answers 200. Kill is SIGKILL, Terminate SIGTERM; Restart starts the same
// configuration again. The child gets SIGKILL when the thread that started it ends, and at the
// latest with this object; the folder goes with it unless the caller gave a state_dir, which stays.
//
// Used by one thread at a time, except Kill's signal, which any thread may send with SendKill.
#pragma once

#include <netinet/in.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fusion/base/status.h"

namespace fusiongateway::testing {

struct GatewayOptions {
  // Where the journal is; empty = inside the process's own folder.
  std::string state_dir;
  // The items of `feeds:`, as YAML.
  std::string feeds =
      "  - {feed_id: hazmat, plugin: hazmat, default_crs: WGS84, default_district: \"410202\"}\n";
  // Further keys of `publishers:` and `consumers:`, two spaces in.
  std::string publishers_yaml;
  std::string consumers_yaml;
  // Further sections ("cameras:\n  - …").
  std::string extra_yaml;
  std::chrono::milliseconds start_timeout = std::chrono::seconds{30};
};

struct GatewayProcessEndpoints {
  std::string publishers;
  std::string consumers;
  std::string broadcast;
  std::string wall;  // URL
};

struct HttpAnswer {
  int status = 0;  // 0 = nobody answered
  std::string body;
};

class GatewayProcess {
 public:
  static Result<std::unique_ptr<GatewayProcess>> Start(GatewayOptions options);
  ~GatewayProcess();
  GatewayProcess(const GatewayProcess&) = delete;
  GatewayProcess& operator=(const GatewayProcess&) = delete;

  const GatewayProcessEndpoints& endpoints() const { return endpoints_; }
  std::string state_dir() const { return options_.state_dir; }
  std::string config_path() const { return (folder_ / "gateway.yaml").string(); }
  // A folder for the test's own files; goes with this object.
  std::filesystem::path folder() const { return folder_; }
  // All that its files hold, one after the other.
  std::string StateOnDisk() const;
  // What the program printed since its last start.
  std::string Output() const;
  bool running() const { return pid_ > 0; }
  // 0 = not running.
  pid_t pid() const { return pid_; }

  // SIGKILL, and waits for the end.
  void Kill();
  // SIGKILL without waiting; call Kill afterwards.
  void SendKill() const;
  // SIGHUP: read the code tables again.
  void Hangup() const;
  // SIGTERM, and waits; the exit status, or 128 + the signal that ended it (SIGKILL if it did not
  // end in time).
  int Terminate();
  // Starts the same configuration again; kills what still runs.
  Status Restart();
  // The journal in another place from the next start on.
  Status UseStateDir(const std::string& state_dir);

  HttpAnswer Get(const std::string& path) const;
  // One value of /metrics without its prefix "fusion_gateway_"; -1 = not there.
  double Metric(const std::string& name) const;

 private:
  GatewayProcess() = default;
  Status WriteConfig() const;
  Status WaitUntilReady();
  int Wait(std::chrono::milliseconds timeout);

  GatewayOptions options_;
  std::filesystem::path folder_;
  GatewayProcessEndpoints endpoints_;
  std::uint16_t wall_port_ = 0;
  std::atomic<pid_t> pid_ = 0;
};

// 127.0.0.1 and this port.
sockaddr_in Loopback(std::uint16_t port);

// A port of loopback that is free now and that no outgoing connection takes by chance.
std::uint16_t FreePort();

// `fusion-gateway ARGUMENTS…` as a child process: SIGKILL at the latest with this object. Used by
// one thread.
class ProgramProcess {
 public:
  ProgramProcess(const std::vector<std::string>& arguments, std::filesystem::path output);
  ~ProgramProcess();
  ProgramProcess(const ProgramProcess&) = delete;
  ProgramProcess& operator=(const ProgramProcess&) = delete;

  pid_t pid() const { return pid_; }
  bool running();
  void Kill();
  // What it has printed so far.
  std::string Output() const;

 private:
  const std::filesystem::path output_;
  pid_t pid_;
};

struct ProgramResult {
  int exit_status = -1;  // 128 + signal; SIGKILL if it did not end in time
  std::string output;    // both streams
};

// Runs `fusion-gateway ARGUMENTS…` to its end.
ProgramResult RunProgram(const std::vector<std::string>& arguments,
                         std::chrono::milliseconds timeout = std::chrono::seconds{30});

}  // namespace fusiongateway::testing
