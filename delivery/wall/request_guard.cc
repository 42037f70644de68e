#include "delivery/wall/request_guard.h"

#include <algorithm>
#include <cctype>

namespace fusiongateway {
namespace {

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string WithoutPort(const std::string& authority) {
  const std::size_t colon = authority.rfind(':');
  if (colon == authority.npos || authority.find(']', colon) != authority.npos) return authority;
  return authority.substr(0, colon);
}

}  // namespace

RequestGuard::RequestGuard(const std::string& address, std::uint16_t port,
                           const std::vector<std::string>& host_names) {
  const bool is_v6 = address.find(':') != address.npos;
  for (const std::string& name : {is_v6 ? "[" + address + "]" : address, std::string("127.0.0.1"),
                                  std::string("localhost"), std::string("[::1]")}) {
    authorities_.insert(name + ":" + std::to_string(port));
    if (port == 80) authorities_.insert(name);
  }
  for (const std::string& name : host_names) names_.insert(LowerCase(name));
}

bool RequestGuard::HostAllowed(std::string_view host) const {
  const std::string lower = LowerCase(host);
  return authorities_.contains(lower) || names_.contains(WithoutPort(lower));
}

bool RequestGuard::OriginAllowed(std::string_view origin) const {
  if (origin.empty()) return true;
  const std::string lower = LowerCase(origin);
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (lower.starts_with(scheme)) return HostAllowed(lower.substr(scheme.size()));
  }
  return false;
}

}  // namespace fusiongateway
