// Publishers that ask and wait for an answer (HTTP), as peers of the publisher protocol: one
// exchange is the messages a publisher on a socket would send, and its answer what such a publisher
// would hear. What is acked, rejected, busy or fenced is decided by the protocol alone.
//
// A peer is a feed and an outbox_id, over however many connections its requests come. Its first
// publish or probe says hello for it, with if_free: it fences nobody unless the request takes the
// feed over, which makes a new peer of it, as a program that was restarted is. Its session lives
// between requests as long as any publisher's. A test exchange is a peer of its own and says bye.
// Looking up where an outbox stands, and polling dispositions, need no session.
//
// Each exchange is answered once, by its callback, which must not throw, wait or call back.
// Bounds: exchanges waiting (exchanges_max; beyond it UNAVAILABLE), how long each waits, one
// poll a feed (a newer one ends the older with FEED_IN_USE), bytes of test results in an answer.
//
// Not thread-safe; takes the time from its caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "fusion/base/time.h"
#include "fusiongateway/v1/publisher.pb.h"
#include "pipeline/feeds/publisher_protocol.h"

namespace fusiongateway {

struct PublishAsk {
  v1::Publish publish;  // without a session
  bool test = false;
  bool takeover = false;
};
struct LookUpAsk {
  std::uint64_t acked_through = 0;
};
struct PollAsk {
  std::uint64_t after_seq = 0;
  Duration wait_max{};
};

struct PublisherRequest {
  std::string feed_id;
  std::string allowed_feed;  // the feed its credentials are for
  std::string client;        // for people
  std::string outbox_id;     // not of a poll
  std::variant<PublishAsk, LookUpAsk, v1::Probe, PollAsk> asks;
};

using PublisherAnswer = std::variant<v1::Error, v1::Busy, v1::PublishAnswer, v1::PublisherPlace,
                                     v1::ProbeReply, v1::DispositionsAnswer>;
using PublisherAnswered = std::function<void(PublisherAnswer)>;

struct ExchangeLimits {
  std::size_t exchanges_max = 64;
  // For a commit; then the publisher is told to ask again.
  Duration publish_wait_max = std::chrono::seconds{20};
  Duration poll_wait_max = std::chrono::seconds{50};
  std::size_t test_result_bytes_max = 1u << 20;
};

struct ExchangeCounters {
  std::uint64_t begun = 0;
  std::uint64_t waiting = 0;    // now
  std::uint64_t refused = 0;    // beyond exchanges_max
  std::uint64_t timed_out = 0;  // answered NOT_YET
};

class PublisherExchanges {
 public:
  // What every call is given: the time, and where messages for other peers go.
  struct Moment {
    UtcTime now{};
    SteadyTime steady_now{};
    std::vector<OutgoingMessage>* out = nullptr;
  };

  PublisherExchanges(PublisherProtocol* protocol, ExchangeLimits limits)
      : protocol_(protocol), limits_(limits) {}

  void Begin(PublisherRequest request, PublisherAnswered answered, const Moment& at);
  // A message of the protocol to one of these peers (IsExchangePeer).
  void Deliver(const OutgoingMessage& message, const Moment& at);
  // New dispositions of a feed are on disk.
  void DispositionsMade(const std::string& feed_id);
  // Answers what has waited for too long, keeps the sessions of the others alive.
  void Tick(const Moment& at);
  // Answers everything that waits with UNAVAILABLE.
  void EndAll();

  ExchangeCounters counters() const;

 private:
  struct Exchange {
    PublisherAnswered answered;
    std::uint64_t first_seq = 0;
    std::uint64_t last_seq = 0;
    SteadyTime due{};
    v1::PublishAnswer answer;  // as far as it is told
    std::size_t result_bytes = 0;
  };
  struct Peer {
    std::string session;
    std::string allowed_feed;
    bool test = false;
    SteadyTime spoke{};
    std::string journal_id;
    std::list<Exchange> waiting;
  };
  using Peers = std::map<std::string, Peer>;  // by the name the protocol knows
  struct Poll {
    PublisherAnswered answered;
    std::uint64_t after_seq = 0;
    std::string allowed_feed;
    SteadyTime due{};
  };

  void BeginPublish(PublisherRequest&& request, PublishAsk&& publish, PublisherAnswered answered,
                    const Moment& at);
  void BeginProbe(const PublisherRequest& request, const v1::Probe& probe,
                  const PublisherAnswered& answered, const Moment& at);
  void BeginPoll(const PublisherRequest& request, const PollAsk& poll, PublisherAnswered answered,
                 const Moment& at);

  Peers::iterator PeerOf(const PublisherRequest& request, bool takeover);
  // What the protocol answers the peer at once; what it tells others goes to at.out.
  std::vector<v1::GatewayMessage> Say(Peers::iterator peer, const v1::PublisherMessage& message,
                                      const Moment& at);
  // Opens a session unless there is one; otherwise why not.
  std::optional<v1::Error> SayHello(Peers::iterator peer, v1::Hello hello, const Moment& at);
  // True when the exchange was answered by it.
  bool Hear(const v1::GatewayMessage& message, Exchange* exchange);
  void HearAll(Peers::iterator peer, const v1::GatewayMessage& message);
  void AddResult(const v1::TestResult& result, Exchange* exchange) const;
  // Forgets a peer that is nobody any more.
  void Settle(Peers::iterator peer, const Moment& at);
  std::size_t WaitingCount() const;

  PublisherProtocol* const protocol_;
  const ExchangeLimits limits_;
  Peers peers_;
  std::map<std::string, std::string> renamed_;  // what a peer is called since it took its feed over
  std::uint64_t names_made_ = 0;
  std::map<std::string, Poll> polls_;  // by feed
  ExchangeCounters counters_;
};

}  // namespace fusiongateway
