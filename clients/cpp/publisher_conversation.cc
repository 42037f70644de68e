#include "clients/cpp/publisher_conversation.h"

#include <algorithm>
#include <utility>

#include "proto/codec/codec.h"
#include "proto/codec/json_form.h"

namespace fusiongateway::client {
namespace {

constexpr std::uint32_t kProtocol = 1;
// Envelope of a Publish beside its payloads: session, seq, time.
constexpr std::uint64_t kEnvelopeBytes = 512;
// A new session probes at once a few times: the gateway can align the first payloads.
constexpr int kFirstProbes = 4;
constexpr Duration kFirstProbeInterval = std::chrono::milliseconds(50);
// So many batches before the other direction has its turn.
constexpr int kTurn = 64;
constexpr Duration kByeLinger = std::chrono::milliseconds(200);
constexpr Duration kSendRetry = std::chrono::milliseconds(20);

WireForm ToWireForm(MessageForm form) {
  return form == MessageForm::kJson ? WireForm::kJson : WireForm::kProtobuf;
}

// What one payload adds to a message: base64 in the JSON form.
std::uint64_t EncodedBytes(std::uint64_t payload, MessageForm form) {
  return form == MessageForm::kJson ? (payload + 2) / 3 * 4 + 3 : payload + 6;
}

}  // namespace

PublisherConversation::PublisherConversation(const PublisherOptions& options,
                                             const PublisherEvents& events, Outbox* outbox,
                                             PublisherLink* link, const Clock& clock,
                                             std::function<void()> on_progress)
    : options_(options),
      events_(events),
      outbox_(outbox),
      link_(link),
      clock_(clock),
      on_progress_(std::move(on_progress)) {}

// Not by stats(): that waits for the outbox, which may be writing to disk.
bool PublisherConversation::fenced() const {
  std::lock_guard lock(mutex_);
  return stats_.fenced;
}

PublisherStats PublisherConversation::stats() const {
  std::lock_guard lock(mutex_);
  PublisherStats stats = stats_;
  stats.last_seq = outbox_->last_seq();
  stats.acked_through = outbox_->acked_through();
  stats.waiting = outbox_->payload_count();
  return stats;
}

Duration PublisherConversation::DoWhatIsDue() {
  const SteadyTime now = clock_.SteadyNow();
  if (state_ == State::kDown) {
    if (now >= next_attempt_) Connect();
  } else if (state_ == State::kHello) {
    if (now >= hello_deadline_) Drop(Duration::zero());
  } else if (now >= last_heard_ + options_.silence_max) {
    Disconnected("the gateway has gone silent; reconnecting");
  } else {
    if (now >= probe_due_) SendProbe();
    if (now >= heartbeat_due_) SendHeartbeat();
    if (now >= send_after_) SendPayloads();
  }
  return std::max(UntilNextTask(), Duration::zero());
}

void PublisherConversation::Connect() {
  if (Status connected = link_->Connect(); !connected.ok()) {
    Tell({.kind = PublisherNotice::Kind::kRefused,
          .message = connected.message(),
          .code = "BAD_ENDPOINT"});
    BackOff();
    return;
  }
  SayHello();
}

void PublisherConversation::ConnectionLost() {
  Disconnected("the connection to the gateway was lost; reconnecting");
}

void PublisherConversation::KeyRefused() {
  Tell({.kind = PublisherNotice::Kind::kRefused,
        .message = "the gateway refused this CURVE key; check the keys on both sides",
        .code = "KEY_REFUSED"});
  BackOff();
}

void PublisherConversation::SayHello() {
  const Result<std::uint64_t> number = outbox_->CountHello();
  if (!OutboxOk(number.ok() ? Status{} : number.status())) return;
  v1::PublisherMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_feed_id(options_.feed_id);
  hello.set_client(options_.client);
  hello.set_protocol(kProtocol);
  hello.set_outbox_id(outbox_->id());
  hello.set_acked_through(outbox_->acked_through());
  hello.set_hello_number(*number);
  if (options_.test_mode) hello.set_mode("test");
  state_ = State::kHello;
  hello_deadline_ = clock_.SteadyNow() + options_.hello_timeout;
  Send(message);
}

void PublisherConversation::Drop(Duration before_next, Duration linger) {
  link_->Close(linger);
  state_ = State::kDown;
  session_.clear();
  too_large_.clear();
  probe_t1_.reset();
  last_exchange_.Clear();
  next_attempt_ = clock_.SteadyNow() + before_next;
  std::lock_guard lock(mutex_);
  stats_.connected = false;
}

void PublisherConversation::BackOff() {
  back_off_ = std::clamp(back_off_ * 2, options_.retry_min, options_.retry_max);
  Drop(back_off_);
}

void PublisherConversation::Disconnected(const std::string& why) {
  if (state_ != State::kOpen) {
    BackOff();
    return;
  }
  Drop(Duration::zero());
  Tell({.kind = PublisherNotice::Kind::kDisconnected, .message = why});
}

Duration PublisherConversation::UntilNextTask() const {
  const SteadyTime now = clock_.SteadyNow();
  if (state_ == State::kDown) return next_attempt_ - now;
  if (state_ == State::kHello) return hello_deadline_ - now;
  SteadyTime next = std::min({heartbeat_due_, probe_due_, last_heard_ + options_.silence_max});
  if (send_after_ > now) next = std::min(next, send_after_);
  return next - now;
}

bool PublisherConversation::Send(const v1::PublisherMessage& message) {
  return link_->Send(SerialiseWire(message, ToWireForm(options_.form))).ok();
}

void PublisherConversation::SayBye() {
  if (state_ == State::kOpen) {
    v1::PublisherMessage message;
    message.mutable_bye();
    Send(message);
    return Drop(Duration::zero(), kByeLinger);
  }
  Drop(Duration::zero());
}

void PublisherConversation::SendPayloads() {
  for (int i = 0; i < kTurn; ++i) {
    if (window_.last_sent() >= outbox_->last_seq() || window_.PayloadsLeft() == 0) return;
    if (!SendBatch()) return;
  }
}

// False when no more can go now.
bool PublisherConversation::SendBatch() {
  const std::uint64_t room = max_message_bytes_ - kEnvelopeBytes;
  auto items = outbox_->Read(window_.last_sent(), std::min(max_batch_, window_.PayloadsLeft()),
                             options_.form == MessageForm::kJson ? room / 4 * 3 : room);
  if (!OutboxOk(items.ok() ? Status{} : items.status())) return false;
  v1::PublisherMessage message;
  v1::Publish& publish = *message.mutable_publish();
  publish.set_session(session_);
  publish.set_first_seq(window_.last_sent() + 1);
  SendWindow after = window_;
  std::uint64_t used = 0;
  for (OutboxItem& item : *items) {
    if (EncodedBytes(item.payload.size(), options_.form) > room) {
      too_large_[item.seq] = item.payload.size();
      item.payload.clear();
    }
    // The credit is counted in what goes over the wire, envelope included.
    const std::uint64_t encoded = EncodedBytes(item.payload.size(), options_.form);
    const std::uint64_t size = encoded + (used == 0 ? kEnvelopeBytes : 0);
    used += encoded;
    if (used > room || !after.MaySend(size)) break;
    after.Sent(size);
    publish.add_payloads(std::move(item.payload));
  }
  if (publish.payloads().empty()) return false;
  ToWire(clock_.UtcNow(), publish.mutable_sent_at());
  if (!Send(message)) {
    send_after_ = clock_.SteadyNow() + kSendRetry;
    return false;
  }
  Count(&PublisherStats::sent, std::uint64_t(publish.payloads_size()));
  window_ = std::move(after);
  return true;
}

void PublisherConversation::SendHeartbeat() {
  heartbeat_due_ = clock_.SteadyNow() + options_.heartbeat_interval;
  v1::PublisherMessage message;
  message.mutable_heartbeat()->set_session(session_);
  Send(message);
}

void PublisherConversation::SendProbe() {
  const bool first = first_probes_left_ > 0;
  if (first) --first_probes_left_;
  probe_due_ = clock_.SteadyNow() + (first ? kFirstProbeInterval : options_.probe_interval);
  v1::PublisherMessage message;
  v1::Probe& probe = *message.mutable_probe();
  if (last_exchange_.has_t4()) *probe.mutable_last() = last_exchange_;
  probe_t1_ = clock_.UtcNow();
  ToWire(*probe_t1_, probe.mutable_t1());
  Send(message);
}

void PublisherConversation::Handle(const std::string& bytes) {
  const UtcTime received = clock_.UtcNow();
  v1::GatewayMessage message;
  if (!ParseWire(bytes, DetectWireForm(bytes), &message).ok()) {
    return Count(&PublisherStats::bad_messages);
  }
  last_heard_ = clock_.SteadyNow();
  using Case = v1::GatewayMessage::MessageCase;
  const Case which = message.message_case();
  if (which == Case::kWelcome && state_ == State::kHello) return OnWelcome(message.welcome());
  if (which == Case::kError) return OnError(message.error());
  if (state_ != State::kOpen) return Count(&PublisherStats::bad_messages);
  switch (which) {
    case Case::kAck:
      return OnAck(message.ack());
    case Case::kBusy:
      return OnBusy(message.busy());
    case Case::kProbeReply:
      return OnProbeReply(message.probe_reply(), received);
    case Case::kDisposition:
      return OnDisposition(message.disposition());
    case Case::kTestResult:
      return OnTestResult(message.test_result());
    default:
      return Count(&PublisherStats::bad_messages);
  }
}

void PublisherConversation::OnWelcome(const v1::Welcome& welcome) {
  const std::string previous = outbox_->journal_id();
  const bool changed = previous != welcome.journal_id();
  if (changed && !previous.empty()) {
    Tell({.kind = PublisherNotice::Kind::kJournalChanged,
          .message = "the gateway has another journal than last time: it was restored or replaced",
          .journal_id = welcome.journal_id(),
          .previous_journal_id = previous});
  }
  // A test session keeps nothing, so that it resumes nowhere.
  if (!options_.test_mode && !CheckResume(welcome.resume_after_seq())) return;
  if (changed) {
    // The old journal's dispositions are counted apart from the new one's.
    if (!OutboxOk(outbox_->SetDispositionsThrough(0))) return;
    if (!OutboxOk(outbox_->SetJournal(welcome.journal_id()))) return;
  }
  OpenSession(welcome);
}

// False: the outbox and the gateway disagree about what was taken. It was told, the outbox was
// given a new id, and hello is said again.
bool PublisherConversation::CheckResume(std::uint64_t resume_after_seq) {
  const std::uint64_t acked = outbox_->acked_through();
  const bool gateway_back = resume_after_seq < acked;
  const bool outbox_back = resume_after_seq > outbox_->last_seq();
  if (!gateway_back && !outbox_back) return true;
  PublisherNotice notice;
  notice.renumbered_by = acked;
  if (gateway_back) {
    notice.kind = PublisherNotice::Kind::kGatewayWentBack;
    notice.lost_from = resume_after_seq + 1;
    notice.lost_through = acked;
    notice.message = "the gateway acked seq " + std::to_string(notice.lost_from) + " to " +
                     std::to_string(acked) +
                     " and no longer holds them (restored from a backup?); publish them again from "
                     "their origin";
  } else {
    notice.kind = PublisherNotice::Kind::kOutboxWentBack;
    notice.message = "the gateway holds this outbox through seq " +
                     std::to_string(resume_after_seq) +
                     ", which it never gave out: the outbox is an "
                     "old copy; what waits in it is sent again under a new outbox id";
  }
  Tell(notice);
  Result<std::uint64_t> shift = outbox_->Renew();
  if (!OutboxOk(shift.ok() ? Status{} : shift.status())) return false;
  Drop(Duration::zero());
  return false;
}

void PublisherConversation::OpenSession(const v1::Welcome& welcome) {
  const SteadyTime now = clock_.SteadyNow();
  session_ = welcome.session();
  max_batch_ = std::max<std::uint64_t>(welcome.max_batch(), 1);
  max_message_bytes_ = std::max(welcome.max_message_bytes(), 2 * kEnvelopeBytes);
  window_.Reset(std::max(welcome.resume_after_seq(), outbox_->acked_through()),
                welcome.window().payloads(), welcome.window().bytes());
  state_ = State::kOpen;
  back_off_ = {};
  send_after_ = now;
  probe_due_ = now;
  first_probes_left_ = kFirstProbes;
  // Its answer acks what the gateway took before a connection was lost.
  heartbeat_due_ = now;
  last_refusal_.clear();
  {
    std::lock_guard lock(mutex_);
    stats_.connected = true;
    ++stats_.sessions;
  }
  Tell({.kind = PublisherNotice::Kind::kConnected,
        .message = "connected to " + options_.endpoint,
        .journal_id = welcome.journal_id()});
}

void PublisherConversation::OnAck(const v1::Ack& ack) {
  if (ack.through_seq() > outbox_->last_seq()) return Count(&PublisherStats::bad_messages);
  const std::uint64_t before = outbox_->acked_through();
  TellTooLarge(ack.through_seq());
  for (const v1::Rejection& rejection : ack.rejections()) {
    if (rejection.seq() > before) TellRejection(rejection);
  }
  if (!OutboxOk(outbox_->Acknowledge(ack.through_seq()))) return;
  too_large_.erase(too_large_.begin(), too_large_.upper_bound(ack.through_seq()));
  window_.Acked(ack.through_seq());
  if (ack.has_window()) window_.SetCredit(ack.window().payloads(), ack.window().bytes());
  if (ack.through_seq() <= before) return;
  on_progress_();
  if (events_.on_acked) events_.on_acked(ack.through_seq());
}

void PublisherConversation::OnBusy(const v1::Busy& busy) {
  Count(&PublisherStats::busy);
  window_.Rewind(busy.next_seq());
  const Duration wait = std::clamp(FromWire(busy.retry_after()), kSendRetry, options_.retry_max);
  send_after_ = clock_.SteadyNow() + wait;
}

void PublisherConversation::OnProbeReply(const v1::ProbeReply& reply, UtcTime received) {
  if (!probe_t1_ || FromWire(reply.t1()) != *probe_t1_) return;
  probe_t1_.reset();
  *last_exchange_.mutable_t1() = reply.t1();
  *last_exchange_.mutable_t2() = reply.t2();
  *last_exchange_.mutable_t3() = reply.t3();
  ToWire(received, last_exchange_.mutable_t4());
  Count(&PublisherStats::probes);
}

void PublisherConversation::OnDisposition(const v1::Disposition& disposition) {
  if (disposition.seq() > outbox_->dispositions_through()) {
    if (events_.on_disposition) {
      events_.on_disposition({disposition.seq(), disposition.report_id(), disposition.incident_id(),
                              v1::IncidentState_Name(disposition.state()), disposition.note()});
    }
    if (!OutboxOk(outbox_->SetDispositionsThrough(disposition.seq()))) return;
  }
  v1::PublisherMessage message;
  message.mutable_disposition_ack()->set_through_seq(outbox_->dispositions_through());
  Send(message);
}

void PublisherConversation::OnTestResult(const v1::TestResult& result) {
  if (!events_.on_test_result) return;
  TestResultEvent event{.seq = result.seq()};
  for (const v1::Report& report : result.reports()) event.reports_json.push_back(ToJson(report));
  event.code = result.rejection().code();
  event.message = result.rejection().message();
  event.field = result.rejection().field();
  events_.on_test_result(event);
}

void PublisherConversation::OnError(const v1::Error& error) {
  if (error.code() == "FENCED") {
    Drop(Duration::zero());
    {
      std::lock_guard lock(mutex_);
      stats_.fenced = true;
    }
    on_progress_();
    return Tell({.kind = PublisherNotice::Kind::kFenced,
                 .message = "another publisher speaks for feed \"" + options_.feed_id +
                            "\" now; this one has stopped",
                 .code = error.code()});
  }
  if (error.code() == "HELLO_REQUIRED" && state_ == State::kOpen) {
    return Disconnected("the gateway does not know this session any more; reconnecting");
  }
  Tell({.kind = PublisherNotice::Kind::kRefused, .message = error.message(), .code = error.code()});
  BackOff();
}

void PublisherConversation::TellRejection(const v1::Rejection& rejection) {
  if (too_large_.contains(rejection.seq())) return;
  Count(&PublisherStats::rejected);
  if (!events_.on_rejection) return;
  RejectedPayload rejected{.seq = rejection.seq(),
                           .code = rejection.code(),
                           .message = rejection.message(),
                           .field = rejection.field()};
  auto items = outbox_->Read(rejection.seq() - 1, 1, 0);
  if (items.ok() && !items->empty() && items->front().seq == rejection.seq()) {
    rejected.payload = std::move(items->front().payload);
    rejected.label = std::move(items->front().label);
  }
  events_.on_rejection(rejected);
}

void PublisherConversation::TellTooLarge(std::uint64_t through_seq) {
  for (auto it = too_large_.begin(); it != too_large_.end() && it->first <= through_seq; ++it) {
    Count(&PublisherStats::rejected);
    auto items = outbox_->Read(it->first - 1, 1, 0);
    if (!events_.on_rejection || !items.ok() || items->empty()) continue;
    events_.on_rejection({.seq = it->first,
                          .label = std::move(items->front().label),
                          .payload = std::move(items->front().payload),
                          .code = "TOO_LARGE",
                          .message = "a payload of " + std::to_string(it->second) +
                                     " bytes does not fit into this gateway's messages of " +
                                     std::to_string(max_message_bytes_) + " bytes"});
  }
}

void PublisherConversation::Tell(const PublisherNotice& notice) {
  if (notice.kind == PublisherNotice::Kind::kRefused) {
    // Retried with back-off: the same refusal is told once.
    const std::string refusal = notice.code + notice.message;
    if (refusal == last_refusal_) return;
    last_refusal_ = refusal;
  }
  if (events_.on_notice) events_.on_notice(notice);
}

bool PublisherConversation::OutboxOk(const Status& status) {
  if (status.ok()) return true;
  Tell({.kind = PublisherNotice::Kind::kOutboxFailed, .message = status.message()});
  BackOff();
  return false;
}

void PublisherConversation::Count(std::uint64_t PublisherStats::*counter, std::uint64_t by) {
  std::lock_guard lock(mutex_);
  stats_.*counter += by;
}

}  // namespace fusiongateway::client
