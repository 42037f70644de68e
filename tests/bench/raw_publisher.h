// What the benches of the publishers' socket share: a raw DEALER publisher, and numbers about
// numbers.
//
// A failed Check ends the program. Not thread-safe; a RawPublisher belongs to one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "fusiongateway/v1/publisher.pb.h"

namespace fusiongateway::bench {

using Steady = std::chrono::steady_clock;

void Check(bool ok, const std::string& what);
double SecondsSince(Steady::time_point begin);
double Milliseconds(Steady::duration duration);
double Percentile(std::vector<double> values, double share);
inline double Median(const std::vector<double>& values) { return Percentile(values, 0.5); }

// One message, serialized before the clock starts.
struct Message {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::string bytes;
};

class RawPublisher {
 public:
  // Connects and says hello; waits for the welcome.
  RawPublisher(const std::string& endpoint, const std::string& feed_id);

  // Payload n is `payload(n)`, with seq n + 1; `batch` of them a message.
  std::vector<Message> Pack(const std::function<std::string(std::size_t)>& payload,
                            std::size_t payloads, std::size_t batch) const;
  // Sends `messages`, each not before `due(i)` and within the window, until all is acked.
  // `acked(i)` is called once for each message, in order.
  void Run(const std::vector<Message>& messages,
           const std::function<Steady::time_point(std::size_t)>& due,
           const std::function<void(std::size_t)>& acked);

  const v1::Welcome& welcome() const { return welcome_; }
  std::size_t busy_count() const { return busy_count_; }

 private:
  void Send(const std::string& bytes);
  std::optional<v1::GatewayMessage> Receive(std::chrono::milliseconds timeout);
  void Hear(const v1::GatewayMessage& reply, const std::vector<Message>& messages,
            const std::function<void(std::size_t)>& acked);

  zmq::context_t context_;
  zmq::socket_t dealer_;
  v1::Welcome welcome_;
  std::uint64_t through_ = 0;
  std::size_t busy_count_ = 0;
  // Of the run under way: messages sent and acked, bytes in flight.
  std::size_t sent_ = 0;
  std::size_t done_ = 0;
  std::uint64_t bytes_in_flight_ = 0;
};

}  // namespace fusiongateway::bench
