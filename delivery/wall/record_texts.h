// The JSON of records, made once for all the streams that send them.
//
// Keeps the newest made, up to a number of bytes, and forgets the oldest first; what is forgotten
// is made again when it is asked for. Says nothing about who may see a record: ask IsVisible each
// time. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "delivery/journal/journal.h"
#include "fusiongateway/v1/stream.pb.h"

namespace fusiongateway {

class RecordTexts {
 public:
  explicit RecordTexts(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  std::shared_ptr<const std::string> Of(StreamId stream, const v1::StreamRecord& record);

 private:
  using Key = std::pair<StreamId, std::uint64_t>;

  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<const std::string>> texts_;
  std::deque<Key> oldest_first_;
  std::size_t bytes_ = 0;
};

}  // namespace fusiongateway
