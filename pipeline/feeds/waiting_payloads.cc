#include "pipeline/feeds/waiting_payloads.h"

#include <algorithm>

namespace fusiongateway {
namespace {

// Decoded in one piece: what a well-behaved feed waits for at the longest.
constexpr int kDecodedAtOnce = 64;
constexpr std::uint64_t kWorkAtOnce = 32u << 10;
// What a payload costs whatever its length, in bytes of payload.
constexpr std::uint64_t kWorkPerPayload = 256;

std::uint64_t WorkOf(const v1::Publish& publish, int begin, int end) {
  std::uint64_t work = 0;
  for (int i = begin; i < end; ++i) work += kWorkPerPayload + publish.payloads(i).size();
  return work;
}

// Payloads of one piece: at least one, about `work_max` in all.
int CountAtOnce(const v1::Publish& publish, int next, std::uint64_t work_max,
                std::uint64_t count_max) {
  const auto most = static_cast<int>(
      std::min<std::uint64_t>(count_max, std::min(publish.payloads_size() - next, kDecodedAtOnce)));
  std::uint64_t work = 0;
  int count = 0;
  for (; count < most && work < work_max; ++count) {
    work += WorkOf(publish, next + count, next + count + 1);
  }
  return count;
}

}  // namespace

WaitingPayloads::WaitingPayloads(Decoders decoders,
                                 const std::map<std::string, std::uint64_t>& quota_of_feed,
                                 std::function<void()> wake)
    : decoders_(std::move(decoders)),
      wake_(std::move(wake)),
      real_(kWorkAtOnce),
      tests_(kWorkAtOnce) {
  for (const auto& [feed_id, per_second] : quota_of_feed) real_.SetQuota(feed_id, per_second);
}

void WaitingPayloads::Push(const PayloadOwner& owner, v1::Publish&& publish, int next,
                           std::size_t bytes, const DecodeContext& context) {
  bytes_ += bytes;
  bytes_of_[owner.session_id] += bytes;
  const std::uint64_t work = WorkOf(publish, next, publish.payloads_size());
  QueueOf(owner).Push(LineOf(owner), {owner, std::move(publish), next, bytes, context}, work);
}

void WaitingPayloads::Forget(const PayloadOwner& owner) {
  QueueOf(owner).Drop(LineOf(owner));
  bytes_ -= bytes_of(owner.session_id);
  bytes_of_.erase(owner.session_id);
  const auto lot = lots_.find(owner.feed_id);
  if (lot == lots_.end() || lot->second.session_id != owner.session_id) return;
  lot->second.forgotten = true;
  decoders_.at(owner.feed_id)->CutLot();
}

std::uint64_t WaitingPayloads::bytes_of(const std::string& session_id) const {
  const auto found = bytes_of_.find(session_id);
  return found == bytes_of_.end() ? 0 : found->second;
}

void WaitingPayloads::Finished(const Message& message) {
  bytes_ -= message.bytes;
  const auto own = bytes_of_.find(message.owner.session_id);
  own->second -= message.bytes;
  if (own->second == 0) bytes_of_.erase(own);
}

WaitingPayloads::Decoded WaitingPayloads::DecodeSome(SteadyTime steady_now, const Reserve& reserve,
                                                     std::vector<DecodedPiece>* pieces) {
  LookAtLots();
  const auto no_room_needed = [](std::size_t) { return true; };
  const Decoded tested = DecodeFrom(&tests_, steady_now, no_room_needed, pieces);
  const Decoded decoded = DecodeFrom(&real_, steady_now, reserve, pieces);
  return tested == Decoded::kSome ? tested : decoded;
}

WaitingPayloads::Decoded WaitingPayloads::DecodeFrom(Queue* queue, SteadyTime steady_now,
                                                     const Reserve& reserve,
                                                     std::vector<DecodedPiece>* pieces) {
  const auto turn = queue->Next(steady_now);
  if (!turn) return Decoded::kIdle;
  Message& message = *turn->item;
  const int count = CountNow(
      CountAtOnce(message.publish, message.next, turn->work_max, turn->count_max), &message);
  if (count == 0) {
    queue->Spend(0, 0, false);
    return Decoded::kSome;
  }
  if (!reserve(static_cast<std::size_t>(count))) return Decoded::kNoRoom;
  DecodedPiece piece = Decode(message, count);
  const std::uint64_t work = WorkOf(message.publish, message.next, message.next + count);
  message.next += count;
  message.begun = false;
  piece.finished = message.next == message.publish.payloads_size();
  if (piece.finished) Finished(message);
  queue->Spend(work, static_cast<std::uint64_t>(count), piece.finished);
  pieces->push_back(std::move(piece));
  return Decoded::kSome;
}

int WaitingPayloads::CountNow(int most, Message* message) {
  const std::string& feed_id = message->owner.feed_id;
  FeedDecoder& decoder = *decoders_.at(feed_id);
  if (!decoder.isolated()) return most;
  if (!message->begun) {
    BeginLot(most, message);
    return 0;
  }
  const auto count = static_cast<int>(decoder.answered_count());
  if (count > 0) return count;
  // Cut short before anything of it was answered.
  decoder.DropLot();
  EndLot(feed_id);
  message->begun = false;
  return 0;
}

DecodedPiece WaitingPayloads::Decode(const Message& message, int count) {
  const PayloadOwner& owner = message.owner;
  DecodedPiece piece{
      owner, {owner.feed_id, owner.outbox_id, message.context.received_at, {}}, false, {}};
  piece.batch.items.reserve(static_cast<std::size_t>(count));
  std::uint64_t seq = message.publish.first_seq() + static_cast<std::uint64_t>(message.next);
  for (DecodeOutcome& outcome : Outcomes(message, count)) {
    IngressItem item{seq++, {}, std::move(outcome.refusal), std::move(outcome.masked_payload)};
    item.reports.reserve(outcome.reports.size());
    for (Report& report : outcome.reports) {
      item.reports.push_back(std::make_shared<const Report>(std::move(report)));
    }
    piece.batch.items.push_back(std::move(item));
  }
  piece.clock_finding = decoders_.at(owner.feed_id)->TakeClockFinding();
  return piece;
}

std::vector<DecodeOutcome> WaitingPayloads::Outcomes(const Message& message, int count) {
  FeedDecoder& decoder = *decoders_.at(message.owner.feed_id);
  if (decoder.isolated()) {
    auto outcomes = decoder.Finish();
    EndLot(message.owner.feed_id);
    return outcomes;
  }
  std::vector<DecodeOutcome> outcomes;
  outcomes.reserve(static_cast<std::size_t>(count));
  for (int i = message.next; i < message.next + count; ++i) {
    outcomes.push_back(decoder.Decode(message.publish.payloads(i), message.context));
  }
  return outcomes;
}

void WaitingPayloads::BeginLot(int count, Message* message) {
  const PayloadOwner& owner = message->owner;
  FeedDecoder& decoder = *decoders_.at(owner.feed_id);
  Lot& lot = lots_[owner.feed_id];
  QueueOf(owner).Hold(LineOf(owner));
  lot.held_lines.emplace_back(&QueueOf(owner), LineOf(owner));
  if (decoder.begun()) return;  // at another session's: after that
  const auto from = message->publish.payloads().begin() + message->next;
  decoder.Begin({from, from + count}, message->context, wake_);
  message->begun = true;
  lot.session_id = owner.session_id;
}

void WaitingPayloads::LookAtLots() {
  std::vector<std::string> ended;
  for (auto& [feed_id, lot] : lots_) {
    FeedDecoder& decoder = *decoders_.at(feed_id);
    if (!decoder.answered()) continue;
    if (lot.forgotten) {
      decoder.DropLot();
      ended.push_back(feed_id);
      continue;
    }
    // Its own line is the first: the others wait until the lot has been taken.
    const auto& [queue, line] = lot.held_lines.front();
    queue->Release(line);
  }
  for (const std::string& feed_id : ended) EndLot(feed_id);
}

void WaitingPayloads::EndLot(const std::string& feed_id) {
  const auto lot = lots_.extract(feed_id);
  if (lot.empty()) return;
  for (const auto& [queue, line] : lot.mapped().held_lines) queue->Release(line);
}

}  // namespace fusiongateway
