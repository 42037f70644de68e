// The streams' sockets: reliable consumers (ROUTER) and broadcast (XPUB), on a thread of their own.
//
// Records come from the journal: after a commit the fusion loop calls Notify, which only wakes the
// thread. Every member may be called from any thread. A slow or vanished consumer costs its place
// in the stream and a few messages in its connection's queue (bounded); it never slows the others
// or the writer. Broadcast subscribers that are slow lose records, and see it by prev_seq.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "delivery/journal/journal.h"
#include "delivery/stream/consumer_protocol.h"
#include "fusion/base/status.h"
#include "fusion/base/time.h"

namespace fusiongateway {

// Consumers whose key is bound to this role are given restricted records too.
inline constexpr std::string_view kRestrictedReaderRole = "restricted";

struct StreamServerOptions {
  std::string consumers_endpoint = "tcp://127.0.0.1:5702";  // port 0 or *: any free one
  std::string broadcast_endpoint = "tcp://127.0.0.1:5703";
  // CURVE on both sockets: the gateway's secret key (Z85); empty = no encryption, loopback only.
  std::string curve_secret_key;
  // CURVE: client public key (Z85) -> its role. Other keys are refused and counted.
  std::map<std::string, std::string> curve_role_of_key;
  ConsumerLimits limits;
  // Messages waiting in a connection's queue.
  int consumer_queue_max = 8;
  int broadcast_queue_max = 10000;
};

struct StreamCounters {
  ConsumerCounters consumers;
  std::uint64_t broadcast_records = 0;
  std::uint64_t broadcast_errors = 0;
  std::uint64_t keys_refused = 0;
};

class StreamServer {
 public:
  // What the sources hold, and `clock`, outlives the server. Their functions are called from the
  // server's thread.
  StreamServer(StreamServerOptions options, ConsumerProtocol::Sources sources, const Clock* clock);
  ~StreamServer();
  StreamServer(const StreamServer&) = delete;
  StreamServer& operator=(const StreamServer&) = delete;

  // Binds and starts the thread. kUnavailable when an endpoint cannot be bound, kInvalidArgument
  // when a key cannot be used.
  Status Start();
  void Stop();

  // Records were committed. Never waits.
  void Notify();

  // As bound; valid after Start.
  std::string consumers_endpoint() const;
  std::string broadcast_endpoint() const;
  StreamCounters counters() const;
  // OK while the thread serves; otherwise why it ended.
  Status thread_status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusiongateway
