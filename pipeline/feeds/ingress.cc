#include "pipeline/feeds/ingress.h"

#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>
#include <zmq_addon.hpp>

#include "fusion/base/thread_watch.h"
#include "pipeline/zmq/zap_responder.h"

namespace fusiongateway {
namespace {

// libzmq drops a longer message and its connection before it is in memory.
constexpr std::int64_t kMessageBytesHardMax = 16 << 20;
// Messages a connection that are in memory and not yet looked at.
constexpr int kReceiveHighWaterMark = 16;
// Above what one publisher is told at once (unacked dispositions, acks); times a reply's size this
// bounds what a peer that does not read costs.
constexpr int kSendHighWaterMark = 512;
constexpr int kMessagesPerTurn = 64;
// Each may be as large as a message, and is written once more on its way to the protocol.
constexpr int kExchangesPerTurn = 8;
constexpr std::chrono::milliseconds kPollInterval{200};
constexpr std::chrono::milliseconds kCountersEvery{100};
// What waits is beyond its feed's quota.
constexpr std::chrono::milliseconds kPollForQuota{20};

// Other threads' word to the socket's thread that there is something to do.
struct WakeUp {
  ~WakeUp() { close(fd); }
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
};

}  // namespace

struct Ingress::Impl {
  Impl(IngressOptions options_in, PublisherProtocol::Decoders decoders, const Clock* clock_in,
       IngressSink* sink, std::string session_tag)
      : options(std::move(options_in)),
        clock(clock_in),
        protocol(std::move(decoders), options.limits, sink, std::move(session_tag),
                 [this] { Wake(); }),
        exchanges(&protocol, options.exchange_limits),
        router(context, zmq::socket_type::router),
        monitor(context, zmq::socket_type::pair) {}

  Status Bind();
  Status Loop();
  void Receive();
  void DrainPosted();
  void BeginExchanges();
  void EndExchanges();
  PublisherExchanges::Moment Moment(std::vector<OutgoingMessage>* out) const {
    return {clock->UtcNow(), clock->SteadyNow(), out};
  }
  std::chrono::milliseconds Decode();
  void DrainMonitor();
  void Send(std::vector<OutgoingMessage>& messages);
  void ReplyLost(const std::string& peer);
  void Wake();
  void PublishCounters();

  const IngressOptions options;
  const Clock* const clock;
  const WakeUp wake_up;  // outlives the plugins' threads of `protocol`
  PublisherProtocol protocol;
  PublisherExchanges exchanges;
  zmq::context_t context;
  std::optional<ZapResponder> zap;
  zmq::socket_t router;
  zmq::socket_t monitor;
  std::string bound_endpoint;
  ThreadWatch watch;
  std::thread thread;
  std::atomic<bool> stopping{false};

  mutable std::mutex mutex;
  std::vector<CommittedThrough> committed;   // bounded: one batch is one window at most
  std::vector<std::string> dispositions_of;  // feed ids
  std::map<std::string, FeedTables> tables;  // by feed id; not yet taken
  std::deque<std::pair<PublisherRequest, PublisherAnswered>> asked;  // bounded: exchanges_max
  bool asking_ended = false;
  std::uint64_t asked_refused = 0;
  IngressCounters counters;  // copy for other threads
  IngressCounters own;       // the thread's
  SteadyTime counters_published_at{};
};

Ingress::Ingress(IngressOptions options, PublisherProtocol::Decoders decoders, const Clock* clock,
                 IngressSink* sink, std::string session_tag)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(decoders), clock, sink,
                                   std::move(session_tag))) {}

Ingress::~Ingress() { Stop(); }

Status Ingress::Impl::Bind() try {
  if (!options.curve_secret_key.empty()) {
    zap.emplace(context, options.curve_feed_of_key);
    router.set(zmq::sockopt::curve_server, true);
    router.set(zmq::sockopt::curve_secretkey, options.curve_secret_key);
    router.set(zmq::sockopt::zap_domain, "publishers");
  }
  router.set(zmq::sockopt::linger, 0);
  router.set(zmq::sockopt::maxmsgsize, kMessageBytesHardMax);
  router.set(zmq::sockopt::sndhwm, kSendHighWaterMark);
  router.set(zmq::sockopt::rcvhwm, kReceiveHighWaterMark);
  router.set(zmq::sockopt::router_mandatory, true);
  // A peer whose host vanished is noticed, and its queue freed, without waiting for TCP.
  router.set(zmq::sockopt::heartbeat_ivl, 5000);
  router.set(zmq::sockopt::heartbeat_timeout, 15000);
  zmq_socket_monitor(router.handle(), "inproc://ingress.monitor", ZMQ_EVENT_DISCONNECTED);
  monitor.set(zmq::sockopt::linger, 0);
  monitor.connect("inproc://ingress.monitor");
  router.bind(options.endpoint);
  bound_endpoint = router.get(zmq::sockopt::last_endpoint);
  return {};
} catch (const zmq::error_t& error) {
  return Unavailable("publishers' socket " + options.endpoint +
                     " cannot be bound: " + error.what() + "; is another gateway running?");
}

Status Ingress::Start() {
  if (Status s = impl_->Bind(); !s.ok()) return s;
  impl_->thread = std::thread([impl = impl_.get()] {
    const Status ended = impl->watch.Run([impl] { return impl->Loop(); });
    impl->EndExchanges();
    if (!ended.ok()) spdlog::critical("publishers: {}; restart the gateway", ended.message());
  });
  return {};
}

void Ingress::Stop() {
  if (impl_->thread.joinable()) {
    impl_->stopping = true;
    impl_->Wake();
    impl_->thread.join();
  }
  impl_->EndExchanges();
}

std::string Ingress::endpoint() const { return impl_->bound_endpoint; }

void Ingress::Committed(CommittedThrough committed) {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->committed.push_back(std::move(committed));
  }
  impl_->Wake();
}

void Ingress::RoomMade() { impl_->Wake(); }

void Ingress::DispositionsMade(std::string feed_id) {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->dispositions_of.push_back(std::move(feed_id));
  }
  impl_->Wake();
}

void Ingress::TakeTables(std::map<std::string, FeedTables> tables) {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->tables = std::move(tables);
  }
  impl_->Wake();
}

void Ingress::Exchange(PublisherRequest request, PublisherAnswered answered) {
  bool taken = false;
  {
    std::lock_guard lock(impl_->mutex);
    const bool full = impl_->asked.size() >= impl_->options.exchange_limits.exchanges_max;
    taken = !full && !impl_->asking_ended;
    if (taken) {
      impl_->asked.emplace_back(std::move(request), std::move(answered));
    } else {
      ++impl_->asked_refused;
    }
  }
  if (!taken) return answered(PublisherError("UNAVAILABLE", "the gateway is busy; ask again"));
  impl_->Wake();
}

IngressCounters Ingress::counters() const {
  std::lock_guard lock(impl_->mutex);
  IngressCounters counters = impl_->counters;
  counters.exchanges.refused += impl_->asked_refused;
  return counters;
}

Status Ingress::thread_status() const { return impl_->watch.status(); }

void Ingress::Impl::Wake() {
  const std::uint64_t one = 1;
  // A full counter means that the thread is already due to wake.
  [[maybe_unused]] const auto written = write(wake_up.fd, &one, sizeof one);
}

Status Ingress::Impl::Loop() {
  std::chrono::milliseconds wait = kPollInterval;
  while (!stopping) {
    std::vector<zmq::pollitem_t> items = {{router.handle(), 0, ZMQ_POLLIN, 0},
                                          {nullptr, wake_up.fd, ZMQ_POLLIN, 0},
                                          {monitor.handle(), 0, ZMQ_POLLIN, 0}};
    if (zap) items.push_back({zap->socket().handle(), 0, ZMQ_POLLIN, 0});
    try {
      zmq::poll(items, wait);
      if (zap && (items[3].revents & ZMQ_POLLIN) != 0) zap->HandleOne();
      if ((items[1].revents & ZMQ_POLLIN) != 0) DrainPosted();
      if ((items[2].revents & ZMQ_POLLIN) != 0) DrainMonitor();
      if ((items[0].revents & ZMQ_POLLIN) != 0) Receive();
    } catch (const zmq::error_t& error) {
      if (error.num() == EINTR) continue;
      return Unavailable(std::string("the publishers' socket has failed: ") + error.what());
    }
    BeginExchanges();
    wait = Decode();
    const SteadyTime now = clock->SteadyNow();
    protocol.Expire(now);
    // Under load there is always more to do at once: the counters are not worth a copy every turn.
    if (wait == kPollInterval || now - counters_published_at >= kCountersEvery) {
      PublishCounters();
      counters_published_at = now;
    }
  }
  return {};
}

void Ingress::Impl::Receive() {
  std::vector<OutgoingMessage> replies;
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    std::vector<zmq::message_t> frames;
    if (!zmq::recv_multipart(router, std::back_inserter(frames), zmq::recv_flags::dontwait)) break;
    if (frames.size() != 2 || IsExchangePeer(frames[0].to_string_view())) {
      ++own.odd_frames;
      continue;
    }
    std::optional<std::string> allowed_feed;
    if (zap) allowed_feed = frames[1].gets("User-Id");
    protocol.Handle(frames[0].to_string(), frames[1].to_string_view(), clock->UtcNow(),
                    clock->SteadyNow(), allowed_feed, &replies);
  }
  Send(replies);
}

// How long to wait for the sockets before more is decoded.
std::chrono::milliseconds Ingress::Impl::Decode() {
  std::vector<OutgoingMessage> replies;
  const auto decoded = protocol.DecodeSome(clock->SteadyNow(), &replies);
  Send(replies);
  switch (decoded) {
    case PublisherProtocol::Decoded::kSome:
      return std::chrono::milliseconds{0};
    case PublisherProtocol::Decoded::kNoRoom:
      return kPollInterval;  // woken when there is room
    case PublisherProtocol::Decoded::kIdle:
      break;
  }
  return protocol.any_waiting() ? kPollForQuota : kPollInterval;
}

void Ingress::Impl::DrainPosted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = read(wake_up.fd, &count, sizeof count);
  std::vector<CommittedThrough> acks;
  std::vector<std::string> feeds;
  std::map<std::string, FeedTables> new_tables;
  {
    std::lock_guard lock(mutex);
    new_tables.swap(tables);
    acks.swap(committed);
    feeds.swap(dispositions_of);
  }
  protocol.TakeTables(std::move(new_tables));
  std::vector<OutgoingMessage> messages;
  for (const auto& ack : acks) protocol.Committed(ack, &messages);
  for (const auto& feed : feeds) {
    protocol.DispositionsMade(feed, &messages);
    exchanges.DispositionsMade(feed);
  }
  Send(messages);
}

void Ingress::Impl::BeginExchanges() {
  std::vector<OutgoingMessage> messages;
  // One a turn while payloads wait to be decoded, so that large bodies do not hold them up.
  for (int i = 0; i < (protocol.any_waiting() ? 1 : kExchangesPerTurn); ++i) {
    std::pair<PublisherRequest, PublisherAnswered> next;
    {
      std::lock_guard lock(mutex);
      if (asked.empty()) break;
      next = std::move(asked.front());
      asked.pop_front();
      if (!asked.empty()) Wake();
    }
    exchanges.Begin(std::move(next.first), std::move(next.second), Moment(&messages));
  }
  exchanges.Tick(Moment(&messages));
  Send(messages);
}

// After the thread, or in its place.
void Ingress::Impl::EndExchanges() {
  exchanges.EndAll();
  std::deque<std::pair<PublisherRequest, PublisherAnswered>> left;
  {
    std::lock_guard lock(mutex);
    asking_ended = true;
    left.swap(asked);
  }
  for (auto& [request, answered] : left) {
    answered(PublisherError("UNAVAILABLE", "the gateway is stopping; ask again when it is back"));
  }
}

void Ingress::Impl::DrainMonitor() {
  std::vector<zmq::message_t> event;
  while (zmq::recv_multipart(monitor, std::back_inserter(event), zmq::recv_flags::dontwait)) {
    ++own.connections_closed;
    event.clear();
  }
}

void Ingress::Impl::Send(std::vector<OutgoingMessage>& messages) {
  // Grows while it is gone through: an answered exchange may say more.
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const OutgoingMessage message = std::move(messages[i]);
    if (IsExchangePeer(message.peer)) {
      exchanges.Deliver(message, Moment(&messages));
      continue;
    }
    try {
      zmq::message_t peer(message.peer.data(), message.peer.size());
      if (!router.send(peer, zmq::send_flags::sndmore | zmq::send_flags::dontwait)) {
        ReplyLost(message.peer);
        continue;
      }
      router.send(zmq::message_t(message.bytes.data(), message.bytes.size()),
                  zmq::send_flags::dontwait);
    } catch (const zmq::error_t&) {
      ReplyLost(message.peer);  // EHOSTUNREACH: the peer is gone
    }
  }
}

void Ingress::Impl::ReplyLost(const std::string& peer) {
  ++own.replies_dropped;
  protocol.ReplyLost(peer);
}

void Ingress::Impl::PublishCounters() {
  own.protocol = protocol.counters();
  own.clocks = protocol.clock_counters();
  own.plugin_processes = protocol.process_counters();
  own.exchanges = exchanges.counters();
  if (zap) own.unknown_keys = zap->refused_count();
  std::lock_guard lock(mutex);
  counters = own;
}

}  // namespace fusiongateway
