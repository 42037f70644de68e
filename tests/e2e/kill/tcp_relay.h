// Stands between publishers and the gateway's port and does what a bad network does: holds bytes
// back for a while, and cuts connections in the middle of what they carry.
//
// One thread of its own; Cut may be called from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <random>
#include <thread>

namespace fusiongateway::testing {

class TcpRelay {
 public:
  TcpRelay(std::uint16_t target_port, std::uint64_t seed);
  ~TcpRelay();
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;

  std::uint16_t port() const { return port_; }
  // Cuts every connection there is.
  void Cut() { cut_ = true; }

 private:
  struct Pair {
    int client;
    int server;
  };

  void Loop();
  void Accept();
  // False: either side is gone.
  bool Pump(int from, int to);

  const std::uint16_t target_port_;
  std::uint16_t port_ = 0;
  int listener_;
  std::mt19937_64 random_;
  std::list<Pair> pairs_;
  std::atomic<bool> cut_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace fusiongateway::testing
