// Wishes for frames that have had no answer yet, in a fixed order. Bounded: at kWishesMax further
// wishes are not made and counted. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "fusion/model/engine_output.h"

namespace fusiongateway {

class FrameWishes {
 public:
  static constexpr std::size_t kWishesMax = 65'536;

  // False when the bound is reached.
  bool Add(const FrameWanted& wish);
  // True if it was waited for.
  bool Answer(const FrameFound& found);
  // The incident left memory: nobody waits any more.
  void Forget(const std::string& incident_id);

  std::vector<FrameWanted> Pending() const;
  std::uint64_t refused_count() const { return refused_count_; }

 private:
  using Key = std::tuple<std::string, std::string, std::string, std::string>;  // incident first
  std::map<Key, FrameWanted> pending_;
  std::uint64_t refused_count_ = 0;
};

}  // namespace fusiongateway
