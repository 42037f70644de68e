#include "pipeline/feeds/fenced_connections.h"

#include <algorithm>

namespace fusiongateway {

void FencedConnections::Add(const std::string& peer, const std::string& feed_id, SteadyTime now) {
  last_heard_[{peer, feed_id}] = now;
  if (last_heard_.size() <= count_max_) return;
  last_heard_.erase(
      std::min_element(last_heard_.begin(), last_heard_.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; }));
  ++forgotten_count_;
}

bool FencedConnections::Holds(const std::string& peer, const std::string& feed_id, SteadyTime now) {
  const auto found = last_heard_.find({peer, feed_id});
  if (found == last_heard_.end()) return false;
  found->second = now;
  return true;
}

bool FencedConnections::Holds(const std::string& peer) const {
  const auto found = last_heard_.lower_bound({peer, {}});
  return found != last_heard_.end() && found->first.first == peer;
}

void FencedConnections::Expire(SteadyTime now) {
  std::erase_if(last_heard_, [&](const auto& entry) {
    const std::string& peer = entry.first.first;
    const bool named_by_its_publisher = !peer.empty() && peer[0] != '\0';
    return named_by_its_publisher && now - entry.second > quiet_max_;
  });
}

}  // namespace fusiongateway
