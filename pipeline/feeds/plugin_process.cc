#include "pipeline/feeds/plugin_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "pipeline/feeds/plugin_wire.h"
#include "pipeline/process/child_side.h"

namespace fusiongateway {
namespace {

using Io = ChildProcess::Io;

constexpr Duration kReadyTimeout = std::chrono::seconds{30};
constexpr Duration kPauseMin = std::chrono::milliseconds{100};
constexpr Duration kPauseMax = std::chrono::seconds{5};
constexpr std::chrono::milliseconds kPauseSlice{20};
constexpr int kAnswerSlice = 50;  // ms
constexpr std::size_t kAddressSpaceMax = std::size_t{2} << 30;

// 0, 100 ms, 200 ms … with every loss that no answer came between.
Duration PauseAfter(int losses_in_a_row) {
  if (losses_in_a_row <= 1) return {};
  return std::min(kPauseMax, kPauseMin * (1 << std::min(losses_in_a_row - 2, 10)));
}

Io SendFrame(ChildProcess& child, std::string_view bytes, SteadyTime deadline) {
  const std::uint64_t size = bytes.size();
  const Io io = child.Send(&size, sizeof size, deadline);
  return io == Io::kDone ? child.Send(bytes.data(), bytes.size(), deadline) : io;
}

Io ReceiveFrame(ChildProcess& child, std::string* bytes, SteadyTime deadline) {
  std::uint64_t size = 0;
  if (const Io io = child.Receive(&size, sizeof size, deadline); io != Io::kDone) return io;
  if (size > plugin_wire::kFrameBytesMax) return Io::kClosed;
  bytes->resize(size);
  return child.Receive(bytes->data(), size, deadline);
}

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  if (WIFEXITED(status)) return "exit status " + std::to_string(WEXITSTATUS(status));
  return "no status";
}

Refusal PluginError(std::string message) { return {"PLUGIN_ERROR", std::move(message), ""}; }

}  // namespace

PluginProcess::PluginProcess(std::string setup, Duration decode_timeout,
                             const PluginProcessOptions& options)
    : setup_(std::move(setup)),
      decode_timeout_(decode_timeout),
      clock_(*options.clock),
      once_(options.give_up_after > Duration{}),
      give_up_at_(once_ ? clock_.SteadyNow() + options.give_up_after : SteadyTime::max()),
      child_(options.program, {"feed"}, clock_, stopping_) {}

Result<std::unique_ptr<FeedPlugin>> PluginProcess::Start(const std::string& path,
                                                         const std::string& name,
                                                         const std::string& config_json,
                                                         Duration decode_timeout,
                                                         const PluginProcessOptions& options) {
  if (options.program.empty() || options.clock == nullptr) {
    return FailedPrecondition("an isolated plugin needs the program fusion-gateway to run it");
  }
  std::unique_ptr<PluginProcess> process(new PluginProcess(
      plugin_wire::Encode(plugin_wire::Setup{path, name, config_json}), decode_timeout, options));
  const Status started = process->StartChild(options.start_by, options.given_up);
  if (!started.ok()) return started;
  return std::unique_ptr<FeedPlugin>(std::move(process));
}

Status PluginProcess::StartChild(SteadyTime start_by, const std::atomic<bool>* given_up) {
  if (given_up != nullptr && *given_up) return Unavailable("nobody waits for the plugin any more");
  if (Status s = child_.Start(); !s.ok()) return s;
  ++starts_;
  SteadyTime deadline = std::min(start_by, Deadline(kReadyTimeout));
  std::string answer;
  Io io = SendFrame(child_, setup_, deadline);
  if (given_up != nullptr) {
    AwaitAnswer(deadline, *given_up);
    if (*given_up) deadline = clock_.SteadyNow();
  }
  if (io == Io::kDone) io = ReceiveFrame(child_, &answer, deadline);
  if (io == Io::kDone && answer.empty()) return {};
  const std::string ended = HowItEnded(child_.End());
  if (io == Io::kDone) return InvalidArgument(answer);
  if (io == Io::kTimeout) return Unavailable("the plugin's process was not ready in time");
  return Unavailable("the plugin's process ended before it was ready (" + ended + ")");
}

// Returns when the child says something, or it is no use to wait any more.
void PluginProcess::AwaitAnswer(SteadyTime deadline, const std::atomic<bool>& given_up) const {
  while (!given_up && clock_.SteadyNow() < deadline) {
    pollfd watched{child_.descriptor(), POLLIN, 0};
    if (poll(&watched, 1, kAnswerSlice) > 0) return;
  }
}

SteadyTime PluginProcess::Deadline(Duration length) const {
  return std::min(give_up_at_, clock_.SteadyNow() + length);
}

// False: stopped, or its one child is gone.
bool PluginProcess::StartUntilItRuns() {
  DropChatter();
  while (!child_.running() && !stopping_ && !once_) {
    Pause(PauseAfter(losses_in_a_row_));
    const Status started = stopping_ ? Status() : StartChild();
    if (started.ok() || stopping_) break;
    ++losses_in_a_row_;
    spdlog::error("isolated plugin cannot be started, its feed waits: {}", started.message());
  }
  return child_.running() && !stopping_;
}

// What is there before anything is asked is no answer, nor is what this child says later.
void PluginProcess::DropChatter() {
  char byte = 0;
  if (!child_.running() || recv(child_.descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
    return;
  }
  spdlog::warn("an isolated plugin's process said more than it was asked; it is replaced");
  child_.End();
}

void PluginProcess::Pause(Duration length) const {
  const SteadyTime until = clock_.SteadyNow() + length;
  while (!stopping_ && clock_.SteadyNow() < until) std::this_thread::sleep_for(kPauseSlice);
}

PluginOutput PluginProcess::Decode(std::string_view payload) {
  PluginOutput output;
  std::string why = "has ended";
  for (int tried = 0; tried < (once_ ? 1 : kTries); ++tried) {
    if (!StartUntilItRuns()) break;
    if (auto answer = Ask(payload, &why)) return std::move(*answer);
  }
  output.refusal = stopping_ ? PluginError("the gateway does not wait for the plugin any more")
                             : PluginError("the plugin " + why + " on this payload" +
                                           (once_ ? "" : ", and again in a fresh process") +
                                           "; correct the plugin, then send the payload again");
  return output;
}

std::optional<PluginOutput> PluginProcess::Ask(std::string_view payload, std::string* why) {
  const SteadyTime deadline = Deadline(decode_timeout_);
  std::string answer;
  Io io = SendFrame(child_, payload, deadline);
  if (io == Io::kDone) io = ReceiveFrame(child_, &answer, deadline);
  if (io == Io::kDone) {
    if (auto output = plugin_wire::DecodeOutput(answer)) {
      losses_in_a_row_ = 0;
      return output;
    }
  }
  const std::string ended = HowItEnded(child_.End());
  if (io == Io::kStopped) return std::nullopt;
  ++losses_in_a_row_;
  if (io == Io::kTimeout) {
    ++timeouts_;
    *why = "gave no answer in time";
  } else {
    ++crashes_;
    *why = "ended (" + ended + ")";
  }
  spdlog::warn("an isolated plugin {} on a payload", *why);
  return std::nullopt;
}

PluginProcessCounters PluginProcess::process_counters() const {
  return {starts_.load(), crashes_.load(), timeouts_.load()};
}

// ---- the child's half

namespace {

bool ReceiveFrame(std::string* bytes) {
  std::uint64_t size = 0;
  if (!ReceiveFromParent(&size, sizeof size) || size > plugin_wire::kFrameBytesMax) return false;
  bytes->resize(size);
  return ReceiveFromParent(bytes->data(), size);
}

bool SendFrame(std::string_view bytes) {
  const std::uint64_t size = bytes.size();
  return SendToParent(&size, sizeof size) && SendToParent(bytes.data(), bytes.size());
}

// A dying plugin's last words may quote the payload, which is not masked yet.
void Mute() {
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(nowhere, STDOUT_FILENO);
  dup2(nowhere, STDERR_FILENO);
}

}  // namespace

int ServePlugin(pid_t parent) {
  if (!BindToParent(parent)) return 1;
  LimitMemory(kAddressSpaceMax);
  std::string bytes;
  if (!ReceiveFrame(&bytes)) return 1;
  const auto setup = plugin_wire::DecodeSetup(bytes);
  if (!setup) return 1;
  auto plugin = FeedPlugin::Load(setup->path, setup->name, setup->config_json);
  if (!plugin.ok()) {
    SendFrame(plugin.status().message());
    return 1;
  }
  Mute();
  if (!SendFrame("")) return 1;
  while (ReceiveFrame(&bytes)) {
    if (!SendFrame(plugin_wire::Encode((*plugin)->Decode(bytes)))) break;
  }
  return 0;
}

}  // namespace fusiongateway
