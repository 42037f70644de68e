#include "tests/sim/publisher_node.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "fusiongateway/v1/publisher.pb.h"

namespace fusiongateway::sim {
namespace {

using std::chrono::milliseconds;

constexpr Duration kRepeatMax = milliseconds{300};

}  // namespace

PublisherNode::PublisherNode(World* world, Network* network, Ledger* ledger, std::string name,
                             std::string feed_id, std::string outbox_path)
    : world_(world),
      network_(network),
      ledger_(ledger),
      name_(std::move(name)),
      outbox_path_(std::move(outbox_path)) {
  options_.feed_id = std::move(feed_id);
  options_.outbox_path = outbox_path_;
  options_.heartbeat_interval = milliseconds{400};
  options_.probe_interval = milliseconds{700};
  options_.silence_max = milliseconds{1500};
  options_.hello_timeout = milliseconds{500};
  options_.retry_min = milliseconds{50};
  options_.retry_max = milliseconds{400};
  events_ = Events();
}

void PublisherNode::Start() {
  if (running()) return;
  used_ = true;
  fenced_ = false;
  started_ = world_->now();
  auto outbox = client::Outbox::Open(outbox_path_, options_.feed_id, {});
  if (!outbox.ok()) return world_->Fail(name_ + ": " + outbox.status().message());
  outbox_ = std::move(*outbox);
  if (outbox_id_.empty()) NameOutbox();
  FollowOutbox();
  conversation_ = std::make_unique<client::PublisherConversation>(options_, events_, outbox_.get(),
                                                                  this, world_->clock(), [] {});
  Note("starts with " + std::to_string(waiting_.size()) + " waiting");
  Run([] {});
}

void PublisherNode::Kill() {
  if (!running()) return;
  Note("is killed");
  End();
}

void PublisherNode::Stop() {
  if (!running()) return;
  Note("stops");
  conversation_->SayBye();
  End();
}

void PublisherNode::End() {
  FollowOutbox();
  last_ran_ = world_->now();
  ++turn_;
  if (connection_ != 0) network_->CloseByClient(std::exchange(connection_, 0));
  conversation_.reset();
  outbox_.reset();
}

void PublisherNode::WipeOutbox() {
  Note("its outbox is wiped with " + std::to_string(waiting_.size()) + " waiting");
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(outbox_path_ + suffix);
  for (const std::size_t index : waiting_) ledger_->payload(index).wiped = true;
  waiting_.clear();
  ledger_->OutboxWiped(outbox_name_);
  outbox_id_.clear();
  renamed_ = world_->now();
  acked_through_ = 0;
}

void PublisherNode::Publish(std::size_t count) {
  if (!running() || fenced_) return;
  std::vector<client::OutboxPayload> batch;
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < count; ++i) {
    indices.push_back(ledger_->Make(name_));
    batch.push_back({ledger_->Bytes(indices.back()), std::to_string(indices.back())});
  }
  const auto first = outbox_->Append(batch, nullptr);
  if (!first.ok()) return world_->Fail(name_ + ": " + first.status().message());
  for (std::size_t i = 0; i < count; ++i) {
    ledger_->Given(outbox_name_, *first + i, indices[i]);
    waiting_.push_back(indices[i]);
  }
  Note("publishes seq " + std::to_string(*first) + ", " + std::to_string(count));
  Run([] {});
}

void PublisherNode::Run(const std::function<void()>& part) {
  if (!running()) return;
  try {
    part();
    FollowOutbox();
    DoWhatIsDue();
  } catch (const Killed&) {
    Kill();
    return;
  }
  FollowOutbox();
}

void PublisherNode::DoWhatIsDue() {
  if (conversation_->fenced()) return;  // its thread has ended
  const Duration wait = conversation_->DoWhatIsDue();
  world_->After(std::max(wait, Duration(std::chrono::microseconds{100})), [this, turn = ++turn_] {
    if (turn == turn_) Run([] {});
  });
}

void PublisherNode::NameOutbox() {
  outbox_id_ = outbox_->id();
  outbox_name_ = name_ + "#" + std::to_string(++outbox_count_);
}

void PublisherNode::FollowOutbox() {
  if (outbox_ == nullptr) return;
  if (outbox_->id() != outbox_id_) {
    Note("renews its outbox");
    NameOutbox();
    renamed_ = world_->now();
    acked_through_ = 0;
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      ++ledger_->payload(waiting_[i]).renewals;
      ledger_->Given(outbox_name_, i + 1, waiting_[i]);
    }
  }
  for (; acked_through_ < outbox_->acked_through(); ++acked_through_) {
    if (waiting_.empty()) return world_->Fail(name_ + ": acked what was not given");
    ledger_->payload(waiting_.front()).acked = true;
    waiting_.pop_front();
  }
}

void PublisherNode::Receive(std::uint64_t connection, const std::string& bytes) {
  if (connection != connection_) return;
  Run([&] { conversation_->Handle(greedy_ ? WithMoreCredit(bytes) : bytes); });
}

std::string PublisherNode::WithMoreCredit(const std::string& bytes) const {
  v1::GatewayMessage message;
  if (!message.ParseFromString(bytes)) return bytes;
  v1::Window* window = nullptr;
  if (message.has_welcome()) window = message.mutable_welcome()->mutable_window();
  if (message.has_ack()) window = message.mutable_ack()->mutable_window();
  if (message.has_busy()) world_->Note(name_ + ": is told busy");
  if (window != nullptr) window->set_payloads(window->payloads() * 2);
  return message.SerializeAsString();
}

void PublisherNode::Lost(std::uint64_t connection) {
  if (connection != connection_) return;
  Note("hears that its connection is lost");
  Run([this] { conversation_->ConnectionLost(); });
}

Status PublisherNode::Connect() {
  if (fenced_) world_->Fail(name_ + ": connects although it is fenced");
  world_->MayKill();
  connection_ = network_->Connect(this);
  return {};
}

Status PublisherNode::Send(std::string_view bytes) {
  if (fenced_) world_->Fail(name_ + ": sends although it is fenced");
  world_->MayKill();
  v1::PublisherMessage parsed;
  if (!parsed.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return {};
  if (parsed.has_hello()) parsed.mutable_hello()->set_outbox_id(outbox_name_);
  const std::string message = parsed.SerializeAsString();
  network_->SendToServer(connection_, message);
  if (!parsed.has_publish()) return {};
  Note("sends seq " + std::to_string(parsed.publish().first_seq()) + ", " +
       std::to_string(parsed.publish().payloads_size()));
  if (!world_->Chance(repeat_chance_)) return {};
  world_->After(world_->Between(Duration{}, kRepeatMax), [this, message, connection = connection_] {
    if (connection != connection_ || !running()) return;
    Note("repeats itself");
    network_->SendToServer(connection, message);
  });
  return {};
}

void PublisherNode::Close(Duration) {
  if (connection_ != 0) network_->CloseByClient(std::exchange(connection_, 0));
}

client::PublisherEvents PublisherNode::Events() {
  return {.on_rejection =
              [this](const client::RejectedPayload& rejected) {
                Note("hears that seq " + std::to_string(rejected.seq) + " is rejected");
                world_->MayKill();
                ledger_->Rejected(rejected);
                world_->MayKill();
              },
          .on_disposition =
              [this](const client::DispositionEvent& told) {
                Note("hears disposition " + std::to_string(told.seq));
                ledger_->DispositionHeard(options_.feed_id, outbox_->journal_id(), told.seq);
                world_->MayKill();
              },
          .on_test_result = nullptr,
          .on_notice = [this](const client::PublisherNotice& notice) { OnNotice(notice); },
          .on_acked =
              [this](std::uint64_t through) {
                Note("is acked through " + std::to_string(through));
                world_->MayKill();
              }};
}

void PublisherNode::OnNotice(const client::PublisherNotice& notice) {
  using Kind = client::PublisherNotice::Kind;
  switch (notice.kind) {
    case Kind::kConnected:
      return Note("has a session");
    case Kind::kFenced:
      Note("is fenced");
      fenced_ = true;
      if (on_fenced_) on_fenced_();
      return;
    case Kind::kGatewayWentBack:
      Note("hears that seq " + std::to_string(notice.lost_from) + " to " +
           std::to_string(notice.lost_through) + " are lost");
      ledger_->TakenAsLost(outbox_name_, notice.lost_from, notice.lost_through);
      world_->MayKill();
      return;
    case Kind::kOutboxWentBack:
    case Kind::kOutboxFailed:
    case Kind::kRefused:
      // None of these is a consequence of what a run does.
      return world_->Fail(name_ + ": " + notice.code + " " + notice.message);
    case Kind::kDisconnected:
    case Kind::kJournalChanged:
      return;
  }
}

}  // namespace fusiongateway::sim
