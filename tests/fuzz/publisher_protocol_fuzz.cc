// Fuzz target: the gateway's side of the publisher protocol under a sequence of messages, commits
// and losses, over a real plugin, with the journal in memory.
//
// The input is a list of steps: a byte that says what happens (low 3 bits) and to whom (next 2
// bits), and for a message two bytes of length, little-endian, and its bytes.
//
// Holds to: every answer can be read in the form its peer spoke; nothing is acked that was not
// committed; a batch is consecutive and within the window; a payload is taken or refused.
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/feeds/publisher_protocol.h"
#include "tests/fuzz/require.h"

namespace fusiongateway {
namespace {

constexpr UtcTime kNow{std::chrono::seconds{1'790'000'000}};

// What the fusion loop and the journal are to the protocol.
class MemorySink final : public IngressSink {
 public:
  bool Reserve(std::size_t) override { return !full; }
  void Take(IngressBatch&& batch) override {
    fuzz::Require(!batch.items.empty(), "an empty batch");
    for (std::size_t i = 0; i < batch.items.size(); ++i) {
      const IngressItem& item = batch.items[i];
      fuzz::Require(item.seq == batch.items[0].seq + i, "a batch with a gap");
      fuzz::Require(item.reports.empty() == item.refusal.has_value(), "both or neither");
    }
    const std::uint64_t last = batch.items.back().seq;
    fuzz::Require(batch.items[0].seq <= handed_over[batch.outbox_id] + 1, "a gap between batches");
    fuzz::Require(last <= through[batch.outbox_id] + limits.window_payloads, "beyond the window");
    auto& handed = handed_over[batch.outbox_id];
    handed = std::max(handed, last);
    batches.push_back(std::move(batch));
  }
  void FeedChanged(const FeedStatus&) override {}
  void DispositionsAcked(const std::string&, std::uint64_t through_seq) override {
    fuzz::Require(through_seq <= dispositions, "a disposition is acked that was not made");
    dispositions_acked = std::max(dispositions_acked, through_seq);
  }
  std::string journal_id() const override { return "journal"; }
  Result<OutboxState> LookUpOutbox(const std::string&, const std::string& outbox_id, std::uint64_t,
                                   std::size_t) override {
    return OutboxState{through[outbox_id], {}};
  }
  Result<std::vector<v1::Disposition>> Dispositions(const std::string&, std::uint64_t after_seq,
                                                    std::size_t max) override {
    std::vector<v1::Disposition> found;
    for (std::uint64_t seq = after_seq + 1; seq <= dispositions && found.size() < max; ++seq) {
      found.emplace_back().set_seq(seq);
    }
    return found;
  }
  Result<std::uint64_t> DispositionsAckedThrough(const std::string&) override {
    return dispositions_acked;
  }

  PublisherLimits limits;
  bool full = false;
  std::vector<IngressBatch> batches;
  std::map<std::string, std::uint64_t> through;      // by outbox: on disk
  std::map<std::string, std::uint64_t> handed_over;  // by outbox
  std::uint64_t dispositions = 0;
  std::uint64_t dispositions_acked = 0;
};

std::unique_ptr<FeedDecoder> MakeDecoder() {
  FeedConfig config;
  config.feed_id = "grid";
  config.plugin = "grid";
  config.plugin_dir = FG_FEED_PLUGIN_DIR;
  auto decoder = FeedDecoder::Create(config, {}, CodeTables());
  if (!decoder.ok()) fuzz::Fail(decoder.status().message());
  return std::move(*decoder);
}

PublisherLimits SmallLimits() {
  PublisherLimits limits;
  limits.window_payloads = 8;
  limits.batch_max = 4;
  limits.unacked_dispositions_max = 2;
  limits.message_bytes_max = 4096;
  limits.window_bytes = 16384;
  return limits;
}

class Run {
 public:
  Run() {
    sink_.limits = SmallLimits();
    PublisherProtocol::Decoders decoders;
    decoders["grid"] = MakeDecoder();
    protocol_ = std::make_unique<PublisherProtocol>(std::move(decoders), sink_.limits, &sink_, "t");
  }

  void Step(int what, const std::string& peer, std::string_view bytes) {
    std::vector<OutgoingMessage> out;
    switch (what) {
      case 0:
        protocol_->Handle(peer, bytes, kNow, steady_, std::nullopt, &out);
        break;
      case 1:
        (void)protocol_->DecodeSome(steady_, &out);
        break;
      case 2:
        Commit(&out);
        break;
      case 3:
        steady_ += std::chrono::seconds{20};
        protocol_->Expire(steady_);
        break;
      case 4:
        protocol_->ReplyLost(peer);
        break;
      case 5:
        ++sink_.dispositions;
        protocol_->DispositionsMade("grid", &out);
        break;
      case 6:
        sink_.full = !sink_.full;
        break;
      default:
        protocol_->Handle(peer, bytes, kNow, steady_, "other", &out);
        break;
    }
    while (protocol_->DecodeSome(steady_, &out) == PublisherProtocol::Decoded::kSome) {
    }
    for (const auto& message : out) CheckAnswer(message);
  }

 private:
  void Commit(std::vector<OutgoingMessage>* out) {
    if (sink_.batches.empty()) return;
    const IngressBatch batch = std::move(sink_.batches.front());
    sink_.batches.erase(sink_.batches.begin());
    CommittedThrough committed{batch.feed_id, batch.outbox_id, batch.items.back().seq, {}};
    auto& through = sink_.through[batch.outbox_id];
    through = std::max(through, committed.through_seq);
    protocol_->Committed(committed, out);
  }

  void CheckAnswer(const OutgoingMessage& message) {
    v1::GatewayMessage answer;
    fuzz::Require(ParseWire(message.bytes, DetectWireForm(message.bytes), &answer).ok(),
                  "an answer that cannot be read");
    fuzz::Require(answer.message_case() != v1::GatewayMessage::MESSAGE_NOT_SET, "an empty answer");
    // A test session's acks are about payloads that nobody keeps.
    if (answer.has_ack() && !tested_) {
      std::uint64_t most = 0;
      for (const auto& [outbox, through] : sink_.through) most = std::max(most, through);
      fuzz::Require(answer.ack().through_seq() <= most, "acked what was not committed");
    }
    tested_ = tested_ || answer.has_test_result();
  }

  MemorySink sink_;
  std::unique_ptr<PublisherProtocol> protocol_;
  SteadyTime steady_{};
  bool tested_ = false;
};

}  // namespace
}  // namespace fusiongateway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fusiongateway;
  fuzz::QuietProtobuf();
  // Keeps the module loaded: the fuzzer writes to the counters of every module it has seen.
  static const std::unique_ptr<FeedDecoder> keeps_the_module = MakeDecoder();
  Run run;
  for (std::size_t at = 0; at < size;) {
    const int what = data[at] & 7;
    const std::string peer(1, static_cast<char>('a' + (data[at] >> 3 & 3)));
    ++at;
    std::string_view bytes;
    if ((what == 0 || what == 7) && at + 2 <= size) {
      const std::size_t length =
          std::min<std::size_t>(data[at] | std::size_t{data[at + 1]} << 8, size - at - 2);
      bytes = {reinterpret_cast<const char*>(data) + at + 2, length};
      at += 2 + length;
    }
    run.Step(what, peer, bytes);
  }
  return 0;
}
