// The journal: inputs and outputs become durable here, together, before anyone is told of them.
//
// One writer thread calls Commit; any thread may read at any time and neither stalls the other. A
// commit is all or nothing, and on disk when it returns. Committing a batch again is a no-op for
// what is already there (every output is keyed by stream and seq, every input by position).
// Refused: a file of another application or a newer version (kFailedPrecondition, says which), a
// damaged one (kDataLoss). A full disk is kResourceExhausted: nothing of the batch is kept, and it
// may be tried again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fusion/base/status.h"
#include "fusion/engine.h"
#include "fusion/model/stream_record.h"
#include "fusiongateway/v1/stream.pb.h"

namespace fusiongateway {

// A publisher's outbox is on disk here through this seq.
struct OutboxProgress {
  std::string feed_id;
  std::string outbox_id;
  std::uint64_t through_seq = 0;
};

// A payload that was not taken, kept masked with its reason, and told again until acked.
struct DeadLetter {
  std::string feed_id;
  std::string outbox_id;
  std::uint64_t seq = 0;
  UtcTime received_at{};
  std::string code;
  std::string message;
  std::string field;
  std::string masked_payload;

  // What became of it, which an administrator may still change while it is kOpen.
  enum class State : std::uint8_t { kOpen = 0, kTaken = 1, kDropped = 2 };
  std::uint64_t id = 0;  // the journal's own, given at the commit
  State state = State::kOpen;
  UtcTime dealt_at{};  // last submitted again or dropped; the epoch = never
  std::string note;    // what came of that, for people
};

// Of a dead letter that was submitted again or dropped. One that is no longer kOpen stays as it is.
struct LetterResult {
  std::uint64_t id = 0;
  DeadLetter::State state = DeadLetter::State::kOpen;
  UtcTime at{};
  std::string note;
};

// Everything is optional: an empty query asks for all that are open.
struct DeadLetterQuery {
  std::uint64_t after_id = 0;
  std::uint64_t id = 0;  // this one only
  std::string feed_id;
  std::string code;
  bool dealt_with_too = false;
  std::size_t max = 100;
};

// What one commit makes durable.
struct JournalBatch {
  std::vector<LogEntry> entries;      // consecutive, the next positions
  std::vector<StreamRecord> live;     // consecutive, the next seqs
  std::vector<StreamRecord> settled;  // consecutive, the next seqs
  std::vector<OutboxProgress> outboxes;
  std::vector<DeadLetter> dead_letters;
  std::vector<LetterResult> letter_results;
  std::vector<DispositionMade> dispositions;
};

// seqs held, inclusive; oldest > newest = none.
struct SeqRange {
  std::uint64_t oldest = 1;
  std::uint64_t newest = 0;
};

struct JournalStatistics {
  std::uint64_t commits = 0;
  std::uint64_t rows = 0;                 // rows written
  std::uint64_t blob_bytes = 0;           // bytes of rows written
  std::uint64_t file_bytes = 0;           // database and write-ahead log on disk
  std::uint64_t outboxes_forgotten = 0;   // beyond those kept of a feed
  std::uint64_t dead_letters = 0;         // held now
  std::uint64_t dead_letter_bytes = 0;    // of their payloads
  std::uint64_t dead_letters_pruned = 0;  // deleted to keep their bounds
};

// An id this journal had before it was restored from a backup. Records through these seqs are the
// same under both ids; what the earlier journal published beyond them is not here.
struct EarlierIdentity {
  std::string journal_id;
  std::uint64_t live_through = 0;
  std::uint64_t settled_through = 0;
};

using WireRecordPtr = std::shared_ptr<const v1::StreamRecord>;

class Journal {
 public:
  virtual ~Journal() = default;

  virtual std::string journal_id() const = 0;
  // Oldest first; empty for a journal that was never restored.
  virtual std::vector<EarlierIdentity> earlier_identities() const = 0;
  virtual Status Commit(const JournalBatch& batch) = 0;
  // What the disk took of the last commit: what a commit costs however little is in it.
  virtual Duration last_sync() const = 0;

  virtual std::uint64_t last_position() const = 0;
  virtual SeqRange range(StreamId stream) const = 0;

  // Log entries from `from_position` on, in order, until `visit` returns false.
  virtual Status ReadLog(std::uint64_t from_position,
                         const std::function<bool(const LogEntry&)>& visit) const = 0;
  // At most `max` whole records after `after_seq`, in order; fewer may come, none only at the end.
  // kOutOfRange below what is held.
  virtual Result<std::vector<WireRecordPtr>> ReadRecords(StreamId stream, std::uint64_t after_seq,
                                                         std::size_t max) const = 0;

  // Compares records that were made again from the log with those held, whole: kDataLoss names the
  // first that differs or is not there. Those below what is held are not looked at. `records` have
  // consecutive seqs.
  virtual Status CheckRecords(StreamId stream, const std::vector<StreamRecord>& records) const = 0;

  // 0 for an outbox never seen, or not used for so long that it was forgotten: of each feed the
  // most recently used are kept.
  virtual Result<std::uint64_t> OutboxThrough(const std::string& feed_id,
                                              const std::string& outbox_id) const = 0;
  // Rejections of an outbox with seq > after_seq, in order, at most `max`.
  virtual Result<std::vector<DeadLetter>> DeadLetters(const std::string& feed_id,
                                                      const std::string& outbox_id,
                                                      std::uint64_t after_seq,
                                                      std::size_t max) const = 0;

  // How many there ever were, by feed.
  virtual Result<std::map<std::string, std::uint64_t>> DeadLetterCounts() const = 0;
  // By id, at most `query.max`; fewer may come, none only at the end.
  virtual Result<std::vector<DeadLetter>> DeadLetters(const DeadLetterQuery& query) const = 0;

  // Dispositions of a feed with seq > after_seq, in order, at most `max`.
  virtual Result<std::vector<DispositionMade>> Dispositions(const std::string& feed_id,
                                                            std::uint64_t after_seq,
                                                            std::size_t max) const = 0;
  virtual Result<std::uint64_t> DispositionsAckedThrough(const std::string& feed_id) const = 0;
  virtual Status AckDispositions(const std::string& feed_id, std::uint64_t through_seq) = 0;

  virtual JournalStatistics statistics() const = 0;
};

}  // namespace fusiongateway
