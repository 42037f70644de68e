#include "delivery/stream/consumer_protocol.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fusiongateway {
namespace {

constexpr std::uint64_t kWindowDefault = 1024;
constexpr std::uint64_t kWindowMax = 65536;
// A filter that lets little through: progress is told at the latest after so many records.
constexpr std::uint64_t kScanUntoldMax = 8192;
constexpr std::chrono::milliseconds kRetryWhenFull{20};
constexpr auto kNoSeverity = static_cast<v1::Severity>(-1);  // refused by name

// What a consumer of an earlier journal should do.
std::string JournalChangedText(const Journal& journal, const v1::Subscribe& subscribe,
                               StreamId stream) {
  std::string text = "this gateway's journal is " + journal.journal_id() + ", not " +
                     subscribe.journal_id() + ". ";
  for (const EarlierIdentity& earlier : journal.earlier_identities()) {
    if (earlier.journal_id != subscribe.journal_id()) continue;
    const std::string shared =
        std::to_string(stream == StreamId::kLive ? earlier.live_through : earlier.settled_through);
    return text + "It was restored from a backup of yours: records through seq " + shared +
           " are the same, what you have beyond it was published by the lost journal. Subscribe "
           "with the new journal_id and an after_seq of at most " +
           shared + ".";
  }
  return text +
         "Your seqs may mean other records here: subscribe with snapshot and an empty "
         "journal_id and reconcile by incident_id and revision.";
}

// The JSON reader passes over names of enums that it does not know, as schemas grow. A severity so
// lost would let everything through.
bool SeverityWasLost(std::string_view bytes, const v1::Filter& filter) {
  if (filter.min_severity() != v1::SEVERITY_UNSPECIFIED) return false;
  const auto member = [](const nlohmann::json& object, const char* name, const char* other_name) {
    if (!object.is_object()) return nlohmann::json();
    return object.value(object.contains(name) ? name : other_name, nlohmann::json());
  };
  const auto message = nlohmann::json::parse(bytes, nullptr, false);
  const auto subscribe = member(message, "subscribe", "subscribe");
  const auto severity =
      member(member(subscribe, "filter", "filter"), "minSeverity", "min_severity");
  return !severity.is_null() && severity != 0 && severity != "SEVERITY_UNSPECIFIED";
}

std::string SeqAheadText(StreamId stream, std::uint64_t after_seq, std::uint64_t newest) {
  return "the newest record of " + std::string(ToString(stream)) + " is seq " +
         std::to_string(newest) + ", you ask for what follows " + std::to_string(after_seq) +
         ": this journal was restored from an older backup, or your place is another gateway's. "
         "Subscribe with snapshot and an empty journal_id and reconcile by incident_id and "
         "revision.";
}

}  // namespace

ConsumerProtocol::ConsumerProtocol(Sources sources, ConsumerLimits limits, Send send)
    : sources_(std::move(sources)), limits_(limits), send_(std::move(send)) {}

void ConsumerProtocol::OnMessage(const std::string& connection, std::string_view bytes,
                                 bool may_read_restricted, SteadyTime now) {
  const WireForm form = DetectWireForm(bytes);
  if (bytes.size() > limits_.message_bytes_max) {
    ++counters_.too_large;
    return SendError(
        connection, form, "TOO_LARGE",
        "a consumer's message has at most " + std::to_string(limits_.message_bytes_max) + " bytes");
  }
  v1::ConsumerMessage message;
  Status parsed = ParseWire(bytes, form, &message);
  if (parsed.ok() && message.message_case() == v1::ConsumerMessage::MESSAGE_NOT_SET) {
    parsed = InvalidArgument("neither subscribe, consumed nor unsubscribe");
  }
  if (!parsed.ok()) {
    ++counters_.malformed;
    return SendError(connection, form, "MALFORMED",
                     parsed.message() + ": send a ConsumerMessage in protobuf or JSON");
  }
  if (message.has_subscribe()) {
    if (form == WireForm::kJson && SeverityWasLost(bytes, message.subscribe().filter())) {
      message.mutable_subscribe()->mutable_filter()->set_min_severity(kNoSeverity);
    }
    return Subscribe(connection, message.subscribe(), form, may_read_restricted, now);
  }
  const auto consumer = consumers_.find(connection);
  if (consumer == consumers_.end()) {
    if (message.has_unsubscribe()) return;
    return SendError(connection, form, "SUBSCRIBE_REQUIRED",
                     "this connection has no subscription: send subscribe first");
  }
  if (message.has_unsubscribe()) {
    consumers_.erase(consumer);
    counters_.consumers = consumers_.size();
  } else {
    OnConsumed(consumer->second, message.consumed().through_seq(), now);
  }
}

// ---- Subscribing

Status ConsumerProtocol::CheckPlace(const v1::Subscribe& subscribe, StreamId stream,
                                    std::string* code) const {
  const Journal& journal = sources_.journal;
  if (!subscribe.journal_id().empty() && subscribe.journal_id() != journal.journal_id()) {
    *code = "JOURNAL_CHANGED";
    return FailedPrecondition(JournalChangedText(journal, subscribe, stream));
  }
  const SeqRange held = journal.range(stream);
  if (!subscribe.snapshot() && subscribe.after_seq() > held.newest) {
    *code = "SEQ_AHEAD";
    return OutOfRange(SeqAheadText(stream, subscribe.after_seq(), held.newest));
  }
  return {};
}

Result<ConsumerProtocol::Consumer> ConsumerProtocol::Admit(const v1::Subscribe& subscribe,
                                                           std::string* code) const {
  Consumer consumer;
  if (subscribe.stream() != "live" && subscribe.stream() != "settled") {
    *code = "UNKNOWN_STREAM";
    return InvalidArgument("there is no stream \"" + subscribe.stream().substr(0, 20) +
                           "\": the streams are live and settled");
  }
  consumer.stream = subscribe.stream() == "live" ? StreamId::kLive : StreamId::kSettled;
  auto filter = RecordFilter::Make(subscribe.filter());
  if (!filter.ok()) {
    *code = "BAD_FILTER";
    return filter.status();
  }
  consumer.filter = std::move(*filter);
  if (Status s = CheckPlace(subscribe, consumer.stream, code); !s.ok()) return s;
  if (consumers_.size() >= limits_.consumers_max) {
    *code = "TOO_MANY_CONSUMERS";
    return ResourceExhausted("this gateway serves at most " +
                             std::to_string(limits_.consumers_max) +
                             " consumers: end one, or come again later");
  }
  consumer.window = subscribe.window() == 0
                        ? kWindowDefault
                        : std::min<std::uint64_t>(subscribe.window(), kWindowMax);
  return consumer;
}

void ConsumerProtocol::Subscribe(const std::string& connection, const v1::Subscribe& subscribe,
                                 WireForm form, bool may_read_restricted, SteadyTime now) {
  consumers_.erase(connection);  // replaced, or ended by a refusal
  counters_.consumers = consumers_.size();
  std::string code;
  auto admitted = Admit(subscribe, &code);
  if (!admitted.ok()) {
    ++counters_.refused;
    return SendError(connection, form, code, admitted.status().message());
  }
  Consumer consumer = std::move(*admitted);
  consumer.form = form;
  consumer.may_read_restricted = may_read_restricted;
  consumer.last_progress = now;
  consumer.last_sent = now - limits_.heartbeat_interval;  // answered at once, be it with nothing
  const SeqRange held = sources_.journal.range(consumer.stream);
  consumer.told_seq = subscribe.after_seq() == 0 ? held.oldest - 1 : subscribe.after_seq();
  consumer.scanned_seq = consumer.told_seq;
  consumer.out_of_range_due = !subscribe.snapshot() && consumer.told_seq + 1 < held.oldest;
  consumer.snapshot_due = subscribe.snapshot() || consumer.out_of_range_due;
  ++counters_.subscriptions;
  consumers_[connection] = std::move(consumer);
  counters_.consumers = consumers_.size();
}

ConsumerProtocol::Sent ConsumerProtocol::SendBeginning(const std::string& connection,
                                                       Consumer& consumer) {
  if (consumer.out_of_range_due) {
    if (const Sent sent = SendOutOfRange(connection, consumer); sent != Sent::kTaken) return sent;
    consumer.out_of_range_due = false;
  }
  if (consumer.snapshot_due) {
    if (const Sent sent = SendSnapshot(connection, consumer); sent != Sent::kTaken) return sent;
    consumer.snapshot_due = false;
  }
  return Sent::kTaken;
}

ConsumerProtocol::Sent ConsumerProtocol::SendSnapshot(const std::string& connection,
                                                      Consumer& consumer) {
  OpenIncidents open = sources_.open_incidents();
  v1::StreamMessage message;
  auto* snapshot = message.mutable_snapshot();
  snapshot->set_journal_id(sources_.journal.journal_id());
  snapshot->set_through_seq(consumer.stream == StreamId::kLive ? open.live_through_seq
                                                               : open.settled_through_seq);
  for (v1::Incident& incident : open.incidents) {
    if (incident.restricted() && !consumer.may_read_restricted) continue;
    if (consumer.filter.Passes(incident)) *snapshot->add_incidents() = std::move(incident);
  }
  consumer.told_seq = consumer.scanned_seq = snapshot->through_seq();
  return SendMessage(connection, consumer.form, message);
}

ConsumerProtocol::Sent ConsumerProtocol::SendOutOfRange(const std::string& connection,
                                                        const Consumer& consumer) {
  v1::StreamMessage message;
  auto* out_of_range = message.mutable_out_of_range();
  out_of_range->set_oldest_seq(sources_.journal.range(consumer.stream).oldest);
  out_of_range->set_journal_id(sources_.journal.journal_id());
  return SendMessage(connection, consumer.form, message);
}

void ConsumerProtocol::SendError(const std::string& connection, WireForm form,
                                 std::string_view code, std::string_view text) {
  v1::StreamMessage message;
  message.mutable_error()->set_code(std::string(code));
  message.mutable_error()->set_message(std::string(text));
  SendMessage(connection, form, message);
}

void ConsumerProtocol::OnConsumed(Consumer& consumer, std::uint64_t through_seq, SteadyTime now) {
  while (!consumer.on_the_way.empty() && consumer.on_the_way.front().through_seq <= through_seq) {
    consumer.on_the_way_records -= consumer.on_the_way.front().records;
    consumer.on_the_way_bytes -= consumer.on_the_way.front().bytes;
    consumer.on_the_way.pop_front();
    consumer.last_progress = now;
  }
}

// ---- Serving

bool ConsumerProtocol::ServeAll(SteadyTime now) {
  bool more = false;
  for (auto it = consumers_.begin(); it != consumers_.end();) {
    const Served served = Serve(it->first, it->second, now);
    more = more || served == Served::kSome;
    it = served == Served::kGone ? consumers_.erase(it) : std::next(it);
  }
  counters_.consumers = consumers_.size();
  return more;
}

bool ConsumerProtocol::HasCredit(Consumer& consumer) {
  const bool full = consumer.on_the_way_bytes >= limits_.bytes_on_the_way_max;
  if (full && !consumer.bytes_full) ++counters_.bytes_full;
  consumer.bytes_full = full;
  return !full && consumer.on_the_way_records < consumer.window;
}

ConsumerProtocol::Served ConsumerProtocol::Serve(const std::string& connection, Consumer& consumer,
                                                 SteadyTime now) {
  if (now < consumer.retry_at) return Served::kNothing;
  if (const Sent sent = SendBeginning(connection, consumer); sent != Sent::kTaken) {
    return NotTaken(consumer, sent, now);
  }
  const bool credit = HasCredit(consumer);
  if (consumer.scanned_seq >= sources_.journal.range(consumer.stream).newest) {
    if (credit) consumer.last_progress = now;
    return Served::kNothing;
  }
  return credit ? ServeRecords(connection, consumer, now) : Served::kNothing;
}

ConsumerProtocol::Served ConsumerProtocol::NotTaken(Consumer& consumer, Sent sent, SteadyTime now) {
  if (sent == Sent::kGone) {
    ++counters_.dropped_gone;
    return Served::kGone;
  }
  consumer.retry_at = now + kRetryWhenFull;
  return Served::kNothing;
}

ConsumerProtocol::Served ConsumerProtocol::ServeRecords(const std::string& connection,
                                                        Consumer& consumer, SteadyTime now) {
  auto records = sources_.journal.ReadRecords(consumer.stream, consumer.scanned_seq,
                                              limits_.records_per_message);
  if (!records.ok()) return ServeFailed(connection, consumer, records.status());
  const std::uint64_t credit = consumer.window - consumer.on_the_way_records;
  v1::StreamMessage message;
  auto* list = message.mutable_records()->mutable_records();
  std::uint64_t through_seq = consumer.scanned_seq;
  std::size_t bytes = 0;
  for (const WireRecordPtr& record : *records) {
    if (static_cast<std::uint64_t>(list->size()) >= credit || bytes >= limits_.bytes_per_message) {
      break;
    }
    through_seq = record->seq();
    if (!Passes(consumer, *record)) continue;
    bytes += record->ByteSizeLong();
    *list->Add() = *record;
  }
  if (list->empty() && through_seq - consumer.told_seq < kScanUntoldMax) {
    consumer.scanned_seq = through_seq;  // told with the next records or heartbeat
    consumer.last_progress = now;
    return Served::kSome;
  }
  return SendRecords(connection, consumer, message, through_seq, now);
}

bool ConsumerProtocol::Passes(const Consumer& consumer, const v1::StreamRecord& record) {
  if (!consumer.may_read_restricted && IsRestricted(record, sources_.restricted_incident)) {
    ++counters_.restricted_withheld;
    return false;
  }
  return consumer.filter.Passes(record);
}

ConsumerProtocol::Served ConsumerProtocol::ServeFailed(const std::string& connection,
                                                       Consumer& consumer, const Status& status) {
  if (status.code() == StatusCode::kOutOfRange) {  // retention has overtaken it
    consumer.out_of_range_due = consumer.snapshot_due = true;
    return Served::kSome;
  }
  ++counters_.journal_errors;
  if (status.code() == StatusCode::kUnavailable) return Served::kNothing;
  SendError(connection, consumer.form, "JOURNAL_UNREADABLE",
            "the gateway cannot read its journal after seq " +
                std::to_string(consumer.scanned_seq) + ": tell its operator, then subscribe again");
  return Served::kGone;
}

ConsumerProtocol::Served ConsumerProtocol::SendRecords(const std::string& connection,
                                                       Consumer& consumer,
                                                       v1::StreamMessage& message,
                                                       std::uint64_t through_seq, SteadyTime now) {
  auto& records = *message.mutable_records();
  records.set_journal_id(sources_.journal.journal_id());
  records.set_from_seq(consumer.told_seq + 1);
  records.set_through_seq(through_seq);
  const std::string bytes = SerialiseWire(message, consumer.form);
  const Sent sent = SendBytes(connection, bytes);
  if (sent != Sent::kTaken) return NotTaken(consumer, sent, now);
  consumer.told_seq = consumer.scanned_seq = through_seq;
  consumer.last_sent = now;
  const auto count = static_cast<std::uint64_t>(records.records_size());
  counters_.records_sent += count;
  if (count > 0) {
    consumer.last_progress = now;
    consumer.on_the_way.push_back({through_seq, count, bytes.size()});
    consumer.on_the_way_records += count;
    consumer.on_the_way_bytes += bytes.size();
  }
  return Served::kSome;
}

ConsumerProtocol::Sent ConsumerProtocol::SendMessage(const std::string& connection, WireForm form,
                                                     const v1::StreamMessage& message) {
  return SendBytes(connection, SerialiseWire(message, form));
}

ConsumerProtocol::Sent ConsumerProtocol::SendBytes(const std::string& connection,
                                                   const std::string& bytes) {
  const Sent sent = send_(connection, bytes);
  if (sent == Sent::kTaken) ++counters_.messages_sent;
  if (sent == Sent::kFull) ++counters_.send_full;
  return sent;
}

void ConsumerProtocol::Housekeep(SteadyTime now) {
  for (auto it = consumers_.begin(); it != consumers_.end();) {
    auto& [connection, consumer] = *it;
    bool keep = true;
    if (now - consumer.last_progress >= limits_.credit_timeout) {
      ++counters_.dropped_slow;
      SendError(connection, consumer.form, "TOO_SLOW",
                "no consumed came back for too long and the subscription has ended: subscribe "
                "again after the last record you dealt with");
      keep = false;
    } else if (now - consumer.last_sent >= limits_.heartbeat_interval && now >= consumer.retry_at &&
               !consumer.snapshot_due) {
      v1::StreamMessage progress;
      progress.mutable_records();
      keep =
          SendRecords(connection, consumer, progress, consumer.scanned_seq, now) != Served::kGone;
    }
    it = keep ? std::next(it) : consumers_.erase(it);
  }
  counters_.consumers = consumers_.size();
}

}  // namespace fusiongateway
