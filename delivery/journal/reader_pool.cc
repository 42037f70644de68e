#include "delivery/journal/reader_pool.h"

#include <chrono>

namespace fusiongateway {
namespace {

constexpr std::chrono::seconds kWaitMax{5};

}  // namespace

ReaderPool::ReaderPool(std::string path, const OriginRanges& origins, std::size_t readers_max)
    : path_(std::move(path)), origins_(origins), readers_max_(readers_max) {}

Result<ReaderPool::Lease> ReaderPool::Take() {
  {
    std::unique_lock lock(mutex_);
    if (!given_back_.wait_for(lock, kWaitMax, [this] { return lent_ < readers_max_; })) {
      return Unavailable("journal: every reader is busy: ask again");
    }
    ++lent_;
    if (!idle_.empty()) {
      Lease lease(this, std::move(idle_.back()));
      idle_.pop_back();
      return lease;
    }
  }
  auto reader = JournalReader::Open(path_, origins_);
  if (reader.ok()) return Lease(this, std::move(*reader));
  GiveBack(nullptr);
  return reader.status();
}

void ReaderPool::GiveBack(std::unique_ptr<JournalReader> reader) {
  {
    const std::lock_guard lock(mutex_);
    --lent_;
    if (reader != nullptr) idle_.push_back(std::move(reader));
  }
  given_back_.notify_one();
}

}  // namespace fusiongateway
