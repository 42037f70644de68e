#include "tests/sim/publisher_run.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "tests/sim/gateway_node.h"
#include "tests/sim/ledger.h"
#include "tests/sim/network.h"
#include "tests/sim/publisher_node.h"
#include "tests/sim/world.h"

namespace fusiongateway::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kWaitingMax = 40;
constexpr Duration kRestMax = seconds{60};
// For the last dispositions to be acked and the last reports to settle.
constexpr Duration kSettleTime = seconds{4};
// Words of a program that ended may still be on their way for so long.
constexpr Duration kGhostMax = seconds{2};

// In memory where the machine has such a place: a process that is killed leaves the same there.
class RunFolder {
 public:
  RunFolder() {
    const std::filesystem::path memory = "/dev/shm";
    const auto parent =
        std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
    std::string name = (parent / "fg-sim-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~RunFolder() { std::filesystem::remove_all(path_); }
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  std::string File(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

class Run {
 public:
  Run(std::uint64_t seed, bool tracing);
  RunResult Go();

 private:
  struct Feed {
    std::string id;
    std::unique_ptr<PublisherNode> own;
    std::unique_ptr<PublisherNode> rival;  // a second program on the same feed
  };

  void AddFeed(const std::string& id);
  std::unique_ptr<PublisherNode> MakeNode(const std::string& feed_id, const std::string& name);
  void KeepPublishing(PublisherNode* node);
  void KeepActing();
  void KeepFailing();
  void KeepStarting();
  void Fault();
  void StartAgain(PublisherNode* node);
  void ComeToRest();
  void Drain(PublisherNode* node);

  RunFolder folder_;
  World world_;
  Ledger ledger_{[this](const std::string& what) { world_.Fail(what); }};
  Network network_{&world_};
  std::unique_ptr<GatewayNode> gateway_;
  std::vector<Feed> feeds_;
  bool faulty_ = true;
  Duration fault_interval_max_{};
  Duration publish_interval_max_{};
  double repeat_chance_ = 0;
  bool greedy_ = false;
  std::uint64_t faults_ = 0;
};

Run::Run(std::uint64_t seed, bool tracing) : world_(seed, tracing) {
  GatewayNodeOptions options{
      folder_.File("journal.db"), folder_.File("backup.db"), {}, milliseconds{50}};
  if (world_.Chance(0.2)) options.commit_interval_max = milliseconds{400};
  for (std::uint64_t i = 0; i <= world_.Below(2); ++i) {
    options.feeds.push_back("grid-" + std::to_string(i));
  }
  fault_interval_max_ = milliseconds{100 + world_.Below(600)};
  publish_interval_max_ = milliseconds{40 + world_.Below(200)};
  repeat_chance_ = world_.Chance(0.5) ? 0.2 : 0;
  greedy_ = world_.Chance(0.3);
  world_.set_kill_chance(world_.Chance(0.5) ? 0.002 : 0);
  gateway_ = std::make_unique<GatewayNode>(&world_, &network_, &ledger_, options);
  for (const std::string& id : options.feeds) AddFeed(id);
}

void Run::AddFeed(const std::string& id) {
  Feed feed{id, MakeNode(id, id + "/own"), MakeNode(id, id + "/rival")};
  const auto watch = [this](PublisherNode* node, PublisherNode* other) {
    node->set_on_fenced([this, node, other] {
      if (other->was_used() && other->last_ran() + kGhostMax >= node->started()) return;
      // The late hello of another outbox id is nobody's it knows.
      if (node->renamed() && *node->renamed() + kGhostMax >= world_.now()) return;
      world_.Fail(node->name() + " is fenced, and no other publisher of its feed ran");
    });
  };
  watch(feed.own.get(), feed.rival.get());
  watch(feed.rival.get(), feed.own.get());
  feeds_.push_back(std::move(feed));
}

std::unique_ptr<PublisherNode> Run::MakeNode(const std::string& feed_id, const std::string& name) {
  std::string file = name;
  std::replace(file.begin(), file.end(), '/', '-');
  auto node = std::make_unique<PublisherNode>(&world_, &network_, &ledger_, name, feed_id,
                                              folder_.File(file + ".outbox"));
  node->set_repeat_chance(repeat_chance_);
  node->set_greedy(greedy_);
  return node;
}

RunResult Run::Go() {
  gateway_->Start();
  for (const Feed& feed : feeds_) {
    feed.own->Start();
    KeepPublishing(feed.own.get());
    KeepPublishing(feed.rival.get());
  }
  KeepActing();
  KeepFailing();
  KeepStarting();
  world_.RunUntil(world_.Between(milliseconds{500}, milliseconds{2500}), [] { return false; });
  ComeToRest();
  if (gateway_->running()) {
    std::set<std::string> ids;
    for (const Feed& feed : feeds_) ids.insert(feed.id);
    ledger_.Judge(gateway_->journal(), ids);
    ledger_.JudgeDispositions(gateway_->journal(), ids);
  }
  return {world_.failures(), world_.trace_hash(), ledger_.payload_count(), faults_};
}

void Run::KeepPublishing(PublisherNode* node) {
  world_.After(world_.Between(milliseconds{1}, publish_interval_max_), [this, node] {
    if (!faulty_) return;
    if (node->waiting_count() < kWaitingMax) node->Publish(1 + world_.Below(4));
    KeepPublishing(node);
  });
}

void Run::KeepActing() {
  world_.After(world_.Between(milliseconds{10}, milliseconds{300}), [this] {
    if (!faulty_) return;
    gateway_->Act();
    KeepActing();
  });
}

void Run::KeepFailing() {
  world_.After(world_.Between(milliseconds{1}, fault_interval_max_), [this] {
    if (!faulty_) return;
    ++faults_;
    Fault();
    KeepFailing();
  });
}

// Whoever looks after the programs starts again what has ended. What is fenced is left for long: a
// person must see to it.
void Run::KeepStarting() {
  world_.After(world_.Between(milliseconds{5}, milliseconds{500}), [this] {
    gateway_->Start();
    for (const Feed& feed : feeds_) {
      if (faulty_) feed.own->Start();
      for (PublisherNode* node : {feed.own.get(), feed.rival.get()}) {
        if (node->running() && node->fenced() && (!faulty_ || world_.Chance(0.2))) {
          StartAgain(node);
        }
      }
    }
    KeepStarting();
  });
}

void Run::StartAgain(PublisherNode* node) {
  node->Kill();
  node->Start();
}

void Run::Fault() {
  const Feed& feed = feeds_[world_.Below(feeds_.size())];
  switch (world_.Below(20)) {
    case 0 ... 4:
      return gateway_->Kill();
    case 5 ... 9:
      return feed.own->Kill();
    case 10:
      return feed.rival->Kill();
    case 11 ... 12:
      return feed.rival->Start();
    case 13 ... 17:
      return network_.CutOne();
    case 18:
      feed.own->Kill();
      return feed.own->WipeOutbox();
    default:
      if (!gateway_->has_backup()) return gateway_->Backup();
      if (!ledger_.restored()) gateway_->RestoreBackup();
  }
}

void Run::ComeToRest() {
  world_.Note("the faults end");
  faulty_ = false;
  world_.set_kill_chance(0);
  gateway_->Start();
  for (const Feed& feed : feeds_) {
    feed.rival->Stop();
    Drain(feed.own.get());
    if (!feed.rival->was_used()) continue;
    feed.own->Stop();
    Drain(feed.rival.get());
  }
  world_.RunUntil(world_.now() + kSettleTime, [] { return false; });
}

void Run::Drain(PublisherNode* node) {
  StartAgain(node);
  world_.RunUntil(world_.now() + kRestMax,
                  [node] { return node->waiting_count() == 0 && node->has_session(); });
}

}  // namespace

RunResult RunPublishers(std::uint64_t seed, bool tracing) { return Run(seed, tracing).Go(); }

}  // namespace fusiongateway::sim
