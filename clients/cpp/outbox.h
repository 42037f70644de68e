// A publisher's outbox on disk (one SQLite file): a payload gets its seq and is durable before it
// is sent, and leaves only when the gateway has acked it.
//
// The file also holds what must survive with it: the outbox_id (random, made with the file), the
// feed it belongs to, acked_through, the gateway's journal_id, the last disposition taken, the
// hellos said, and the caller's bookmarks. One process at a time: a second one is refused.
//
// Bounds: payloads and bytes; Append refuses above them and takes nothing of that call.
// Threading: any thread; calls are serialised. A call returns after its commit (synchronous=FULL).
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "fusion/base/status.h"

struct sqlite3;

namespace fusiongateway::client {

struct OutboxLimits {
  std::uint64_t payloads = 1'000'000;
  std::uint64_t bytes = std::uint64_t{1} << 30;
};

// What a caller hands over. `label` is the caller's own name for it ("calls.ndjson:12"); it comes
// back with a rejection and is never sent.
struct OutboxPayload {
  std::string payload;
  std::string label;
};

struct OutboxItem {
  std::uint64_t seq = 0;
  std::string payload;
  std::string label;
};

// How much an outbox has given out and had acked since it was opened. Unlike seqs these never go
// back: a renewal moves both seqs down and leaves these as they are.
struct OutboxTotals {
  std::uint64_t given_out = 0;
  std::uint64_t acked = 0;
};

// A caller's own place in its source, stored in the same transaction as the payloads read up to it.
struct Bookmark {
  std::string name;
  std::string value;
};

class Outbox {
 public:
  // Opens or makes the file (0600) and its folder (0700). Refused: another feed's outbox, a damaged
  // file, a file of a newer version, a file that another process has open.
  static Result<std::unique_ptr<Outbox>> Open(const std::string& path, const std::string& feed_id,
                                              OutboxLimits limits);
  ~Outbox();

  std::string id() const;
  std::uint64_t acked_through() const;
  // The highest seq given out.
  std::uint64_t last_seq() const;
  // Both numbers of one moment, also while the outbox is renewed.
  OutboxTotals totals() const;
  std::uint64_t payload_count() const;
  std::uint64_t byte_count() const;
  std::string journal_id() const;
  std::uint64_t dispositions_through() const;

  // Returns the first payload's seq; the others follow. `bookmark` may be null.
  Result<std::uint64_t> Append(std::span<const OutboxPayload> payloads, const Bookmark* bookmark);
  // Items after `after_seq` in order: at most `max_count`, and no more than `max_bytes` of payload
  // beyond the first.
  Result<std::vector<OutboxItem>> Read(std::uint64_t after_seq, std::uint64_t max_count,
                                       std::uint64_t max_bytes) const;
  // Removes everything through `seq`. A seq at or below acked_through changes nothing; one that was
  // never given out is refused.
  Status Acknowledge(std::uint64_t through_seq);
  Status SetJournal(const std::string& journal_id);
  Status SetDispositionsThrough(std::uint64_t seq);
  // How many hellos were said from this outbox, the one that follows included.
  Result<std::uint64_t> CountHello();
  // Gives the outbox a new random id and numbers what it still holds from 1: for a gateway that
  // does not know what this outbox_id counted. Returns how much was subtracted from each seq.
  Result<std::uint64_t> Renew();

  // Empty if there is none.
  Result<std::string> ReadBookmark(const std::string& name) const;

 private:
  Outbox(sqlite3* db, OutboxLimits limits);
  Status Prepare(const std::string& path, const std::string& feed_id);
  Status LoadState();
  Status InTransaction(auto&& body);

  sqlite3* db_;
  const OutboxLimits limits_;
  mutable std::mutex mutex_;
  std::string id_;
  std::string journal_id_;
  std::uint64_t acked_through_ = 0;
  std::uint64_t last_seq_ = 0;
  // How far renewals have moved seqs down so far.
  std::uint64_t renumbered_ = 0;
  std::uint64_t dispositions_through_ = 0;
  std::uint64_t hellos_ = 0;
  std::uint64_t payloads_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace fusiongateway::client
