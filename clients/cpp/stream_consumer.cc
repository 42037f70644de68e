#include "clients/cpp/stream_consumer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "clients/cpp/system_time.h"
#include "fusiongateway/v1/consumer.pb.h"
#include "proto/codec/json_form.h"

namespace fusiongateway::client {
namespace {

WireForm ToWireForm(MessageForm form) {
  return form == MessageForm::kJson ? WireForm::kJson : WireForm::kProtobuf;
}

// The gateway lost the subscription, not the consumer its place.
bool AsksForSubscription(const std::string& code) {
  return code == "HELLO_REQUIRED" || code == "SUBSCRIBE_REQUIRED";
}

}  // namespace

class StreamConsumer::Session {
 public:
  explicit Session(ConsumerOptions options)
      : options_(std::move(options)),
        journal_id_(options_.journal_id),
        through_seq_(options_.after_seq),
        any_start_(options_.after_seq == 0) {}

  StreamEvent Next(Duration timeout);
  void Restart(std::uint64_t after_seq);
  bool subscribed() const { return subscribed_; }
  std::uint64_t through_seq() const { return through_seq_; }
  const std::string& journal_id() const { return journal_id_; }

 private:
  void Subscribe();
  void Drop(Duration before_next);
  void BackOff();
  void GiveCredit();
  bool Send(const v1::ConsumerMessage& message);
  Duration UntilNextTask(SteadyTime deadline) const;
  std::optional<StreamEvent> Step(SteadyTime deadline);
  std::optional<StreamEvent> OnMessage(const std::string& bytes);
  std::optional<StreamEvent> OnRecords(std::shared_ptr<v1::StreamMessage> message);
  std::optional<StreamEvent> OnError(const v1::Error& error);
  StreamEvent OnSnapshot(std::shared_ptr<v1::StreamMessage> message);
  StreamEvent OnOutOfRange(const v1::OutOfRange& range);
  StreamEvent JournalChanged(const std::string& journal_id);
  StreamEvent Gap(std::uint64_t from_seq);

  const ConsumerOptions options_;
  const Clock& clock_ = SystemClock();
  std::unique_ptr<PeerSocket> socket_;
  SteadyTime next_attempt_{};
  SteadyTime last_heard_{};
  SteadyTime heartbeat_due_{};
  Duration back_off_{};
  bool heard_ = false;
  // What was heard is a stream.
  bool subscribed_ = false;
  // The journal changed; waits for Restart.
  bool halted_ = false;

  std::string journal_id_;
  std::uint64_t through_seq_;
  std::uint64_t consumed_seq_ = 0;
  // The first record may have any seq: the oldest held.
  bool any_start_;
  std::string last_refusal_;
};

StreamEvent StreamConsumer::Session::Next(Duration timeout) {
  const SteadyTime deadline = clock_.SteadyNow() + timeout;
  if (socket_ && heard_ && consumed_seq_ < through_seq_) GiveCredit();
  do {
    if (auto event = Step(deadline)) return *std::move(event);
  } while (clock_.SteadyNow() < deadline);
  return {};
}

void StreamConsumer::Session::Restart(std::uint64_t after_seq) {
  halted_ = false;
  journal_id_.clear();
  through_seq_ = after_seq;
  any_start_ = after_seq == 0;
  Drop(Duration::zero());
}

// One thing: connects, keeps alive, or receives.
std::optional<StreamEvent> StreamConsumer::Session::Step(SteadyTime deadline) {
  const SteadyTime now = clock_.SteadyNow();
  if (halted_ || (!socket_ && now < next_attempt_)) {
    Waker nobody;
    nobody.Wait((halted_ ? deadline : std::min(deadline, next_attempt_)) - now);
    return std::nullopt;
  }
  if (!socket_) Subscribe();
  if (!socket_) return std::nullopt;
  if (now >= last_heard_ + options_.silence_max) {
    const bool was_heard = heard_;
    Drop(Duration::zero());
    if (!was_heard) return std::nullopt;
    return StreamEvent{.kind = StreamEvent::Kind::kDisconnected,
                       .message = "the gateway has gone silent; reconnecting"};
  }
  if (heard_ && now >= heartbeat_due_) GiveCredit();
  std::string bytes;
  switch (socket_->Wait(UntilNextTask(deadline), nullptr, &bytes)) {
    case PeerSocket::Event::kMessage:
      return OnMessage(bytes);
    case PeerSocket::Event::kDisconnected: {
      const bool was_heard = heard_;
      if (!was_heard) {
        BackOff();
        return std::nullopt;
      }
      Drop(Duration::zero());
      return StreamEvent{.kind = StreamEvent::Kind::kDisconnected,
                         .message = "the connection to the gateway was lost; reconnecting"};
    }
    case PeerSocket::Event::kKeyRefused: {
      v1::Error error;
      error.set_code("KEY_REFUSED");
      error.set_message("the gateway refused this CURVE key; check the keys on both sides");
      return OnError(error);
    }
    case PeerSocket::Event::kWoken:
    case PeerSocket::Event::kTimeout:
      return std::nullopt;
  }
  return std::nullopt;
}

Duration StreamConsumer::Session::UntilNextTask(SteadyTime deadline) const {
  SteadyTime next = std::min(deadline, last_heard_ + options_.silence_max);
  if (heard_) next = std::min(next, heartbeat_due_);
  return next - clock_.SteadyNow();
}

void StreamConsumer::Session::Subscribe() {
  auto socket = PeerSocket::Connect(options_.endpoint, options_.curve);
  if (!socket.ok()) return BackOff();
  socket_ = std::move(*socket);
  heard_ = false;
  consumed_seq_ = through_seq_;
  last_heard_ = clock_.SteadyNow();
  v1::ConsumerMessage message;
  v1::Subscribe& subscribe = *message.mutable_subscribe();
  subscribe.set_stream(options_.stream);
  subscribe.set_after_seq(through_seq_);
  subscribe.set_journal_id(journal_id_);
  subscribe.set_window(options_.window);
  // A consumer that has its place already goes on from there.
  subscribe.set_snapshot(options_.snapshot && any_start_);
  v1::Filter& filter = *subscribe.mutable_filter();
  for (const std::string& code : options_.district_codes) filter.add_district_codes(code);
  for (const std::string& body : options_.bodies) filter.add_bodies(body);
  filter.set_min_severity(v1::Severity(options_.severity_min));
  Send(message);
}

void StreamConsumer::Session::Drop(Duration before_next) {
  socket_.reset();
  heard_ = false;
  subscribed_ = false;
  next_attempt_ = clock_.SteadyNow() + before_next;
}

void StreamConsumer::Session::BackOff() {
  back_off_ = std::clamp(back_off_ * 2, options_.retry_min, options_.retry_max);
  Drop(back_off_);
}

// Also the consumer's heartbeat.
void StreamConsumer::Session::GiveCredit() {
  v1::ConsumerMessage message;
  message.mutable_consumed()->set_through_seq(through_seq_);
  heartbeat_due_ = clock_.SteadyNow() + options_.heartbeat_interval;
  if (Send(message)) consumed_seq_ = through_seq_;
}

bool StreamConsumer::Session::Send(const v1::ConsumerMessage& message) {
  return socket_->Send(SerialiseWire(message, ToWireForm(options_.form))).ok();
}

std::optional<StreamEvent> StreamConsumer::Session::OnMessage(const std::string& bytes) {
  auto message = std::make_shared<v1::StreamMessage>();
  if (!ParseWire(bytes, DetectWireForm(bytes), message.get()).ok()) {
    v1::Error error;
    error.set_code("MALFORMED");
    error.set_message("a message of the gateway cannot be read; is this its consumers' endpoint?");
    return OnError(error);
  }
  last_heard_ = clock_.SteadyNow();
  if (!heard_) heartbeat_due_ = last_heard_ + options_.heartbeat_interval;
  heard_ = true;
  using Case = v1::StreamMessage::MessageCase;
  switch (message->message_case()) {
    case Case::kRecords:
      return OnRecords(std::move(message));
    case Case::kSnapshot:
      return OnSnapshot(std::move(message));
    case Case::kOutOfRange:
      return OnOutOfRange(message->out_of_range());
    case Case::kError:
      return OnError(message->error());
    default:
      return std::nullopt;
  }
}

std::optional<StreamEvent> StreamConsumer::Session::OnRecords(
    std::shared_ptr<v1::StreamMessage> message) {
  v1::Records& records = *message->mutable_records();
  if (!journal_id_.empty() && records.journal_id() != journal_id_) {
    return JournalChanged(records.journal_id());
  }
  if (records.from_seq() > through_seq_ + 1 && !any_start_) return Gap(records.from_seq());
  journal_id_ = records.journal_id();
  subscribed_ = true;
  back_off_ = {};
  last_refusal_.clear();
  // A heartbeat: nothing was scanned.
  if (records.through_seq() < records.from_seq()) return std::nullopt;
  // Sent twice around a reconnection: given out once.
  auto& list = *records.mutable_records();
  const auto known = [&](const v1::StreamRecord& record) { return record.seq() <= through_seq_; };
  list.erase(std::remove_if(list.begin(), list.end(), known), list.end());
  if (records.through_seq() <= through_seq_) return std::nullopt;
  StreamEvent event{.kind = StreamEvent::Kind::kRecords, .journal_id = journal_id_};
  event.from_seq = any_start_ ? records.from_seq() : std::max(records.from_seq(), through_seq_ + 1);
  event.through_seq = through_seq_ = records.through_seq();
  any_start_ = false;
  event.records = std::shared_ptr<const v1::Records>(message, &records);
  return event;
}

StreamEvent StreamConsumer::Session::OnSnapshot(std::shared_ptr<v1::StreamMessage> message) {
  const v1::Snapshot& snapshot = message->snapshot();
  if (!journal_id_.empty() && snapshot.journal_id() != journal_id_) {
    return JournalChanged(snapshot.journal_id());
  }
  journal_id_ = snapshot.journal_id();
  subscribed_ = true;
  through_seq_ = consumed_seq_ = snapshot.through_seq();
  any_start_ = false;
  StreamEvent event{.kind = StreamEvent::Kind::kSnapshot, .journal_id = journal_id_};
  event.through_seq = through_seq_;
  event.snapshot = std::shared_ptr<const v1::Snapshot>(message, &snapshot);
  return event;
}

StreamEvent StreamConsumer::Session::OnOutOfRange(const v1::OutOfRange& range) {
  if (!journal_id_.empty() && !range.journal_id().empty() && range.journal_id() != journal_id_) {
    return JournalChanged(range.journal_id());
  }
  StreamEvent event{.kind = StreamEvent::Kind::kOutOfRange, .journal_id = range.journal_id()};
  event.expected_seq = through_seq_ + 1;
  event.oldest_seq = range.oldest_seq();
  event.message = "record " + std::to_string(through_seq_ + 1) +
                  " is no longer held; the oldest is " + std::to_string(range.oldest_seq());
  // Asked again from the oldest on: the loss was told, what is left is read.
  through_seq_ = 0;
  any_start_ = true;
  Drop(Duration::zero());
  return event;
}

std::optional<StreamEvent> StreamConsumer::Session::OnError(const v1::Error& error) {
  if (error.code() == "JOURNAL_CHANGED") {
    StreamEvent event = JournalChanged("");
    // The gateway may know how far both journals are the same.
    if (!error.message().empty()) event.message = error.message();
    return event;
  }
  if (AsksForSubscription(error.code())) {
    Drop(Duration::zero());
    return StreamEvent{.kind = StreamEvent::Kind::kDisconnected,
                       .message =
                           "the gateway does not know this subscription any more; "
                           "reconnecting"};
  }
  BackOff();
  // Retried with back-off: the same refusal is told once.
  if (last_refusal_ == error.code()) return std::nullopt;
  last_refusal_ = error.code();
  return StreamEvent{
      .kind = StreamEvent::Kind::kRefused, .code = error.code(), .message = error.message()};
}

StreamEvent StreamConsumer::Session::JournalChanged(const std::string& journal_id) {
  halted_ = true;
  Drop(Duration::zero());
  StreamEvent event{.kind = StreamEvent::Kind::kJournalChanged, .journal_id = journal_id};
  event.through_seq = through_seq_;
  event.message =
      "the gateway has another journal than the records so far came from (restored from a backup, "
      "or another gateway); its records are numbered anew";
  return event;
}

StreamEvent StreamConsumer::Session::Gap(std::uint64_t from_seq) {
  StreamEvent event{.kind = StreamEvent::Kind::kGap, .journal_id = journal_id_};
  event.expected_seq = through_seq_ + 1;
  event.from_seq = from_seq;
  event.message = "record " + std::to_string(through_seq_ + 1) + " was due, but " +
                  std::to_string(from_seq) + " came; asking for the missing ones again";
  BackOff();
  return event;
}

StreamConsumer::StreamConsumer(std::unique_ptr<Session> session) : session_(std::move(session)) {}

StreamConsumer::~StreamConsumer() = default;

Result<std::unique_ptr<StreamConsumer>> StreamConsumer::Open(ConsumerOptions options) {
  if (options.stream != "live" && options.stream != "settled") {
    return InvalidArgument("there is no stream \"" + options.stream +
                           "\"; the streams are live and settled");
  }
  auto socket = PeerSocket::Connect(options.endpoint, options.curve);
  if (!socket.ok()) return socket.status();
  return std::unique_ptr<StreamConsumer>(
      new StreamConsumer(std::make_unique<Session>(std::move(options))));
}

StreamEvent StreamConsumer::Next(Duration timeout) { return session_->Next(timeout); }

void StreamConsumer::Restart(std::uint64_t after_seq) { session_->Restart(after_seq); }

bool StreamConsumer::subscribed() const { return session_->subscribed(); }

std::uint64_t StreamConsumer::through_seq() const { return session_->through_seq(); }

std::string StreamConsumer::journal_id() const { return session_->journal_id(); }

}  // namespace fusiongateway::client
