// The newest records of one stream in memory, so that followers do not touch the disk. Bounded by
// records and bytes; the oldest go first. Not thread-safe: the journal guards it.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "delivery/journal/journal.h"

namespace fusiongateway {

class RecordTail {
 public:
  RecordTail(std::size_t records_max, std::size_t bytes_max)
      : records_max_(records_max), bytes_max_(bytes_max) {}

  void Append(WireRecordPtr record) {
    const std::size_t bytes = record->ByteSizeLong();
    bytes_ += bytes;
    records_.push_back({std::move(record), bytes});
    while (records_.size() > records_max_ || bytes_ > bytes_max_) {
      bytes_ -= records_.front().bytes;
      records_.pop_front();
    }
  }

  bool Holds(std::uint64_t seq) const {
    return !records_.empty() && seq >= records_.front().record->seq() &&
           seq <= records_.back().record->seq();
  }

  // At most `max` from `seq`, which is held, on.
  std::vector<WireRecordPtr> From(std::uint64_t seq, std::size_t max) const {
    std::vector<WireRecordPtr> records;
    auto index = static_cast<std::size_t>(seq - records_.front().record->seq());
    for (; index < records_.size() && records.size() < max; ++index) {
      records.push_back(records_[index].record);
    }
    return records;
  }

 private:
  struct Held {
    WireRecordPtr record;
    std::size_t bytes;
  };
  const std::size_t records_max_;
  const std::size_t bytes_max_;
  std::deque<Held> records_;
  std::size_t bytes_ = 0;
};

}  // namespace fusiongateway
