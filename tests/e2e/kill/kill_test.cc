// The gateway is killed with SIGKILL at random moments while a publisher publishes and consumers
// read. Afterwards every acked payload is on the stream exactly once, seqs go on without gap or
// repeat, and consumers that only ever read on have missed nothing.
//
// FG_KILL_SEED repeats a run; FG_KILL_COUNT (default 50) sets how often.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "clients/cpp/publisher.h"
#include "clients/cpp/stream_consumer.h"
#include "fusiongateway/v1/consumer.pb.h"
#include "tests/support/gateway_process.h"
#include "tests/support/patience.h"

namespace fusiongateway {
namespace {

using testing::GatewayProcess;
using namespace std::chrono_literals;

constexpr char kFeeds[] =
    "  - {feed_id: grid, plugin: grid, default_crs: WGS84, lateness_max: 1s, idle_after: 1s}\n";

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Every tenth event repeats the one before it, word for word.
std::uint64_t EventOf(std::uint64_t n) { return n % 10 == 0 ? n - 1 : n; }

std::string EventId(std::uint64_t n) { return "WG" + std::to_string(EventOf(n)); }

// Every seventeenth is refused by its plugin.
std::string Payload(std::uint64_t n) {
  if (n % 17 == 0) return R"({"eventId":7})";
  const double lat = 34.5 + static_cast<double>(EventOf(n) % 97) * 0.003;
  return R"({"eventId":")" + EventId(n) +
         R"(","reportTime":"20261123100000","occurTime":"20261123100000","category":"环境",)" +
         R"("description":"巡查","lon":114.3,"lat":)" + std::to_string(lat) +
         R"(,"crs":"WGS84","state":"reported"})";
}

// Reads a stream from its start, through every restart, and checks that it is one sequence.
class Reader {
 public:
  Reader(std::string stream, std::string endpoint) : stream_(std::move(stream)) {
    client::ConsumerOptions options;
    options.endpoint = std::move(endpoint);
    options.stream = stream_;
    options.silence_max = 3s;
    options.retry_max = 500ms;
    auto opened = client::StreamConsumer::Open(options);
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    consumer_ = std::move(*opened);
    thread_ = std::thread([this] { Loop(); });
  }
  ~Reader() { Stop(); }

  void Stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::uint64_t through_seq() const { return through_; }
  // After Stop.
  const std::map<std::string, int>& report_counts() const { return reports_; }
  const std::set<std::string>& problems() const { return problems_; }

 private:
  void Loop() {
    while (!stopping_) {
      const auto event = consumer_->Next(200ms);
      using Kind = client::StreamEvent::Kind;
      if (event.kind == Kind::kGap || event.kind == Kind::kJournalChanged ||
          event.kind == Kind::kOutOfRange) {
        problems_.insert(stream_ + ": " + event.message);
      }
      if (event.kind != Kind::kRecords) continue;
      for (const auto& record : event.records->records()) Take(record);
      through_ = event.through_seq;
    }
  }
  void Take(const v1::StreamRecord& record) {
    if (record.seq() != last_ + 1) {
      problems_.insert(stream_ + ": seq " + std::to_string(record.seq()) + " after " +
                       std::to_string(last_));
    }
    last_ = record.seq();
    if (record.has_report()) ++reports_[record.report().report_id()];
  }

  const std::string stream_;
  std::unique_ptr<client::StreamConsumer> consumer_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> through_{0};
  std::uint64_t last_ = 0;
  std::map<std::string, int> reports_;
  std::set<std::string> problems_;
  std::thread thread_;
};

// Unacked payloads at which the producer waits.
constexpr std::uint64_t kWaitingMax = 300;

// Also in the middle of recovery: before it is ready, or just after.
void KillWhileStarting(GatewayProcess& gateway, std::chrono::microseconds after) {
  std::thread killer([&] {
    std::this_thread::sleep_for(after);
    gateway.SendKill();
  });
  // Whether it became ready before the signal came does not matter.
  const Status started = gateway.Restart();
  (void)started;
  killer.join();
  gateway.Kill();
}

TEST(KillTest, NothingAckedIsLostOrDoubledAndNoConsumerMissesARecord) {
  const std::uint64_t seed = FromEnvironment("FG_KILL_SEED", std::random_device{}());
  const std::uint64_t kills = FromEnvironment("FG_KILL_COUNT", 50);
  SCOPED_TRACE("repeat with FG_KILL_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);

  testing::GatewayOptions options;
  options.feeds = kFeeds;
  auto started = GatewayProcess::Start(options);
  ASSERT_TRUE(started.ok()) << started.status().message();
  GatewayProcess& gateway = **started;

  std::atomic<std::uint64_t> acked_through{0};
  std::atomic<std::uint64_t> rejected{0};
  std::atomic<int> went_back{0};
  client::PublisherOptions publisher_options;
  publisher_options.endpoint = gateway.endpoints().publishers;
  publisher_options.feed_id = "grid";
  publisher_options.outbox_path = (gateway.folder() / "grid.outbox").string();
  publisher_options.silence_max = 3s;
  publisher_options.hello_timeout = 500ms;
  publisher_options.retry_max = 500ms;
  client::PublisherEvents events;
  events.on_acked = [&](std::uint64_t through) { acked_through = through; };
  events.on_rejection = [&](const client::RejectedPayload&) { ++rejected; };
  events.on_notice = [&](const client::PublisherNotice& notice) {
    using Kind = client::PublisherNotice::Kind;
    if (notice.kind == Kind::kGatewayWentBack || notice.kind == Kind::kOutboxWentBack ||
        notice.kind == Kind::kFenced) {
      ++went_back;
    }
  };
  auto opened = client::Publisher::Open(publisher_options, events);
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  client::Publisher& publisher = **opened;

  Reader live("live", gateway.endpoints().consumers);
  Reader settled("settled", gateway.endpoints().consumers);

  std::atomic<bool> publishing{true};
  std::atomic<std::uint64_t> published{0};
  std::thread producer([&] {
    while (publishing) {
      std::this_thread::sleep_for(2ms);
      // Each start replays all that came before: a slow machine must not make it ever slower.
      if (publisher.stats().waiting > kWaitingMax) continue;
      std::vector<client::OutboxPayload> batch;
      for (int i = 0; i < 5; ++i) batch.push_back({Payload(published + i + 1), ""});
      if (publisher.PublishBatch(batch).ok()) published += batch.size();
    }
  });

  std::uint64_t acked_at_kill = 0;
  for (std::uint64_t kill = 1; kill <= kills; ++kill) {
    // Sometimes in the middle of recovery, sometimes in full flow, which a slow build takes long to
    // come to.
    if (kill % 2 == 0) {
      EXPECT_TRUE(testing::Eventually([&] { return acked_through > acked_at_kill; }, 60s));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 300'000));
    gateway.Kill();
    acked_at_kill = acked_through;
    if (kill % 3 == 0) KillWhileStarting(gateway, std::chrono::microseconds(random() % 150'000));
    const Status restarted = gateway.Restart();
    ASSERT_TRUE(restarted.ok()) << "kill " << kill << ": " << restarted.message();
  }
  publishing = false;
  producer.join();
  const Status flushed = publisher.Flush(60s);
  EXPECT_TRUE(flushed.ok()) << flushed.message();
  EXPECT_GT(acked_at_kill, 0u);

  // Let both streams come to rest, then compare.
  const std::uint64_t count = published;
  std::uint64_t expected_rejections = 0;
  std::set<std::string> expected;
  for (std::uint64_t n = 1; n <= count; ++n) {
    if (n % 17 == 0) {
      ++expected_rejections;
    } else {
      expected.insert(EventId(n));
    }
  }
  const double live_seq = gateway.Metric("stream_live_seq");
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (std::chrono::steady_clock::now() < deadline &&
         (static_cast<double>(live.through_seq()) < live_seq ||
          static_cast<double>(settled.through_seq()) < gateway.Metric("stream_settled_seq") ||
          gateway.Metric("stream_settled_seq") < static_cast<double>(expected.size()))) {
    std::this_thread::sleep_for(100ms);
  }
  live.Stop();
  settled.Stop();

  EXPECT_TRUE(live.problems().empty()) << *live.problems().begin();
  EXPECT_TRUE(settled.problems().empty()) << *settled.problems().begin();
  EXPECT_EQ(went_back, 0) << "the gateway or the outbox lost what was acked";
  // A rejection may be told again after a kill between its commit and the client's own; never less.
  EXPECT_GE(rejected, expected_rejections);
  for (const Reader* reader : {&live, &settled}) {
    EXPECT_EQ(reader->report_counts().size(), expected.size());
    for (const std::string& id : expected) {
      const auto found = reader->report_counts().find(id);
      const int times = found == reader->report_counts().end() ? 0 : found->second;
      ASSERT_EQ(times, 1) << id << " of " << count << " published";
    }
  }
  std::printf("%llu kills, %llu payloads, %llu live records, seed %llu\n",
              static_cast<unsigned long long>(kills), static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(live.through_seq()),
              static_cast<unsigned long long>(seed));
}

}  // namespace
}  // namespace fusiongateway
