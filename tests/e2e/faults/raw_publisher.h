// RawPublisher: one DEALER that says exactly what a test tells it to, right or wrong, and collects
// what the gateway answers. Used by one thread. Nothing waits longer than asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusiongateway/v1/publisher.pb.h"

namespace fusiongateway::testing {

class RawPublisher {
 public:
  RawPublisher(const std::string& endpoint, std::string feed_id, std::string outbox_id);
  ~RawPublisher();

  void SendBytes(std::string_view bytes);
  // The next message in either form; none after the timeout.
  std::optional<v1::GatewayMessage> Receive(
      std::chrono::milliseconds timeout = std::chrono::seconds{10});

  // Says hello and waits for the welcome; an empty one if another answer came, see last_error().
  v1::Welcome Hello(std::uint64_t acked_through = 0,
                    std::chrono::milliseconds timeout = std::chrono::seconds{10});
  void Publish(std::uint64_t first_seq, const std::vector<std::string>& payloads);
  void Heartbeat();
  // Takes messages until an ack reaches `through_seq`; false after ten seconds. Rejections and
  // errors on the way are kept below.
  bool AwaitAck(std::uint64_t through_seq);
  // Takes messages until an error comes; its code, empty after ten seconds.
  std::string AwaitError();

  const std::string& session() const { return session_; }
  const std::map<std::uint64_t, v1::Rejection>& rejections() const { return rejections_; }
  const v1::Error& last_error() const { return last_error_; }
  void ForgetRejections() { rejections_.clear(); }

 private:
  struct Socket;
  void Send(const v1::PublisherMessage& message);

  std::unique_ptr<Socket> socket_;
  const std::string feed_id_;
  const std::string outbox_id_;
  std::string session_;
  std::map<std::uint64_t, v1::Rejection> rejections_;
  v1::Error last_error_;
};

}  // namespace fusiongateway::testing
