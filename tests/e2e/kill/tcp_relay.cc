#include "tests/e2e/kill/tcp_relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "tests/support/gateway_process.h"

namespace fusiongateway::testing {
namespace {

constexpr int kPollMs = 5;
// One read in so many is held back, for up to so long: the connections overtake each other.
constexpr std::uint64_t kHeldBackOneIn = 20;
constexpr std::uint64_t kHeldBackMsMax = 30;

int NewSocket() { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

// What is not sent yet is lost, on both sides.
void Reset(int fd) {
  const linger at_once{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}

}  // namespace

TcpRelay::TcpRelay(std::uint16_t target_port, std::uint64_t seed)
    : target_port_(target_port), listener_(NewSocket()), random_(seed) {
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof address;
  bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
  listen(listener_, 16);
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Loop(); });
}

TcpRelay::~TcpRelay() {
  stopping_ = true;
  thread_.join();
  for (const Pair& pair : pairs_) {
    Reset(pair.client);
    Reset(pair.server);
  }
  close(listener_);
}

void TcpRelay::Loop() {
  while (!stopping_) {
    std::vector<pollfd> items{{listener_, POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      items.push_back({pair.client, POLLIN, 0});
      items.push_back({pair.server, POLLIN, 0});
    }
    poll(items.data(), items.size(), kPollMs);
    const bool cut = cut_.exchange(false);
    std::size_t at = 1;
    for (auto pair = pairs_.begin(); pair != pairs_.end(); at += 2) {
      const bool up = !cut && (items[at].revents == 0 || Pump(pair->client, pair->server)) &&
                      (items[at + 1].revents == 0 || Pump(pair->server, pair->client));
      if (!up) {
        Reset(pair->client);
        Reset(pair->server);
      }
      pair = up ? std::next(pair) : pairs_.erase(pair);
    }
    if (items[0].revents != 0) Accept();
  }
}

void TcpRelay::Accept() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = NewSocket();
  const sockaddr_in address = Loopback(target_port_);
  if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    Reset(client);
    close(server);
    return;
  }
  pairs_.push_back({client, server});
}

bool TcpRelay::Pump(int from, int to) {
  std::array<char, 4096> buffer;
  const ssize_t count = recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count <= 0) return false;
  if (random_() % kHeldBackOneIn == 0) {
    poll(nullptr, 0, static_cast<int>(random_() % kHeldBackMsMax));
  }
  return send(to, buffer.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL) == count;
}

}  // namespace fusiongateway::testing
