// Which connections a newer session has fenced, and on which feed: such a connection may not say
// hello there again, so that two publishers of one feed do not fence each other forever. A new
// connection (a program that was restarted) may.
//
// A connection is told by its routing id. One that ZeroMQ made (first byte 0) is never given out
// again and stays fenced; one that the publisher chose is the same for its next run, and is free
// again once it has been quiet for `quiet_max`. Bound: `count_max`; beyond it the one that was
// heard the longest ago is forgotten and counted. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "fusion/base/time.h"

namespace fusiongateway {

class FencedConnections {
 public:
  FencedConnections(std::size_t count_max, Duration quiet_max)
      : count_max_(count_max), quiet_max_(quiet_max) {}

  void Add(const std::string& peer, const std::string& feed_id, SteadyTime now);
  // It spoke: true if it is fenced on this feed.
  bool Holds(const std::string& peer, const std::string& feed_id, SteadyTime now);
  // The same for any feed.
  bool Holds(const std::string& peer) const;
  // Forgets connections with a name of their publisher's that have been quiet.
  void Expire(SteadyTime now);

  std::size_t size() const { return last_heard_.size(); }
  std::uint64_t forgotten_count() const { return forgotten_count_; }

 private:
  using Key = std::pair<std::string, std::string>;  // peer, feed id

  const std::size_t count_max_;
  const Duration quiet_max_;
  std::map<Key, SteadyTime> last_heard_;
  std::uint64_t forgotten_count_ = 0;
};

}  // namespace fusiongateway
