// Reads the `live` or `settled` stream of a gateway reliably: every record once, in order, through
// restarts of either side.
//
//     ConsumerOptions options;
//     options.after_seq = last_seq_i_stored;
//     options.journal_id = journal_id_i_stored;
//     auto consumer = StreamConsumer::Open(options);
//     for (;;) {
//       StreamEvent event = (*consumer)->Next(std::chrono::seconds(1));
//       if (event.kind == StreamEvent::Kind::kRecords) Store(*event.records);
//     }
//
// Calling Next again says that the last event is done with: only then the gateway gets credit for
// more, so a slow reader slows the gateway's sending and nothing piles up here. To go on after a
// restart of the program, store `through_seq` and `journal_id` with the records.
//
// Threading: one thread at a time. Next waits no longer than asked. Nothing is skipped silently: a
// gap, another journal, or a place that is no longer held is an event.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "clients/cpp/peer_socket.h"
#include "clients/cpp/publisher.h"
#include "fusion/base/status.h"
#include "fusion/base/time.h"

namespace fusiongateway::v1 {
class Records;
class Snapshot;
}  // namespace fusiongateway::v1

namespace fusiongateway::client {

struct ConsumerOptions {
  std::string endpoint = "tcp://127.0.0.1:5702";
  // "live" or "settled".
  std::string stream = "live";
  // Records after this one; 0 = from the oldest held.
  std::uint64_t after_seq = 0;
  // The journal after_seq belongs to; empty on a first visit.
  std::string journal_id;
  // Empty lists and SEVERITY_UNSPECIFIED (0) let everything through.
  std::vector<std::string> district_codes;
  std::vector<std::string> bodies;
  int severity_min = 0;
  // Records that may be on the way.
  std::uint32_t window = 1024;
  // First the open incidents as they are.
  bool snapshot = false;
  MessageForm form = MessageForm::kProtobuf;
  CurveKeys curve;
  // Nothing heard for so long (the gateway sends heartbeats): the connection is made anew.
  Duration silence_max = std::chrono::seconds(10);
  Duration heartbeat_interval = std::chrono::seconds(3);
  Duration retry_min = std::chrono::milliseconds(200);
  Duration retry_max = std::chrono::seconds(10);
};

struct StreamEvent {
  enum class Kind {
    // Nothing happened within the time-out.
    kTimeout,
    // The range from_seq … through_seq was scanned; `records` holds what the filter let through,
    // perhaps nothing.
    kRecords,
    // `snapshot` holds the open incidents; records follow from through_seq + 1.
    kSnapshot,
    // The journal is another one than the records so far came from: the gateway was restored or
    // replaced. Nothing follows until Restart.
    kJournalChanged,
    // The place asked for is no longer held; what is lies from oldest_seq on. A snapshot or the
    // records from there follow.
    kOutOfRange,
    // expected_seq was due and from_seq came: the missing ones are asked for again.
    kGap,
    // The connection was lost; it comes back by itself.
    kDisconnected,
    // The gateway refused the subscription, `code` says why; retried with back-off.
    kRefused,
  };
  Kind kind = Kind::kTimeout;
  std::string journal_id;
  std::uint64_t from_seq = 0;
  std::uint64_t through_seq = 0;
  std::uint64_t expected_seq = 0;
  std::uint64_t oldest_seq = 0;
  std::string code;
  // For people: what happened and what to do.
  std::string message;
  std::shared_ptr<const v1::Records> records;
  std::shared_ptr<const v1::Snapshot> snapshot;
};

class StreamConsumer {
 public:
  // A gateway that is not there yet is no error. Refused: a bad endpoint, key or stream name.
  static Result<std::unique_ptr<StreamConsumer>> Open(ConsumerOptions options);
  ~StreamConsumer();

  // The next event; kTimeout after `timeout`.
  StreamEvent Next(Duration timeout);
  // Subscribes anew after `after_seq` of whatever journal the gateway has now.
  void Restart(std::uint64_t after_seq);

  // The gateway has answered the subscription that is made now.
  bool subscribed() const;
  // Where reading stands: everything through here was given out.
  std::uint64_t through_seq() const;
  std::string journal_id() const;

 private:
  class Session;
  explicit StreamConsumer(std::unique_ptr<Session> session);
  std::unique_ptr<Session> session_;
};

}  // namespace fusiongateway::client
