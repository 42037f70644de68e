// The publishers' ROUTER socket and the one thread that owns it: bytes in, through the publisher
// protocol, to the fusion loop; acks and dispositions out. Publishers that ask and wait (HTTP) are
// peers of the same protocol, on the same thread.
//
// Start binds and starts the thread; Stop ends it. Committed, DispositionsMade, RoomMade,
// TakeTables and Exchange may be called from any thread and only enqueue. An exchange is answered
// once, on the ingress thread or, when nothing can be taken, on the caller's; Stop answers all.
// Bounds: message size, high-water marks, sessions and their windows. A peer that does not read
// loses messages beyond the mark (counted) and with the first of them its session; it hears the
// same again after its next hello.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "fusion/base/status.h"
#include "fusion/base/time.h"
#include "pipeline/feeds/publisher_exchanges.h"
#include "pipeline/feeds/publisher_protocol.h"

namespace fusiongateway {

struct IngressOptions {
  std::string endpoint = "tcp://127.0.0.1:5701";
  PublisherLimits limits;
  ExchangeLimits exchange_limits;
  // CURVE: the gateway's secret key (Z85); empty = no encryption, loopback only.
  std::string curve_secret_key;
  // CURVE: client public key (Z85) -> the feed it may publish for.
  std::map<std::string, std::string> curve_feed_of_key;
};

struct IngressCounters {
  PublisherCounters protocol;
  ExchangeCounters exchanges;
  std::map<std::string, FeedClockCounters> clocks;                // by feed
  std::map<std::string, PluginProcessCounters> plugin_processes;  // by isolated feed
  std::uint64_t replies_dropped = 0;     // the peer was gone or did not read
  std::uint64_t connections_closed = 0;  // by the peer, or by libzmq for a message over 16 MiB
  std::uint64_t unknown_keys = 0;
  std::uint64_t odd_frames = 0;  // not exactly one frame a message
};

class Ingress {
 public:
  Ingress(IngressOptions options, PublisherProtocol::Decoders decoders, const Clock* clock,
          IngressSink* sink, std::string session_tag);
  ~Ingress();

  Status Start();
  void Stop();
  // The endpoint bound, with the real port.
  std::string endpoint() const;

  void Committed(CommittedThrough committed);
  void DispositionsMade(std::string feed_id);
  // The sink has room again.
  void RoomMade();
  // Other code tables, by feed, between two messages; the latest told wins.
  void TakeTables(std::map<std::string, FeedTables> tables);
  void Exchange(PublisherRequest request, PublisherAnswered answered);

  IngressCounters counters() const;
  // OK while the thread serves; otherwise why it ended.
  Status thread_status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusiongateway
