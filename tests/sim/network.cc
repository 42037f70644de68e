#include "tests/sim/network.h"

#include <algorithm>

namespace fusiongateway::sim {
namespace {

using std::chrono::milliseconds;

constexpr Duration kLatencyMin = std::chrono::microseconds{50};
constexpr Duration kTellMax = milliseconds{200};
constexpr Duration kReconnectMax = milliseconds{150};

}  // namespace

std::uint64_t Network::Connect(Client* client) {
  const std::uint64_t id = ++last_id_;
  Connection& connection = connections_[id];
  connection.client = client;
  connection.latency_max = world_->Chance(0.1) ? milliseconds{300} : milliseconds{5};
  id_of_peer_[PeerOf(id)] = id;
  if (server_ != nullptr) Establish(id);
  return id;
}

// As ZeroMQ names a peer by itself.
std::string Network::PeerOf(std::uint64_t id) {
  std::string peer(5, '\0');
  for (int i = 0; i < 4; ++i) peer[4 - i] = static_cast<char>(id >> (8 * i));
  return peer;
}

void Network::Establish(std::uint64_t id) {
  world_->After(world_->Between(kLatencyMin, kReconnectMax), [this, id, life = server_life_] {
    Connection& connection = connections_.at(id);
    if (connection.state != State::kWaiting || server_ == nullptr || life != server_life_) return;
    connection.state = State::kUp;
    for (const std::string& bytes : connection.before_up) Carry(id, kToServer, bytes);
    connection.before_up.clear();
  });
}

void Network::SendToServer(std::uint64_t id, const std::string& bytes) {
  Connection& connection = connections_.at(id);
  if (connection.state == State::kUp) Carry(id, kToServer, bytes);
  if (connection.state == State::kWaiting) connection.before_up.push_back(bytes);
}

bool Network::SendToClient(const std::string& peer, const std::string& bytes) {
  const auto found = id_of_peer_.find(peer);
  if (found == id_of_peer_.end()) return false;
  const Connection& connection = connections_.at(found->second);
  if (connection.state == State::kUp) Carry(found->second, kToClient, bytes);
  return !connection.gone;
}

void Network::Carry(std::uint64_t id, Direction direction, const std::string& bytes) {
  Connection& connection = connections_.at(id);
  Lane& lane = connection.lanes[direction];
  lane.due =
      std::max(lane.due, world_->now() + world_->Between(kLatencyMin, connection.latency_max));
  const std::uint64_t number = ++lane.sent;
  world_->After(lane.due - world_->now(), [=, this] { Arrive(id, direction, number, bytes); });
}

void Network::Arrive(std::uint64_t id, Direction direction, std::uint64_t number,
                     const std::string& bytes) {
  Connection& connection = connections_.at(id);
  Lane& lane = connection.lanes[direction];
  if (number > lane.last) return;
  lane.arrived = number;
  if (direction == kToClient) {
    if (connection.client != nullptr) connection.client->Receive(id, bytes);
  } else if (server_ != nullptr) {
    server_->Receive(PeerOf(id), bytes);
  }
}

void Network::LoseSome(Lane* lane) {
  lane->last = std::min(lane->last, lane->arrived + world_->Below(lane->sent - lane->arrived + 1));
}

void Network::TellClient(std::uint64_t id) {
  world_->After(world_->Between(Duration{}, kTellMax), [this, id] {
    Connection& connection = connections_.at(id);
    if (connection.client != nullptr) connection.client->Lost(id);
  });
}

void Network::TellServer(std::uint64_t id) {
  world_->After(world_->Between(Duration{}, kTellMax),
                [this, id] { connections_.at(id).gone = true; });
}

void Network::CloseByClient(std::uint64_t id) {
  Connection& connection = connections_.at(id);
  connection.client = nullptr;
  connection.state = State::kDown;
  // What had left this machine still arrives, also after a newer connection's first words.
  LoseSome(&connection.lanes[kToServer]);
  LoseAll(&connection.lanes[kToClient]);
  TellServer(id);
}

void Network::ServerUp(Server* server) {
  server_ = server;
  ++server_life_;
  for (auto& [id, connection] : connections_) {
    if (connection.state == State::kWaiting) Establish(id);
  }
}

void Network::ServerDown() {
  server_ = nullptr;
  for (auto& [id, connection] : connections_) {
    LoseAll(&connection.lanes[kToServer]);
    if (connection.state != State::kUp) continue;
    connection.state = State::kDown;
    connection.gone = true;
    LoseSome(&connection.lanes[kToClient]);
    TellClient(id);
  }
}

void Network::CutOne() {
  std::vector<std::uint64_t> up;
  for (const auto& [id, connection] : connections_) {
    if (connection.state == State::kUp) up.push_back(id);
  }
  if (up.empty()) return;
  const std::uint64_t id = up[world_->Below(up.size())];
  Connection& connection = connections_.at(id);
  connection.state = State::kDown;
  for (Lane& lane : connection.lanes) LoseSome(&lane);
  const bool silent = world_->Chance(0.3);
  world_->Note("network: connection " + std::to_string(id) + " is cut" +
               (silent ? ", silently" : ""));
  if (!silent) TellClient(id);
  TellServer(id);
}

}  // namespace fusiongateway::sim
