#include "tests/support/gateway_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <system_error>
#include <thread>

#include "tests/support/patience.h"

namespace fusiongateway::testing {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPoll{10};
constexpr std::chrono::milliseconds kEndTimeout = std::chrono::seconds{20};

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Both streams to `output`. Dies with the thread that calls this.
pid_t Spawn(const std::vector<std::string>& arguments, const std::filesystem::path& output) {
  std::vector<char*> argv;
  std::string program = FG_PROGRAM;
  argv.push_back(program.data());
  std::vector<std::string> copies = arguments;
  for (std::string& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const std::string output_path = output.string();
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  const int out = open(output_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  execv(program.c_str(), argv.data());
  _exit(127);
}

// The status as a shell tells it; kills after `timeout`.
int WaitFor(pid_t pid, std::chrono::milliseconds timeout) {
  const auto deadline = steady_clock::now() + kSlowness * timeout;
  bool killed = false;
  for (;;) {
    int status = 0;
    if (waitpid(pid, &status, killed ? 0 : WNOHANG) == pid) {
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    if (!killed && steady_clock::now() > deadline) {
      kill(pid, SIGKILL);
      killed = true;
    }
    if (!killed) std::this_thread::sleep_for(kPoll);
  }
}

std::filesystem::path MakeFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "fg-e2e-XXXXXX").string();
  return mkdtemp(pattern.data());
}

}  // namespace

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t FreePort() {
  // Below the range that the kernel gives outgoing connections.
  static std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> ports(12000, 31999);
  for (;;) {
    const auto port = static_cast<std::uint16_t>(ports(random));
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(port);
    const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    if (free) return port;
  }
}

ProgramProcess::ProgramProcess(const std::vector<std::string>& arguments,
                               std::filesystem::path output)
    : output_(std::move(output)), pid_(Spawn(arguments, output_)) {}

ProgramProcess::~ProgramProcess() { Kill(); }

bool ProgramProcess::running() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
  return pid_ > 0;
}

void ProgramProcess::Kill() {
  if (!running()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

std::string ProgramProcess::Output() const { return ReadFile(output_); }

ProgramResult RunProgram(const std::vector<std::string>& arguments,
                         std::chrono::milliseconds timeout) {
  const std::filesystem::path folder = MakeFolder();
  const pid_t pid = Spawn(arguments, folder / "output");
  ProgramResult result;
  result.exit_status = WaitFor(pid, timeout);
  result.output = ReadFile(folder / "output");
  std::filesystem::remove_all(folder);
  return result;
}

Result<std::unique_ptr<GatewayProcess>> GatewayProcess::Start(GatewayOptions options) {
  std::unique_ptr<GatewayProcess> process(new GatewayProcess);
  process->folder_ = MakeFolder();
  process->options_ = std::move(options);
  if (process->options_.state_dir.empty()) {
    process->options_.state_dir = (process->folder_ / "state").string();
  }
  const auto endpoint = [] { return "tcp://127.0.0.1:" + std::to_string(FreePort()); };
  // A port that was free may be another test's by the time the gateway listens.
  constexpr int kTries = 5;
  for (int tries = 1;; ++tries) {
    process->endpoints_.publishers = endpoint();
    process->endpoints_.consumers = endpoint();
    process->endpoints_.broadcast = endpoint();
    process->wall_port_ = FreePort();
    process->endpoints_.wall = "http://127.0.0.1:" + std::to_string(process->wall_port_);
    if (Status s = process->WriteConfig(); !s.ok()) return s;
    const Status started = process->Restart();
    if (started.ok()) return process;
    if (tries == kTries || started.message().find("already in use") == std::string::npos) {
      return started;
    }
  }
}

GatewayProcess::~GatewayProcess() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Status GatewayProcess::WriteConfig() const {
  std::ofstream file(config_path());
  file << "gateway_id: e2e\n"
       << "state_dir: " << options_.state_dir << "\n"
       << "publishers:\n  endpoint: " << endpoints_.publishers << "\n"
       << options_.publishers_yaml << "consumers:\n  endpoint: " << endpoints_.consumers
       << "\n  broadcast_endpoint: " << endpoints_.broadcast << "\n"
       << options_.consumers_yaml << "wall:\n  port: " << wall_port_ << "\n"
       << "feeds:\n"
       << options_.feeds << options_.extra_yaml;
  file.close();
  return file.good() ? Status() : Unavailable(config_path() + ": cannot be written");
}

std::string GatewayProcess::StateOnDisk() const {
  std::string disk;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(state_dir())) {
    if (entry.is_regular_file()) disk += ReadFile(entry.path());
  }
  return disk;
}

std::string GatewayProcess::Output() const { return ReadFile(folder_ / "output"); }

int GatewayProcess::Wait(std::chrono::milliseconds timeout) {
  const int status = WaitFor(pid_, timeout);
  pid_ = 0;
  return status;
}

void GatewayProcess::SendKill() const {
  if (pid_ > 0) kill(pid_, SIGKILL);
}

void GatewayProcess::Hangup() const {
  if (pid_ > 0) kill(pid_, SIGHUP);
}

void GatewayProcess::Kill() {
  if (pid_ <= 0) return;
  SendKill();
  Wait(kEndTimeout);
}

int GatewayProcess::Terminate() {
  if (pid_ <= 0) return -1;
  kill(pid_, SIGTERM);
  return Wait(kEndTimeout);
}

Status GatewayProcess::Restart() {
  Kill();
  pid_ = Spawn({"run", config_path()}, folder_ / "output");
  return WaitUntilReady();
}

Status GatewayProcess::UseStateDir(const std::string& state_dir) {
  options_.state_dir = state_dir;
  return WriteConfig();
}

Status GatewayProcess::WaitUntilReady() {
  const auto deadline = steady_clock::now() + kSlowness * options_.start_timeout;
  bool printed = false;
  while (steady_clock::now() < deadline) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = 0;
      return FailedPrecondition("the gateway ended at its start: " + Output());
    }
    printed = printed || Output().find("Fusion Gateway is running") != std::string::npos;
    if (printed && Get("/readyz").status == 200) return {};
    std::this_thread::sleep_for(kPoll);
  }
  return Unavailable("the gateway is not ready in time: " + Output());
}

HttpAnswer GatewayProcess::Get(const std::string& path) const {
  HttpAnswer answer;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval timeout{5, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  const sockaddr_in address = Loopback(wall_port_);
  const std::string request = "GET " + path +
                              " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(wall_port_) +
                              "\r\nConnection: close\r\n\r\n";
  std::string text;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    char buffer[16384];
    for (ssize_t n; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;) text.append(buffer, n);
  }
  close(fd);
  if (const auto space = text.find(' '); space != std::string::npos) {
    answer.status = std::atoi(text.c_str() + space);
  }
  if (const auto body = text.find("\r\n\r\n"); body != std::string::npos) {
    answer.body = text.substr(body + 4);
  }
  return answer;
}

double GatewayProcess::Metric(const std::string& name) const {
  std::istringstream text(Get("/metrics").body);
  const std::string prefix = "fusion_gateway_" + name + " ";
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with(prefix)) return std::strtod(line.c_str() + prefix.size(), nullptr);
  }
  return -1;
}

}  // namespace fusiongateway::testing
