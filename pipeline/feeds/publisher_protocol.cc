#include "pipeline/feeds/publisher_protocol.h"

#include <algorithm>
#include <utility>

#include "pipeline/feeds/utf8.h"
#include "proto/codec/codec.h"

namespace fusiongateway {
namespace {

constexpr std::uint32_t kProtocolVersion = 1;
constexpr std::size_t kIdBytesMax = 128;
constexpr std::size_t kTestResultBytesMax = 64 << 10;
constexpr std::size_t kRejectionsPerAck = 256;
constexpr std::string_view kFenced =
    "a newer session for this feed took over: two publishers share its feed_id. Stop and tell a "
    "person; this connection will not be taken for this feed again";

void ToWire(std::uint64_t seq, const Refusal& from, v1::Rejection* to) {
  to->set_seq(seq);
  to->set_code(from.code);
  to->set_message(from.message);
  to->set_field(from.field);
}

std::optional<v1::Error> OutboxRefusal(const std::string& outbox_id) {
  if (!outbox_id.empty() && outbox_id.size() <= kIdBytesMax) return std::nullopt;
  return PublisherError("OUTBOX_REQUIRED",
                        "outbox_id names your outbox, 1 to 128 bytes, made once at random when the "
                        "outbox is created");
}

}  // namespace

v1::Error PublisherError(std::string_view code, std::string message) {
  v1::Error error;
  error.set_code(std::string(code));
  error.set_message(std::move(message));
  return error;
}

PublisherProtocol::PublisherProtocol(Decoders decoders, PublisherLimits limits, IngressSink* sink,
                                     std::string session_tag, std::function<void()> wake)
    : limits_(limits),
      sink_(sink),
      session_tag_(std::move(session_tag)),
      fenced_(limits.fenced_connections_max, limits.session_timeout),
      waiting_(std::move(decoders), limits.quota_of_feed, std::move(wake)) {}

PublisherCounters PublisherProtocol::counters() const {
  PublisherCounters counters = counters_;
  counters.fenced_forgotten = fenced_.forgotten_count();
  counters.waiting_bytes = waiting_.bytes();
  for (const auto& [feed_id, decoder] : waiting_.decoders()) {
    counters.plugin_errors += decoder->counters().plugin_error_count;
    counters.unknown_codes += decoder->counters().unknown_code_count;
  }
  return counters;
}

void PublisherProtocol::Handle(const std::string& peer, std::string_view bytes, UtcTime now,
                               SteadyTime steady_now,
                               const std::optional<std::string>& allowed_feed,
                               std::vector<OutgoingMessage>* out) {
  ++counters_.messages;
  const Turn turn{peer, DetectWireForm(bytes), now, steady_now, allowed_feed, out};
  if (bytes.size() > limits_.message_bytes_max) {
    ++counters_.too_large;
    return ReplyError(turn, "TOO_LARGE",
                      "the message has " + std::to_string(bytes.size()) + " bytes, at most " +
                          std::to_string(limits_.message_bytes_max) +
                          " are taken; nothing of it was. Send fewer payloads a message; a single "
                          "payload this large cannot be taken: give its seq to the next one");
  }
  v1::PublisherMessage message;
  if (Status s = ParsePublisherMessage(bytes, turn.form, &message); !s.ok()) {
    ++counters_.malformed;
    return ReplyError(turn, "MALFORMED", s.message());
  }
  if (const auto session = sessions_.find(peer); session != sessions_.end()) {
    session->second.last_heard = steady_now;
    session->second.form = turn.form;
  }
  switch (message.message_case()) {
    case v1::PublisherMessage::kHello:
      return HandleHello(message.hello(), turn);
    case v1::PublisherMessage::kPublish:
      return HandlePublish(std::move(*message.mutable_publish()), bytes.size(), turn);
    case v1::PublisherMessage::kProbe:
      return HandleProbe(message.probe(), turn);
    case v1::PublisherMessage::kHeartbeat:
      return HandleHeartbeat(message.heartbeat(), turn);
    case v1::PublisherMessage::kDispositionAck:
      return HandleDispositionAck(message.disposition_ack(), turn);
    case v1::PublisherMessage::kBye:
      return HandleBye(turn);
    case v1::PublisherMessage::MESSAGE_NOT_SET:
      break;
  }
  ++counters_.malformed;
  ReplyError(turn, "MALFORMED",
             "the message is none of hello, publish, probe, heartbeat, disposition_ack, bye");
}

std::optional<v1::Error> PublisherProtocol::FeedRefusal(
    const std::string& feed_id, const std::optional<std::string>& allowed_feed) {
  if (!waiting_.decoders().contains(feed_id)) {
    return PublisherError(
        "UNKNOWN_FEED",
        "no feed \"" + std::string(Truncated(feed_id, kIdBytesMax)) +
            "\" is configured here; ask the gateway's administrator for its feed_id");
  }
  if (allowed_feed && *allowed_feed != feed_id) {
    ++counters_.forbidden;
    return PublisherError("FORBIDDEN", "this key may not publish for feed \"" + feed_id + "\"");
  }
  return std::nullopt;
}

std::optional<v1::Error> PublisherProtocol::HelloRefusal(const v1::Hello& hello, const Turn& turn) {
  if (auto refusal = FeedRefusal(hello.feed_id(), turn.allowed_feed)) return refusal;
  if (hello.protocol() < 1) {
    return PublisherError("PROTOCOL_UNSUPPORTED",
                          "hello.protocol is the highest version you speak; this gateway speaks 1");
  }
  if (auto refusal = OutboxRefusal(hello.outbox_id())) return refusal;
  const bool test = hello.mode() == "test";
  if (!test && !hello.mode().empty()) {
    return PublisherError("MALFORMED", "hello.mode is \"\" or \"test\"");
  }
  if (test) return std::nullopt;
  if (fenced_.Holds(turn.peer, hello.feed_id(), turn.steady_now)) {
    ++counters_.fenced_hellos;
    return PublisherError("FENCED", std::string(kFenced));
  }
  if (IsOvertaken(hello, turn)) {
    ++counters_.late_hellos;
    return PublisherError(
        "UNAVAILABLE",
        "a later hello of this outbox was answered already; say hello again in a second");
  }
  const Session* older = SessionOfFeed(hello.feed_id());
  if (hello.if_free() && older != nullptr && older->peer != turn.peer) {
    ++counters_.feed_in_use;
    return PublisherError(
        "FEED_IN_USE",
        "\"" + older->client + "\" publishes for feed \"" + hello.feed_id() +
            "\" now, with another outbox_id or over ZeroMQ: one program a feed. Wait "
            "until its session has ended, or take over, which stops it");
  }
  return std::nullopt;
}

template <typename Message>
void PublisherProtocol::TellPlace(std::uint64_t through_seq, UtcTime now, Message* message) const {
  message->set_journal_id(sink_->journal_id());
  message->set_resume_after_seq(through_seq);
  message->mutable_window()->set_payloads(limits_.window_payloads);
  message->mutable_window()->set_bytes(WindowBytes());
  message->set_max_batch(limits_.batch_max);
  message->set_max_message_bytes(limits_.message_bytes_max);
  fusiongateway::ToWire(now, message->mutable_server_time());
}

std::variant<v1::Error, v1::PublisherPlace> PublisherProtocol::LookUp(
    const std::string& feed_id, const std::string& outbox_id, std::uint64_t acked_through,
    UtcTime now, const std::optional<std::string>& allowed_feed) {
  if (auto refusal = FeedRefusal(feed_id, allowed_feed)) return *std::move(refusal);
  if (auto refusal = OutboxRefusal(outbox_id)) return *std::move(refusal);
  const auto outbox = sink_->LookUpOutbox(feed_id, outbox_id, acked_through, kRejectionsPerAck);
  if (!outbox.ok()) {
    return PublisherError("UNAVAILABLE", "the journal cannot be read now; ask again in a second");
  }
  v1::PublisherPlace place;
  TellPlace(outbox->through_seq, now, &place);
  place.mutable_rejections()->Add(outbox->rejections.begin(), outbox->rejections.end());
  const bool all_told = outbox->rejections.size() < kRejectionsPerAck;
  place.set_through_seq(all_told ? outbox->through_seq : outbox->rejections.back().seq());
  return place;
}

std::variant<v1::Error, v1::DispositionsAnswer> PublisherProtocol::PollDispositions(
    const std::string& feed_id, std::uint64_t after_seq,
    const std::optional<std::string>& allowed_feed) {
  if (auto refusal = FeedRefusal(feed_id, allowed_feed)) return *std::move(refusal);
  const Session* session = SessionOfFeed(feed_id);
  if (session != nullptr && !IsExchangePeer(session->peer)) {
    ++counters_.feed_in_use;
    return PublisherError("FEED_IN_USE", "\"" + session->client + "\" has a session for feed \"" +
                                             feed_id + "\" and is told its dispositions");
  }
  const auto unreadable = [] {
    return PublisherError("UNAVAILABLE", "the journal cannot be read now; ask again in a second");
  };
  const auto acked = sink_->DispositionsAckedThrough(feed_id);
  if (!acked.ok()) return unreadable();
  // What is acknowledged must be there: a seq of another journal would acknowledge what nobody has.
  if (after_seq > *acked) {
    const auto last = sink_->Dispositions(feed_id, after_seq - 1, 1);
    if (!last.ok()) return unreadable();
    if (last->empty() || last->front().seq() != after_seq) {
      return PublisherError("SEQ_AHEAD",
                            "there is no disposition " + std::to_string(after_seq) + " of feed \"" +
                                feed_id +
                                "\": the journal was restored or replaced. Ask without after "
                                "for those that are not acknowledged, and count on from there");
    }
    sink_->DispositionsAcked(feed_id, after_seq);
  }
  const std::uint64_t from = std::max(after_seq, *acked);
  const auto due = sink_->Dispositions(feed_id, from, limits_.unacked_dispositions_max);
  if (!due.ok()) return unreadable();
  v1::DispositionsAnswer answer;
  answer.mutable_dispositions()->Add(due->begin(), due->end());
  answer.set_through_seq(due->empty() ? from : due->back().seq());
  return answer;
}

bool PublisherProtocol::IsOvertaken(const v1::Hello& hello, const Turn& turn) {
  const Session* current = SessionOfFeed(hello.feed_id());
  return current != nullptr && current->peer != turn.peer &&
         current->outbox_id == hello.outbox_id() && hello.hello_number() != 0 &&
         hello.hello_number() < current->hello_number;
}

void PublisherProtocol::HandleHello(const v1::Hello& hello, const Turn& turn) {
  if (auto refusal = HelloRefusal(hello, turn)) return ReplyError(turn, *std::move(refusal));
  const bool test = hello.mode() == "test";
  OutboxState outbox;
  std::uint64_t dispositions_acked = 0;
  if (!test) {
    auto found =
        sink_->LookUpOutbox(hello.feed_id(), hello.outbox_id(), hello.acked_through(), SIZE_MAX);
    auto acked = sink_->DispositionsAckedThrough(hello.feed_id());
    if (!found.ok() || !acked.ok()) {
      return ReplyError(turn, "UNAVAILABLE",
                        "the journal cannot be read now; say hello again in a second");
    }
    outbox = std::move(*found);
    dispositions_acked = *acked;
  }

  if (test && sessions_.size() >= waiting_.decoders().size() + limits_.test_sessions_max) {
    return ReplyError(turn, "UNAVAILABLE", "too many test sessions; end one with bye");
  }
  if (!test) {
    Session* older = SessionOfFeed(hello.feed_id());
    if (older != nullptr && older->peer != turn.peer) Fence(*older, turn);
  }
  const auto own = sessions_.find(turn.peer);
  if (own != sessions_.end()) waiting_.Forget(OwnerOf(own->second));
  if (own != sessions_.end() && own->second.feed_id != hello.feed_id()) {
    Close(turn.peer, FeedStatus::State::kDisconnected,
          "已改报另一来源 / said hello for another feed");
  } else if (own != sessions_.end() && test && !own->second.test) {
    Close(turn.peer, FeedStatus::State::kDisconnected, "已转为测试 / said hello in mode test");
  }
  sessions_.erase(turn.peer);
  std::erase_if(peer_of_feed_, [&](const auto& entry) { return entry.second == turn.peer; });

  Session& session = sessions_[turn.peer];
  session.id = session_tag_ + "-" + std::to_string(++sessions_made_);
  session.peer = turn.peer;
  session.feed_id = hello.feed_id();
  session.outbox_id = hello.outbox_id();
  session.client = Truncated(hello.client(), kIdBytesMax);
  session.hello_number = hello.hello_number();
  session.test = test;
  session.form = turn.form;
  session.resumed_after = session.committed_through = session.received_through = outbox.through_seq;
  session.dispositions_acked = session.dispositions_sent = dispositions_acked;
  session.last_heard = turn.steady_now;
  ++counters_.sessions_opened;

  v1::GatewayMessage reply;
  v1::Welcome* welcome = reply.mutable_welcome();
  welcome->set_session(session.id);
  TellPlace(outbox.through_seq, turn.now, welcome);
  welcome->set_protocol(std::min(hello.protocol(), kProtocolVersion));
  Reply(turn, reply);
  if (test) return;

  peer_of_feed_[hello.feed_id()] = turn.peer;
  TellRejectionsAgain(session, outbox.rejections, turn.out);
  PumpDispositions(session, turn.out);
  FeedStatus status;
  status.feed_id = session.feed_id;
  status.state = FeedStatus::State::kConnected;
  status.client = session.client;
  sink_->FeedChanged(status);
}

// In parts, each acking no further than the rejections told so far: a publisher that is cut off in
// between hears the rest after its next hello.
void PublisherProtocol::TellRejectionsAgain(const Session& session,
                                            const std::vector<v1::Rejection>& rejections,
                                            std::vector<OutgoingMessage>* out) {
  for (std::size_t begin = 0; begin < rejections.size(); begin += kRejectionsPerAck) {
    const std::size_t end = std::min(begin + kRejectionsPerAck, rejections.size());
    SendAck(session,
            {rejections.begin() + static_cast<std::ptrdiff_t>(begin),
             rejections.begin() + static_cast<std::ptrdiff_t>(end)},
            out, end == rejections.size() ? session.committed_through : rejections[end - 1].seq());
  }
}

void PublisherProtocol::HandlePublish(v1::Publish&& publish, std::size_t message_bytes,
                                      const Turn& turn) {
  Session* session = Find(publish.session(), turn);
  if (session == nullptr) return;
  if (publish.first_seq() == 0 || publish.payloads_size() == 0) {
    ++counters_.malformed;
    return ReplyError(turn, "MALFORMED", "publish needs first_seq from 1 and at least one payload");
  }
  if (static_cast<std::uint32_t>(publish.payloads_size()) > limits_.batch_max) {
    ++counters_.too_large;
    return ReplyError(turn, "TOO_LARGE",
                      "a publish takes at most " + std::to_string(limits_.batch_max) +
                          " payloads (welcome.max_batch); nothing of it was taken");
  }
  if (session->test) return PublishTest(*session, std::move(publish), message_bytes, turn);
  PublishReal(*session, std::move(publish), message_bytes, turn);
}

void PublisherProtocol::PublishTest(Session& session, v1::Publish&& publish,
                                    std::size_t message_bytes, const Turn& turn) {
  session.received_through = publish.first_seq() - 1;
  if (waiting_.bytes_of(session.id) + message_bytes > WindowBytes()) return SendBusy(session, turn);
  Wait(session, std::move(publish), 0, message_bytes, turn);
}

void PublisherProtocol::TellTestResults(Session& session, const IngressBatch& batch,
                                        std::vector<OutgoingMessage>* out) {
  for (const IngressItem& item : batch.items) {
    v1::GatewayMessage reply;
    v1::TestResult* result = reply.mutable_test_result();
    result->set_seq(item.seq);
    for (const ReportPtr& report : item.reports) {
      fusiongateway::ToWire(*report, result->add_reports());
    }
    if (item.refusal) ToWire(item.seq, *item.refusal, result->mutable_rejection());
    // A test session gives no credit back, so what waits for a peer that does not read is bounded
    // by the socket's queue times this.
    if (result->ByteSizeLong() > kTestResultBytesMax) {
      result->clear_reports();
      ToWire(item.seq,
             {"RESULT_TOO_LARGE", "taken, but too large to show; test a smaller payload", ""},
             result->mutable_rejection());
    }
    out->push_back({session.peer, SerialiseWire(reply, session.form)});
  }
  session.committed_through = batch.items.back().seq;
}

void PublisherProtocol::PublishReal(Session& session, v1::Publish&& publish,
                                    std::size_t message_bytes, const Turn& turn) {
  const std::uint64_t last_seq = publish.first_seq() + publish.payloads_size() - 1;
  if (publish.first_seq() > session.received_through + 1) {
    // After a busy the publisher's later batches are still on their way: refuse them alike.
    if (session.refusing) return SendBusy(session, turn);
    v1::Error gap = PublisherError(
        "SEQ_GAP", "first_seq is " + std::to_string(publish.first_seq()) + ", the next one is " +
                       std::to_string(session.received_through + 1) +
                       "; seqs are gapless within an outbox_id");
    gap.set_next_seq(session.received_through + 1);
    return ReplyError(turn, std::move(gap));
  }
  if (last_seq <= session.received_through) {
    counters_.duplicates += publish.payloads_size();
    return AckRepeat(session, publish.first_seq(), last_seq, turn);
  }
  if (publish.first_seq() <= session.committed_through) {
    AckRepeat(session, publish.first_seq(), session.committed_through, turn);
  }
  const std::uint64_t from_seq = std::max(publish.first_seq(), session.received_through + 1);
  counters_.duplicates += from_seq - publish.first_seq();
  if (last_seq > session.committed_through + limits_.window_payloads ||
      session.bytes_in_flight_total + message_bytes > limits_.window_bytes ||
      waiting_.bytes_of(session.id) + message_bytes > WindowBytes()) {
    return SendBusy(session, turn);
  }
  session.refusing = false;
  session.received_through = last_seq;
  session.bytes_in_flight[last_seq] = message_bytes;
  session.bytes_in_flight_total += message_bytes;
  const int next = static_cast<int>(from_seq - publish.first_seq());
  Wait(session, std::move(publish), next, message_bytes, turn);
}

PayloadOwner PublisherProtocol::OwnerOf(const Session& session) {
  return {session.id, session.peer, session.feed_id, session.outbox_id, session.test};
}

// A session's fair share of what may wait, and one message at the least.
std::uint64_t PublisherProtocol::WindowBytes() const {
  const std::uint64_t share =
      limits_.waiting_bytes_max / std::max<std::uint64_t>(sessions_.size(), 1);
  return std::min(limits_.window_bytes, std::max(share, limits_.message_bytes_max));
}

void PublisherProtocol::Wait(Session& session, v1::Publish&& publish, int next,
                             std::size_t message_bytes, const Turn& turn) {
  // The publisher's clock as it is known now, when the message arrives.
  if (publish.has_sent_at()) session.clock.Hear(FromWire(publish.sent_at()), turn.now);
  const DecodeContext context{turn.now, session.clock.EstimateAt(turn.now), session.clock.doubted(),
                              session.test};
  waiting_.Push(OwnerOf(session), std::move(publish), next, message_bytes, context);
}

PublisherProtocol::Decoded PublisherProtocol::DecodeSome(SteadyTime steady_now,
                                                         std::vector<OutgoingMessage>* out) {
  std::vector<DecodedPiece> pieces;
  const auto reserve = [this](std::size_t payloads) { return sink_->Reserve(payloads); };
  const Decoded decoded = waiting_.DecodeSome(steady_now, reserve, &pieces);
  for (DecodedPiece& piece : pieces) TakePiece(std::move(piece), out);
  return decoded;
}

void PublisherProtocol::TakePiece(DecodedPiece&& piece, std::vector<OutgoingMessage>* out) {
  for (const IngressItem& item : piece.batch.items) {
    ++counters_.payloads;
    if (item.refusal) ++counters_.rejections;
  }
  // A session that ended took what waited of it along.
  Session& session = sessions_.at(piece.owner.peer);
  if (session.test) {
    TellTestResults(session, piece.batch, out);
    if (piece.finished) SendAck(session, {}, out);
    return;
  }
  sink_->Take(std::move(piece.batch));
  if (!piece.clock_finding) return;
  FeedStatus status;
  status.feed_id = session.feed_id;
  status.state = FeedStatus::State::kConnected;
  status.client = session.client;
  status.note = *std::move(piece.clock_finding);
  sink_->FeedChanged(status);
}

// Below what welcome said is on disk. Harmless when it is a repeat; a wiped outbox must know.
v1::Rejection PublisherProtocol::AlreadyTaken(const Session& session, std::uint64_t through_seq) {
  v1::Rejection told;
  told.set_seq(through_seq);
  told.set_code("ALREADY_TAKEN");
  told.set_message("seqs through " + std::to_string(session.resumed_after) +
                   " of this outbox_id were on disk before this session (welcome."
                   "resume_after_seq); these payloads were not read. If your outbox was wiped, "
                   "say hello with a new outbox_id");
  return told;
}

// The ack of the first time, with its rejections, may have been lost on the way.
void PublisherProtocol::AckRepeat(const Session& session, std::uint64_t first_seq,
                                  std::uint64_t last_seq, const Turn& turn) {
  last_seq = std::min(last_seq, session.committed_through);
  if (first_seq > last_seq) return SendAck(session, {}, turn.out);
  auto outbox = sink_->LookUpOutbox(session.feed_id, session.outbox_id, first_seq - 1,
                                    static_cast<std::size_t>(last_seq - first_seq + 1));
  if (!outbox.ok()) {
    return ReplyError(turn, "UNAVAILABLE",
                      "the journal cannot be read now; send again in a second");
  }
  std::erase_if(outbox->rejections, [&](const v1::Rejection& r) { return r.seq() > last_seq; });
  if (first_seq <= session.resumed_after) {
    outbox->rejections.push_back(AlreadyTaken(session, std::min(last_seq, session.resumed_after)));
  }
  SendAck(session, outbox->rejections, turn.out);
}

void PublisherProtocol::SendBusy(Session& session, const Turn& turn) {
  ++counters_.busy;
  session.refusing = true;
  v1::GatewayMessage reply;
  reply.mutable_busy()->set_next_seq(session.received_through + 1);
  fusiongateway::ToWire(limits_.busy_retry_after, reply.mutable_busy()->mutable_retry_after());
  Reply(turn, reply);
}

void PublisherProtocol::HandleProbe(const v1::Probe& probe, const Turn& turn) {
  v1::GatewayMessage message;
  v1::ProbeReply* reply = message.mutable_probe_reply();
  *reply->mutable_t1() = probe.t1();
  fusiongateway::ToWire(turn.now, reply->mutable_t2());
  fusiongateway::ToWire(turn.now, reply->mutable_t3());
  Reply(turn, message);
  const auto found = sessions_.find(turn.peer);
  if (found == sessions_.end()) return;
  Session& session = found->second;
  // Only an exchange that this gateway itself took part in says anything of the peer's clock.
  if (probe.has_last() && session.last_reply &&
      FromWire(probe.last().t1()) == FromWire(session.last_reply->t1()) &&
      FromWire(probe.last().t2()) == FromWire(session.last_reply->t2()) &&
      FromWire(probe.last().t3()) == FromWire(session.last_reply->t3())) {
    // A refused exchange is counted by the clock itself.
    (void)session.clock.Add({FromWire(probe.last().t1()), FromWire(probe.last().t2()),
                             FromWire(probe.last().t3()), FromWire(probe.last().t4())});
  }
  session.last_reply = *reply;
}

void PublisherProtocol::HandleHeartbeat(const v1::Heartbeat& heartbeat, const Turn& turn) {
  if (Session* session = Find(heartbeat.session(), turn); session != nullptr) {
    SendAck(*session, {}, turn.out);
    PumpDispositions(*session, turn.out);
  }
}

void PublisherProtocol::HandleDispositionAck(const v1::DispositionAck& ack, const Turn& turn) {
  const auto found = sessions_.find(turn.peer);
  if (found == sessions_.end() || found->second.test) {
    return ReplyError(turn, "HELLO_REQUIRED", "say hello first");
  }
  Session& session = found->second;
  const std::uint64_t through = std::min(ack.through_seq(), session.dispositions_sent);
  if (through <= session.dispositions_acked) return;
  session.dispositions_acked = through;
  sink_->DispositionsAcked(session.feed_id, through);
  PumpDispositions(session, turn.out);
}

void PublisherProtocol::HandleBye(const Turn& turn) {
  Close(turn.peer, FeedStatus::State::kDisconnected, "发布端已告别 / said bye");
}

void PublisherProtocol::Committed(const CommittedThrough& committed,
                                  std::vector<OutgoingMessage>* out) {
  Session* session = SessionOfFeed(committed.feed_id);
  if (session == nullptr || session->outbox_id != committed.outbox_id) return;
  session->committed_through = std::max(session->committed_through, committed.through_seq);
  // What an older session had under way may be on disk before this one sent it again.
  session->received_through = std::max(session->received_through, session->committed_through);
  auto& in_flight = session->bytes_in_flight;
  while (!in_flight.empty() && in_flight.begin()->first <= session->committed_through) {
    session->bytes_in_flight_total -= in_flight.begin()->second;
    in_flight.erase(in_flight.begin());
  }
  SendAck(*session, committed.rejections, out);
}

void PublisherProtocol::DispositionsMade(const std::string& feed_id,
                                         std::vector<OutgoingMessage>* out) {
  if (Session* session = SessionOfFeed(feed_id); session != nullptr) {
    PumpDispositions(*session, out);
  }
}

void PublisherProtocol::PumpDispositions(Session& session, std::vector<OutgoingMessage>* out) {
  if (session.test || IsExchangePeer(session.peer)) return;
  const std::uint64_t unacked = session.dispositions_sent - session.dispositions_acked;
  if (unacked >= limits_.unacked_dispositions_max) return;
  const auto due = sink_->Dispositions(session.feed_id, session.dispositions_sent,
                                       limits_.unacked_dispositions_max - unacked);
  if (!due.ok()) return;  // told again with the next heartbeat
  for (const v1::Disposition& disposition : *due) {
    v1::GatewayMessage message;
    *message.mutable_disposition() = disposition;
    out->push_back({session.peer, SerialiseWire(message, session.form)});
    session.dispositions_sent = disposition.seq();
  }
}

void PublisherProtocol::ReplyLost(const std::string& peer) {
  Close(peer, FeedStatus::State::kDisconnected,
        "已离开，或不再接收消息 / gone, or does not read what it is told");
}

std::map<std::string, FeedClockCounters> PublisherProtocol::clock_counters() const {
  std::map<std::string, FeedClockCounters> counters;
  for (const auto& [feed_id, decoder] : waiting_.decoders())
    counters[feed_id] = decoder->counters().clocks;
  return counters;
}

void PublisherProtocol::Expire(SteadyTime steady_now) {
  fenced_.Expire(steady_now);
  std::vector<std::string> silent;
  for (const auto& [peer, session] : sessions_) {
    if (steady_now - session.last_heard > limits_.session_timeout) silent.push_back(peer);
  }
  for (const std::string& peer : silent) {
    ++counters_.sessions_timed_out;
    // Who asks over HTTP has no heartbeat and cannot say bye.
    Close(peer, FeedStatus::State::kDisconnected,
          IsExchangePeer(peer) ? "暂无 HTTP 请求 / no HTTP request lately"
                               : "太久没有消息和心跳 / silent for too long; no heartbeat");
  }
}

std::map<std::string, PluginProcessCounters> PublisherProtocol::process_counters() const {
  std::map<std::string, PluginProcessCounters> counters;
  for (const auto& [feed_id, decoder] : waiting_.decoders()) {
    if (decoder->isolated()) counters[feed_id] = decoder->process_counters();
  }
  return counters;
}

void PublisherProtocol::TakeTables(std::map<std::string, FeedTables> tables) {
  for (auto& [feed_id, feed_tables] : tables) {
    const auto decoder = waiting_.decoders().find(feed_id);
    if (decoder != waiting_.decoders().end()) decoder->second->TakeTables(std::move(feed_tables));
  }
}

PublisherProtocol::Session* PublisherProtocol::Find(const std::string& session_id,
                                                    const Turn& turn) {
  const auto found = sessions_.find(turn.peer);
  if (found != sessions_.end() && found->second.id == session_id) return &found->second;
  if (found == sessions_.end() && fenced_.Holds(turn.peer)) {
    ReplyError(turn, "FENCED", std::string(kFenced));
    return nullptr;
  }
  ReplyError(turn, "HELLO_REQUIRED", "no such session; say hello and use welcome.session");
  return nullptr;
}

PublisherProtocol::Session* PublisherProtocol::SessionOfFeed(const std::string& feed_id) {
  const auto peer = peer_of_feed_.find(feed_id);
  return peer == peer_of_feed_.end() ? nullptr : &sessions_.at(peer->second);
}

void PublisherProtocol::Fence(Session& older, const Turn& turn) {
  ++counters_.fenced;
  v1::GatewayMessage message;
  message.mutable_error()->set_code("FENCED");
  message.mutable_error()->set_message(std::string(kFenced));
  turn.out->push_back({older.peer, SerialiseWire(message, older.form)});
  fenced_.Add(older.peer, older.feed_id, turn.steady_now);
  waiting_.Forget(OwnerOf(older));
  const std::string peer = older.peer;
  peer_of_feed_.erase(older.feed_id);
  sessions_.erase(peer);
}

void PublisherProtocol::Close(const std::string& peer, FeedStatus::State state,
                              const std::string& note) {
  const auto found = sessions_.find(peer);
  if (found == sessions_.end()) return;
  const Session& session = found->second;
  waiting_.Forget(OwnerOf(session));
  if (!session.test) {
    FeedStatus status;
    status.feed_id = session.feed_id;
    status.state = state;
    status.client = session.client;
    status.note = note;
    peer_of_feed_.erase(session.feed_id);
    sink_->FeedChanged(status);
  }
  sessions_.erase(found);
}

void PublisherProtocol::SendAck(const Session& session,
                                const std::vector<v1::Rejection>& rejections,
                                std::vector<OutgoingMessage>* out,
                                std::optional<std::uint64_t> through_seq) {
  v1::GatewayMessage message;
  v1::Ack* ack = message.mutable_ack();
  ack->set_through_seq(through_seq.value_or(session.committed_through));
  for (const auto& rejection : rejections) *ack->add_rejections() = rejection;
  ack->mutable_window()->set_payloads(limits_.window_payloads);
  ack->mutable_window()->set_bytes(WindowBytes());
  out->push_back({session.peer, SerialiseWire(message, session.form)});
}

void PublisherProtocol::Reply(const Turn& turn, const v1::GatewayMessage& message) {
  turn.out->push_back({turn.peer, SerialiseWire(message, turn.form)});
}

void PublisherProtocol::ReplyError(const Turn& turn, v1::Error error) {
  v1::GatewayMessage reply;
  *reply.mutable_error() = std::move(error);
  Reply(turn, reply);
}

void PublisherProtocol::ReplyError(const Turn& turn, std::string_view code, std::string message) {
  ReplyError(turn, PublisherError(code, std::move(message)));
}

}  // namespace fusiongateway
