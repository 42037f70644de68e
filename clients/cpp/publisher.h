// Publishes one feed's payloads to a gateway so that each is there exactly once, whatever restarts.
//
//     PublisherOptions options;
//     options.feed_id = "grid";
//     options.outbox_path = "/var/lib/myapp/grid.outbox";
//     auto publisher = Publisher::Open(options, {});
//     auto seq = (*publisher)->Publish(R"({"eventId": …})");
//
// Publish returns when the payload is on this machine's disk; a background thread brings it to the
// gateway, through restarts of either side, and removes it when the gateway has it on its own disk.
//
// Bounds: the outbox (Publish fails with kResourceExhausted when it is full), one payload's size,
// and the gateway's credit. Nothing waits without a time-out. Threading: members may be called from
// any thread. Events are called one at a time on the background thread; they may call members
// except Flush, Close and the destructor, and should return soon. Events are told at least once:
// one told just before a crash is told again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "clients/cpp/outbox.h"
#include "clients/cpp/peer_socket.h"
#include "fusion/base/status.h"
#include "fusion/base/time.h"

namespace fusiongateway::client {

enum class MessageForm { kProtobuf, kJson };

struct PublisherOptions {
  std::string endpoint = "tcp://127.0.0.1:5701";
  std::string feed_id;
  // Made if it is not there. One publisher owns one outbox.
  std::string outbox_path;
  // Name and version of the publishing software, for people.
  std::string client = "fusiongateway-cpp/1";
  // Decoded and answered with the resulting reports (on_test_result), never fused.
  bool test_mode = false;
  MessageForm form = MessageForm::kProtobuf;
  CurveKeys curve;
  OutboxLimits outbox_limits;
  // Larger payloads are refused by Publish.
  std::uint64_t payload_bytes_max = 700'000;
  Duration heartbeat_interval = std::chrono::seconds(2);
  Duration probe_interval = std::chrono::seconds(1);
  // Nothing heard for so long: the connection is given up and made anew.
  Duration silence_max = std::chrono::seconds(10);
  // A hello that is not answered for so long is said again.
  Duration hello_timeout = std::chrono::seconds(3);
  // Between refused hellos: from min, doubled each time up to max.
  Duration retry_min = std::chrono::milliseconds(200);
  Duration retry_max = std::chrono::seconds(10);
};

// The gateway did not take this payload; it is kept there (masked) as a dead letter and is gone
// from the outbox.
struct RejectedPayload {
  std::uint64_t seq = 0;
  std::string label;
  std::string payload;
  std::string code;
  std::string message;
  std::string field;
};

// What became of a report.
struct DispositionEvent {
  std::uint64_t seq = 0;
  std::string report_id;
  std::string incident_id;
  // "ACCEPTED", "FALSE_ALARM" …: the name of v1::IncidentState.
  std::string state;
  std::string note;
};

// Test mode: what the gateway made of one payload.
struct TestResultEvent {
  std::uint64_t seq = 0;
  // Each resulting Report as one line of protobuf JSON.
  std::vector<std::string> reports_json;
  // Set instead if it was refused.
  std::string code;
  std::string message;
  std::string field;
};

struct PublisherNotice {
  enum class Kind {
    // A session is open.
    kConnected,
    // The connection was lost or went silent; reconnecting by itself.
    kDisconnected,
    // Another journal than last time: the gateway was restored or replaced.
    kJournalChanged,
    // The gateway no longer holds [lost_from, lost_through], which it had acked and which are gone
    // from the outbox: publish them again from their origin if they matter. The outbox was given a
    // new id and its payloads were renumbered by `renumbered_by`.
    kGatewayWentBack,
    // The gateway holds more of this outbox than the outbox ever gave out: the outbox file is an
    // old
    // copy. It was given a new id and its payloads were renumbered by `renumbered_by`.
    kOutboxWentBack,
    // The gateway refused the hello or a message, `code` says why; retried with back-off.
    kRefused,
    // Terminal: another publisher speaks for this feed now. Publish fails from here on and nothing
    // reconnects; stop one of the two, then open a new Publisher.
    kFenced,
    // The outbox cannot be read or written, `message` says why; retried with back-off.
    kOutboxFailed,
  };
  Kind kind{};
  // For people: what happened and what to do.
  std::string message;
  std::string code;
  std::string journal_id;
  std::string previous_journal_id;
  std::uint64_t lost_from = 0;
  std::uint64_t lost_through = 0;
  std::uint64_t renumbered_by = 0;
};

struct PublisherEvents {
  std::function<void(const RejectedPayload&)> on_rejection;
  std::function<void(const DispositionEvent&)> on_disposition;
  std::function<void(const TestResultEvent&)> on_test_result;
  std::function<void(const PublisherNotice&)> on_notice;
  // Everything through this seq is on the gateway's disk, or was rejected.
  std::function<void(std::uint64_t through_seq)> on_acked;
};

// For the caller's own monitoring; counts are of this object's life.
struct PublisherStats {
  bool connected = false;
  bool fenced = false;
  std::uint64_t last_seq = 0;
  std::uint64_t acked_through = 0;
  std::uint64_t waiting = 0;
  std::uint64_t sent = 0;
  std::uint64_t rejected = 0;
  std::uint64_t busy = 0;
  std::uint64_t sessions = 0;
  std::uint64_t probes = 0;
  // Answers that could not be read, or that nobody asked for.
  std::uint64_t bad_messages = 0;
};

class Publisher {
 public:
  // Opens the outbox and starts to connect; a gateway that is not there yet is no error.
  static Result<std::unique_ptr<Publisher>> Open(PublisherOptions options, PublisherEvents events);
  // Closes.
  ~Publisher();

  // The payload's seq, once it is on disk. `label` comes back with a rejection.
  Result<std::uint64_t> Publish(std::string payload, std::string label = "");
  // All or none, in one commit; the first one's seq. `bookmark`, if given, is stored in that
  // commit, so that a source is read exactly once.
  Result<std::uint64_t> PublishBatch(std::span<const OutboxPayload> payloads,
                                     const Bookmark* bookmark = nullptr);
  Result<std::string> ReadBookmark(const std::string& name) const;

  // Waits until everything published before the call is acked. kUnavailable after `timeout`,
  // kFailedPrecondition when fenced.
  Status Flush(Duration timeout);
  // Says bye and stops the thread; what is not acked stays in the outbox. Idempotent.
  void Close();

  PublisherStats stats() const;
  std::string outbox_id() const;
  // Empty before the first welcome ever.
  std::string journal_id() const;

 private:
  class Worker;
  explicit Publisher(std::unique_ptr<Worker> worker);
  std::unique_ptr<Worker> worker_;
};

}  // namespace fusiongateway::client
