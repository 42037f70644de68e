// Lends readers of one journal to whoever asks, at most so many at a time; opens them as needed.
// Any thread. Waits for a free one for a few seconds, then says kUnavailable.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "delivery/journal/journal_reader.h"

namespace fusiongateway {

class ReaderPool {
 public:
  // `origins` outlives the pool.
  ReaderPool(std::string path, const OriginRanges& origins, std::size_t readers_max);

  // Gives its reader back when it goes.
  class Lease {
   public:
    Lease(ReaderPool* pool, std::unique_ptr<JournalReader> reader)
        : pool_(pool), reader_(std::move(reader)) {}
    Lease(Lease&&) = default;
    ~Lease() {
      if (reader_ != nullptr) pool_->GiveBack(std::move(reader_));
    }
    JournalReader* operator->() const { return reader_.get(); }

   private:
    ReaderPool* pool_;
    std::unique_ptr<JournalReader> reader_;
  };
  Result<Lease> Take();

 private:
  void GiveBack(std::unique_ptr<JournalReader> reader);

  const std::string path_;
  const OriginRanges& origins_;
  const std::size_t readers_max_;
  std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<JournalReader>> idle_;
  std::size_t lent_ = 0;
};

}  // namespace fusiongateway
