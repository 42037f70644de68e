#include "tests/sim/gateway_node.h"

#include <filesystem>
#include <utility>

#include "app/publisher_lookups.h"
#include "delivery/journal/sqlite_journal.h"

namespace fusiongateway::sim {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMessagesPerTurn = 8;
constexpr int kPiecesPerTurn = 2;
constexpr std::size_t kQueuePayloads = 24;
constexpr Duration kIngressWaitMax = milliseconds{3};
constexpr Duration kIngressIdle = milliseconds{100};
constexpr std::size_t kIncidentsMax = 20;

// Small, so that every bound is met.
PublisherLimits Limits() {
  PublisherLimits limits;
  limits.window_payloads = 16;
  limits.batch_max = 6;
  limits.busy_retry_after = milliseconds{20};
  limits.session_timeout = std::chrono::seconds{3};
  limits.unacked_dispositions_max = 8;
  return limits;
}

EngineConfig ConfigOf(const std::vector<std::string>& feeds) {
  EngineConfig config;
  config.gateway_id = "kf";
  for (const std::string& feed_id : feeds) {
    config.feeds.push_back({feed_id, std::chrono::seconds{1}, std::chrono::seconds{1}});
  }
  return config;
}

std::unique_ptr<FeedDecoder> DecoderOf(const std::string& feed_id) {
  FeedConfig feed;
  feed.feed_id = feed_id;
  feed.plugin = "grid";
  feed.plugin_dir = FG_FEED_PLUGIN_DIR;
  auto decoder = FeedDecoder::Create(feed, {}, CodeTables());
  return decoder.ok() ? std::move(*decoder) : nullptr;
}

void RemoveStore(const std::string& store) {
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(store + suffix);
}

}  // namespace

GatewayNode::GatewayNode(World* world, Network* network, Ledger* ledger, GatewayNodeOptions options)
    : world_(world),
      network_(network),
      ledger_(ledger),
      options_(std::move(options)),
      config_(ConfigOf(options_.feeds)) {}

GatewayNode::~GatewayNode() = default;

void GatewayNode::Start() {
  if (running()) return;
  ++lives_;
  Note("starts");
  bool opened = false;
  try {
    opened = Open();
  } catch (const Killed&) {
    Note("is killed while it recovers");
  }
  if (!opened) {
    protocol_.reset();
    loop_.reset();
    journal_.reset();
    return;
  }
  network_->ServerUp(this);
  FusionSoon();
  IngressNowAndThen();
}

bool GatewayNode::Open() {
  auto journal = OpenSqliteJournal(
      options_.store, JournalOptions{.gateway_id = config_.gateway_id, .clock = world_->clock()});
  if (!journal.ok()) {
    world_->Fail("journal: " + journal.status().message());
    return false;
  }
  journal_ = std::move(*journal);
  loop_ = std::make_unique<FusionLoop>(journal_.get(), &world_->clock(), config_, kQueuePayloads,
                                       Callbacks());
  if (Status s = loop_->Recover(); !s.ok()) {
    world_->Fail("recovery: " + s.message());
    return false;
  }
  PublisherProtocol::Decoders decoders;
  for (const std::string& feed_id : options_.feeds) decoders[feed_id] = DecoderOf(feed_id);
  protocol_ = std::make_unique<PublisherProtocol>(std::move(decoders), Limits(), this,
                                                  "life-" + std::to_string(lives_));
  return true;
}

void GatewayNode::Kill() {
  if (!running()) return;
  Note("is killed");
  network_->ServerDown();
  arrived_.clear();
  committed_.clear();
  dispositions_of_.clear();
  protocol_.reset();
  loop_.reset();
  journal_.reset();
}

void GatewayNode::Run(const std::function<void()>& part) {
  try {
    part();
  } catch (const Killed&) {
    Kill();
  }
}

FusionLoopCallbacks GatewayNode::Callbacks() {
  return {[this](CommittedThrough committed) {
            world_->MayKill();
            Note("has committed through seq " + std::to_string(committed.through_seq));
            committed_.push_back(std::move(committed));
            IngressSoon();
            // The socket has a thread of its own: it may speak before this one goes on.
            if (!world_->Chance(0.2)) return;
            IngressTurn();
            world_->MayKill(20);
          },
          [this](std::string feed_id) {
            world_->MayKill();
            dispositions_of_.push_back(std::move(feed_id));
            IngressSoon();
          },
          [this] { IngressSoon(); },
          [](const std::vector<FrameWanted>&) {},
          [this](const EngineOutput& output) {
            world_->MayKill();
            for (const StreamRecord& record : output.live) {
              const auto* incident = std::get_if<IncidentPtr>(&record.body);
              if (incident != nullptr) incidents_.push_back((*incident)->incident_id);
            }
            if (incidents_.size() > kIncidentsMax) {
              incidents_.erase(incidents_.begin(), incidents_.end() - kIncidentsMax);
            }
          },
          [this](const Status& status) { world_->Fail("fusion loop: " + status.message()); }};
}

void GatewayNode::Receive(const std::string& peer, const std::string& bytes) {
  arrived_.emplace_back(peer, bytes);
  IngressSoon();
}

void GatewayNode::IngressSoon() {
  if (std::exchange(ingress_due_, true)) return;
  world_->After(world_->Between(Duration{}, kIngressWaitMax), [this] {
    ingress_due_ = false;
    if (running()) Run([this] { IngressTurn(); });
  });
}

void GatewayNode::IngressNowAndThen() {
  IngressSoon();
  world_->After(kIngressIdle, [this, life = lives_] {
    if (running() && life == lives_) IngressNowAndThen();
  });
}

// As the publishers' socket does it: what was posted, what has arrived, a part of what waits.
void GatewayNode::IngressTurn() {
  const SteadyTime now = world_->clock().SteadyNow();
  std::vector<OutgoingMessage> out;
  for (const auto& committed : std::exchange(committed_, {})) protocol_->Committed(committed, &out);
  for (const auto& feed : std::exchange(dispositions_of_, {})) {
    protocol_->DispositionsMade(feed, &out);
  }
  Send(&out);
  for (std::size_t i = 0; i < kMessagesPerTurn && !arrived_.empty(); ++i) {
    const auto [peer, bytes] = std::move(arrived_.front());
    arrived_.pop_front();
    protocol_->Handle(peer, bytes, world_->clock().UtcNow(), now, std::nullopt, &out);
  }
  Send(&out);
  auto decoded = PublisherProtocol::Decoded::kSome;
  for (int i = 0; i < kPiecesPerTurn && decoded == PublisherProtocol::Decoded::kSome; ++i) {
    decoded = protocol_->DecodeSome(now, &out);
  }
  Send(&out);
  protocol_->Expire(now);
  if (!arrived_.empty() || protocol_->any_waiting()) IngressSoon();
}

void GatewayNode::Send(std::vector<OutgoingMessage>* messages) {
  for (const OutgoingMessage& message : *messages) {
    world_->MayKill();
    CheckDisposition(message.bytes);
    if (!network_->SendToClient(message.peer, message.bytes)) protocol_->ReplyLost(message.peer);
  }
  messages->clear();
}

// What was acked before a session is not told again in it.
void GatewayNode::CheckDisposition(const std::string& bytes) {
  v1::GatewayMessage message;
  if (!message.ParseFromString(bytes) || !message.has_disposition()) return;
  const v1::Disposition& told = message.disposition();
  if (told.seq() > dispositions_acked_[Ledger::FeedOf(told.report_id())]) return;
  world_->Fail("disposition " + std::to_string(told.seq()) + " of " + told.report_id() +
               " is told again after its ack");
}

void GatewayNode::FusionSoon() {
  const Duration wait = world_->Between(milliseconds{1}, options_.commit_interval_max);
  world_->After(wait, [this, life = lives_] {
    if (!running() || life != lives_) return;
    Run([this] {
      const Status status = loop_->TakeTurn();
      if (!status.ok()) world_->Fail("fusion loop: " + status.message());
    });
    if (running()) FusionSoon();
  });
}

void GatewayNode::Backup() {
  if (!running() || has_backup_) return;
  Note("is backed up");
  const Status status = BackupJournal(options_.store, options_.backup);
  if (!status.ok()) return world_->Fail("backup: " + status.message());
  has_backup_ = true;
}

void GatewayNode::RestoreBackup() {
  Kill();
  Note("is restored from its backup");
  RemoveStore(options_.store);
  const auto restored = RestoreJournal(options_.backup, options_.store);
  if (!restored.ok()) return world_->Fail("restore: " + restored.status().message());
  const auto journal = OpenSqliteJournal(
      options_.store, JournalOptions{.clock = world_->clock(), .read_only = true});
  if (!journal.ok()) return world_->Fail("restored journal: " + journal.status().message());
  ledger_->Restored(**journal);
}

void GatewayNode::Act() {
  if (!running() || incidents_.empty()) return;
  OperatorAction action;
  action.action_id = "action-" + std::to_string(world_->Below(1u << 30));
  action.incident_id = incidents_[world_->Below(incidents_.size())];
  action.action = world_->Chance(0.7) ? "accept" : "close";
  action.actor = "operator";
  // Its answer is nobody's business here.
  (void)loop_->Act(action, Duration::zero());
}

void GatewayNode::Take(IngressBatch&& batch) {
  world_->MayKill();
  loop_->Take(std::move(batch));
}

void GatewayNode::DispositionsAcked(const std::string& feed_id, std::uint64_t through_seq) {
  world_->MayKill();
  loop_->PostDispositionsAcked(feed_id, through_seq);
}

Result<OutboxState> GatewayNode::LookUpOutbox(const std::string& feed_id,
                                              const std::string& outbox_id,
                                              std::uint64_t acked_through,
                                              std::size_t rejections_max) {
  return fusiongateway::LookUpOutbox(*journal_, feed_id, outbox_id, acked_through, rejections_max);
}

Result<std::vector<v1::Disposition>> GatewayNode::Dispositions(const std::string& feed_id,
                                                               std::uint64_t after_seq,
                                                               std::size_t max) {
  return LookUpDispositions(*journal_, feed_id, after_seq, max);
}

Result<std::uint64_t> GatewayNode::DispositionsAckedThrough(const std::string& feed_id) {
  auto acked = journal_->DispositionsAckedThrough(feed_id);
  if (acked.ok()) dispositions_acked_[feed_id] = *acked;
  return acked;
}

}  // namespace fusiongateway::sim
