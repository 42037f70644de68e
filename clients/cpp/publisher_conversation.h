// The publisher's side of the protocol (docs/wire-protocol.md), without a thread, a socket or a
// clock of its own: what the gateway says goes in, what is due goes out through a Link. Publisher
// drives it from its thread over a real connection, a simulation by hand over a simulated one.
//
// It opens the connection itself, makes a new one after each loss with back-off, and sends what the
// outbox holds within the gateway's credit. Events are called from within its members and may call
// nothing of it but stats(). Bounds: the credit, a batch, a message.
//
// Threading: one thread owns it; stats() and fenced() may be called from any.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "clients/cpp/outbox.h"
#include "clients/cpp/publisher.h"
#include "clients/cpp/send_window.h"
#include "fusion/base/status.h"
#include "fusion/base/time.h"
#include "fusiongateway/v1/publisher.pb.h"

namespace fusiongateway::client {

// The connection to a gateway, one at a time.
class PublisherLink {
 public:
  virtual ~PublisherLink() = default;
  // Begins a new connection; that nobody is there yet is no error.
  virtual Status Connect() = 0;
  // Queues one message on it.
  virtual Status Send(std::string_view bytes) = 0;
  // Ends it; unsent messages may still leave for `linger`.
  virtual void Close(Duration linger) = 0;
};

class PublisherConversation {
 public:
  // All outlive it. `on_progress`: an ack or a fence came.
  PublisherConversation(const PublisherOptions& options, const PublisherEvents& events,
                        Outbox* outbox, PublisherLink* link, const Clock& clock,
                        std::function<void()> on_progress);

  // Connects, says hello, probes, keeps alive and sends as far as that is due, and says how long it
  // is until something is due again. Call it also after Append, and after each message.
  Duration DoWhatIsDue();
  // One message of the connection.
  void Handle(const std::string& bytes);
  void ConnectionLost();
  void KeyRefused();
  // Ends the session in good order, and the connection.
  void SayBye();

  bool has_connection() const { return state_ != State::kDown; }
  bool fenced() const;
  PublisherStats stats() const;

 private:
  enum class State { kDown, kHello, kOpen };

  // Connection.
  void Connect();
  void SayHello();
  void Drop(Duration before_next, Duration linger = {});
  void BackOff();
  void Disconnected(const std::string& why);
  Duration UntilNextTask() const;
  bool Send(const v1::PublisherMessage& message);

  // Outgoing.
  void SendPayloads();
  bool SendBatch();
  void SendHeartbeat();
  void SendProbe();

  // Incoming.
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

  const PublisherOptions& options_;
  const PublisherEvents& events_;
  Outbox* const outbox_;
  PublisherLink* const link_;
  const Clock& clock_;
  const std::function<void()> on_progress_;

  mutable std::mutex mutex_;  // guards stats_
  PublisherStats stats_;

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

}  // namespace fusiongateway::client
