// demo-city: a simulated city on loopback: RTSP cameras and, unless told otherwise, the four feeds'
// publishers. Composition only.
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>

#include "app/demo_city/camera_server.h"
#include "app/demo_city/city.h"
#include "app/demo_city/ground_truth.h"
#include "app/demo_city/publishers.h"
#include "app/demo_city/scenario_clock.h"
#include "app/system_clock.h"

namespace {

using namespace fusiongateway;             // NOLINT: the program's own file
using namespace fusiongateway::demo_city;  // NOLINT

struct Options {
  std::uint16_t rtsp_port = kDefaultRtspPort;
  std::uint64_t seed = 1;
  double pace = 1.0;
  std::string scenario = "chlorine";
  double scenario_after_seconds = 10;
  std::string truth_file;
  std::string gateway = "tcp://127.0.0.1:5701";
  std::string state_folder;
  std::filesystem::path data_folder = "../shared/data";
  bool no_publishers = false;
  bool no_cameras = false;
  bool list_cameras = false;
  std::optional<double> duration_seconds;
};

void Describe(CLI::App& app, Options& options) {
  app.footer(
      "Examples:\n"
      "  demo-city                                cameras on 8554, chlorine leak after 10 s\n"
      "  demo-city --scenario quiet --no-publishers   six quiet cameras only\n"
      "  demo-city --pace 10 --truth truth.jsonl  ten times as fast, ground truth kept");
  app.add_option("--rtsp-port", options.rtsp_port, "Port of the cameras; 0 takes a free one")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Same seed, same city")->capture_default_str();
  app.add_option("--pace", options.pace, "Story seconds per real second")
      ->check(CLI::Range(0.01, 1000.0))
      ->capture_default_str();
  app.add_option("--scenario", options.scenario, "What happens")
      ->check(CLI::IsMember({"chlorine", "quiet"}))
      ->capture_default_str();
  app.add_option("--scenario-after", options.scenario_after_seconds,
                 "Real seconds from the start to the scenario's zero")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app.add_option("--truth", options.truth_file, "Write the ground truth to this file");
  app.add_option("--gateway", options.gateway, "Where the publishers connect to")
      ->capture_default_str();
  app.add_option("--state", options.state_folder,
                 "Folder of the publishers' outboxes; default: one of this run's own");
  app.add_option("--data", options.data_folder,
                 "Folder with video/*.mp4; absent clips are stood in for")
      ->capture_default_str();
  app.add_flag("--no-publishers", options.no_publishers, "Cameras only");
  app.add_flag("--no-cameras", options.no_cameras, "Publishers only");
  app.add_flag("--list-cameras", options.list_cameras, "Print the cameras and end");
  app.add_option("--duration", options.duration_seconds, "End after so many real seconds")
      ->check(CLI::Range(0.0, 31536000.0));
}

void ListCameras(std::uint16_t port) {
  for (const CityCamera& camera : Cameras()) {
    std::printf("%-21s %-7s %s  %s / %s\n", std::string(camera.id).c_str(),
                std::string(ToString(camera.role)).c_str(), RtspUrl(port, camera.id).c_str(),
                std::string(camera.name_zh).c_str(), std::string(camera.name_en).c_str());
  }
}

// SIGINT and SIGTERM, blocked here and so in every thread made later.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void WaitForTheEnd(const sigset_t& signals, std::optional<double> seconds) {
  if (!seconds) {
    int signal = 0;
    sigwait(&signals, &signal);
    return;
  }
  const auto whole = static_cast<time_t>(*seconds);
  const timespec timeout{whole, static_cast<long>((*seconds - static_cast<double>(whole)) * 1e9)};
  sigtimedwait(&signals, nullptr, &timeout);
}

int Run(const Options& options) {
  const sigset_t signals = BlockStopSignals();
  const SystemClock clock;
  ScenarioClock scenario(options.pace);
  if (options.scenario == "chlorine") {
    scenario.Begin(clock.UtcNow() +
                   std::chrono::duration_cast<Duration>(
                       std::chrono::duration<double>(options.scenario_after_seconds)));
  }
  CameraServer cameras(clock, scenario,
                       {.clip_folders = {options.data_folder / "video"}, .seed = options.seed});
  if (!options.no_cameras) {
    const Result<std::uint16_t> port = cameras.Start(options.rtsp_port);
    if (!port.ok()) {
      spdlog::error("demo-city: {}", port.status().message());
      return 1;
    }
    ListCameras(*port);
    std::fflush(stdout);
  }
  GroundTruth truth;
  CityPublishers publishers(
      clock, scenario, truth,
      {.gateway = options.gateway, .seed = options.seed, .state_folder = options.state_folder});
  if (!options.no_publishers) {
    Status status = truth.Open(options.truth_file);
    if (status.ok()) status = publishers.Start();
    if (!status.ok()) {
      spdlog::error("demo-city: {}", status.message());
      return 1;
    }
  }
  WaitForTheEnd(signals, options.duration_seconds);
  publishers.Stop();
  cameras.Stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("demo-city"));
  Options options;
  CLI::App app{"demo-city: a simulated city for Fusion Gateway, on loopback"};
  Describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.list_cameras) {
    ListCameras(options.rtsp_port);
    return 0;
  }
  return Run(options);
}
