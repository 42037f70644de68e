// The network between publishers and the gateway, as ZeroMQ over TCP looks to both. A connection
// keeps its messages in order; connections overtake each other. When one is cut, or either side
// goes, what was on its way arrives up to some message and not beyond; whoever is left hears of it
// later, or never (a silent cut). Messages of a connection that nobody answers yet wait for the
// gateway. Each new connection has a name that was never used before.
//
// Everything arrives by way of the world's events, never within a call. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace fusiongateway::sim {

class Network {
 public:
  class Client {
   public:
    virtual ~Client() = default;
    virtual void Receive(std::uint64_t connection, const std::string& bytes) = 0;
    virtual void Lost(std::uint64_t connection) = 0;
  };
  class Server {
   public:
    virtual ~Server() = default;
    virtual void Receive(const std::string& peer, const std::string& bytes) = 0;
  };

  explicit Network(World* world) : world_(world) {}

  std::uint64_t Connect(Client* client);
  void SendToServer(std::uint64_t connection, const std::string& bytes);
  void CloseByClient(std::uint64_t connection);

  void ServerUp(Server* server);
  void ServerDown();
  // False: the peer is known to be gone.
  bool SendToClient(const std::string& peer, const std::string& bytes);

  // Cuts some connection, if there is one.
  void CutOne();

 private:
  enum Direction : std::size_t { kToServer = 0, kToClient = 1 };
  enum class State { kWaiting, kUp, kDown };
  struct Lane {
    std::uint64_t sent = 0, arrived = 0;
    std::uint64_t last = UINT64_MAX;  // what comes after it is lost
    Duration due{};
  };
  struct Connection {
    Client* client = nullptr;  // null once it closed
    State state = State::kWaiting;
    bool gone = false;  // the server knows that it is down
    Duration latency_max{};
    std::array<Lane, 2> lanes;
    std::vector<std::string> before_up;
  };

  void Establish(std::uint64_t connection);
  void Carry(std::uint64_t id, Direction direction, const std::string& bytes);
  void Arrive(std::uint64_t id, Direction direction, std::uint64_t number,
              const std::string& bytes);
  void LoseSome(Lane* lane);
  void LoseAll(Lane* lane) { lane->last = lane->arrived; }
  void TellClient(std::uint64_t id);
  void TellServer(std::uint64_t id);
  static std::string PeerOf(std::uint64_t id);

  World* const world_;
  Server* server_ = nullptr;
  std::uint64_t server_life_ = 0;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Connection> connections_;
  std::map<std::string, std::uint64_t> id_of_peer_;
};

}  // namespace fusiongateway::sim
