// Many short runs of the real programs, each on a journal of its own: `fusion-gateway publish` and
// the gateway are killed with SIGKILL at random moments, the connections between them cut, a second
// publisher takes the feed over, and a peer on another feed sends everything twice and from its
// start. Afterwards the ledger of the simulation judges the journal.
//
// FG_RUN_SEED repeats one run; FG_RUN_COUNT (default 25; fewer under a sanitizer) sets how many
// each test makes.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "app/system_clock.h"
#include "clients/cpp/outbox.h"
#include "delivery/journal/sqlite_journal.h"
#include "fusiongateway/v1/stream.pb.h"
#include "tests/e2e/faults/payloads.h"
#include "tests/e2e/faults/raw_publisher.h"
#include "tests/e2e/kill/tcp_relay.h"
#include "tests/sim/ledger.h"
#include "tests/support/gateway_process.h"

namespace fusiongateway::testing {
namespace {

using sim::Ledger;
using namespace std::chrono_literals;

constexpr char kFeeds[] =
    "  - {feed_id: grid-0, plugin: grid, default_crs: WGS84, lateness_max: 100ms, "
    "idle_after: 200ms, quota_payloads_per_s: 100}\n"
    "  - {feed_id: grid-1, plugin: grid, default_crs: WGS84, lateness_max: 100ms, "
    "idle_after: 200ms}\n";
constexpr char kSmallWindow[] = "  window_payloads: 16\n  batch_max: 8\n";
constexpr std::size_t kOwnPayloads = 60;
constexpr std::size_t kRivalPayloads = 20;
constexpr std::size_t kRawPayloads = 16;
constexpr auto kPatience = 30s;

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::uint16_t PortOf(const std::string& endpoint) {
  return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
}

// `fusion-gateway publish` of one file, through as many lives as it takes.
class FilePublisher {
 public:
  FilePublisher(Ledger* ledger, const std::string& name, std::size_t payloads,
                const std::filesystem::path& folder, std::uint16_t port)
      : ledger_(ledger),
        name_(name),
        count_(payloads),
        folder_(folder),
        file_(name.substr(name.rfind('/') + 1)),
        arguments_{"publish",
                   "--feed",
                   "grid-0",
                   "--endpoint",
                   "tcp://127.0.0.1:" + std::to_string(port),
                   "--outbox",
                   folder_ / (file_ + ".outbox"),
                   folder_ / file_} {}

  void Start() {
    if (running()) return;
    if (!used()) WriteFile();
    const std::string output = file_ + ".out" + std::to_string(++lives_);
    process_ = std::make_unique<ProgramProcess>(arguments_, folder_ / output);
  }
  void Kill() {
    if (process_) process_->Kill();
  }
  bool used() const { return lives_ > 0; }
  bool running() { return process_ && process_->running(); }
  // It said that everything was acked.
  bool finished() {
    return process_ && !process_->running() &&
           process_->Output().find("已发送") != std::string::npos;
  }
  // Starts it again until everything is acked.
  bool Finish() {
    return Eventually(
        [this] {
          if (!finished()) Start();
          return finished();
        },
        kPatience);
  }

  // Once it has finished.
  void TellLedger() {
    const auto outbox = client::Outbox::Open(folder_ / (file_ + ".outbox"), "grid-0", {});
    ASSERT_TRUE(outbox.ok()) << outbox.status().message();
    EXPECT_EQ((*outbox)->payload_count(), 0u);
    EXPECT_EQ((*outbox)->acked_through(), payloads_.size());
    for (std::size_t i = 0; i < payloads_.size(); ++i) {
      ledger_->Given((*outbox)->id(), i + 1, payloads_[i]);
      ledger_->payload(payloads_[i]).acked = true;
      if (Told(file_ + ":" + std::to_string(i + 1) + ": ")) {
        ++ledger_->payload(payloads_[i]).rejections;
        EXPECT_TRUE(ledger_->payload(payloads_[i]).refusable) << file_ << ":" << i + 1;
      }
    }
  }

 private:
  void WriteFile() {
    std::ofstream lines(folder_ / file_);
    for (std::size_t i = 0; i < count_; ++i) {
      payloads_.push_back(ledger_->Make(name_));
      lines << ledger_->Bytes(payloads_.back()) << "\n";
    }
  }
  // In any of its lives.
  bool Told(const std::string& text) const {
    for (int life = 1; life <= lives_; ++life) {
      std::ifstream output(folder_ / (file_ + ".out" + std::to_string(life)));
      for (std::string line; std::getline(output, line);) {
        if (line.find("/" + text) != std::string::npos) return true;
      }
    }
    return false;
  }

  Ledger* const ledger_;
  const std::string name_;
  const std::size_t count_;
  const std::filesystem::path folder_;
  const std::string file_;
  const std::vector<std::string> arguments_;
  std::vector<std::size_t> payloads_;
  std::unique_ptr<ProgramProcess> process_;
  int lives_ = 0;
};

// Says everything twice, in overlapping parts, from seq 1 in each session: as often as it likes.
class Stutterer {
 public:
  Stutterer(Ledger* ledger, std::uint16_t port)
      : ledger_(ledger), endpoint_("tcp://127.0.0.1:" + std::to_string(port)) {
    for (std::size_t i = 0; i < kRawPayloads; ++i) {
      indices_.push_back(ledger_->Make("grid-1/raw"));
      payloads_.push_back(ledger_->Bytes(indices_.back()));
      ledger_->Given("raw-outbox", i + 1, indices_.back());
    }
    thread_ = std::thread([this] { Loop(); });
  }
  ~Stutterer() { End(); }
  // Once it is joined it has told the ledger.
  void End() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  // Goes on until everything is acked, then ends.
  bool Finish() {
    const bool finished = Eventually([this] { return acked_.load(); }, kPatience);
    End();
    for (const std::size_t index : indices_) {
      ledger_->payload(index).acked = finished;
      ledger_->payload(index).rejections = rejected_.contains(index) ? 1 : 0;
    }
    return finished;
  }

 private:
  void Loop() {
    while (!stopping_) {
      RawPublisher raw(endpoint_, "grid-1", "raw-outbox");
      if (raw.Hello(0, 300ms).session().empty()) continue;
      for (std::size_t first = 0; first < payloads_.size(); first += 4) {
        const auto begin = payloads_.begin() + static_cast<std::ptrdiff_t>(first);
        const std::vector<std::string> part(begin, begin + 4);
        raw.Publish(first + 1, part);
        raw.Publish(first + 1, part);
        if (first >= 4) raw.Publish(first - 1, {begin - 2, begin + 4});
      }
      Listen(&raw);
    }
  }
  void Listen(RawPublisher* raw) {
    while (const auto message = raw->Receive(300ms)) {
      for (const auto& rejection : message->ack().rejections()) {
        if (rejection.code() != "ALREADY_TAKEN") rejected_.insert(indices_[rejection.seq() - 1]);
      }
      if (message->ack().through_seq() == payloads_.size()) acked_ = true;
      if (message->has_error() || stopping_) return;
    }
  }

  Ledger* const ledger_;
  const std::string endpoint_;
  std::vector<std::size_t> indices_;
  std::vector<std::string> payloads_;
  std::set<std::size_t> rejected_;  // the thread's until it is joined
  std::atomic<bool> acked_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

class KillRun {
 public:
  explicit KillRun(std::uint64_t seed) : random_(seed), seed_(seed) {}
  void Go();

 private:
  void Fault(GatewayProcess* gateway, TcpRelay* relay, FilePublisher* own, FilePublisher* rival);
  void Judge(GatewayProcess* gateway);

  std::mt19937_64 random_;
  const std::uint64_t seed_;
  Ledger ledger_{[](const std::string& what) { ADD_FAILURE() << what; }};
};

void KillRun::Go() {
  GatewayOptions options;
  options.feeds = kFeeds;
  options.publishers_yaml = kSmallWindow;
  auto started = GatewayProcess::Start(options);
  ASSERT_TRUE(started.ok()) << started.status().message();
  GatewayProcess& gateway = **started;
  TcpRelay relay(PortOf(gateway.endpoints().publishers), seed_);
  FilePublisher own(&ledger_, "grid-0/own", kOwnPayloads, gateway.folder(), relay.port());
  FilePublisher rival(&ledger_, "grid-0/rival", kRivalPayloads, gateway.folder(), relay.port());
  Stutterer stutterer(&ledger_, relay.port());
  own.Start();
  for (std::uint64_t faults = 2 + random_() % 3; faults > 0; --faults) {
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 250));
    Fault(&gateway, &relay, &own, &rival);
    own.Start();
  }
  if (!gateway.running()) {
    const Status restarted = gateway.Restart();
    ASSERT_TRUE(restarted.ok()) << restarted.message();
  }
  if (rival.used()) {
    EXPECT_TRUE(Eventually([&] { return !own.running() || !rival.running(); }, kPatience))
        << "two publishers of one feed, and neither is fenced";
    own.Kill();
    ASSERT_TRUE(rival.Finish());
    rival.TellLedger();
  }
  ASSERT_TRUE(own.Finish());
  own.TellLedger();
  ASSERT_TRUE(stutterer.Finish());
  Judge(&gateway);
}

void KillRun::Fault(GatewayProcess* gateway, TcpRelay* relay, FilePublisher* own,
                    FilePublisher* rival) {
  switch (random_() % 8) {
    case 0 ... 2:
      gateway->Kill();
      EXPECT_TRUE(gateway->Restart().ok());
      return;
    case 3 ... 4:
      return own->Kill();
    case 5 ... 6:
      return relay->Cut();
    default:
      return rival->Start();
  }
}

std::size_t CountReports(const Journal& journal, StreamId stream) {
  std::size_t count = 0;
  for (std::uint64_t after = 0; after < journal.range(stream).newest;) {
    const auto records = journal.ReadRecords(stream, after, 1000);
    if (!records.ok() || records->empty()) break;
    after = records->back()->seq();
    for (const auto& record : *records) count += record->has_report() ? 1 : 0;
  }
  return count;
}

// Once everything has settled: what is on disk.
void KillRun::Judge(GatewayProcess* gateway) {
  const SystemClock clock;
  const auto open = [&] {
    return OpenSqliteJournal(gateway->state_dir() + "/journal.db",
                             JournalOptions{.clock = clock, .read_only = true});
  };
  EXPECT_TRUE(Eventually(
      [&] {
        const auto journal = open();
        return journal.ok() && CountReports(**journal, StreamId::kLive) ==
                                   CountReports(**journal, StreamId::kSettled);
      },
      kPatience));
  gateway->Kill();
  const auto journal = open();
  ASSERT_TRUE(journal.ok()) << journal.status().message();
  ledger_.Judge(**journal, {"grid-0", "grid-1"});
}

class KillRuns : public ::testing::TestWithParam<int> {};

TEST_P(KillRuns, NothingAckedIsLostAndNothingDoubledOnRealSockets) {
  const std::uint64_t only = FromEnvironment("FG_RUN_SEED", 0);
  const std::uint64_t count = only != 0 ? 1 : FromEnvironment("FG_RUN_COUNT", FG_RUNS);
  for (std::uint64_t i = 0; i < count && !HasFailure(); ++i) {
    const std::uint64_t seed = only != 0 ? only : std::random_device{}();
    SCOPED_TRACE("repeat with FG_RUN_SEED=" + std::to_string(seed));
    KillRun(seed).Go();
  }
}

INSTANTIATE_TEST_SUITE_P(Quarter, KillRuns, ::testing::Range(1, 5));

}  // namespace
}  // namespace fusiongateway::testing
