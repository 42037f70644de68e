#include "tests/clients/peer_gateway.h"

#include <algorithm>

#include "clients/cpp/system_time.h"
#include "proto/codec/codec.h"

namespace fusiongateway::client {

void PeerRouter::Start() {
  router_ = std::make_unique<zmq::socket_t>(context_, zmq::socket_type::router);
  router_->set(zmq::sockopt::linger, 0);
  if (!server_secret_.empty()) {
    router_->set(zmq::sockopt::curve_server, true);
    router_->set(zmq::sockopt::curve_secretkey, server_secret_);
  }
  // The old socket of a restart may hold the port for a moment.
  for (int attempt = 0;; ++attempt) {
    try {
      router_->bind(endpoint_);
      break;
    } catch (const zmq::error_t&) {
      if (attempt == 100) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  endpoint_ = router_->get(zmq::sockopt::last_endpoint);
  stop_ = false;
  OnStart();
  thread_ = std::thread([this] { Serve(); });
}

void PeerRouter::Stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
  router_.reset();
}

bool PeerRouter::WaitFor(const std::function<bool()>& condition,
                         std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (condition()) return true;
    }
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void PeerRouter::Serve() {
  for (;;) {
    zmq::pollitem_t item{router_->handle(), 0, ZMQ_POLLIN, 0};
    zmq::poll(&item, 1, std::chrono::milliseconds(5));
    std::lock_guard lock(mutex_);
    if (stop_) return;
    zmq::message_t identity;
    while (router_->recv(identity, zmq::recv_flags::dontwait)) {
      zmq::message_t body;
      (void)router_->recv(body, zmq::recv_flags::none);
      OnFrame(identity.to_string(), body.to_string());
    }
    OnTick();
  }
}

void PeerRouter::Reply(const std::string& identity, const google::protobuf::Message& message,
                       WireForm form) {
  router_->send(zmq::buffer(identity), zmq::send_flags::sndmore);
  router_->send(zmq::buffer(SerialiseWire(message, form)), zmq::send_flags::none);
}

void PublisherPeer::SendError(const std::string& identity, WireForm form, const std::string& code) {
  v1::GatewayMessage reply;
  reply.mutable_error()->set_code(code);
  reply.mutable_error()->set_message("because the test says so");
  Reply(identity, reply, form);
}

void PublisherPeer::OnFrame(const std::string& identity, const std::string& bytes) {
  if (mute) return;
  const WireForm form = DetectWireForm(bytes);
  last_form_was_json = form == WireForm::kJson;
  largest_message = std::max<std::uint64_t>(largest_message, bytes.size());
  if (bytes.size() > max_message_bytes) return SendError(identity, form, "TOO_LARGE");
  v1::PublisherMessage message;
  if (!ParsePublisherMessage(bytes, form, &message).ok()) {
    return SendError(identity, form, "MALFORMED");
  }
  if (message.has_hello()) return OnHello(identity, message.hello(), form);
  const auto session = sessions_.find(identity);
  if (session == sessions_.end()) {
    return SendError(identity, form, "HELLO_REQUIRED");
  }
  switch (message.message_case()) {
    case v1::PublisherMessage::kPublish:
      return OnPublish(identity, message.publish(), form);
    case v1::PublisherMessage::kHeartbeat:
      return SendAck(identity, form, taken[session->second.outbox_id].size());
    case v1::PublisherMessage::kDispositionAck:
      dispositions_acked = message.disposition_ack().through_seq();
      return;
    case v1::PublisherMessage::kBye:
      ++byes;
      return;
    case v1::PublisherMessage::kProbe: {
      probes.push_back(message.probe());
      v1::GatewayMessage reply;
      *reply.mutable_probe_reply()->mutable_t1() = message.probe().t1();
      ToWire(SystemClock().UtcNow(), reply.mutable_probe_reply()->mutable_t2());
      ToWire(SystemClock().UtcNow(), reply.mutable_probe_reply()->mutable_t3());
      return Reply(identity, reply, form);
    }
    default:
      return SendError(identity, form, "MALFORMED");
  }
}

void PublisherPeer::OnHello(const std::string& identity, const v1::Hello& hello, WireForm form) {
  hellos.push_back(hello);
  if (!refuse_hello.empty()) return SendError(identity, form, refuse_hello);
  for (auto older = sessions_.begin(); older != sessions_.end();) {
    const bool fenced = older->second.feed_id == hello.feed_id();
    if (fenced && older->first != identity) SendError(older->first, older->second.form, "FENCED");
    older = fenced ? sessions_.erase(older) : std::next(older);
  }
  const std::string id = "session-" + std::to_string(++session_count_);
  sessions_[identity] = {id, hello.feed_id(), hello.outbox_id(), form};
  newest_identity_ = identity;
  v1::GatewayMessage reply;
  v1::Welcome& welcome = *reply.mutable_welcome();
  welcome.set_session(id);
  welcome.set_journal_id(journal_id);
  welcome.set_resume_after_seq(taken[hello.outbox_id()].size());
  welcome.mutable_window()->set_payloads(window_payloads);
  welcome.mutable_window()->set_bytes(window_bytes);
  welcome.set_max_batch(max_batch);
  welcome.set_max_message_bytes(max_message_bytes);
  welcome.set_protocol(1);
  Reply(identity, reply, form);
  if (!rejections_[hello.outbox_id()].empty()) SendAck(identity, form, hello.acked_through());
}

void PublisherPeer::OnPublish(const std::string& identity, const v1::Publish& publish,
                              WireForm form) {
  const Session& session = sessions_.at(identity);
  if (publish.session() != session.id) return SendError(identity, form, "HELLO_REQUIRED");
  auto& store = taken[session.outbox_id];
  if (busy_count > 0) {
    --busy_count;
    v1::GatewayMessage reply;
    reply.mutable_busy()->set_next_seq(publish.first_seq());
    ToWire(Duration(std::chrono::milliseconds(30)), reply.mutable_busy()->mutable_retry_after());
    return Reply(identity, reply, form);
  }
  if (publish.first_seq() > store.size() + 1) return SendError(identity, form, "SEQ_GAP");
  const std::uint64_t before = store.size();
  largest_batch = std::max<std::uint64_t>(largest_batch, std::uint64_t(publish.payloads_size()));
  for (int i = 0; i < publish.payloads_size(); ++i) {
    const std::uint64_t seq = publish.first_seq() + std::uint64_t(i);
    if (seq <= store.size()) continue;
    const std::string& payload = publish.payloads(i);
    store.push_back(payload);
    if (!payload.empty() && payload.find(reject_text) == std::string::npos) continue;
    v1::Rejection& rejection = rejections_[session.outbox_id][seq];
    rejection.set_seq(seq);
    rejection.set_code("MALFORMED");
    rejection.set_message("not readable");
    rejection.set_field("eventId");
  }
  SendAck(identity, form, before);
}

void PublisherPeer::SendAck(const std::string& identity, WireForm form, std::uint64_t after_seq) {
  if (mute_acks) return;
  v1::GatewayMessage reply;
  v1::Ack& ack = *reply.mutable_ack();
  const std::string& outbox_id = sessions_.at(identity).outbox_id;
  ack.set_through_seq(taken[outbox_id].size());
  for (const auto& [seq, rejection] : rejections_[outbox_id]) {
    if (seq > after_seq) *ack.add_rejections() = rejection;
  }
  ack.mutable_window()->set_payloads(window_payloads);
  ack.mutable_window()->set_bytes(window_bytes);
  Reply(identity, reply, form);
}

void PublisherPeer::SendToPublisher(const v1::GatewayMessage& message) {
  std::lock_guard lock(mutex());
  Reply(newest_identity_, message, sessions_.at(newest_identity_).form);
}

void PublisherPeer::ForgetSession() {
  std::lock_guard lock(mutex());
  sessions_.clear();
}

void ConsumerPeer::Append(int count) {
  std::lock_guard lock(mutex());
  for (int i = 0; i < count; ++i) {
    v1::StreamRecord& record = live.emplace_back();
    record.set_seq(live.size());
    record.mutable_report()->set_report_id("r" + std::to_string(live.size()));
  }
}

void ConsumerPeer::OnFrame(const std::string& identity, const std::string& bytes) {
  const WireForm form = DetectWireForm(bytes);
  v1::ConsumerMessage message;
  if (!ParseWire(bytes, form, &message).ok()) return SendError(identity, form, "MALFORMED");
  if (message.has_consumed()) {
    const auto found = subscriptions_.find(identity);
    if (found == subscriptions_.end()) return SendError(identity, form, "SUBSCRIBE_REQUIRED");
    found->second.consumed = consumed_through = message.consumed().through_seq();
    return;
  }
  const v1::Subscribe& request = message.subscribe();
  subscribes.push_back(request);
  v1::StreamMessage reply;
  if (!request.journal_id().empty() && request.journal_id() != journal_id) {
    reply.mutable_error()->set_code("JOURNAL_CHANGED");
    reply.mutable_error()->set_message("this is another journal");
    return Reply(identity, reply, form);
  }
  if (request.after_seq() > live.size()) return SendError(identity, form, "SEQ_AHEAD");
  if (request.after_seq() > 0 && request.after_seq() + 1 < oldest_seq) {
    reply.mutable_out_of_range()->set_oldest_seq(oldest_seq);
    return Reply(identity, reply, form);
  }
  const std::uint64_t from = std::max(request.after_seq(), oldest_seq - 1);
  subscriptions_[identity] = {request, from, from, form};
}

void ConsumerPeer::SendError(const std::string& identity, WireForm form, const std::string& code) {
  v1::StreamMessage reply;
  reply.mutable_error()->set_code(code);
  reply.mutable_error()->set_message("because the test says so");
  Reply(identity, reply, form);
}

void ConsumerPeer::OnTick() {
  for (auto& [identity, subscription] : subscriptions_) {
    while (subscription.sent_through < live.size() &&
           subscription.sent_through < subscription.consumed + subscription.request.window()) {
      SendRange(identity, subscription);
    }
  }
}

void ConsumerPeer::SendRange(const std::string& identity, Subscription& subscription) {
  if (skip_once == subscription.sent_through + 1) {
    ++subscription.sent_through;
    skip_once = 0;
  }
  v1::StreamMessage message;
  v1::Records& records = *message.mutable_records();
  records.set_journal_id(journal_id);
  records.set_from_seq(subscription.sent_through + 1);
  const std::uint64_t credit = subscription.consumed + subscription.request.window();
  const std::uint64_t end =
      std::min({subscription.sent_through + 3, std::uint64_t(live.size()), credit});
  for (std::uint64_t seq = records.from_seq(); seq <= end; ++seq) {
    *records.add_records() = live[seq - 1];
  }
  records.set_through_seq(end);
  subscription.sent_through = end;
  most_unconsumed = std::max(most_unconsumed, end - subscription.consumed);
  Reply(identity, message, subscription.form);
}

}  // namespace fusiongateway::client
