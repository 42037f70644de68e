#include "tests/e2e/faults/raw_publisher.h"

#include <utility>
#include <zmq.hpp>

#include "proto/codec/json_form.h"

namespace fusiongateway::testing {
namespace {

constexpr int kTries = 100;

}  // namespace

struct RawPublisher::Socket {
  zmq::context_t context;
  zmq::socket_t dealer{context, zmq::socket_type::dealer};
};

RawPublisher::RawPublisher(const std::string& endpoint, std::string feed_id, std::string outbox_id)
    : socket_(std::make_unique<Socket>()),
      feed_id_(std::move(feed_id)),
      outbox_id_(std::move(outbox_id)) {
  socket_->dealer.set(zmq::sockopt::linger, 0);
  socket_->dealer.set(zmq::sockopt::sndtimeo, 5000);
  socket_->dealer.connect(endpoint);
}

RawPublisher::~RawPublisher() = default;

void RawPublisher::SendBytes(std::string_view bytes) {
  socket_->dealer.send(zmq::message_t(bytes.data(), bytes.size()), zmq::send_flags::none);
}

void RawPublisher::Send(const v1::PublisherMessage& message) {
  SendBytes(message.SerializeAsString());
}

std::optional<v1::GatewayMessage> RawPublisher::Receive(std::chrono::milliseconds timeout) {
  socket_->dealer.set(zmq::sockopt::rcvtimeo, static_cast<int>(timeout.count()));
  zmq::message_t frame;
  if (!socket_->dealer.recv(frame)) return std::nullopt;
  v1::GatewayMessage message;
  const std::string_view bytes = frame.to_string_view();
  if (!ParseWire(bytes, DetectWireForm(bytes), &message).ok()) return std::nullopt;
  for (const auto& rejection : message.ack().rejections()) {
    rejections_[rejection.seq()] = rejection;
  }
  if (message.has_error()) last_error_ = message.error();
  return message;
}

v1::Welcome RawPublisher::Hello(std::uint64_t acked_through, std::chrono::milliseconds timeout) {
  v1::PublisherMessage message;
  v1::Hello* hello = message.mutable_hello();
  hello->set_feed_id(feed_id_);
  hello->set_client("raw/1");
  hello->set_protocol(1);
  hello->set_outbox_id(outbox_id_);
  hello->set_acked_through(acked_through);
  Send(message);
  const auto reply = Receive(timeout);
  if (!reply || !reply->has_welcome()) return {};
  session_ = reply->welcome().session();
  return reply->welcome();
}

void RawPublisher::Publish(std::uint64_t first_seq, const std::vector<std::string>& payloads) {
  v1::PublisherMessage message;
  message.mutable_publish()->set_session(session_);
  message.mutable_publish()->set_first_seq(first_seq);
  for (const std::string& payload : payloads) message.mutable_publish()->add_payloads(payload);
  Send(message);
}

void RawPublisher::Heartbeat() {
  v1::PublisherMessage message;
  message.mutable_heartbeat()->set_session(session_);
  Send(message);
}

bool RawPublisher::AwaitAck(std::uint64_t through_seq) {
  for (int i = 0; i < kTries; ++i) {
    const auto message = Receive();
    if (!message || message->has_error()) return false;
    if (message->has_ack() && message->ack().through_seq() >= through_seq) return true;
  }
  return false;
}

std::string RawPublisher::AwaitError() {
  for (int i = 0; i < kTries; ++i) {
    const auto message = Receive();
    if (!message) return "";
    if (message->has_error()) return message->error().code();
  }
  return "";
}

}  // namespace fusiongateway::testing
