// Ingest: the whole gateway as its own process, fed by one raw DEALER publisher that pipelines
// within its window, until every report is acked, that is, on disk. Beside it, in the same run and
// alternated with it:
//   - raw libzmq: the same messages, DEALER to ROUTER on loopback TCP, received and thrown away;
//   - raw SQLite (WAL, synchronous=FULL): as many bytes in as many rows and commits as the
//     gateway's own journal wrote meanwhile (read from its /metrics).
// Three loads: protobuf Reports (plugin `report`), native hazmat alarms and native hazmat readings
// (plugin `hazmat`). An alarm makes a revision of an incident, a reading does not; all are settled.
// Then the latency from publish to ack at a fixed pace, beside a bare group commit at that pace.
// The gateway is a new one with an empty journal in every round. No bar: the ratios are printed.
#include <sqlite3.h>
#include <unistd.h>
#include <zmq.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>
#include <zmq_addon.hpp>

#include "fusiongateway/v1/report.pb.h"
#include "tests/bench/raw_publisher.h"
#include "tests/support/gateway_process.h"

namespace fusiongateway {
namespace {

using bench::Check;
using bench::Median;
using bench::Message;
using bench::Milliseconds;
using bench::Percentile;
using bench::RawPublisher;
using bench::SecondsSince;
using bench::Steady;
using testing::GatewayOptions;
using testing::GatewayProcess;

enum class Load { kReport, kAlarm, kReadings };

struct Options {
  std::size_t reports = 20000;
  std::size_t batch = 128;
  std::size_t sites = 1000;
  std::size_t rounds = 3;
  std::size_t pace = 1000;
  double pace_seconds = 10;
};

// ---- Payloads -----------------------------------------------------------------------------------

// Beijing time, yyyyMMddHHmmss.
std::string NativeTime(std::chrono::system_clock::time_point at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at) + 8 * 3600;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d%H%M%S", &parts);
  return text;
}

// Report n of a load. Each site speaks once a second of event time, in turn, so that the watermark
// moves on through the run and reports settle while others come in.
class Source {
 public:
  Source(Load load, const Options& options)
      : load_(load),
        sites_(options.sites),
        step_(std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::duration<double>(1.0 / static_cast<double>(options.sites)))) {
    const double paced = static_cast<double>(options.pace) * options.pace_seconds;
    const auto longest = std::max(options.reports, static_cast<std::size_t>(paced));
    start_ = std::chrono::system_clock::now() - step_ * static_cast<std::int64_t>(longest);
  }

  static std::string SiteId(std::size_t site) { return std::to_string(410200000 + site); }
  // 5 km apart, so that no two sites share an incident.
  static double Latitude(std::size_t site) { return 30 + 0.05 * static_cast<double>(site / 100); }
  static double Longitude(std::size_t site) { return 110 + 0.05 * static_cast<double>(site % 100); }

  std::string Payload(std::size_t n) const {
    const std::size_t site = n % sites_;
    const auto at = start_ + step_ * static_cast<std::int64_t>(n);
    switch (load_) {
      case Load::kReport:
        return ReportBytes(n, site, at);
      case Load::kAlarm:
        return AlarmJson(n, site, at);
      case Load::kReadings:
        return ReadingsJson(site, at);
    }
    return "";
  }

 private:
  static std::string ReportBytes(std::size_t n, std::size_t site,
                                 std::chrono::system_clock::time_point at) {
    v1::Report report;
    report.set_report_id("R" + std::to_string(n));
    report.set_kind(v1::SENSOR_ALARM);
    report.set_action(v1::START);
    const auto since_epoch = at.time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch);
    for (auto* time : {report.mutable_occurred_at(), report.mutable_updated_at()}) {
      time->set_seconds(seconds.count());
      time->set_nanos(static_cast<std::int32_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch - seconds).count()));
    }
    report.mutable_position()->set_latitude(Latitude(site));
    report.mutable_position()->set_longitude(Longitude(site));
    report.mutable_position()->set_original_crs(v1::WGS84);
    report.set_district_code("410202");
    report.set_class_code("12D02");
    report.set_severity(v1::SEVERE);
    report.set_summary("氯气浓度超过二级报警值");
    report.set_site_id(SiteId(site));
    report.set_device_id(SiteId(site) + "002G0001QT001");
    report.set_confidence(0.9);
    v1::SensorDetail* sensor = report.mutable_sensor();
    sensor->set_enterprise_id(SiteId(site));
    sensor->set_quota_id(SiteId(site) + "002G0001QT001");
    sensor->set_level("HH");
    sensor->set_value(3.4);
    sensor->set_threshold(3);
    sensor->set_unit("ppm");
    return report.SerializeAsString();
  }

  static std::string AlarmJson(std::size_t n, std::size_t site,
                               std::chrono::system_clock::time_point at) {
    return R"({"dataType":"alarm","enterpriseId":")" + SiteId(site) + R"(","gatewayId":"GW)" +
           std::to_string(site) + R"(","alarmId":"AL)" + std::to_string(n) + R"(","quotaId":")" +
           SiteId(site) + R"(002G0001QT001","level":"HH","value":3.4,"threshold":3,"unit":"ppm",)" +
           R"("startTime":")" + NativeTime(at) + R"(","state":"active"})";
  }

  static std::string ReadingsJson(std::size_t site, std::chrono::system_clock::time_point at) {
    std::string json = R"({"dataType":"energy_data","enterpriseId":")" + SiteId(site) +
                       R"(","gatewayId":"GW)" + std::to_string(site) + R"(","collectTime":")" +
                       NativeTime(at) + R"(","isConnectDataSource":"true","datas":[)";
    for (int point = 1; point <= 8; ++point) {
      json += (point > 1 ? "," : "") + std::string(R"({"quotaId":")") + SiteId(site) +
              "002G0001YW00" + std::to_string(point) + R"(","value":1.25})";
    }
    return json + "]}";
  }

  Load load_;
  std::size_t sites_;
  std::chrono::system_clock::duration step_;
  std::chrono::system_clock::time_point start_;
};

std::function<std::string(std::size_t)> Payloads(Load load, const Options& options) {
  return [source = Source(load, options)](std::size_t n) { return source.Payload(n); };
}

const char* Name(Load load) {
  switch (load) {
    case Load::kReport:
      return "protobuf Report";
    case Load::kAlarm:
      return "hazmat alarm, JSON";
    case Load::kReadings:
      return "hazmat readings, JSON";
  }
  return "";
}

std::string FeedOf(Load load) { return load == Load::kReport ? "report-1" : "hazmat"; }

std::unique_ptr<GatewayProcess> StartGateway(const Options& options) {
  GatewayOptions gateway;
  const std::string common =
      ", default_crs: WGS84, default_district: \"410202\", lateness_max: 1s, idle_after: 1s}\n";
  gateway.feeds = "  - {feed_id: report-1, plugin: report" + common +
                  "  - {feed_id: hazmat, plugin: hazmat" + common;
  gateway.extra_yaml = "sites:\n";
  for (std::size_t site = 0; site < options.sites; ++site) {
    gateway.extra_yaml += "  - {site_id: \"" + Source::SiteId(site) +
                          "\", latitude: " + std::to_string(Source::Latitude(site)) +
                          ", longitude: " + std::to_string(Source::Longitude(site)) +
                          ", district_code: \"410202\", medium: chlorine}\n";
  }
  auto process = GatewayProcess::Start(std::move(gateway));
  Check(process.ok(), process.status().message());
  return std::move(*process);
}

Steady::time_point AtOnce(std::size_t) { return {}; }

// ---- The three sides ----------------------------------------------------------------------------

struct Journalled {
  double bytes = 0;
  double rows = 0;
  double commits = 0;
  double settled = 0;
};

Journalled ReadJournalled(const GatewayProcess& gateway) {
  return {gateway.Metric("journal_bytes_total"), gateway.Metric("journal_rows_total"),
          gateway.Metric("commits_total"), gateway.Metric("stream_settled_seq")};
}

Journalled operator-(const Journalled& a, const Journalled& b) {
  return {a.bytes - b.bytes, a.rows - b.rows, a.commits - b.commits, a.settled - b.settled};
}

// What was journalled since `before` once all `reports` are settled.
Journalled WaitUntilSettled(const GatewayProcess& gateway, const Journalled& before,
                            std::size_t reports) {
  const auto begin = Steady::now();
  for (;;) {
    const Journalled since = ReadJournalled(gateway) - before;
    if (since.settled >= static_cast<double>(reports)) return since;
    Check(SecondsSince(begin) < 60, "not all reports were settled in a minute");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

// CPU that the gateway has used; a busy machine changes it less than it changes the time on the
// wall.
double GatewayCpuSeconds(const GatewayProcess& gateway) {
  std::ifstream stat("/proc/" + std::to_string(gateway.pid()) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;  // utime and stime are fields 14 and 15
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

struct Ours {
  double per_second = 0;
  double cpu_seconds = 0;  // until acked
  Journalled until_acked;
  Journalled until_settled;
  std::size_t busy = 0;
  std::vector<Message> messages;
};

Ours MeasureOurs(Load load, const Options& options) {
  const auto gateway = StartGateway(options);
  RawPublisher publisher(gateway->endpoints().publishers, FeedOf(load));
  Ours ours;
  ours.messages = publisher.Pack(Payloads(load, options), options.reports, options.batch);
  const Journalled before = ReadJournalled(*gateway);
  const double cpu_before = GatewayCpuSeconds(*gateway);
  const auto begin = Steady::now();
  publisher.Run(ours.messages, AtOnce, [](std::size_t) {});
  ours.per_second = static_cast<double>(options.reports) / SecondsSince(begin);
  ours.cpu_seconds = GatewayCpuSeconds(*gateway) - cpu_before;
  ours.until_acked = ReadJournalled(*gateway) - before;
  ours.until_settled = WaitUntilSettled(*gateway, before, options.reports);
  ours.busy = publisher.busy_count();
  return ours;
}

// Reports a second through bare sockets; the receiver answers the last message.
double MeasureZmq(const std::vector<Message>& messages, std::size_t reports) {
  zmq::context_t receiving;
  zmq::socket_t router(receiving, zmq::socket_type::router);
  router.set(zmq::sockopt::linger, 0);
  router.bind("tcp://127.0.0.1:*");
  const std::string endpoint = router.get(zmq::sockopt::last_endpoint);
  std::thread receiver([&] {
    std::vector<zmq::message_t> frames;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      frames.clear();
      Check(zmq::recv_multipart(router, std::back_inserter(frames)).has_value(), "nothing came");
    }
    router.send(frames[0], zmq::send_flags::sndmore);
    router.send(zmq::str_buffer("done"), zmq::send_flags::none);
  });
  zmq::context_t sending;
  zmq::socket_t dealer(sending, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::linger, 0);
  dealer.connect(endpoint);
  const auto begin = Steady::now();
  for (const Message& message : messages) {
    dealer.send(zmq::message_t(message.bytes.data(), message.bytes.size()), zmq::send_flags::none);
  }
  zmq::message_t done;
  Check(dealer.recv(done, zmq::recv_flags::none).has_value(), "no answer");
  const double seconds = SecondsSince(begin);
  receiver.join();
  return static_cast<double>(reports) / seconds;
}

class PlainTable {
 public:
  PlainTable() {
    std::string name = (std::filesystem::temp_directory_path() / "ingest-bench-XXXXXX").string();
    Check(mkdtemp(name.data()) != nullptr, "no temporary folder");
    folder_ = name;
    Check(sqlite3_open((folder_ / "plain.db").c_str(), &db_) == SQLITE_OK, "SQLite: open");
    Execute("PRAGMA journal_mode = WAL");
    Execute("PRAGMA synchronous = FULL");
    Execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
    sqlite3_prepare_v2(db_, "INSERT INTO entry (bytes) VALUES (?)", -1, &insert_, nullptr);
  }
  ~PlainTable() {
    sqlite3_finalize(insert_);
    sqlite3_close(db_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  PlainTable(const PlainTable&) = delete;
  PlainTable& operator=(const PlainTable&) = delete;

  // One transaction of `rows` rows that have `bytes` bytes together.
  void Commit(std::size_t rows, std::size_t bytes) {
    Execute("BEGIN");
    row_.resize(bytes / std::max<std::size_t>(rows, 1), 'x');
    for (std::size_t i = 0; i < rows; ++i) {
      sqlite3_bind_blob64(insert_, 1, row_.data(), row_.size(), SQLITE_STATIC);
      Check(sqlite3_step(insert_) == SQLITE_DONE, sqlite3_errmsg(db_));
      sqlite3_reset(insert_);
    }
    Execute("COMMIT");
  }

 private:
  void Execute(const char* sql) {
    Check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sqlite3_errmsg(db_));
  }

  std::filesystem::path folder_;
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  std::string row_;
};

double MeasureSqlite(const Journalled& written, std::size_t reports) {
  PlainTable table;
  const auto commits = static_cast<std::size_t>(std::max(written.commits, 1.0));
  const auto total_rows = static_cast<std::size_t>(written.rows);
  const auto bytes_each = static_cast<std::size_t>(written.bytes) / commits;
  const auto begin = Steady::now();
  std::size_t rows = 0;
  for (std::size_t i = 1; i <= commits; ++i) {
    const std::size_t through = total_rows * i / commits;
    table.Commit(std::max<std::size_t>(through - rows, 1), bytes_each);
    rows = through;
  }
  return static_cast<double>(reports) / SecondsSince(begin);
}

// ---- Throughput ---------------------------------------------------------------------------------

void MeasureLoad(Load load, const Options& options) {
  std::vector<double> ours, zmq, sqlite, bytes, rows, commits, per_zmq, per_sqlite, cpu_us;
  std::size_t busy = 0;
  double payload_bytes = 0;
  for (std::size_t round = 0; round < options.rounds; ++round) {
    const Ours measured = MeasureOurs(load, options);
    const auto count = static_cast<double>(options.reports);
    ours.push_back(measured.per_second);
    zmq.push_back(MeasureZmq(measured.messages, options.reports));
    sqlite.push_back(MeasureSqlite(measured.until_acked, options.reports));
    per_zmq.push_back(ours.back() / zmq.back());
    per_sqlite.push_back(ours.back() / sqlite.back());
    bytes.push_back(measured.until_settled.bytes / count);
    rows.push_back(measured.until_settled.rows / count);
    commits.push_back(measured.until_acked.commits);
    cpu_us.push_back(measured.cpu_seconds * 1e6 / count);
    busy += measured.busy;
    double sent = 0;
    for (const Message& message : measured.messages) {
      sent += static_cast<double>(message.bytes.size());
    }
    payload_bytes = sent / count;
  }
  std::printf("%-22s %4.0f bytes on the wire a report\n", Name(load), payload_bytes);
  std::printf("  acked %9.0f /s   (lowest %.0f, highest %.0f; %zu busy; %.0f us of CPU a report)\n",
              Median(ours), *std::min_element(ours.begin(), ours.end()),
              *std::max_element(ours.begin(), ours.end()), busy, Median(cpu_us));
  std::printf("  raw zmq %7.0f /s   ours/zmq    %.4f\n", Median(zmq), Median(per_zmq));
  std::printf("  raw SQLite %4.0f /s   ours/sqlite %.4f   (%.0f commits)\n", Median(sqlite),
              Median(per_sqlite), Median(commits));
  std::printf("  journalled with settling: %.0f bytes/report, %.4f rows/report\n\n", Median(bytes),
              Median(rows));
  std::fflush(stdout);
}

// ---- Latency at a fixed pace --------------------------------------------------------------------

// From the moment a report was due to be sent, so that a stall is charged to all it held up.
struct PacedResult {
  std::vector<double> latency_ms;
  Journalled written;
};

PacedResult MeasurePacedOurs(const Options& options, std::size_t reports, Steady::duration step) {
  const auto gateway = StartGateway(options);
  RawPublisher publisher(gateway->endpoints().publishers, FeedOf(Load::kReport));
  const auto messages = publisher.Pack(Payloads(Load::kReport, options), reports, 1);
  const Journalled before = ReadJournalled(*gateway);
  PacedResult result;
  const auto begin = Steady::now();
  const auto due = [&](std::size_t i) { return begin + step * static_cast<std::int64_t>(i); };
  publisher.Run(messages, due, [&](std::size_t i) {
    result.latency_ms.push_back(Milliseconds(Steady::now() - due(i)));
  });
  result.written = ReadJournalled(*gateway) - before;
  return result;
}

// One thread commits whatever has fallen due, as many bytes a report as the gateway did.
std::vector<double> MeasurePacedSqlite(std::size_t reports, Steady::duration step,
                                       std::size_t bytes_each) {
  PlainTable table;
  std::vector<double> latency_ms;
  const auto begin = Steady::now();
  const auto due = [&](std::size_t i) { return begin + step * static_cast<std::int64_t>(i); };
  for (std::size_t done = 0; done < reports;) {
    std::this_thread::sleep_until(due(done));
    const auto now = Steady::now();
    std::size_t end = done;
    while (end < reports && due(end) <= now) ++end;
    if (end == done) continue;
    table.Commit(1, (end - done) * bytes_each);
    const auto committed = Steady::now();
    for (; done < end; ++done) latency_ms.push_back(Milliseconds(committed - due(done)));
  }
  return latency_ms;
}

void MeasureLatency(const Options& options) {
  const auto reports =
      static_cast<std::size_t>(static_cast<double>(options.pace) * options.pace_seconds);
  const Steady::duration step = std::chrono::nanoseconds(1000000000 / options.pace);
  std::vector<double> ours50, ours99, bare50, bare99, commits;
  for (std::size_t round = 0; round < options.rounds; ++round) {
    const PacedResult ours = MeasurePacedOurs(options, reports, step);
    const auto bare =
        MeasurePacedSqlite(reports, step, static_cast<std::size_t>(ours.written.bytes) / reports);
    ours50.push_back(Percentile(ours.latency_ms, 0.5));
    ours99.push_back(Percentile(ours.latency_ms, 0.99));
    bare50.push_back(Percentile(bare, 0.5));
    bare99.push_back(Percentile(bare, 0.99));
    commits.push_back(ours.written.commits);
  }
  std::printf(
      "latency at %zu protobuf Reports a second, one a message, %.0f s, from due to acked\n",
      options.pace, options.pace_seconds);
  std::printf("  ours               p50 %8.2f ms   p99 %8.2f ms   (%.0f commits)\n", Median(ours50),
              Median(ours99), Median(commits));
  std::printf("  bare group commit  p50 %8.2f ms   p99 %8.2f ms\n", Median(bare50), Median(bare99));
}

}  // namespace
}  // namespace fusiongateway

int main(int argc, char** argv) {
  using namespace fusiongateway;
  Options options;
  std::string only;
  CLI::App app{"Sustained acked reports a second, beside raw ZeroMQ and raw SQLite"};
  app.add_option("--reports", options.reports, "reports a round")->check(CLI::PositiveNumber);
  app.add_option("--batch", options.batch, "reports a message")->check(CLI::Range(1, 512));
  app.add_option("--sites", options.sites, "sites that speak in turn")->check(CLI::Range(1, 9000));
  app.add_option("--rounds", options.rounds)->check(CLI::PositiveNumber);
  app.add_option("--pace", options.pace, "reports a second for the latency")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--pace-seconds", options.pace_seconds)->check(CLI::PositiveNumber);
  app.add_option("--only", only, "one part")
      ->check(CLI::IsMember({"report", "alarm", "readings", "latency"}));
  CLI11_PARSE(app, argc, argv);
  std::printf("%zu reports a round, %zu a message, %zu sites, medians of %zu rounds\n\n",
              options.reports, options.batch, options.sites, options.rounds);
  const auto wanted = [&](const char* part) { return only.empty() || only == part; };
  if (wanted("report")) MeasureLoad(Load::kReport, options);
  if (wanted("alarm")) MeasureLoad(Load::kAlarm, options);
  if (wanted("readings")) MeasureLoad(Load::kReadings, options);
  if (wanted("latency")) MeasureLatency(options);
  return 0;
}
