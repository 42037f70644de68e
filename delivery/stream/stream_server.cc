#include "delivery/stream/stream_server.h"

#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>
#include <zmq_addon.hpp>

#include "delivery/stream/broadcaster.h"
#include "fusion/base/thread_watch.h"
#include "pipeline/zmq/zap_responder.h"

namespace fusiongateway {
namespace {

// libzmq drops a longer message and its connection before it is in memory.
constexpr std::int64_t kMessageBytesHardMax = 1 << 20;
// What the kernel holds for a consumer that does not read; it would grow to megabytes by itself.
constexpr int kSendBufferBytes = 256 << 10;
constexpr int kMessagesPerTurn = 256;
constexpr std::size_t kBroadcastPerTurn = 1024;
constexpr std::chrono::milliseconds kPollInterval{100};
// Somebody's connection is full: tried again soon.
constexpr std::chrono::milliseconds kPollWhenFull{20};

}  // namespace

struct StreamServer::Impl {
  Impl(StreamServerOptions options_in, ConsumerProtocol::Sources sources, const Clock* clock_in)
      : options(std::move(options_in)),
        clock(clock_in),
        broadcaster(sources.journal, sources.restricted_incident),
        protocol(std::move(sources), options.limits,
                 [this](const std::string& connection, const std::string& bytes) {
                   return Send(connection, bytes);
                 }),
        router(context, zmq::socket_type::router),
        publisher(context, zmq::socket_type::xpub),
        wake_fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Impl() { close(wake_fd); }

  Status Bind();
  void SecureSockets();
  Status Loop();
  void Turn(std::chrono::milliseconds wait);
  void Receive();
  void CountSubscriptions();
  bool Broadcast();
  ConsumerProtocol::Sent Send(const std::string& connection, const std::string& bytes);
  void Wake();
  void PublishCounters();

  const StreamServerOptions options;
  const Clock* const clock;
  Broadcaster broadcaster;
  ConsumerProtocol protocol;
  zmq::context_t context;
  std::optional<ZapResponder> zap;
  zmq::socket_t router;
  zmq::socket_t publisher;
  const int wake_fd;
  std::string consumers_endpoint;
  std::string broadcast_endpoint;
  ThreadWatch watch;
  std::thread thread;
  std::atomic<bool> stopping{false};
  bool more = false;  // work is left that needs no waiting
  std::size_t topics_subscribed = 0;

  mutable std::mutex mutex;
  StreamCounters counters;  // copy for other threads
  StreamCounters own;       // the thread's
};

StreamServer::StreamServer(StreamServerOptions options, ConsumerProtocol::Sources sources,
                           const Clock* clock)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(sources), clock)) {}

StreamServer::~StreamServer() { Stop(); }

void StreamServer::Impl::SecureSockets() {
  if (options.curve_secret_key.empty()) return;
  zap.emplace(context, options.curve_role_of_key);
  for (zmq::socket_t* socket : {&router, &publisher}) {
    socket->set(zmq::sockopt::curve_server, true);
    socket->set(zmq::sockopt::curve_secretkey, options.curve_secret_key);
    socket->set(zmq::sockopt::zap_domain, "consumers");
  }
}

Status StreamServer::Impl::Bind() {
  try {
    SecureSockets();
  } catch (const zmq::error_t& error) {
    return InvalidArgument(std::string("the consumers' CURVE secret key cannot be used: ") +
                           error.what() + "; make one with fusion-gateway keygen");
  }
  const std::string* endpoint = &options.consumers_endpoint;
  try {
    for (zmq::socket_t* socket : {&router, &publisher}) {
      socket->set(zmq::sockopt::linger, 0);
      socket->set(zmq::sockopt::maxmsgsize, kMessageBytesHardMax);
      // A peer whose host vanished is noticed, and its queue freed, without waiting for TCP.
      socket->set(zmq::sockopt::heartbeat_ivl, 5000);
      socket->set(zmq::sockopt::heartbeat_timeout, 15000);
    }
    router.set(zmq::sockopt::router_mandatory, true);
    router.set(zmq::sockopt::sndhwm, options.consumer_queue_max);
    router.set(zmq::sockopt::sndbuf, kSendBufferBytes);
    publisher.set(zmq::sockopt::sndhwm, options.broadcast_queue_max);
    router.bind(*endpoint);
    consumers_endpoint = router.get(zmq::sockopt::last_endpoint);
    endpoint = &options.broadcast_endpoint;
    publisher.bind(*endpoint);
    broadcast_endpoint = publisher.get(zmq::sockopt::last_endpoint);
  } catch (const zmq::error_t& error) {
    return Unavailable("consumers' socket " + *endpoint + " cannot be bound: " + error.what() +
                       "; is another gateway running?");
  }
  return {};
}

Status StreamServer::Start() {
  if (Status s = impl_->Bind(); !s.ok()) return s;
  impl_->thread = std::thread([impl = impl_.get()] {
    const Status ended = impl->watch.Run([impl] { return impl->Loop(); });
    if (!ended.ok()) spdlog::critical("stream: {}; restart the gateway", ended.message());
  });
  return {};
}

void StreamServer::Stop() {
  if (!impl_->thread.joinable()) return;
  impl_->stopping = true;
  impl_->Wake();
  impl_->thread.join();
}

void StreamServer::Notify() { impl_->Wake(); }

std::string StreamServer::consumers_endpoint() const { return impl_->consumers_endpoint; }
std::string StreamServer::broadcast_endpoint() const { return impl_->broadcast_endpoint; }

StreamCounters StreamServer::counters() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->counters;
}

Status StreamServer::thread_status() const { return impl_->watch.status(); }

void StreamServer::Impl::Wake() {
  const std::uint64_t one = 1;
  // A full counter means that the thread is already due to wake.
  [[maybe_unused]] const auto written = write(wake_fd, &one, sizeof one);
}

Status StreamServer::Impl::Loop() {
  std::chrono::milliseconds wait{0};
  while (!stopping) {
    const std::uint64_t full_before = protocol.counters().send_full;
    try {
      Turn(wait);
    } catch (const zmq::error_t& error) {
      if (error.num() == EINTR) continue;
      return Unavailable(std::string("the streams' sockets have failed: ") + error.what());
    }
    const bool full = protocol.counters().send_full != full_before;
    wait = more ? std::chrono::milliseconds{0} : full ? kPollWhenFull : kPollInterval;
    PublishCounters();
  }
  return {};
}

void StreamServer::Impl::Turn(std::chrono::milliseconds wait) {
  std::vector<zmq::pollitem_t> items = {{router.handle(), 0, ZMQ_POLLIN, 0},
                                        {publisher.handle(), 0, ZMQ_POLLIN, 0},
                                        {nullptr, wake_fd, ZMQ_POLLIN, 0}};
  if (zap) items.push_back({zap->socket().handle(), 0, ZMQ_POLLIN, 0});
  zmq::poll(items, wait);
  if (zap && (items.back().revents & ZMQ_POLLIN) != 0) zap->HandleOne();
  std::uint64_t wakes = 0;
  [[maybe_unused]] const auto drained = read(wake_fd, &wakes, sizeof wakes);
  Receive();
  CountSubscriptions();
  const SteadyTime now = clock->SteadyNow();
  const bool more_broadcast = Broadcast();
  more = protocol.ServeAll(now) || more_broadcast;
  protocol.Housekeep(now);
}

void StreamServer::Impl::Receive() {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    std::vector<zmq::message_t> frames;
    if (!zmq::recv_multipart(router, std::back_inserter(frames), zmq::recv_flags::dontwait)) return;
    bool may_read_restricted = false;
    if (zap) may_read_restricted = frames.back().gets("User-Id") == kRestrictedReaderRole;
    // Anything but one frame after the connection's own is answered as the malformed thing it is.
    const std::string_view bytes =
        frames.size() == 2 ? frames[1].to_string_view() : std::string_view{};
    protocol.OnMessage(frames.front().to_string(), bytes, may_read_restricted, clock->SteadyNow());
  }
}

// libzmq keeps the subscriptions and tells of each topic once: when the first subscriber comes (a
// frame that begins with 1) and when the last one goes (0).
void StreamServer::Impl::CountSubscriptions() {
  zmq::message_t frame;
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    if (!publisher.recv(frame, zmq::recv_flags::dontwait)) return;
    if (frame.size() == 0) continue;
    const char kind = frame.to_string_view()[0];
    if (kind == 1) ++topics_subscribed;
    if (kind == 0 && topics_subscribed > 0) --topics_subscribed;
  }
}

bool StreamServer::Impl::Broadcast() {
  if (topics_subscribed == 0) {
    broadcaster.PassOver();
    return false;
  }
  auto sent = broadcaster.SendNew(kBroadcastPerTurn, [this](const Broadcaster::Message& message) {
    // XPUB never waits: a subscriber whose queue is full loses the message.
    publisher.send(zmq::buffer(message.topic), zmq::send_flags::sndmore);
    publisher.send(zmq::buffer(message.record), zmq::send_flags::sndmore);
    publisher.send(zmq::buffer(message.prev_seq), zmq::send_flags::none);
    ++own.broadcast_records;
  });
  if (sent.ok()) return *sent;
  if (own.broadcast_errors++ == 0) spdlog::error("stream: {}", sent.status().message());
  return false;
}

ConsumerProtocol::Sent StreamServer::Impl::Send(const std::string& connection,
                                                const std::string& bytes) {
  try {
    if (!router.send(zmq::buffer(connection),
                     zmq::send_flags::sndmore | zmq::send_flags::dontwait)) {
      return ConsumerProtocol::Sent::kFull;
    }
    router.send(zmq::buffer(bytes), zmq::send_flags::dontwait);
    return ConsumerProtocol::Sent::kTaken;
  } catch (const zmq::error_t& error) {
    if (error.num() != EHOSTUNREACH) throw;
    return ConsumerProtocol::Sent::kGone;
  }
}

void StreamServer::Impl::PublishCounters() {
  own.consumers = protocol.counters();
  own.keys_refused = zap ? zap->refused_count() : 0;
  const std::lock_guard lock(mutex);
  counters = own;
}

}  // namespace fusiongateway
