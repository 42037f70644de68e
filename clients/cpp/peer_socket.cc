#include "clients/cpp/peer_socket.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <zmq.hpp>

namespace fusiongateway::client {
namespace {

constexpr int kReconnectMs = 100;
constexpr int kReconnectMaxMs = 2000;
constexpr std::size_t kKeyLength = 40;
constexpr int kWatchedEvents =
    ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;

zmq::context_t& Context() {
  static zmq::context_t context(1);
  return context;
}

std::string NextMonitorName() {
  static std::atomic<std::uint64_t> count{0};
  return "inproc://peer-socket-monitor-" + std::to_string(++count);
}

Status CheckKeys(const CurveKeys& keys) {
  for (const std::string* key : {&keys.server_public, &keys.client_public, &keys.client_secret}) {
    if (key->size() != kKeyLength) {
      return InvalidArgument(
          "CURVE needs three keys of 40 Z85 characters: the server's public key, the client's "
          "public and the client's secret key (make a pair with fusion-gateway keygen)");
    }
  }
  return {};
}

}  // namespace

Waker::Waker() : descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Waker::~Waker() { close(descriptor_); }

void Waker::Wake() {
  const std::uint64_t one = 1;
  // A full counter already wakes.
  [[maybe_unused]] const auto written = write(descriptor_, &one, sizeof one);
}

void Waker::Wait(Duration wait) {
  pollfd item{descriptor_, POLLIN, 0};
  const auto timeout =
      std::chrono::ceil<std::chrono::milliseconds>(std::max(wait, Duration::zero()));
  poll(&item, 1, int(timeout.count()));
  Clear();
}

void Waker::Clear() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = read(descriptor_, &count, sizeof count);
}

struct PeerSocket::Impl {
  zmq::socket_t dealer{Context(), zmq::socket_type::dealer};
  zmq::socket_t monitor{Context(), zmq::socket_type::pair};

  void Watch() {
    const std::string name = NextMonitorName();
    if (zmq_socket_monitor(dealer.handle(), name.c_str(), kWatchedEvents) != 0) {
      throw zmq::error_t();
    }
    monitor.set(zmq::sockopt::linger, 0);
    monitor.connect(name);
  }

  // The event frame's first two bytes are the event; the second frame is its address.
  Event ReadMonitor() {
    zmq::message_t event;
    zmq::message_t address;
    if (!monitor.recv(event, zmq::recv_flags::dontwait)) return Event::kTimeout;
    (void)monitor.recv(address, zmq::recv_flags::dontwait);
    std::uint16_t code = 0;
    if (event.size() >= sizeof code) std::memcpy(&code, event.data(), sizeof code);
    return code == ZMQ_EVENT_DISCONNECTED ? Event::kDisconnected : Event::kKeyRefused;
  }
};

PeerSocket::PeerSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

PeerSocket::~PeerSocket() { zmq_socket_monitor(impl_->dealer.handle(), nullptr, 0); }

Result<std::unique_ptr<PeerSocket>> PeerSocket::Connect(const std::string& endpoint,
                                                        const CurveKeys& keys) {
  try {
    auto impl = std::make_unique<Impl>();
    zmq::socket_t& dealer = impl->dealer;
    dealer.set(zmq::sockopt::linger, 0);
    dealer.set(zmq::sockopt::reconnect_ivl, kReconnectMs);
    dealer.set(zmq::sockopt::reconnect_ivl_max, kReconnectMaxMs);
    if (!keys.empty()) {
      if (Status status = CheckKeys(keys); !status.ok()) return status;
      dealer.set(zmq::sockopt::curve_serverkey, keys.server_public);
      dealer.set(zmq::sockopt::curve_publickey, keys.client_public);
      dealer.set(zmq::sockopt::curve_secretkey, keys.client_secret);
    }
    impl->Watch();
    dealer.connect(endpoint);
    return std::unique_ptr<PeerSocket>(new PeerSocket(std::move(impl)));
  } catch (const zmq::error_t& error) {
    return InvalidArgument("cannot connect to \"" + endpoint + "\": " + error.what() +
                           "; write it like tcp://127.0.0.1:5701");
  }
}

Status PeerSocket::Send(std::string_view bytes) {
  try {
    if (impl_->dealer.send(zmq::buffer(bytes), zmq::send_flags::dontwait)) return {};
    return ResourceExhausted("the gateway takes no more messages now");
  } catch (const zmq::error_t& error) {
    return Unavailable(std::string("cannot send: ") + error.what());
  }
}

PeerSocket::Event PeerSocket::Wait(Duration wait, Waker* waker, std::string* message) {
  try {
    std::array<zmq::pollitem_t, 3> items{{
        {impl_->dealer.handle(), 0, ZMQ_POLLIN, 0},
        {impl_->monitor.handle(), 0, ZMQ_POLLIN, 0},
        {nullptr, waker ? waker->descriptor() : -1, ZMQ_POLLIN, 0},
    }};
    const std::size_t count = waker ? 3 : 2;
    const auto timeout =
        std::chrono::ceil<std::chrono::milliseconds>(std::max(wait, Duration::zero()));
    zmq::poll(items.data(), count, timeout);
    if (items[0].revents & ZMQ_POLLIN) {
      zmq::message_t received;
      if (impl_->dealer.recv(received, zmq::recv_flags::dontwait)) {
        message->assign(static_cast<const char*>(received.data()), received.size());
        return Event::kMessage;
      }
    }
    if (items[1].revents & ZMQ_POLLIN) return impl_->ReadMonitor();
    if (waker && (items[2].revents & ZMQ_POLLIN)) {
      waker->Clear();
      return Event::kWoken;
    }
    return Event::kTimeout;
  } catch (const zmq::error_t& error) {
    // A signal that interrupts the wait is no event.
    return error.num() == EINTR ? Event::kTimeout : Event::kDisconnected;
  }
}

void PeerSocket::SetLinger(Duration linger) {
  impl_->dealer.set(zmq::sockopt::linger,
                    int(std::chrono::duration_cast<std::chrono::milliseconds>(linger).count()));
}

}  // namespace fusiongateway::client
