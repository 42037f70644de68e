#include "pipeline/zmq/zap_responder.h"

#include <array>
#include <cstdint>
#include <utility>
#include <vector>
#include <zmq_addon.hpp>

namespace fusiongateway {
namespace {

// Request frames of RFC 27: version, request id, domain, address, routing id, mechanism,
// credentials.
constexpr std::size_t kRequestId = 1;
constexpr std::size_t kMechanism = 5;
constexpr std::size_t kCredentials = 6;

}  // namespace

ZapResponder::ZapResponder(zmq::context_t& context, std::map<std::string, std::string> names)
    : names_(std::move(names)), socket_(context, zmq::socket_type::rep) {
  socket_.bind("inproc://zeromq.zap.01");
}

void ZapResponder::HandleOne() {
  std::vector<zmq::message_t> request;
  if (!zmq::recv_multipart(socket_, std::back_inserter(request), zmq::recv_flags::dontwait)) return;
  if (request.size() < kCredentials) return;
  std::string name;
  if (request.size() > kCredentials && request[kMechanism].to_string_view() == "CURVE" &&
      request[kCredentials].size() == 32) {
    std::array<char, 41> key{};
    zmq_z85_encode(key.data(), request[kCredentials].data<std::uint8_t>(), 32);
    if (const auto found = names_.find(key.data()); found != names_.end()) name = found->second;
  }
  if (name.empty()) ++refused_count_;
  std::vector<zmq::message_t> reply;
  reply.emplace_back(std::string("1.0"));
  reply.emplace_back(std::move(request[kRequestId]));
  reply.emplace_back(std::string(name.empty() ? "400" : "200"));
  reply.emplace_back(std::string(name.empty() ? "this key is not known here" : "OK"));
  reply.emplace_back(name);
  reply.emplace_back(std::string());
  zmq::send_multipart(socket_, reply, zmq::send_flags::dontwait);
}

}  // namespace fusiongateway
