#include "clients/cpp/publisher.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "clients/cpp/send_window.h"
#include "clients/cpp/system_time.h"
#include "fusiongateway/v1/publisher.pb.h"
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
// So many messages or batches before the other direction has its turn.
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

Status CheckOptions(const PublisherOptions& options) {
  if (options.feed_id.empty()) return InvalidArgument("publisher: feed_id is empty");
  if (options.outbox_path.empty()) return InvalidArgument("publisher: outbox_path is empty");
  return {};
}

}  // namespace

// Everything behind Publisher. Its thread owns the connection and the session; the outbox and what
// mutex_ guards are shared with the callers.
class Publisher::Worker {
 public:
  Worker(PublisherOptions options, PublisherEvents events, std::unique_ptr<Outbox> outbox)
      : options_(std::move(options)), events_(std::move(events)), outbox_(std::move(outbox)) {}

  void Start() {
    thread_ = std::thread([this] { Run(); });
  }
  void Close();

  Result<std::uint64_t> Publish(std::span<const OutboxPayload> payloads, const Bookmark* bookmark);
  Status Flush(Duration timeout);
  PublisherStats stats() const;
  const Outbox& outbox() const { return *outbox_; }

 private:
  enum class State { kDown, kHello, kOpen };

  void Run();
  bool stopping() const {
    std::lock_guard lock(mutex_);
    return stopping_ || stats_.fenced;
  }

  // Connection.
  void Connect();
  void SayHello();
  void Drop(Duration before_next);
  void BackOff();
  void Disconnected(const std::string& why);
  void Receive();
  Duration UntilNextTask() const;
  void DoDueTasks();
  bool Send(const v1::PublisherMessage& message);
  void SendBye();

  // Outgoing.
  void SendPayloads();
  bool SendBatch();
  void SendHeartbeat();
  void SendProbe();

  // Incoming.
  void Handle(const std::string& bytes, UtcTime received);
  void OnWelcome(const v1::Welcome& welcome);
  bool CheckResume(std::uint64_t resume_after_seq);
  void OpenSession(const v1::Welcome& welcome);
  void OnAck(const v1::Ack& ack);
  void OnBusy(const v1::Busy& busy);
  void OnProbeReply(const v1::ProbeReply& reply, UtcTime received);
  void OnDisposition(const v1::Disposition& disposition);
  void OnTestResult(const v1::TestResult& result);
  void OnError(const v1::Error& error);
  void TellRejection(const v1::Rejection& rejection);
  void TellTooLarge(std::uint64_t through_seq);
  void Tell(const PublisherNotice& notice);
  // True if OK; otherwise told, and the connection is dropped until later.
  bool OutboxOk(const Status& status);
  void Count(std::uint64_t PublisherStats::*counter, std::uint64_t by = 1);

  const PublisherOptions options_;
  const PublisherEvents events_;
  const std::unique_ptr<Outbox> outbox_;
  const Clock& clock_ = SystemClock();
  Waker waker_;
  std::thread thread_;

  mutable std::mutex mutex_;
  std::condition_variable progress_;
  bool stopping_ = false;
  PublisherStats stats_;

  // The thread's own.
  std::unique_ptr<PeerSocket> socket_;
  State state_ = State::kDown;
  SteadyTime next_attempt_{};
  Duration back_off_{};
  SteadyTime hello_deadline_{};
  SteadyTime last_heard_{};
  SteadyTime heartbeat_due_{};
  SteadyTime probe_due_{};
  SteadyTime send_after_{};
  int first_probes_left_ = 0;
  std::optional<UtcTime> probe_t1_;
  v1::ProbeExchange last_exchange_;
  std::string session_;
  std::uint64_t max_batch_ = 0;
  std::uint64_t max_message_bytes_ = 0;
  SendWindow window_;
  // Payloads that this gateway's limit does not let through: sent empty so that the seqs stay
  // whole, and told as rejected with their size.
  std::map<std::uint64_t, std::uint64_t> too_large_;
  std::string last_refusal_;
};

void Publisher::Worker::Close() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  progress_.notify_all();
  waker_.Wake();
  if (thread_.joinable()) thread_.join();
}

Result<std::uint64_t> Publisher::Worker::Publish(std::span<const OutboxPayload> payloads,
                                                 const Bookmark* bookmark) {
  for (const OutboxPayload& payload : payloads) {
    if (payload.payload.size() > options_.payload_bytes_max) {
      return InvalidArgument("a payload of " + std::to_string(payload.payload.size()) +
                             " bytes is larger than the " +
                             std::to_string(options_.payload_bytes_max) +
                             " that are taken; send large pictures by reference");
    }
  }
  {
    std::lock_guard lock(mutex_);
    if (stats_.fenced) {
      return FailedPrecondition("fenced: another publisher speaks for feed \"" + options_.feed_id +
                                "\" now; stop one of the two");
    }
    if (stopping_) return FailedPrecondition("the publisher is closed");
  }
  Result<std::uint64_t> first = outbox_->Append(payloads, bookmark);
  if (first.ok()) waker_.Wake();
  return first;
}

Status Publisher::Worker::Flush(Duration timeout) {
  std::unique_lock lock(mutex_);
  const std::uint64_t target = outbox_->totals().given_out;
  const auto acked = [&] { return outbox_->totals().acked >= target; };
  const bool in_time =
      progress_.wait_for(lock, timeout, [&] { return stopping_ || stats_.fenced || acked(); });
  if (acked()) return {};
  if (stats_.fenced) return FailedPrecondition("fenced by another publisher of this feed");
  if (in_time) return FailedPrecondition("the publisher was closed");
  return Unavailable(std::to_string(outbox_->payload_count()) +
                     " payloads are not acked yet; they stay in the outbox");
}

PublisherStats Publisher::Worker::stats() const {
  std::lock_guard lock(mutex_);
  PublisherStats stats = stats_;
  stats.last_seq = outbox_->last_seq();
  stats.acked_through = outbox_->acked_through();
  stats.waiting = outbox_->payload_count();
  return stats;
}

void Publisher::Worker::Run() {
  while (!stopping()) {
    if (state_ == State::kDown) {
      const Duration wait = next_attempt_ - clock_.SteadyNow();
      if (wait > Duration::zero()) {
        waker_.Wait(wait);
        continue;
      }
      Connect();
      continue;
    }
    DoDueTasks();
    if (state_ != State::kDown) Receive();
  }
  SendBye();
}

void Publisher::Worker::Connect() {
  auto socket = PeerSocket::Connect(options_.endpoint, options_.curve);
  if (!socket.ok()) {
    Tell({.kind = PublisherNotice::Kind::kRefused,
          .message = socket.status().message(),
          .code = "BAD_ENDPOINT"});
    BackOff();
    return;
  }
  socket_ = std::move(*socket);
  SayHello();
}

void Publisher::Worker::SayHello() {
  v1::PublisherMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_feed_id(options_.feed_id);
  hello.set_client(options_.client);
  hello.set_protocol(kProtocol);
  hello.set_outbox_id(outbox_->id());
  hello.set_acked_through(outbox_->acked_through());
  if (options_.test_mode) hello.set_mode("test");
  state_ = State::kHello;
  hello_deadline_ = clock_.SteadyNow() + options_.hello_timeout;
  Send(message);
}

void Publisher::Worker::Drop(Duration before_next) {
  socket_.reset();
  state_ = State::kDown;
  session_.clear();
  too_large_.clear();
  probe_t1_.reset();
  last_exchange_.Clear();
  next_attempt_ = clock_.SteadyNow() + before_next;
  std::lock_guard lock(mutex_);
  stats_.connected = false;
}

void Publisher::Worker::BackOff() {
  back_off_ = std::clamp(back_off_ * 2, options_.retry_min, options_.retry_max);
  Drop(back_off_);
}

void Publisher::Worker::Disconnected(const std::string& why) {
  if (state_ != State::kOpen) {
    BackOff();
    return;
  }
  Drop(Duration::zero());
  Tell({.kind = PublisherNotice::Kind::kDisconnected, .message = why});
}

void Publisher::Worker::Receive() {
  Duration wait = UntilNextTask();
  for (int i = 0; i < kTurn && socket_; ++i) {
    std::string bytes;
    switch (socket_->Wait(wait, &waker_, &bytes)) {
      case PeerSocket::Event::kMessage:
        Handle(bytes, clock_.UtcNow());
        break;
      case PeerSocket::Event::kDisconnected:
        return Disconnected("the connection to the gateway was lost; reconnecting");
      case PeerSocket::Event::kKeyRefused:
        Tell({.kind = PublisherNotice::Kind::kRefused,
              .message = "the gateway refused this CURVE key; check the keys on both sides",
              .code = "KEY_REFUSED"});
        return BackOff();
      case PeerSocket::Event::kWoken:
      case PeerSocket::Event::kTimeout:
        return;
    }
    wait = Duration::zero();
  }
}

Duration Publisher::Worker::UntilNextTask() const {
  const SteadyTime now = clock_.SteadyNow();
  if (state_ == State::kHello) return hello_deadline_ - now;
  SteadyTime next = std::min({heartbeat_due_, probe_due_, last_heard_ + options_.silence_max});
  if (send_after_ > now) next = std::min(next, send_after_);
  return next - now;
}

void Publisher::Worker::DoDueTasks() {
  const SteadyTime now = clock_.SteadyNow();
  if (state_ == State::kHello) {
    if (now >= hello_deadline_) Drop(Duration::zero());
    return;
  }
  if (now >= last_heard_ + options_.silence_max) {
    return Disconnected("the gateway has gone silent; reconnecting");
  }
  if (now >= probe_due_) SendProbe();
  if (now >= heartbeat_due_) SendHeartbeat();
  if (now >= send_after_) SendPayloads();
}

bool Publisher::Worker::Send(const v1::PublisherMessage& message) {
  return socket_->Send(SerialiseWire(message, ToWireForm(options_.form))).ok();
}

void Publisher::Worker::SendBye() {
  if (state_ == State::kOpen) {
    v1::PublisherMessage message;
    message.mutable_bye();
    Send(message);
    socket_->SetLinger(kByeLinger);
  }
  Drop(Duration::zero());
}

void Publisher::Worker::SendPayloads() {
  for (int i = 0; i < kTurn; ++i) {
    if (window_.last_sent() >= outbox_->last_seq() || window_.PayloadsLeft() == 0) return;
    if (!SendBatch()) return;
  }
}

// False when no more can go now.
bool Publisher::Worker::SendBatch() {
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

void Publisher::Worker::SendHeartbeat() {
  heartbeat_due_ = clock_.SteadyNow() + options_.heartbeat_interval;
  v1::PublisherMessage message;
  message.mutable_heartbeat()->set_session(session_);
  Send(message);
}

void Publisher::Worker::SendProbe() {
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

void Publisher::Worker::Handle(const std::string& bytes, UtcTime received) {
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

void Publisher::Worker::OnWelcome(const v1::Welcome& welcome) {
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
bool Publisher::Worker::CheckResume(std::uint64_t resume_after_seq) {
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

void Publisher::Worker::OpenSession(const v1::Welcome& welcome) {
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

void Publisher::Worker::OnAck(const v1::Ack& ack) {
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
  {
    // Orders the change before a Flush that is about to wait.
    std::lock_guard lock(mutex_);
  }
  progress_.notify_all();
  if (events_.on_acked) events_.on_acked(ack.through_seq());
}

void Publisher::Worker::OnBusy(const v1::Busy& busy) {
  Count(&PublisherStats::busy);
  window_.Rewind(busy.next_seq());
  const Duration wait = std::clamp(FromWire(busy.retry_after()), kSendRetry, options_.retry_max);
  send_after_ = clock_.SteadyNow() + wait;
}

void Publisher::Worker::OnProbeReply(const v1::ProbeReply& reply, UtcTime received) {
  if (!probe_t1_ || FromWire(reply.t1()) != *probe_t1_) return;
  probe_t1_.reset();
  *last_exchange_.mutable_t1() = reply.t1();
  *last_exchange_.mutable_t2() = reply.t2();
  *last_exchange_.mutable_t3() = reply.t3();
  ToWire(received, last_exchange_.mutable_t4());
  Count(&PublisherStats::probes);
}

void Publisher::Worker::OnDisposition(const v1::Disposition& disposition) {
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

void Publisher::Worker::OnTestResult(const v1::TestResult& result) {
  if (!events_.on_test_result) return;
  TestResultEvent event{.seq = result.seq()};
  for (const v1::Report& report : result.reports()) event.reports_json.push_back(ToJson(report));
  event.code = result.rejection().code();
  event.message = result.rejection().message();
  event.field = result.rejection().field();
  events_.on_test_result(event);
}

void Publisher::Worker::OnError(const v1::Error& error) {
  if (error.code() == "FENCED") {
    Drop(Duration::zero());
    {
      std::lock_guard lock(mutex_);
      stats_.fenced = true;
    }
    progress_.notify_all();
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

void Publisher::Worker::TellRejection(const v1::Rejection& rejection) {
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

void Publisher::Worker::TellTooLarge(std::uint64_t through_seq) {
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

void Publisher::Worker::Tell(const PublisherNotice& notice) {
  if (notice.kind == PublisherNotice::Kind::kRefused) {
    // Retried with back-off: the same refusal is told once.
    const std::string refusal = notice.code + notice.message;
    if (refusal == last_refusal_) return;
    last_refusal_ = refusal;
  }
  if (events_.on_notice) events_.on_notice(notice);
}

bool Publisher::Worker::OutboxOk(const Status& status) {
  if (status.ok()) return true;
  Tell({.kind = PublisherNotice::Kind::kOutboxFailed, .message = status.message()});
  BackOff();
  return false;
}

void Publisher::Worker::Count(std::uint64_t PublisherStats::*counter, std::uint64_t by) {
  std::lock_guard lock(mutex_);
  stats_.*counter += by;
}

Publisher::Publisher(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}

Publisher::~Publisher() { Close(); }

Result<std::unique_ptr<Publisher>> Publisher::Open(PublisherOptions options,
                                                   PublisherEvents events) {
  if (Status status = CheckOptions(options); !status.ok()) return status;
  // Refuses a bad endpoint or key here rather than in a notice.
  auto socket = PeerSocket::Connect(options.endpoint, options.curve);
  if (!socket.ok()) return socket.status();
  auto outbox = Outbox::Open(options.outbox_path, options.feed_id, options.outbox_limits);
  if (!outbox.ok()) return outbox.status();
  auto worker = std::make_unique<Worker>(std::move(options), std::move(events), std::move(*outbox));
  worker->Start();
  return std::unique_ptr<Publisher>(new Publisher(std::move(worker)));
}

Result<std::uint64_t> Publisher::Publish(std::string payload, std::string label) {
  const OutboxPayload one{std::move(payload), std::move(label)};
  return worker_->Publish({&one, 1}, nullptr);
}

Result<std::uint64_t> Publisher::PublishBatch(std::span<const OutboxPayload> payloads,
                                              const Bookmark* bookmark) {
  return worker_->Publish(payloads, bookmark);
}

Result<std::string> Publisher::ReadBookmark(const std::string& name) const {
  return worker_->outbox().ReadBookmark(name);
}

Status Publisher::Flush(Duration timeout) { return worker_->Flush(timeout); }

void Publisher::Close() { worker_->Close(); }

PublisherStats Publisher::stats() const { return worker_->stats(); }

std::string Publisher::outbox_id() const { return worker_->outbox().id(); }

std::string Publisher::journal_id() const { return worker_->outbox().journal_id(); }

}  // namespace fusiongateway::client
