// The newest records of one stream in memory, so that followers do not touch the disk. They are
// kept as the engine made them, sharing its reports and incidents; whoever reads one puts it on the
// wire, so that the writer pays nothing for readers. Bounded by records and (estimated) bytes; the
// oldest go first. Not thread-safe: the journal guards it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "fusion/model/stream_record.h"

namespace fusiongateway {

class RecordTail {
 public:
  using RecordPtr = std::shared_ptr<const StreamRecord>;

  RecordTail(std::size_t records_max, std::size_t bytes_max)
      : records_max_(records_max), bytes_max_(bytes_max) {}

  void Append(RecordPtr record);
  bool Holds(std::uint64_t seq) const {
    return !records_.empty() && seq >= records_.front().record->seq &&
           seq <= records_.back().record->seq;
  }
  // At most `max` from `seq`, which is held, on.
  std::vector<RecordPtr> From(std::uint64_t seq, std::size_t max) const;

 private:
  struct Held {
    RecordPtr record;
    std::size_t bytes;
  };
  const std::size_t records_max_;
  const std::size_t bytes_max_;
  std::deque<Held> records_;
  std::size_t bytes_ = 0;
};

}  // namespace fusiongateway
