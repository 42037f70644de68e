// Who may ask: the Host names this server answers to and the Origins whose pages may act on it.
// Against DNS rebinding and cross-site requests, which reach loopback through an operator's
// browser. Immutable after construction; any thread.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fusiongateway {

class RequestGuard {
 public:
  // `address` and the loopback names are always answered, at `port` only; `host_names` at any port,
  // since a proxy may stand before them.
  RequestGuard(const std::string& address, std::uint16_t port,
               const std::vector<std::string>& host_names);

  bool HostAllowed(std::string_view host) const;
  // `origin` empty: not a browser's cross-origin request; allowed. "null" is refused.
  bool OriginAllowed(std::string_view origin) const;

 private:
  std::set<std::string, std::less<>> authorities_;  // with port, lower case
  std::set<std::string, std::less<>> names_;        // without
};

}  // namespace fusiongateway
