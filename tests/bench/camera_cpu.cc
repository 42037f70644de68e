// camera_cpu: what a camera costs here beside the least that GStreamer can do for it.
//
// One child process serves a 1080p25 4 Mb/s H.264 stream over RTSP. In turn, round by round,
// another child pulls it N times: as the bare `rtspsrc ! rtph264depay ! h264parse ! fakesink`, and
// as N camera sessions with clock and ring. Each child reads its own CPU time (getrusage) over the
// same span after warming up; the medians and their ratio are printed. Run by hand:
//   camera_cpu --cameras 8 --rounds 5 --seconds 10
#include <fcntl.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <signal.h>
#include <spawn.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "app/system_clock.h"
#include "pipeline/cameras/camera_system.h"

extern char** environ;

namespace fusiongateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Options {
  std::string role = "all";  // all | serve | bare | session
  std::string url;
  std::string transport = "tcp";
  int cameras = 8;
  int rounds = 5;
  int span_seconds = 10;
};

constexpr int kFramesPerSecond = 25;
constexpr auto kWarmUp = seconds{4};

// --- the server's child ------------------------------------------------------------------------

std::vector<GstBuffer*> EncodeClip() {
  GstElement* pipeline = gst_parse_launch(
      "videotestsrc pattern=ball motion=sweep num-buffers=250 ! "
      "video/x-raw,width=1920,height=1080,framerate=25/1,format=I420 ! x264enc "
      "speed-preset=ultrafast tune=zerolatency key-int-max=50 pass=cbr bitrate=4000 "
      "option-string=nal-hrd=cbr:filler=1 ! "
      "video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=out sync=false",
      nullptr);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstElement* out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  std::vector<GstBuffer*> clip;
  while (GstSample* sample = gst_app_sink_pull_sample(GST_APP_SINK(out))) {
    clip.push_back(gst_buffer_copy_deep(gst_sample_get_buffer(sample)));
    gst_sample_unref(sample);
  }
  gst_object_unref(out);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return clip;
}

std::mutex source_mutex;
GstElement* source = nullptr;

void OnMedia(GstRTSPMediaFactory*, GstRTSPMedia* media, gpointer) {
  GstElement* element = gst_rtsp_media_get_element(media);
  std::lock_guard lock(source_mutex);
  if (source) gst_object_unref(source);
  source = gst_bin_get_by_name(GST_BIN(element), "in");
  gst_object_unref(element);
}

void Push(GstBuffer* unit) {
  std::lock_guard lock(source_mutex);
  if (!source) return;
  GstBuffer* copy = gst_buffer_copy(unit);
  GST_BUFFER_PTS(copy) = GST_BUFFER_DTS(copy) = GST_CLOCK_TIME_NONE;  // the source stamps it
  gst_app_src_push_buffer(GST_APP_SRC(source), copy);
}

int Serve() {
  const std::vector<GstBuffer*> clip = EncodeClip();
  GstRTSPServer* server = gst_rtsp_server_new();
  gst_rtsp_server_set_address(server, "127.0.0.1");
  gst_rtsp_server_set_service(server, "0");
  GstRTSPMediaFactory* factory = gst_rtsp_media_factory_new();
  gst_rtsp_media_factory_set_launch(
      factory,
      "( appsrc name=in is-live=true do-timestamp=true format=time max-bytes=8000000 "
      "caps=video/x-h264,stream-format=byte-stream,alignment=au ! h264parse ! "
      "rtph264pay name=pay0 pt=96 )");
  gst_rtsp_media_factory_set_shared(factory, TRUE);
  gst_rtsp_media_factory_set_suspend_mode(factory, GST_RTSP_SUSPEND_MODE_NONE);
  g_signal_connect(factory, "media-configure", G_CALLBACK(OnMedia), nullptr);
  GstRTSPMountPoints* mounts = gst_rtsp_server_get_mount_points(server);
  gst_rtsp_mount_points_add_factory(mounts, "/cam", factory);
  g_object_unref(mounts);
  gst_rtsp_server_attach(server, nullptr);
  std::uint64_t bytes = 0;
  for (GstBuffer* unit : clip) bytes += gst_buffer_get_size(unit);
  const int port = gst_rtsp_server_get_bound_port(server);
  // A viewer of its own keeps the one shared media playing between the rounds.
  const std::string viewer =
      "rtspsrc protocols=tcp location=rtsp://127.0.0.1:" + std::to_string(port) +
      "/cam ! fakesink sync=false";
  gst_element_set_state(gst_parse_launch(viewer.c_str(), nullptr), GST_STATE_PLAYING);
  std::printf("%d %llu\n", port,
              static_cast<unsigned long long>(bytes / (clip.size() / kFramesPerSecond)));
  std::fflush(stdout);

  std::thread([&clip] {
    auto next = std::chrono::steady_clock::now();
    for (std::size_t i = 0;; i = (i + 1) % clip.size()) {
      Push(clip[i]);
      std::this_thread::sleep_until(next += milliseconds{1000 / kFramesPerSecond});
    }
  }).detach();
  g_main_loop_run(g_main_loop_new(nullptr, FALSE));
  return 0;
}

// --- the pullers' children ---------------------------------------------------------------------

struct Usage {
  double cpu_seconds = 0;
  double frames = 0;
  double resident_mib = 0;
  double ring_mib = 0;
};

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto total = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + t.tv_usec * 1e-6;
  };
  return total(usage.ru_utime) + total(usage.ru_stime);
}

double ResidentMib() {
  std::ifstream statm("/proc/self/statm");
  double pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// `frames` and `ring_mib` are functions telling the count so far, and what the rings hold.
template <typename F, typename G>
int Measure(const Options& options, F frames, G ring_mib) {
  std::this_thread::sleep_for(kWarmUp);
  const double cpu = CpuSeconds(), count = frames();
  std::this_thread::sleep_for(seconds{options.span_seconds});
  std::printf("%.6f %.0f %.1f %.1f\n", CpuSeconds() - cpu, frames() - count, ResidentMib(),
              ring_mib());
  std::fflush(stdout);
  _exit(0);  // teardown is not what is measured
}

int PullBare(const Options& options) {
  std::vector<GstElement*> sinks;
  for (int i = 0; i < options.cameras; ++i) {
    const std::string launch = "rtspsrc latency=200 protocols=" + options.transport +
                               " location=" + options.url +
                               " ! rtph264depay ! h264parse ! fakesink name=out sync=false";
    GstElement* pipeline = gst_parse_launch(launch.c_str(), nullptr);
    sinks.push_back(gst_bin_get_by_name(GST_BIN(pipeline), "out"));
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
  }
  const auto frames = [&] {
    double total = 0;
    for (GstElement* sink : sinks) {
      GstStructure* stats = nullptr;
      g_object_get(sink, "stats", &stats, nullptr);
      guint64 rendered = 0;
      gst_structure_get_uint64(stats, "rendered", &rendered);
      gst_structure_free(stats);
      total += static_cast<double>(rendered);
    }
    return total;
  };
  return Measure(options, frames, [] { return 0.0; });
}

int PullSessions(const Options& options) {
  spdlog::set_level(spdlog::level::warn);
  static SystemClock clock;
  std::vector<CameraConfig> configs(static_cast<std::size_t>(options.cameras));
  for (std::size_t i = 0; i < configs.size(); ++i) {
    configs[i].camera_id = "camera-" + std::to_string(i);
    configs[i].url = options.url;
    configs[i].transport =
        options.transport == "udp" ? CameraTransport::kUdp : CameraTransport::kTcp;
  }
  auto system = CameraSystem::Create(std::move(configs), clock, WORKER_PROGRAM, {});
  if (!system.ok() || !(*system)->Start().ok()) return 1;
  const auto sum = [&](auto field) {
    double total = 0;
    for (const CameraCounters& counters : (*system)->Counters()) {
      total += static_cast<double>(counters.*field);
    }
    return total;
  };
  return Measure(
      options, [&] { return sum(&CameraCounters::frames); },
      [&] { return sum(&CameraCounters::ring_bytes) / (1 << 20); });
}

// --- the one that compares ---------------------------------------------------------------------

struct Child {
  pid_t pid = 0;
  FILE* out = nullptr;
};

Child Spawn(const Options& options, const std::string& role, const std::string& url) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) std::exit(1);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 1);
  std::vector<std::string> words = {"camera_cpu",
                                    "--role",
                                    role,
                                    "--url",
                                    url,
                                    "--transport",
                                    options.transport,
                                    "--cameras",
                                    std::to_string(options.cameras),
                                    "--seconds",
                                    std::to_string(options.span_seconds)};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  Child child;
  if (posix_spawn(&child.pid, "/proc/self/exe", &actions, nullptr, arguments.data(), environ) !=
      0) {
    std::exit(1);
  }
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_ends[1]);
  child.out = fdopen(pipe_ends[0], "r");
  return child;
}

Usage RunRound(const Options& options, const std::string& role, const std::string& url) {
  Child child = Spawn(options, role, url);
  Usage usage;
  if (std::fscanf(child.out, "%lf %lf %lf %lf", &usage.cpu_seconds, &usage.frames,
                  &usage.resident_mib, &usage.ring_mib) != 4) {
    std::fprintf(stderr, "camera_cpu: the %s child gave no figures\n", role.c_str());
  }
  std::fclose(child.out);
  waitpid(child.pid, nullptr, 0);
  return usage;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int Compare(const Options& options) {
  Child server = Spawn(options, "serve", "-");
  int port = 0;
  unsigned long long bytes_per_second = 0;
  if (std::fscanf(server.out, "%d %llu", &port, &bytes_per_second) != 2) return 1;
  const std::string url = "rtsp://127.0.0.1:" + std::to_string(port) + "/cam";
  const double camera_seconds = options.cameras * options.span_seconds;
  std::printf("%d cameras, 1080p25, %.2f Mb/s each, %s, %d s a round\n", options.cameras,
              static_cast<double>(bytes_per_second) * 8e-6, options.transport.c_str(),
              options.span_seconds);
  std::printf("round   bare %%core/cam  frames    session %%core/cam  frames    ratio\n");
  std::vector<double> bare_all, session_all, ratios;
  Usage bare, session;
  for (int round = 1; round <= options.rounds; ++round) {
    bare = RunRound(options, "bare", url);
    session = RunRound(options, "session", url);
    const double b = 100 * bare.cpu_seconds / camera_seconds;
    const double s = 100 * session.cpu_seconds / camera_seconds;
    bare_all.push_back(b);
    session_all.push_back(s);
    ratios.push_back(s / b);
    std::printf("%5d %16.3f %8.0f %19.3f %8.0f %8.3f\n", round, b, bare.frames, s, session.frames,
                s / b);
    std::fflush(stdout);
  }
  std::printf("median: bare %.3f %%, session %.3f %%, ratio %.3f\n", Median(bare_all),
              Median(session_all), Median(ratios));
  std::printf("memory of the last round: bare %.1f MiB, session %.1f MiB of which rings %.1f MiB\n",
              bare.resident_mib, session.resident_mib, session.ring_mib);
  kill(server.pid, SIGTERM);
  waitpid(server.pid, nullptr, 0);
  return 0;
}

}  // namespace

int BenchMain(int argc, char** argv) {
  Options options;
  CLI::App app{"CPU of camera sessions beside the bare GStreamer pipeline, in one run"};
  app.add_option("--cameras", options.cameras)->check(CLI::Range(1, 512));
  app.add_option("--rounds", options.rounds)->check(CLI::Range(1, 100));
  app.add_option("--seconds", options.span_seconds, "measured span of a round")
      ->check(CLI::Range(1, 600));
  app.add_option("--transport", options.transport)->check(CLI::IsMember({"tcp", "udp"}));
  app.add_option("--role", options.role)->group("");
  app.add_option("--url", options.url)->group("");
  CLI11_PARSE(app, argc, argv);
  if (options.role == "all") return Compare(options);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  gst_init(nullptr, nullptr);
  if (options.role == "serve") return Serve();
  return options.role == "bare" ? PullBare(options) : PullSessions(options);
}

}  // namespace fusiongateway

int main(int argc, char** argv) { return fusiongateway::BenchMain(argc, argv); }
