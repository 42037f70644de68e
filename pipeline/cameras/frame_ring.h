// The recent past of one camera, compressed: access units in decoding order, from a key frame on.
//
// Bounded by time and bytes; whole groups of pictures leave at the old end, so the oldest unit is
// always a key frame and every unit held can be decoded. By time, at least `span` is held (one
// group more at most); by bytes, never more than `bytes_max`. A group that is larger than that by
// itself is dropped whole, and what follows waits for the next key frame. Units without a key frame
// of their session before them are refused. Both are counted. Readers get shared immutable units.
// Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "fusion/base/status.h"
#include "fusion/base/time.h"
#include "pipeline/cameras/access_unit.h"

namespace fusiongateway {

class FrameRing {
 public:
  struct Counters {
    std::uint64_t taken = 0;
    std::uint64_t taken_bytes = 0;
    std::uint64_t unusable = 0;
    std::uint64_t held = 0;
    std::uint64_t held_bytes = 0;
  };
  struct Range {
    UtcTime oldest{};
    UtcTime newest{};
  };

  FrameRing(Duration span, std::size_t bytes_max) : span_(span), bytes_max_(bytes_max) {}

  // False when it is not held: no key frame before it, or too large.
  bool Push(AccessUnitPtr unit);

  // By capture time; none when nothing is held.
  std::optional<Range> Held() const;
  AccessUnitPtr Newest() const;
  // By capture time. kOutOfRange: before the oldest. kUnavailable: after the newest, or nothing
  // held.
  Result<AccessUnitPtr> Nearest(UtcTime at) const;
  // The last key frame captured at or before `at`; null when none is held.
  AccessUnitPtr KeyFrameAtOrBefore(UtcTime at) const;
  AccessUnitPtr Find(std::uint64_t session, std::uint64_t sequence) const;
  // What has to be decoded to see that unit: its key frame .. itself. Empty: no longer held.
  std::vector<AccessUnitPtr> DecodingChain(std::uint64_t session, std::uint64_t sequence) const;
  // Frames per second of media time over the last five seconds of the newest session.
  double FrameRate() const;
  Counters counters() const;

 private:
  using Units = std::deque<AccessUnitPtr>;
  void DropOldestGroup();
  void KeepBounds();
  Units::const_iterator Locate(std::uint64_t session, std::uint64_t sequence) const;

  const Duration span_;
  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  Units units_;
  std::deque<AccessUnitPtr> keyframes_;  // those among units_
  std::uint64_t broken_session_ = 0;     // whose group was dropped: waits for its next key frame
  Counters counters_;
};

}  // namespace fusiongateway
