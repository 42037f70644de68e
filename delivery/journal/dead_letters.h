// The journal's dead letters: rejected payloads, masked, with their reason and what an
// administrator did about them. Bounded by number and by bytes, over all feeds; beyond either those
// that were dealt with go first, then the oldest, counted.
//
// DeadLetterTable writes, within the transaction of its caller: what it counts becomes true with
// Keep, after the commit, or is undone with Drop. One thread, except for figures. QueryDeadLetters
// reads, on any connection of the caller's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "delivery/journal/journal.h"
#include "delivery/journal/sqlite.h"

namespace fusiongateway {

class DeadLetterTable {
 public:
  Status Open(sqlite::Connection& db, std::uint64_t count_max, std::uint64_t bytes_max);

  Status Write(const std::vector<DeadLetter>& letters, const std::vector<LetterResult>& results);
  void Keep();
  void Drop() { next_ = kept_; }

  struct Figures {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;   // of payloads
    std::uint64_t pruned = 0;  // deleted to keep the bounds
  };
  // Any thread.
  Figures figures() const { return {count_, bytes_, pruned_}; }

 private:
  Status Insert(const DeadLetter& letter);
  Status Prune(std::size_t max);
  Status Remove(std::uint64_t id, std::uint64_t bytes);

  sqlite::Connection* db_ = nullptr;
  sqlite::Statement insert_, count_one_, mark_, oldest_dealt_with_, oldest_, remove_;
  std::uint64_t count_max_ = 0;
  std::uint64_t bytes_max_ = 0;
  Figures kept_;
  Figures next_;
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> pruned_{0};
};

Result<std::vector<DeadLetter>> QueryDeadLetters(sqlite::Connection& db,
                                                 const DeadLetterQuery& query);

}  // namespace fusiongateway
