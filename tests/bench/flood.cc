// Flood: 200 publishers push as hard as they can while one well-behaved publisher sends a report
// now and then; what its acks take (from due to acked), and what the gateway takes in memory.
//   - quiet: nobody floods;
//   - polite: the floods keep to their windows (they pipeline as far as credit lets them);
//   - rude: the floods send on whatever they are told;
//   - bare: a bare ROUTER that answers each message at once, under the same rude flood.
// Printed: p50 and p99 of each, polite/quiet and rude/bare, and the gateway's memory beside quiet.
// The floods and the gateway are processes of their own; the floods' messages are hazmat readings,
// the well-behaved feed's are protobuf Reports.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>
#include <zmq_addon.hpp>

#include "fusiongateway/v1/publisher.pb.h"
#include "fusiongateway/v1/report.pb.h"
#include "tests/bench/raw_publisher.h"
#include "tests/support/gateway_process.h"

namespace fusiongateway {
namespace {

using bench::Check;
using bench::Message;
using bench::Milliseconds;
using bench::Percentile;
using bench::RawPublisher;
using bench::Steady;
using testing::GatewayOptions;
using testing::GatewayProcess;

struct Options {
  std::size_t publishers = 200;
  std::size_t batch = 64;
  double seconds = 60;
  double pace = 100;
  std::string trace;
};

std::string FloodFeed(std::size_t i) { return "flood-" + std::to_string(i); }

// Beijing time, yyyyMMddHHmmss.
std::string NativeNow() {
  const std::time_t seconds = std::time(nullptr) + 8 * 3600;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d%H%M%S", &parts);
  return text;
}

std::string Readings(std::size_t publisher, std::size_t n) {
  const std::string enterprise = std::to_string(410200000 + publisher);
  std::string json = R"({"dataType":"energy_data","enterpriseId":")" + enterprise +
                     R"(","gatewayId":"GW)" + std::to_string(publisher) + R"(","collectTime":")" +
                     NativeNow() + R"(","isConnectDataSource":"true","datas":[)";
  for (int point = 1; point <= 4; ++point) {
    json += (point > 1 ? "," : "") + std::string(R"({"quotaId":")") + enterprise + "002G0001YW00" +
            std::to_string(point) + R"(","value":)" + std::to_string(n % 100) + "}";
  }
  return json + "]}";
}

std::string Alarm(std::size_t n) {
  v1::Report report;
  report.set_report_id("well-" + std::to_string(n));
  report.set_kind(v1::SENSOR_ALARM);
  report.mutable_occurred_at()->set_seconds(std::time(nullptr));
  report.set_district_code("410202");
  report.set_class_code("12D02");
  report.set_severity(v1::SEVERE);
  report.set_summary("氯气浓度超过二级报警值");
  report.set_site_id("site-" + std::to_string(n % 50));
  return report.SerializeAsString();
}

// ---- The floods, in a process of their own ------------------------------------------------------

// One flooding publisher; driven without ever waiting.
class Flooder {
 public:
  Flooder(zmq::context_t& context, const std::string& endpoint, std::size_t index,
          std::size_t batch, bool polite)
      : dealer_(context, zmq::socket_type::dealer), index_(index), batch_(batch), polite_(polite) {
    dealer_.set(zmq::sockopt::linger, 0);
    dealer_.connect(endpoint);
    v1::PublisherMessage message;
    message.mutable_hello()->set_feed_id(FloodFeed(index));
    message.mutable_hello()->set_client("flood");
    message.mutable_hello()->set_protocol(1);
    message.mutable_hello()->set_outbox_id("flood");
    Send(message.SerializeAsString());
  }

  // True if it did something.
  bool Turn() {
    bool moved = false;
    zmq::message_t frame;
    while (dealer_.recv(frame, zmq::recv_flags::dontwait)) {
      Hear(frame);
      moved = true;
    }
    if (session_.empty() || Steady::now() < not_before_) return moved;
    if (polite_ && next_seq_ + batch_ - 1 > through_ + window_) return moved;
    return Send(Batch()) || moved;
  }

  // A bare ROUTER gives no session: any will do.
  void FloodWithoutWelcome() {
    session_ = "none";
    polite_ = false;
  }

 private:
  void Hear(const zmq::message_t& frame) {
    v1::GatewayMessage message;
    if (!message.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) return;
    if (message.has_welcome()) {
      session_ = message.welcome().session();
      window_ = message.welcome().window().payloads();
    } else if (message.has_ack()) {
      through_ = std::max(through_, message.ack().through_seq());
      if (message.ack().window().payloads() != 0) window_ = message.ack().window().payloads();
    } else if (message.has_busy() && polite_) {
      next_seq_ = message.busy().next_seq();
      not_before_ = Steady::now() + std::chrono::nanoseconds(message.busy().retry_after().nanos());
    }
  }

  std::string Batch() {
    v1::PublisherMessage message;
    v1::Publish* publish = message.mutable_publish();
    publish->set_session(session_);
    publish->set_first_seq(next_seq_);
    const std::string payload = Readings(index_, next_seq_);
    for (std::size_t i = 0; i < batch_; ++i) publish->add_payloads(payload);
    return message.SerializeAsString();
  }

  bool Send(const std::string& bytes) {
    if (!dealer_.send(zmq::message_t(bytes.data(), bytes.size()), zmq::send_flags::dontwait)) {
      return false;
    }
    if (!session_.empty()) next_seq_ += batch_;
    return true;
  }

  zmq::socket_t dealer_;
  const std::size_t index_;
  const std::size_t batch_;
  bool polite_;
  std::string session_;
  std::uint64_t window_ = 0;
  std::uint64_t next_seq_ = 1;
  std::uint64_t through_ = 0;
  Steady::time_point not_before_{};
};

enum class Flood { kNone, kPolite, kRude, kBare };

// The floods as a child process; ends with this object.
class FloodProcess {
 public:
  FloodProcess(Flood kind, const std::string& endpoint, const Options& options) {
    if (kind == Flood::kNone) return;
    pid_ = fork();
    Check(pid_ >= 0, "fork");
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    zmq::context_t context;
    std::vector<std::unique_ptr<Flooder>> flooders;
    for (std::size_t i = 0; i < options.publishers; ++i) {
      flooders.push_back(
          std::make_unique<Flooder>(context, endpoint, i, options.batch, kind == Flood::kPolite));
      if (kind == Flood::kBare) flooders.back()->FloodWithoutWelcome();
    }
    for (;;) {
      bool moved = false;
      for (auto& flooder : flooders) moved |= flooder->Turn();
      if (!moved) usleep(200);
    }
  }
  ~FloodProcess() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  FloodProcess(const FloodProcess&) = delete;
  FloodProcess& operator=(const FloodProcess&) = delete;

 private:
  pid_t pid_ = 0;
};

// ---- What is measured ---------------------------------------------------------------------------

struct Measured {
  std::vector<double> latency_ms;
  double flooded_per_second = 0;  // payloads of the floods that were acked
  double memory_mb = 0;           // peak
};

std::vector<double> RunWellBehaved(const std::string& endpoint, const Options& options) {
  const Steady::duration step =
      std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / options.pace));
  const auto count = static_cast<std::size_t>(options.pace * options.seconds);
  RawPublisher publisher(endpoint, "report-1");
  const auto messages = publisher.Pack(Alarm, count, 1);
  const auto begin = Steady::now();
  const auto due = [&](std::size_t i) { return begin + step * static_cast<std::int64_t>(i); };
  std::vector<double> latency_ms;
  publisher.Run(messages, due,
                [&](std::size_t i) { latency_ms.push_back(Milliseconds(Steady::now() - due(i))); });
  return latency_ms;
}

double PeakMemoryMb(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

Measured MeasureGateway(Flood kind, const Options& options) {
  GatewayOptions gateway_options;
  gateway_options.feeds = "  - {feed_id: report-1, plugin: report, default_crs: WGS84}\n";
  for (std::size_t i = 0; i < options.publishers; ++i) {
    gateway_options.feeds +=
        "  - {feed_id: " + FloodFeed(i) + ", plugin: hazmat, lateness_max: 1s, idle_after: 1s}\n";
  }
  sync();  // what the part before left to be written and freed is not measured here
  auto started = GatewayProcess::Start(std::move(gateway_options));
  Check(started.ok(), started.status().message());
  const auto& gateway = **started;
  Measured measured;
  const FloodProcess flood(kind, gateway.endpoints().publishers, options);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  const double before = gateway.Metric("publisher_payloads_total");
  const auto begin = Steady::now();
  measured.latency_ms = RunWellBehaved(gateway.endpoints().publishers, options);
  const double own = static_cast<double>(measured.latency_ms.size());
  measured.flooded_per_second =
      (gateway.Metric("publisher_payloads_total") - before - own) / bench::SecondsSince(begin);
  measured.memory_mb = PeakMemoryMb(gateway.pid());
  return measured;
}

// A ROUTER that answers every message at once with what a welcome or an ack would be.
class BareRouter {
 public:
  BareRouter() : router_(context_, zmq::socket_type::router) {
    router_.set(zmq::sockopt::linger, 0);
    router_.set(zmq::sockopt::rcvtimeo, 100);
    router_.bind("tcp://127.0.0.1:*");
    endpoint_ = router_.get(zmq::sockopt::last_endpoint);
    thread_ = std::thread([this] { Loop(); });
  }
  ~BareRouter() {
    stopping_ = true;
    thread_.join();
  }
  const std::string& endpoint() const { return endpoint_; }

 private:
  void Loop() {
    while (!stopping_) {
      std::vector<zmq::message_t> frames;
      if (!zmq::recv_multipart(router_, std::back_inserter(frames))) continue;
      v1::PublisherMessage message;
      if (!message.ParseFromArray(frames[1].data(), static_cast<int>(frames[1].size()))) continue;
      v1::GatewayMessage reply;
      if (message.has_hello()) {
        reply.mutable_welcome()->set_session("none");
        reply.mutable_welcome()->mutable_window()->set_payloads(1 << 20);
        reply.mutable_welcome()->mutable_window()->set_bytes(1 << 30);
      } else {
        reply.mutable_ack()->set_through_seq(message.publish().first_seq() +
                                             message.publish().payloads_size() - 1);
      }
      router_.send(frames[0], zmq::send_flags::sndmore | zmq::send_flags::dontwait);
      router_.send(zmq::buffer(reply.SerializeAsString()), zmq::send_flags::dontwait);
    }
  }

  zmq::context_t context_;
  zmq::socket_t router_;
  std::string endpoint_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
};

Measured MeasureBare(const Options& options) {
  BareRouter router;
  const FloodProcess flood(Flood::kBare, router.endpoint(), options);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  Measured measured;
  measured.latency_ms = RunWellBehaved(router.endpoint(), options);
  return measured;
}

void Print(const char* name, const Measured& measured) {
  std::printf("  %-7s p50 %8.2f ms   p99 %8.2f ms", name, Percentile(measured.latency_ms, 0.5),
              Percentile(measured.latency_ms, 0.99));
  if (measured.memory_mb > 0) {
    std::printf("   floods %8.0f payloads/s   peak %5.0f MB", measured.flooded_per_second,
                measured.memory_mb);
  }
  std::printf("\n");
  std::fflush(stdout);
}

// A line for each report of the well-behaved feed: part, number, milliseconds from due to acked.
void Trace(const char* name, const Measured& measured, const std::string& path) {
  if (path.empty()) return;
  std::ofstream file(path, std::ios::app);
  for (std::size_t i = 0; i < measured.latency_ms.size(); ++i) {
    file << name << ' ' << i << ' ' << measured.latency_ms[i] << '\n';
  }
}

}  // namespace
}  // namespace fusiongateway

int main(int argc, char** argv) {
  using namespace fusiongateway;
  Options options;
  CLI::App app{"A well-behaved feed's ack latency while other publishers flood"};
  app.add_option("--publishers", options.publishers, "that flood")->check(CLI::PositiveNumber);
  app.add_option("--batch", options.batch, "payloads a message")->check(CLI::Range(1, 512));
  app.add_option("--seconds", options.seconds, "of each part")->check(CLI::PositiveNumber);
  app.add_option("--pace", options.pace, "reports a second of the well-behaved feed")
      ->check(CLI::PositiveNumber);
  app.add_option("--trace", options.trace, "file to add each report's latency to");
  CLI11_PARSE(app, argc, argv);
  std::printf("%zu floods of %zu payloads a message, %.0f s, well-behaved feed %.0f reports/s\n",
              options.publishers, options.batch, options.seconds, options.pace);
  const Measured quiet = MeasureGateway(Flood::kNone, options);
  Print("quiet", quiet);
  Trace("quiet", quiet, options.trace);
  const Measured polite = MeasureGateway(Flood::kPolite, options);
  Print("polite", polite);
  Trace("polite", polite, options.trace);
  const Measured rude = MeasureGateway(Flood::kRude, options);
  Print("rude", rude);
  Trace("rude", rude, options.trace);
  const Measured bare = MeasureBare(options);
  Print("bare", bare);
  Trace("bare", bare, options.trace);
  std::printf("  p99 polite/quiet %.2f   rude/bare %.2f\n",
              Percentile(polite.latency_ms, 0.99) / Percentile(quiet.latency_ms, 0.99),
              Percentile(rude.latency_ms, 0.99) / Percentile(bare.latency_ms, 0.99));
  return 0;
}
