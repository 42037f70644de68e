// The reliable consumers' side of the stream, without sockets: subscriptions, credit, ranges,
// heartbeats, time-outs and what is refused (proto/fusiongateway/v1/consumer.proto).
//
// Nothing is queued here: a consumer is a place in a stream, and records are read from the journal
// when there is credit and the connection takes them. What a connection does not take now is read
// again later. Not thread-safe; the server's thread drives it and hands in the time.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "delivery/journal/journal.h"
#include "delivery/restricted.h"
#include "delivery/stream/record_filter.h"
#include "fusion/base/time.h"
#include "fusiongateway/v1/consumer.pb.h"
#include "proto/codec/json_form.h"

namespace fusiongateway {

struct ConsumerLimits {
  std::size_t consumers_max = 64;
  std::size_t message_bytes_max = std::size_t{64} << 10;  // from a consumer
  std::size_t records_per_message = 256;
  std::size_t bytes_per_message = std::size_t{256} << 10;  // about; never less than one record
  // Of one consumer, as sent and not yet consumed: beyond it nothing more goes out, however many
  // records its window has left.
  std::size_t bytes_on_the_way_max = std::size_t{512} << 10;
  Duration heartbeat_interval = std::chrono::seconds(2);
  // Without credit for so long, a consumer is told TOO_SLOW and dropped.
  Duration credit_timeout = std::chrono::seconds(60);
};

// The open incidents as of a record of the live stream that is committed.
struct OpenIncidents {
  std::uint64_t live_through_seq = 0;
  std::uint64_t settled_through_seq = 0;
  std::vector<v1::Incident> incidents;
};

struct ConsumerCounters {
  std::uint64_t consumers = 0;  // now
  std::uint64_t subscriptions = 0;
  std::uint64_t records_sent = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t restricted_withheld = 0;
  std::uint64_t malformed = 0;
  std::uint64_t too_large = 0;
  std::uint64_t refused = 0;     // subscriptions answered with an error
  std::uint64_t send_full = 0;   // the connection took no more for now
  std::uint64_t bytes_full = 0;  // so many bytes were on the way that no more went out
  std::uint64_t dropped_gone = 0;
  std::uint64_t dropped_slow = 0;
  std::uint64_t journal_errors = 0;
};

class ConsumerProtocol {
 public:
  enum class Sent { kTaken, kFull, kGone };
  using Send = std::function<Sent(const std::string& connection, const std::string& bytes)>;

  struct Sources {
    const Journal& journal;  // outlives it
    std::function<OpenIncidents()> open_incidents;
    RestrictedIncident restricted_incident;
  };

  ConsumerProtocol(Sources sources, ConsumerLimits limits, Send send);

  // `may_read_restricted`: what the connection's credentials allow.
  void OnMessage(const std::string& connection, std::string_view bytes, bool may_read_restricted,
                 SteadyTime now);
  // Gives every consumer at most one message. True if somebody could be given more at once.
  bool ServeAll(SteadyTime now);
  // Heartbeats and time-outs.
  void Housekeep(SteadyTime now);

  const ConsumerCounters& counters() const { return counters_; }

 private:
  struct Consumer {
    WireForm form = WireForm::kProtobuf;
    StreamId stream = StreamId::kLive;
    RecordFilter filter;
    bool may_read_restricted = false;
    std::uint64_t window = 0;
    std::uint64_t told_seq = 0;     // through_seq of the last message
    std::uint64_t scanned_seq = 0;  // beyond it, nothing passed the filter
    // Not yet consumed. Bounded by the window and bytes_on_the_way_max.
    struct OnTheWay {
      std::uint64_t through_seq = 0;
      std::uint64_t records = 0;
      std::size_t bytes = 0;
    };
    std::deque<OnTheWay> on_the_way;
    std::uint64_t on_the_way_records = 0;
    std::size_t on_the_way_bytes = 0;
    bool bytes_full = false;
    SteadyTime last_sent{};
    SteadyTime last_progress{};  // it took something, or there was nothing to take
    SteadyTime retry_at{};       // its connection was full
    // Still to be said before any record.
    bool out_of_range_due = false;
    bool snapshot_due = false;
  };
  using Consumers = std::map<std::string, Consumer>;
  enum class Served { kNothing, kSome, kGone };  // gone: the subscription has ended

  void Subscribe(const std::string& connection, const v1::Subscribe& subscribe, WireForm form,
                 bool may_read_restricted, SteadyTime now);
  Result<Consumer> Admit(const v1::Subscribe& subscribe, std::string* code) const;
  Status CheckPlace(const v1::Subscribe& subscribe, StreamId stream, std::string* code) const;
  Sent SendBeginning(const std::string& connection, Consumer& consumer);
  Sent SendSnapshot(const std::string& connection, Consumer& consumer);
  Sent SendOutOfRange(const std::string& connection, const Consumer& consumer);
  void SendError(const std::string& connection, WireForm form, std::string_view code,
                 std::string_view text);
  bool HasCredit(Consumer& consumer);
  void OnConsumed(Consumer& consumer, std::uint64_t through_seq, SteadyTime now);

  Served Serve(const std::string& connection, Consumer& consumer, SteadyTime now);
  Served ServeRecords(const std::string& connection, Consumer& consumer, SteadyTime now);
  Served NotTaken(Consumer& consumer, Sent sent, SteadyTime now);
  Served ServeFailed(const std::string& connection, Consumer& consumer, const Status& status);
  bool Passes(const Consumer& consumer, const v1::StreamRecord& record);
  Served SendRecords(const std::string& connection, Consumer& consumer, v1::StreamMessage& message,
                     std::uint64_t through_seq, SteadyTime now);
  Sent SendMessage(const std::string& connection, WireForm form, const v1::StreamMessage& message);
  Sent SendBytes(const std::string& connection, const std::string& bytes);

  const Sources sources_;
  const ConsumerLimits limits_;
  const Send send_;
  Consumers consumers_;
  ConsumerCounters counters_;
};

}  // namespace fusiongateway
