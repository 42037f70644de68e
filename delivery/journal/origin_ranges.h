// Who first published the records of a stream, by range of seqs: stored once per range instead of
// once per record. Any thread; the writer adds, readers look up.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "fusion/model/stream_record.h"

namespace fusiongateway {

// origin.seq = seq + seq_shift.
struct OriginRange {
  std::string gateway_id;
  std::string journal_id;
  std::int64_t seq_shift = 0;
  friend bool operator==(const OriginRange&, const OriginRange&) = default;
};

inline OriginRange OriginRangeOf(const StreamRecord& record) {
  return {record.origin.gateway_id, record.origin.journal_id,
          static_cast<std::int64_t>(record.origin.seq - record.seq)};
}

class OriginRanges {
 public:
  // `range` holds from `first` on, until the next one added.
  void Add(StreamId stream, std::uint64_t first, OriginRange range) {
    const std::unique_lock lock(mutex_);
    ranges_[Index(stream)][first] = std::move(range);
  }

  // The newest one; a default one before the first.
  OriginRange Last(StreamId stream) const {
    const std::shared_lock lock(mutex_);
    const auto& ranges = ranges_[Index(stream)];
    return ranges.empty() ? OriginRange{} : ranges.rbegin()->second;
  }

  Origin At(StreamId stream, std::uint64_t seq) const {
    const std::shared_lock lock(mutex_);
    const auto& ranges = ranges_[Index(stream)];
    auto it = ranges.upper_bound(seq);
    if (it == ranges.begin()) return {.seq = seq};
    --it;
    return {it->second.gateway_id, it->second.journal_id,
            seq + static_cast<std::uint64_t>(it->second.seq_shift)};
  }

 private:
  static std::size_t Index(StreamId stream) { return static_cast<std::size_t>(stream); }

  mutable std::shared_mutex mutex_;
  std::array<std::map<std::uint64_t, OriginRange>, 2> ranges_;
};

}  // namespace fusiongateway
