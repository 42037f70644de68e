#include "tests/bench/raw_publisher.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace fusiongateway::bench {

void Check(bool ok, const std::string& what) {
  if (ok) return;
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::exit(1);
}

double SecondsSince(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

double Milliseconds(Steady::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

double Percentile(std::vector<double> values, double share) {
  Check(!values.empty(), "nothing was measured");
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

RawPublisher::RawPublisher(const std::string& endpoint, const std::string& feed_id)
    : dealer_(context_, zmq::socket_type::dealer) {
  dealer_.set(zmq::sockopt::linger, 0);
  dealer_.set(zmq::sockopt::sndhwm, 0);
  dealer_.connect(endpoint);
  v1::PublisherMessage message;
  v1::Hello* hello = message.mutable_hello();
  hello->set_feed_id(feed_id);
  hello->set_client("bench");
  hello->set_protocol(1);
  hello->set_outbox_id("bench");
  Send(message.SerializeAsString());
  const auto reply = Receive(std::chrono::seconds(10));
  Check(reply && reply->has_welcome(), "no welcome: " + (reply ? reply->DebugString() : ""));
  welcome_ = reply->welcome();
}

std::vector<Message> RawPublisher::Pack(const std::function<std::string(std::size_t)>& payload,
                                        std::size_t payloads, std::size_t batch) const {
  std::vector<Message> messages;
  for (std::size_t n = 0; n < payloads; n += batch) {
    v1::PublisherMessage message;
    v1::Publish* publish = message.mutable_publish();
    publish->set_session(welcome_.session());
    publish->set_first_seq(n + 1);
    const std::size_t end = std::min(n + batch, payloads);
    for (std::size_t i = n; i < end; ++i) publish->add_payloads(payload(i));
    messages.push_back({n + 1, end, message.SerializeAsString()});
  }
  return messages;
}

void RawPublisher::Run(const std::vector<Message>& messages,
                       const std::function<Steady::time_point(std::size_t)>& due,
                       const std::function<void(std::size_t)>& acked) {
  sent_ = done_ = 0;
  bytes_in_flight_ = 0;
  auto heard = Steady::now();
  while (done_ < messages.size()) {
    const auto now = Steady::now();
    Check(now - heard < std::chrono::seconds(60), "no ack for a minute");
    while (sent_ < messages.size() && due(sent_) <= now &&
           messages[sent_].last_seq <= through_ + welcome_.window().payloads() &&
           bytes_in_flight_ + messages[sent_].bytes.size() <= welcome_.window().bytes()) {
      Send(messages[sent_].bytes);
      bytes_in_flight_ += messages[sent_++].bytes.size();
    }
    std::chrono::milliseconds wait{100};
    if (sent_ < messages.size() && due(sent_) > now) {
      wait = std::chrono::duration_cast<std::chrono::milliseconds>(due(sent_) - now);
    }
    for (auto reply = Receive(wait); reply; reply = Receive(std::chrono::milliseconds{0})) {
      heard = Steady::now();
      Hear(*reply, messages, acked);
    }
  }
}

void RawPublisher::Hear(const v1::GatewayMessage& reply, const std::vector<Message>& messages,
                        const std::function<void(std::size_t)>& acked) {
  Check(!reply.has_error(), "refused: " + reply.error().message());
  if (reply.has_busy()) {
    ++busy_count_;
    while (sent_ > done_ && messages[sent_ - 1].first_seq >= reply.busy().next_seq()) {
      bytes_in_flight_ -= messages[--sent_].bytes.size();
    }
  }
  if (!reply.has_ack()) return;
  Check(reply.ack().rejections_size() == 0, "rejected: " + reply.ShortDebugString());
  through_ = std::max(through_, reply.ack().through_seq());
  while (done_ < sent_ && messages[done_].last_seq <= through_) {
    bytes_in_flight_ -= messages[done_].bytes.size();
    acked(done_++);
  }
}

void RawPublisher::Send(const std::string& bytes) {
  dealer_.send(zmq::message_t(bytes.data(), bytes.size()), zmq::send_flags::none);
}

std::optional<v1::GatewayMessage> RawPublisher::Receive(std::chrono::milliseconds timeout) {
  zmq::pollitem_t item{dealer_.handle(), 0, ZMQ_POLLIN, 0};
  if (timeout.count() > 0) zmq::poll(&item, 1, timeout);
  zmq::message_t frame;
  if (!dealer_.recv(frame, zmq::recv_flags::dontwait)) return std::nullopt;
  v1::GatewayMessage message;
  Check(message.ParseFromArray(frame.data(), static_cast<int>(frame.size())), "odd reply");
  return message;
}

}  // namespace fusiongateway::bench
