// The journal on SQLite: one file (and its write-ahead log beside it), every commit synchronised.
//
// Layout: one row per run of log entries, one per run of records of a stream; a record refers to
// its report in the log and an incident to its previous revision, so that nothing is stored twice
// (proto/fusiongateway/v1/journal.proto). What is read is byte for byte what was committed.
//
// Threading: as in journal.h. Reads of the newest records come from memory; older ones from a small
// pool of connections. Checkpoints run on a thread of the journal's own. One process may write a
// journal at a time (kFailedPrecondition for the second); any number may read it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "delivery/journal/journal.h"
#include "fusion/base/time.h"

namespace fusiongateway {

struct JournalOptions {
  // The journal's gateway; another one's journal is refused. "" with read_only: whosever it is.
  std::string gateway_id;
  const Clock& clock;  // outlives the journal
  // As it stood when it was opened; never writes.
  bool read_only = false;

  // The newest records of each stream, kept in memory; whichever bound is reached first. Bytes are
  // an estimate of what they take there.
  std::size_t tail_records_max = 16384;
  std::size_t tail_bytes_max = std::size_t{48} << 20;
  // Newest revisions of incidents, kept to make deltas against. Beyond it revisions are stored
  // whole.
  std::size_t delta_bases_bytes_max = std::size_t{32} << 20;
  std::size_t readers_max = 4;
  // A checkpoint begins above the first; above the second the writer waits for one.
  std::uint64_t checkpoint_bytes = std::uint64_t{4} << 20;
  std::uint64_t wal_bytes_max = std::uint64_t{64} << 20;
  // Outboxes of one feed whose progress is kept, the most recently used; a publisher that makes a
  // new outbox_id at each start does not grow the file. One that was forgotten resumes at 0: its
  // publisher sends again, and known report ids are duplicates.
  std::size_t outboxes_max = 1000;
  // Dead letters held; beyond either the oldest go.
  std::uint64_t dead_letters_max = 100'000;
  std::uint64_t dead_letter_bytes_max = std::uint64_t{256} << 20;
  // Largest size of the file; 0 = what the disk holds.
  std::uint64_t file_bytes_max = 0;
};

// Opens the journal at `path` (a file), creating it if it is not there.
Result<std::unique_ptr<Journal>> OpenSqliteJournal(const std::string& path,
                                                   const JournalOptions& options);

// Pages done, pages in all.
using CopyProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// Copies the journal at `store` as it stands now into `file`, one self-contained file, while a
// gateway may be writing it. Refuses to overwrite; `file` appears only when it is whole.
Status BackupJournal(const std::string& store, const std::string& file,
                     const CopyProgress& progress = nullptr);

struct RestoredJournal {
  std::string journal_id;          // its new one
  std::string earlier_journal_id;  // the one it was backed up under
  std::uint64_t live_through = 0;
  std::uint64_t settled_through = 0;
};

// Makes a journal at `store` from the backup `file`. It gets a new journal_id and goes on counting
// where the backup ends. Refuses to overwrite, and to restore from a damaged or foreign file.
Result<RestoredJournal> RestoreJournal(const std::string& file, const std::string& store,
                                       const CopyProgress& progress = nullptr);

}  // namespace fusiongateway
