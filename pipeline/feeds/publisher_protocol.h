// The gateway's side of the publisher protocol (docs/wire-protocol.md), without sockets: messages
// of peers go in, messages to peers come out. The socket (ingress.h) and a simulation drive the
// same code.
//
// One session per feed: a newer hello fences the older, which is terminal for its connection: that
// one is refused when it says hello for this feed again, a new connection is not. A hello with
// if_free fences nobody and is refused while another session lives; so is one that a later hello of
// the same outbox overtook (hello_number), which is not newer. Payloads are
// taken in seq order only; what is on disk already is skipped, a gap is refused, and what there is
// no room for is answered `busy` with the seq to send again. What is taken waits in its feed's line
// of a fair queue until DecodeSome comes to it, so that a feed which floods slows itself only; the
// line of an isolated feed stands still while its plugin is at a part of it.
// Nothing is acknowledged here: Committed() says what has become durable, and only that is acked.
// Bounds: sessions (one a feed, plus test sessions), unacked payloads and bytes a session (the
// window), undecoded bytes in all (waiting_bytes_max, shared equally by the sessions, and one
// message each), unacked dispositions a session.
//
// Not thread-safe; takes the time from its caller.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "fusion/base/time.h"
#include "fusion/clock/peer_clock.h"
#include "fusiongateway/v1/publisher.pb.h"
#include "pipeline/feeds/feed_decoder.h"
#include "pipeline/feeds/fenced_connections.h"
#include "pipeline/feeds/ingress_sink.h"
#include "pipeline/feeds/waiting_payloads.h"
#include "proto/codec/json_form.h"

namespace fusiongateway {

struct PublisherLimits {
  std::uint64_t window_payloads = 4096;
  std::uint64_t window_bytes = 8u << 20;
  std::uint32_t batch_max = 512;
  std::uint64_t message_bytes_max = 1u << 20;
  // Messages taken and not yet decoded, of all sessions together.
  std::uint64_t waiting_bytes_max = 256u << 20;
  // Payloads a second that a feed may have decoded, by feed; a feed that is not here has no limit.
  std::map<std::string, std::uint64_t> quota_of_feed;
  Duration busy_retry_after = std::chrono::milliseconds{50};
  Duration session_timeout = std::chrono::seconds{30};
  std::uint64_t unacked_dispositions_max = 256;
  std::size_t test_sessions_max = 8;
  std::size_t fenced_connections_max = 4096;
};

// A peer whose name begins so has no connection of its own: it asks and waits for its answers
// (publisher_exchanges.h), so nothing is told to it that it did not ask for.
inline constexpr std::string_view kExchangePeer = "fusion-gateway-exchange:";
inline bool IsExchangePeer(std::string_view peer) { return peer.starts_with(kExchangePeer); }

// One message to one peer. `peer` is the ROUTER's routing id.
struct OutgoingMessage {
  std::string peer;
  std::string bytes;
};

struct PublisherCounters {
  std::uint64_t messages = 0;
  std::uint64_t payloads = 0;
  std::uint64_t rejections = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t busy = 0;
  std::uint64_t malformed = 0;
  std::uint64_t too_large = 0;
  std::uint64_t fenced = 0;
  std::uint64_t fenced_hellos = 0;     // of a fenced connection, refused
  std::uint64_t late_hellos = 0;       // overtaken by a later one of the same outbox, refused
  std::uint64_t fenced_forgotten = 0;  // fenced connections beyond the bound
  std::uint64_t sessions_opened = 0;
  std::uint64_t sessions_timed_out = 0;
  std::uint64_t forbidden = 0;
  std::uint64_t feed_in_use = 0;  // refused because another session of the feed lives
  std::uint64_t plugin_errors = 0;
  std::uint64_t unknown_codes = 0;  // reports with a code that no table knows
  std::uint64_t waiting_bytes = 0;  // now: taken and not yet decoded
};

v1::Error PublisherError(std::string_view code, std::string message);

// What the fusion loop made durable of one outbox.
struct CommittedThrough {
  std::string feed_id;
  std::string outbox_id;
  std::uint64_t through_seq = 0;
  std::vector<v1::Rejection> rejections;
};

class PublisherProtocol {
 public:
  using Decoders = WaitingPayloads::Decoders;

  // `session_tag` makes this run's session ids unlike those of any other run. `wake` is called on
  // other threads when an isolated feed has more for DecodeSome.
  PublisherProtocol(
      Decoders decoders, PublisherLimits limits, IngressSink* sink, std::string session_tag,
      std::function<void()> wake = [] {});

  // One message from `peer`. `allowed_feed`: the feed its key is bound to, none = any.
  void Handle(const std::string& peer, std::string_view bytes, UtcTime now, SteadyTime steady_now,
              const std::optional<std::string>& allowed_feed, std::vector<OutgoingMessage>* out);
  // Decodes a small part of what waits, of the feed whose turn it is, and hands it to the sink; and
  // as much of the test session whose turn it is. kIdle: nothing waits, or only beyond its quota.
  using Decoded = WaitingPayloads::Decoded;
  Decoded DecodeSome(SteadyTime steady_now, std::vector<OutgoingMessage>* out);
  void Committed(const CommittedThrough& committed, std::vector<OutgoingMessage>* out);
  // New dispositions of a feed are on disk.
  void DispositionsMade(const std::string& feed_id, std::vector<OutgoingMessage>* out);
  // A message to this peer was lost: ends its session, so that everything above what it has acked
  // is told again after its next hello.
  void ReplyLost(const std::string& peer);
  // Asked without a session, which they neither need nor open.
  std::variant<v1::Error, v1::PublisherPlace> LookUp(
      const std::string& feed_id, const std::string& outbox_id, std::uint64_t acked_through,
      UtcTime now, const std::optional<std::string>& allowed_feed);
  // Those after `after_seq`, which is thereby acknowledged; refused while a publisher that is told
  // them by itself has a session.
  std::variant<v1::Error, v1::DispositionsAnswer> PollDispositions(
      const std::string& feed_id, std::uint64_t after_seq,
      const std::optional<std::string>& allowed_feed);
  Duration session_timeout() const { return limits_.session_timeout; }
  bool HasSession(const std::string& peer) const { return sessions_.contains(peer); }
  // Ends sessions that have been silent for too long.
  void Expire(SteadyTime steady_now);
  // Other code tables for the feeds named, from the next payload on.
  void TakeTables(std::map<std::string, FeedTables> tables);

  PublisherCounters counters() const;
  // By feed.
  std::map<std::string, FeedClockCounters> clock_counters() const;
  // By isolated feed.
  std::map<std::string, PluginProcessCounters> process_counters() const;
  // Something is taken and not yet decoded.
  bool any_waiting() const { return waiting_.any(); }

 private:
  struct Session {
    std::string id;
    std::string peer;
    std::string feed_id;
    std::string outbox_id;
    std::string client;
    std::uint64_t hello_number = 0;
    bool test = false;
    WireForm form = WireForm::kProtobuf;
    std::uint64_t resumed_after = 0;  // told in welcome
    std::uint64_t committed_through = 0;
    std::uint64_t received_through = 0;                      // handed to the fusion loop
    std::map<std::uint64_t, std::uint64_t> bytes_in_flight;  // last seq of a batch -> its bytes
    std::uint64_t bytes_in_flight_total = 0;
    bool refusing = false;  // busy was told; nothing was taken since
    std::uint64_t dispositions_acked = 0;
    std::uint64_t dispositions_sent = 0;
    SteadyTime last_heard{};
    PeerClock clock;
    std::optional<v1::ProbeReply> last_reply;
  };
  // The message being handled.
  struct Turn {
    const std::string& peer;
    WireForm form;
    UtcTime now;
    SteadyTime steady_now;
    const std::optional<std::string>& allowed_feed;
    std::vector<OutgoingMessage>* out;
  };

  // Why nobody with this key may publish for the feed; none = may.
  std::optional<v1::Error> FeedRefusal(const std::string& feed_id,
                                       const std::optional<std::string>& allowed_feed);
  std::optional<v1::Error> HelloRefusal(const v1::Hello& hello, const Turn& turn);
  // A connection that was given up may deliver its hello after the one that replaced it.
  bool IsOvertaken(const v1::Hello& hello, const Turn& turn);
  void HandleHello(const v1::Hello& hello, const Turn& turn);
  void HandlePublish(v1::Publish&& publish, std::size_t message_bytes, const Turn& turn);
  void HandleProbe(const v1::Probe& probe, const Turn& turn);
  void HandleHeartbeat(const v1::Heartbeat& heartbeat, const Turn& turn);
  void HandleDispositionAck(const v1::DispositionAck& ack, const Turn& turn);
  void HandleBye(const Turn& turn);

  void PublishTest(Session& session, v1::Publish&& publish, std::size_t message_bytes,
                   const Turn& turn);
  void PublishReal(Session& session, v1::Publish&& publish, std::size_t message_bytes,
                   const Turn& turn);
  static PayloadOwner OwnerOf(const Session& session);
  void Wait(Session& session, v1::Publish&& publish, int next, std::size_t message_bytes,
            const Turn& turn);
  void TakePiece(DecodedPiece&& piece, std::vector<OutgoingMessage>* out);
  std::uint64_t WindowBytes() const;
  // What Welcome and PublisherPlace tell alike.
  template <typename Message>
  void TellPlace(std::uint64_t through_seq, UtcTime now, Message* message) const;
  // A repeat of seqs [first, last]: acked with the rejections of those of them that are on disk.
  void AckRepeat(const Session& session, std::uint64_t first_seq, std::uint64_t last_seq,
                 const Turn& turn);
  void TellTestResults(Session& session, const IngressBatch& batch,
                       std::vector<OutgoingMessage>* out);
  static v1::Rejection AlreadyTaken(const Session& session, std::uint64_t through_seq);
  void SendBusy(Session& session, const Turn& turn);
  void SendAck(const Session& session, const std::vector<v1::Rejection>& rejections,
               std::vector<OutgoingMessage>* out,
               std::optional<std::uint64_t> through_seq = std::nullopt);
  void TellRejectionsAgain(const Session& session, const std::vector<v1::Rejection>& rejections,
                           std::vector<OutgoingMessage>* out);
  void PumpDispositions(Session& session, std::vector<OutgoingMessage>* out);

  // The session of this peer if `session_id` is its own; otherwise tells the peer why not.
  Session* Find(const std::string& session_id, const Turn& turn);
  Session* SessionOfFeed(const std::string& feed_id);
  void Fence(Session& older, const Turn& turn);
  void Close(const std::string& peer, FeedStatus::State state, const std::string& note);
  void Reply(const Turn& turn, const v1::GatewayMessage& message);
  void ReplyError(const Turn& turn, v1::Error error);
  void ReplyError(const Turn& turn, std::string_view code, std::string message);

  const PublisherLimits limits_;
  IngressSink* const sink_;
  const std::string session_tag_;
  std::uint64_t sessions_made_ = 0;
  std::unordered_map<std::string, Session> sessions_;  // by peer
  std::map<std::string, std::string> peer_of_feed_;    // feed id -> peer
  FencedConnections fenced_;
  WaitingPayloads waiting_;
  PublisherCounters counters_;
};

}  // namespace fusiongateway
