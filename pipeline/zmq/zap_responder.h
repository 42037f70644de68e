// Decides which CURVE keys may connect to the sockets of one ZeroMQ context (ZAP, RFC 27). A known
// key is bound to a name (a feed id or a role), which arrives with every message of its connection
// as "User-Id". An unknown key is refused and counted.
//
// Used by the one thread that polls socket() and calls HandleOne when it is readable. Bind before
// any socket of the context is bound.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <zmq.hpp>

namespace fusiongateway {

class ZapResponder {
 public:
  // `names`: Z85 public key -> the name it is bound to.
  ZapResponder(zmq::context_t& context, std::map<std::string, std::string> names);

  zmq::socket_t& socket() { return socket_; }
  void HandleOne();
  std::uint64_t refused_count() const { return refused_count_; }

 private:
  const std::map<std::string, std::string> names_;
  zmq::socket_t socket_;
  std::uint64_t refused_count_ = 0;
};

}  // namespace fusiongateway
