#include "delivery/journal/sqlite_journal.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <utility>

#include "delivery/journal/checkpointer.h"
#include "delivery/journal/dead_letters.h"
#include "delivery/journal/journal_schema.h"
#include "delivery/journal/origin_ranges.h"
#include "delivery/journal/reader_pool.h"
#include "delivery/journal/record_encoder.h"
#include "delivery/journal/record_tail.h"
#include "delivery/journal/segment.h"
#include "proto/codec/codec.h"

namespace fusiongateway {
namespace {

// A row holds at most about this much, so that one record is never dear to read back.
constexpr std::size_t kSegmentEntriesMax = 256;
constexpr std::size_t kSegmentBytesMax = std::size_t{256} << 10;
constexpr std::uint64_t kPageSize = 4096;

constexpr std::array<StreamId, 2> kStreams = {StreamId::kLive, StreamId::kSettled};
std::size_t Index(StreamId stream) { return static_cast<std::size_t>(stream); }

// One process at a time writes a journal. Freed by the kernel, however the process ends.
class WriterLock {
 public:
  WriterLock() = default;
  WriterLock(WriterLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  WriterLock& operator=(WriterLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~WriterLock() {
    if (fd_ >= 0) close(fd_);
  }

  static Result<WriterLock> Take(const std::string& journal) {
    const std::string path = journal + ".lock";
    WriterLock lock;
    lock.fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock.fd_ < 0) {
      return FailedPrecondition("open " + path + ": " + std::strerror(errno) +
                                ": check that the folder exists and may be written");
    }
    if (flock(lock.fd_, LOCK_EX | LOCK_NB) == 0) return lock;
    return FailedPrecondition(journal + " is in use by another process: stop that gateway first");
  }

 private:
  int fd_ = -1;
};

// A new file is on disk only when its folder is.
void SynchroniseFolder(const std::string& path) {
  const auto folder = std::filesystem::absolute(path).parent_path();
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

// How many of `items` (with consecutive keys) are already there when the next key is `next`.
template <typename T, typename Key>
Result<std::size_t> CountKnown(const std::vector<T>& items, Key key, std::uint64_t next,
                               std::string_view what) {
  if (items.empty()) return std::size_t{0};
  const std::uint64_t first = key(items.front());
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (key(items[i]) == first + i) continue;
    return InvalidArgument("journal: " + std::string(what) + " " + std::to_string(key(items[i])) +
                           " does not follow the one before it in the batch");
  }
  if (first == 0 || first > next) {
    return InvalidArgument("journal: the next " + std::string(what) + " is " +
                           std::to_string(next) + ", the batch begins at " + std::to_string(first));
  }
  return std::min<std::size_t>(items.size(), next - first);
}

// Cuts a run of messages into rows. `Segment`'s one repeated field is `add`ed to.
template <typename Segment>
class SegmentCutter {
 public:
  explicit SegmentCutter(std::uint64_t first) { row_.first = first; }

  template <typename Message>
  void Add(google::protobuf::RepeatedPtrField<Message>* (Segment::*field)(), Message&& message) {
    bytes_ += message.ByteSizeLong();
    *(segment_.*field)()->Add() = std::forward<Message>(message);
    ++row_.count;
    if (row_.count >= kSegmentEntriesMax || bytes_ >= kSegmentBytesMax) Cut();
  }

  std::vector<SegmentRow> Finish() {
    Cut();
    return std::move(rows_);
  }

 private:
  void Cut() {
    if (row_.count == 0) return;
    segment_.SerializeToString(&row_.bytes);
    const std::uint64_t next = row_.first + row_.count;
    rows_.push_back(std::move(row_));
    row_ = {};
    row_.first = next;
    segment_.Clear();
    bytes_ = 0;
  }

  Segment segment_;
  SegmentRow row_;
  std::vector<SegmentRow> rows_;
  std::size_t bytes_ = 0;
};

std::vector<WireRecordPtr> OnWire(const std::vector<RecordTail::RecordPtr>& records) {
  std::vector<WireRecordPtr> wire;
  wire.reserve(records.size());
  for (const auto& record : records) {
    auto message = std::make_shared<v1::StreamRecord>();
    ToWire(*record, message.get());
    wire.push_back(std::move(message));
  }
  return wire;
}

// A batch, trimmed of what is already there, ready to be written.
struct PreparedBatch {
  std::vector<SegmentRow> log;
  std::array<std::vector<SegmentRow>, 2> records;
  std::array<std::size_t, 2> known{};  // of the batch's records: committed before
  std::array<std::vector<std::pair<std::uint64_t, OriginRange>>, 2> origins;
};

class SqliteJournal final : public Journal {
 public:
  static Result<std::unique_ptr<Journal>> Open(const std::string& path,
                                               const JournalOptions& options);

  std::string journal_id() const override { return journal_id_; }
  std::vector<EarlierIdentity> earlier_identities() const override { return earlier_; }
  Status Commit(const JournalBatch& batch) override;
  Duration last_sync() const override { return last_sync_.load(std::memory_order_relaxed); }
  std::uint64_t last_position() const override;
  SeqRange range(StreamId stream) const override;
  Status ReadLog(std::uint64_t from_position,
                 const std::function<bool(const LogEntry&)>& visit) const override;
  Result<std::vector<WireRecordPtr>> ReadRecords(StreamId stream, std::uint64_t after_seq,
                                                 std::size_t max) const override;
  Status CheckRecords(StreamId stream, const std::vector<StreamRecord>& records) const override;
  Result<std::uint64_t> OutboxThrough(const std::string& feed_id,
                                      const std::string& outbox_id) const override;
  Result<std::vector<DeadLetter>> DeadLetters(const std::string& feed_id,
                                              const std::string& outbox_id, std::uint64_t after_seq,
                                              std::size_t max) const override;
  Result<std::map<std::string, std::uint64_t>> DeadLetterCounts() const override;
  Result<std::vector<DeadLetter>> DeadLetters(const DeadLetterQuery& query) const override;
  Result<std::vector<DispositionMade>> Dispositions(const std::string& feed_id,
                                                    std::uint64_t after_seq,
                                                    std::size_t max) const override;
  Result<std::uint64_t> DispositionsAckedThrough(const std::string& feed_id) const override;
  Status AckDispositions(const std::string& feed_id, std::uint64_t through_seq) override;
  JournalStatistics statistics() const override;

 private:
  struct WriterStatements {
    sqlite::Statement begin, commit, log, live, settled, origin, outbox_progress, outbox,
        outbox_forget, disposition, disposition_ack;
  };
  struct StreamState {
    SeqRange range;
    std::optional<RecordTail> tail;
  };

  SqliteJournal(std::string path, const JournalOptions& options);
  Status OpenWriter(const JournalOptions& options);
  Status CreateOrMigrate(const JournalOptions& options);
  Status PrepareWriter();
  Status StartCheckpoints(const JournalOptions& options);
  Status LoadState(sqlite::Connection& db, const std::string& gateway_id);
  Status LoadRanges(sqlite::Connection& db);

  Result<PreparedBatch> Prepare(const JournalBatch& batch);
  void PrepareRecords(StreamId stream, const std::vector<StreamRecord>& records, std::size_t known,
                      const JournalBatch& batch, PreparedBatch* prepared);
  Status Write(const JournalBatch& batch, const PreparedBatch& prepared);
  Status Sync();
  Status WriteRows(const JournalBatch& batch, const PreparedBatch& prepared);
  Status WriteSegments(sqlite::Statement& statement, const std::vector<SegmentRow>& rows);
  Status WriteDelivery(const JournalBatch& batch);
  Status WriteOutbox(const OutboxProgress& outbox);
  void CountRow(std::size_t bytes);
  Result<std::vector<LogEntry>> ReadLogPage(std::uint64_t from, std::uint64_t through) const;
  void Publish(const JournalBatch& batch, PreparedBatch prepared);

  const std::string path_;
  const bool read_only_;
  const Clock& clock_;
  const std::size_t outboxes_max_;
  std::string journal_id_;
  std::vector<EarlierIdentity> earlier_;
  WriterLock lock_;

  std::mutex writer_mutex_;  // guards the writer's connection, statements and encoder
  sqlite::Connection writer_;
  WriterStatements statements_;
  DeadLetterTable dead_letters_;
  RecordEncoder encoder_;
  std::uint64_t outbox_uses_ = 0;  // the highest `used`
  std::uint64_t rows_in_commit_ = 0;
  std::uint64_t forgotten_in_commit_ = 0;
  std::uint64_t bytes_in_commit_ = 0;

  mutable std::shared_mutex state_mutex_;  // guards what is committed and known in memory
  std::uint64_t last_position_ = 0;
  std::array<StreamState, 2> streams_;
  OriginRanges origins_;

  std::atomic<std::uint64_t> commits_{0};
  std::atomic<Duration> last_sync_{Duration{}};
  std::atomic<std::uint64_t> rows_{0};
  std::atomic<std::uint64_t> outboxes_forgotten_{0};
  std::atomic<std::uint64_t> blob_bytes_{0};

  mutable ReaderPool readers_;
  std::optional<Checkpointer> checkpointer_;  // last: stops first
};

SqliteJournal::SqliteJournal(std::string path, const JournalOptions& options)
    : path_(std::move(path)),
      read_only_(options.read_only),
      clock_(options.clock),
      outboxes_max_(options.outboxes_max),
      encoder_(options.delta_bases_bytes_max),
      readers_(path_, origins_, options.readers_max) {
  for (auto& stream : streams_) {
    stream.tail.emplace(options.tail_records_max, options.tail_bytes_max);
  }
}

// ---- Opening

Result<std::unique_ptr<Journal>> SqliteJournal::Open(const std::string& path,
                                                     const JournalOptions& options) {
  std::unique_ptr<SqliteJournal> journal(new SqliteJournal(path, options));
  if (options.read_only) {
    if (!std::filesystem::exists(path)) return NotFound("there is no journal at " + path);
    auto db = sqlite::Connection::OpenForReading(path);
    if (!db.ok()) return db.status();
    auto version = JournalVersion(*db, path);
    if (!version.ok()) return version.status();
    if (*version != kJournalVersion) {
      return FailedPrecondition(path + " has the older journal version " +
                                std::to_string(*version) + ": let the gateway open it once");
    }
    if (Status s = journal->LoadState(*db, options.gateway_id); !s.ok()) return s;
  } else if (Status s = journal->OpenWriter(options); !s.ok()) {
    return s;
  }
  return std::unique_ptr<Journal>(std::move(journal));
}

Status SqliteJournal::OpenWriter(const JournalOptions& options) {
  if (options.gateway_id.empty()) {
    return InvalidArgument("a journal is written for a gateway: give its gateway_id");
  }
  auto lock = WriterLock::Take(path_);
  if (!lock.ok()) return lock.status();
  lock_ = std::move(*lock);
  auto db = sqlite::Connection::Open(path_, sqlite::OpenMode::kCreate);
  if (!db.ok()) return db.status();
  writer_ = std::move(*db);
  if (Status s = CreateOrMigrate(options); !s.ok()) return s;
  if (Status s = LoadState(writer_, options.gateway_id); !s.ok()) return s;
  if (Status s = PrepareWriter(); !s.ok()) return s;
  Status dead_letters =
      dead_letters_.Open(writer_, options.dead_letters_max, options.dead_letter_bytes_max);
  if (!dead_letters.ok()) return dead_letters;
  return StartCheckpoints(options);
}

Status SqliteJournal::CreateOrMigrate(const JournalOptions& options) {
  auto version = JournalVersion(writer_, path_);
  if (!version.ok()) return version.status();
  auto mode = writer_.QueryText("PRAGMA journal_mode = WAL");
  if (!mode.ok()) return mode.status();
  if (*mode != "wal") {
    return FailedPrecondition(path_ +
                              ": this file system takes no write-ahead log: use a local disk");
  }
  Status status = writer_.Execute(
      "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
      "PRAGMA journal_size_limit = " +
      std::to_string(options.wal_bytes_max) + ";");
  if (status.ok() && options.file_bytes_max != 0) {
    status = writer_.Execute("PRAGMA max_page_count = " +
                             std::to_string(options.file_bytes_max / kPageSize));
  }
  if (!status.ok()) return status;
  if (*version < kJournalVersion) {
    status = MigrateJournal(writer_, *version);
    if (!status.ok()) return status;
  }
  auto id = ReadFact(writer_, "journal_id");
  if (!id.ok()) return id.status();
  if (!id->empty()) return {};
  // The id comes last: a journal without it was never begun and is begun again.
  status = WriteFact(writer_, "gateway_id", options.gateway_id);
  if (status.ok()) {
    status = WriteFact(writer_, "created_at", FormatRfc3339(options.clock.UtcNow()));
  }
  if (status.ok()) status = WriteFact(writer_, "journal_id", NewJournalId());
  SynchroniseFolder(path_);
  return status;
}

Status SqliteJournal::LoadState(sqlite::Connection& db, const std::string& gateway_id) {
  auto owner = ReadFact(db, "gateway_id");
  if (!owner.ok()) return owner.status();
  if (!gateway_id.empty() && *owner != gateway_id) {
    return FailedPrecondition(path_ + " is the journal of gateway " + *owner + ", not of " +
                              gateway_id + ": give each gateway its own");
  }
  auto id = ReadFact(db, "journal_id");
  if (!id.ok()) return id.status();
  journal_id_ = std::move(*id);
  return LoadRanges(db);
}

Status SqliteJournal::LoadRanges(sqlite::Connection& db) {
  const auto newest = [&db](std::string_view table) {
    return db.QueryInteger("SELECT first + count - 1 FROM " + std::string(table) +
                           " ORDER BY first DESC LIMIT 1");
  };
  auto position = newest("log");
  if (!position.ok()) return position.status();
  last_position_ = static_cast<std::uint64_t>(*position);
  for (const StreamId stream : kStreams) {
    const std::string table(ToString(stream));
    auto last = newest(table);
    if (!last.ok()) return last.status();
    auto oldest = db.QueryInteger("SELECT ifnull(min(first), 1) FROM " + table);
    if (!oldest.ok()) return oldest.status();
    streams_[Index(stream)].range = {static_cast<std::uint64_t>(*oldest),
                                     static_cast<std::uint64_t>(*last)};
  }
  auto uses = db.QueryInteger("SELECT ifnull(max(used), 0) FROM outbox");
  if (!uses.ok()) return uses.status();
  outbox_uses_ = static_cast<std::uint64_t>(*uses);
  auto origins =
      db.Prepare("SELECT stream, first, gateway_id, journal_id, seq_shift FROM origin", false);
  if (!origins.ok()) return origins.status();
  auto row = origins->Step();
  for (; row.ok() && *row; row = origins->Step()) {
    origins_.Add(static_cast<StreamId>(origins->Integer(0)), origins->Unsigned(1),
                 {origins->Text(2), origins->Text(3), origins->Integer(4)});
  }
  if (!row.ok()) return row.status();
  auto earlier = db.Prepare(
      "SELECT journal_id, live_through, settled_through FROM earlier ORDER BY ordinal", false);
  if (!earlier.ok()) return earlier.status();
  row = earlier->Step();
  for (; row.ok() && *row; row = earlier->Step()) {
    earlier_.push_back({earlier->Text(0), earlier->Unsigned(1), earlier->Unsigned(2)});
  }
  return row.ok() ? Status{} : row.status();
}

Status SqliteJournal::PrepareWriter() {
  auto& s = statements_;
  const std::pair<sqlite::Statement*, std::string_view> all[] = {
      {&s.begin, "BEGIN IMMEDIATE"},
      {&s.commit, "COMMIT"},
      {&s.log, "INSERT INTO log VALUES (?, ?, ?, ?)"},
      {&s.live, "INSERT INTO live VALUES (?, ?, ?, ?)"},
      {&s.settled, "INSERT INTO settled VALUES (?, ?, ?, ?)"},
      {&s.origin, "INSERT INTO origin VALUES (?, ?, ?, ?, ?)"},
      {&s.outbox_progress,
       "UPDATE outbox SET through_seq = max(through_seq, ?3), used = ?4 "
       "WHERE feed_id = ?1 AND outbox_id = ?2"},
      {&s.outbox, "INSERT INTO outbox (feed_id, outbox_id, through_seq, used) VALUES (?, ?, ?, ?)"},
      {&s.outbox_forget,
       "DELETE FROM outbox WHERE feed_id = ?1 AND outbox_id IN (SELECT outbox_id FROM outbox "
       "WHERE feed_id = ?1 ORDER BY used DESC LIMIT -1 OFFSET ?2)"},
      {&s.disposition, "INSERT INTO disposition VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"},
      {&s.disposition_ack,
       "INSERT INTO disposition_ack VALUES (?, ?) ON CONFLICT DO UPDATE SET "
       "through_seq = excluded.through_seq WHERE excluded.through_seq > through_seq"},
  };
  for (const auto& [statement, sql] : all) {
    auto prepared = writer_.Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *statement = std::move(*prepared);
  }
  return {};
}

Status SqliteJournal::StartCheckpoints(const JournalOptions& options) {
  auto db = sqlite::Connection::Open(path_, sqlite::OpenMode::kReadWrite);
  if (!db.ok()) return db.status();
  if (Status s = db->Execute("PRAGMA synchronous = FULL"); !s.ok()) return s;
  checkpointer_.emplace(std::move(*db), writer_mutex_, options.checkpoint_bytes,
                        options.wal_bytes_max);
  sqlite3_wal_hook(
      writer_.handle(),
      [](void* checkpointer, sqlite3*, const char*, int pages) {
        static_cast<Checkpointer*>(checkpointer)
            ->Committed(static_cast<std::uint64_t>(pages) * kPageSize);
        return SQLITE_OK;
      },
      &*checkpointer_);
  return {};
}

// ---- Writing

Status SqliteJournal::Commit(const JournalBatch& batch) {
  if (read_only_) return FailedPrecondition("journal: opened for reading only");
  const std::lock_guard lock(writer_mutex_);
  auto prepared = Prepare(batch);
  if (!prepared.ok()) {
    encoder_.Drop();
    return prepared.status();
  }
  if (Status s = Write(batch, *prepared); !s.ok()) {
    encoder_.Drop();
    return s;
  }
  encoder_.Keep();
  commits_.fetch_add(1, std::memory_order_relaxed);
  rows_.fetch_add(rows_in_commit_, std::memory_order_relaxed);
  outboxes_forgotten_.fetch_add(forgotten_in_commit_, std::memory_order_relaxed);
  blob_bytes_.fetch_add(bytes_in_commit_, std::memory_order_relaxed);
  Publish(batch, std::move(*prepared));
  return {};
}

Result<PreparedBatch> SqliteJournal::Prepare(const JournalBatch& batch) {
  const auto position = [](const LogEntry& entry) { return entry.position; };
  const auto seq = [](const StreamRecord& record) { return record.seq; };
  // Only this thread changes these, so they are read without the lock.
  auto known_log = CountKnown(batch.entries, position, last_position_ + 1, "log position");
  if (!known_log.ok()) return known_log.status();
  auto known_live = CountKnown(batch.live, seq, streams_[0].range.newest + 1, "live seq");
  if (!known_live.ok()) return known_live.status();
  auto known_settled = CountKnown(batch.settled, seq, streams_[1].range.newest + 1, "settled seq");
  if (!known_settled.ok()) return known_settled.status();

  PreparedBatch prepared;
  SegmentCutter<v1::LogSegment> log(last_position_ + 1);
  for (std::size_t i = *known_log; i < batch.entries.size(); ++i) {
    v1::LogEntry entry;
    ToWire(batch.entries[i], &entry);
    log.Add(&v1::LogSegment::mutable_entries, std::move(entry));
  }
  prepared.log = log.Finish();
  prepared.known = {*known_live, *known_settled};
  PrepareRecords(StreamId::kLive, batch.live, *known_live, batch, &prepared);
  PrepareRecords(StreamId::kSettled, batch.settled, *known_settled, batch, &prepared);
  return prepared;
}

void SqliteJournal::PrepareRecords(StreamId stream, const std::vector<StreamRecord>& records,
                                   std::size_t known, const JournalBatch& batch,
                                   PreparedBatch* prepared) {
  OriginRange origin = origins_.Last(stream);
  SegmentCutter<v1::RecordSegment> cutter(streams_[Index(stream)].range.newest + 1);
  for (std::size_t i = known; i < records.size(); ++i) {
    const StreamRecord& record = records[i];
    if (OriginRange own = OriginRangeOf(record); own != origin) {
      origin = own;
      prepared->origins[Index(stream)].emplace_back(record.seq, std::move(own));
    }
    cutter.Add(&v1::RecordSegment::mutable_records, encoder_.Encode(stream, record, batch));
  }
  prepared->records[Index(stream)] = cutter.Finish();
}

Status SqliteJournal::Write(const JournalBatch& batch, const PreparedBatch& prepared) {
  rows_in_commit_ = 0;
  forgotten_in_commit_ = 0;
  bytes_in_commit_ = 0;
  Status status = statements_.begin.Run();
  if (status.ok()) status = WriteRows(batch, prepared);
  if (status.ok()) status = Sync();
  if (status.ok()) {
    dead_letters_.Keep();
  } else {
    dead_letters_.Drop();
    writer_.RollBack();
  }
  return status;
}

Status SqliteJournal::Sync() {
  const SteadyTime begin = clock_.SteadyNow();
  Status status = statements_.commit.Run();
  last_sync_.store(clock_.SteadyNow() - begin, std::memory_order_relaxed);
  return status;
}

Status SqliteJournal::WriteRows(const JournalBatch& batch, const PreparedBatch& prepared) {
  if (Status s = WriteSegments(statements_.log, prepared.log); !s.ok()) return s;
  if (Status s = WriteSegments(statements_.live, prepared.records[0]); !s.ok()) return s;
  if (Status s = WriteSegments(statements_.settled, prepared.records[1]); !s.ok()) return s;
  for (const StreamId stream : kStreams) {
    for (const auto& [first, origin] : prepared.origins[Index(stream)]) {
      auto& insert = statements_.origin;
      insert.Bind(1, std::uint64_t{Index(stream)});
      insert.Bind(2, first);
      insert.BindText(3, origin.gateway_id);
      insert.BindText(4, origin.journal_id);
      insert.Bind(5, origin.seq_shift);
      if (Status s = insert.Run(); !s.ok()) return s;
      CountRow(origin.gateway_id.size() + origin.journal_id.size());
    }
  }
  return WriteDelivery(batch);
}

Status SqliteJournal::WriteSegments(sqlite::Statement& statement,
                                    const std::vector<SegmentRow>& rows) {
  for (const SegmentRow& row : rows) {
    statement.Bind(1, row.first);
    statement.Bind(2, row.count);
    statement.Bind(3, SegmentChecksum(row.bytes));
    statement.BindBlob(4, row.bytes);
    if (Status s = statement.Run(); !s.ok()) return s;
    CountRow(row.bytes.size());
  }
  return {};
}

Status SqliteJournal::WriteDelivery(const JournalBatch& batch) {
  for (const OutboxProgress& outbox : batch.outboxes) {
    if (Status s = WriteOutbox(outbox); !s.ok()) return s;
  }
  if (Status s = dead_letters_.Write(batch.dead_letters, batch.letter_results); !s.ok()) return s;
  for (const DeadLetter& letter : batch.dead_letters) {
    CountRow(letter.message.size() + letter.masked_payload.size());
  }
  for (const DispositionMade& made : batch.dispositions) {
    auto& insert = statements_.disposition;
    insert.BindText(1, made.feed_id);
    insert.Bind(2, made.seq);
    insert.BindText(3, made.report_id);
    insert.BindText(4, made.incident_id);
    insert.Bind(5, static_cast<std::uint64_t>(made.state));
    insert.BindText(6, made.note);
    if (Status s = insert.Run(); !s.ok()) return s;
    CountRow(made.report_id.size() + made.incident_id.size() + made.note.size());
  }
  return {};
}

// A new outbox may be one too many of its feed: the one not used for longest is forgotten.
Status SqliteJournal::WriteOutbox(const OutboxProgress& outbox) {
  ++outbox_uses_;
  CountRow(outbox.feed_id.size() + outbox.outbox_id.size());
  for (auto* statement : {&statements_.outbox_progress, &statements_.outbox}) {
    statement->BindText(1, outbox.feed_id);
    statement->BindText(2, outbox.outbox_id);
    statement->Bind(3, outbox.through_seq);
    statement->Bind(4, outbox_uses_);
    if (Status s = statement->Run(); !s.ok()) return s;
    const bool known =
        statement == &statements_.outbox_progress && sqlite3_changes(writer_.handle()) > 0;
    if (known) return {};
  }
  auto& forget = statements_.outbox_forget;
  forget.BindText(1, outbox.feed_id);
  forget.Bind(2, std::uint64_t{outboxes_max_});
  if (Status s = forget.Run(); !s.ok()) return s;
  forgotten_in_commit_ += static_cast<std::uint64_t>(sqlite3_changes(writer_.handle()));
  return {};
}

void SqliteJournal::CountRow(std::size_t bytes) {
  ++rows_in_commit_;
  bytes_in_commit_ += bytes;
}

void SqliteJournal::Publish(const JournalBatch& batch, PreparedBatch prepared) {
  for (const StreamId stream : kStreams) {
    for (auto& [first, origin] : prepared.origins[Index(stream)]) {
      origins_.Add(stream, first, std::move(origin));
    }
  }
  const std::unique_lock lock(state_mutex_);
  for (const SegmentRow& row : prepared.log) last_position_ += row.count;
  for (const StreamId stream : kStreams) {
    auto& state = streams_[Index(stream)];
    const auto& records = stream == StreamId::kLive ? batch.live : batch.settled;
    for (std::size_t i = prepared.known[Index(stream)]; i < records.size(); ++i) {
      state.range.newest = records[i].seq;
      state.tail->Append(std::make_shared<const StreamRecord>(records[i]));
    }
  }
}

Status SqliteJournal::AckDispositions(const std::string& feed_id, std::uint64_t through_seq) {
  if (read_only_) return FailedPrecondition("journal: opened for reading only");
  const std::lock_guard lock(writer_mutex_);
  auto& upsert = statements_.disposition_ack;
  upsert.BindText(1, feed_id);
  upsert.Bind(2, through_seq);
  return upsert.Run();
}

// ---- Reading

std::uint64_t SqliteJournal::last_position() const {
  const std::shared_lock lock(state_mutex_);
  return last_position_;
}

SeqRange SqliteJournal::range(StreamId stream) const {
  const std::shared_lock lock(state_mutex_);
  return streams_[Index(stream)].range;
}

Result<std::vector<LogEntry>> SqliteJournal::ReadLogPage(std::uint64_t from,
                                                         std::uint64_t through) const {
  auto reader = readers_.Take();
  if (!reader.ok()) return reader.status();
  return (*reader)->LogPage(from, through);
}

Status SqliteJournal::ReadLog(std::uint64_t from_position,
                              const std::function<bool(const LogEntry&)>& visit) const {
  const std::uint64_t through = last_position();
  std::uint64_t next = std::max<std::uint64_t>(from_position, 1);
  while (next <= through) {
    auto page = ReadLogPage(next, through);  // no reader is held while the page is visited
    if (!page.ok()) return page.status();
    for (const LogEntry& entry : *page) {
      if (!visit(entry)) return {};
    }
    next += page->size();
  }
  return {};
}

Result<std::vector<WireRecordPtr>> SqliteJournal::ReadRecords(StreamId stream,
                                                              std::uint64_t after_seq,
                                                              std::size_t max) const {
  SeqRange held;
  std::vector<RecordTail::RecordPtr> newest;
  {
    const std::shared_lock lock(state_mutex_);
    const auto& state = streams_[Index(stream)];
    held = state.range;
    if (state.tail->Holds(after_seq + 1)) newest = state.tail->From(after_seq + 1, max);
  }
  if (!newest.empty()) return OnWire(newest);
  if (after_seq + 1 < held.oldest) {
    return OutOfRange("the oldest " + std::string(ToString(stream)) + " record held is " +
                      std::to_string(held.oldest));
  }
  if (after_seq >= held.newest) return std::vector<WireRecordPtr>{};
  auto reader = readers_.Take();
  if (!reader.ok()) return reader.status();
  return (*reader)->Records(stream, after_seq, held.newest, max);
}

Status SqliteJournal::CheckRecords(StreamId stream,
                                   const std::vector<StreamRecord>& records) const {
  const SeqRange held = range(stream);
  const auto begin = std::find_if(records.begin(), records.end(),
                                  [&](const auto& record) { return record.seq >= held.oldest; });
  const auto end = std::find_if(begin, records.end(),
                                [&](const auto& record) { return record.seq > held.newest; });
  if (begin != end) {
    auto reader = readers_.Take();
    if (!reader.ok()) return reader.status();
    const Status same = (*reader)->CheckRecords(stream, std::span(begin, end));
    if (!same.ok()) return same;
  }
  if (end == records.end()) return {};
  return DataLoss("the log makes " + std::string(ToString(stream)) + " record " +
                  std::to_string(end->seq) + ", which is not on disk");
}

Result<std::uint64_t> SqliteJournal::OutboxThrough(const std::string& feed_id,
                                                   const std::string& outbox_id) const {
  auto reader = readers_.Take();
  if (!reader.ok()) return reader.status();
  return (*reader)->OutboxThrough(feed_id, outbox_id);
}

Result<std::vector<DeadLetter>> SqliteJournal::DeadLetters(const std::string& feed_id,
                                                           const std::string& outbox_id,
                                                           std::uint64_t after_seq,
                                                           std::size_t max) const {
  auto reader = readers_.Take();
  if (!reader.ok()) return reader.status();
  return (*reader)->DeadLetters(feed_id, outbox_id, after_seq, max);
}

Result<std::map<std::string, std::uint64_t>> SqliteJournal::DeadLetterCounts() const {
  auto reader = readers_.Take();
  if (!reader.ok()) return reader.status();
  return (*reader)->DeadLetterCounts();
}

Result<std::vector<DeadLetter>> SqliteJournal::DeadLetters(const DeadLetterQuery& query) const {
  auto reader = readers_.Take();
  if (!reader.ok()) return reader.status();
  return (*reader)->DeadLetters(query);
}

Result<std::vector<DispositionMade>> SqliteJournal::Dispositions(const std::string& feed_id,
                                                                 std::uint64_t after_seq,
                                                                 std::size_t max) const {
  auto reader = readers_.Take();
  if (!reader.ok()) return reader.status();
  return (*reader)->Dispositions(feed_id, after_seq, max);
}

Result<std::uint64_t> SqliteJournal::DispositionsAckedThrough(const std::string& feed_id) const {
  auto reader = readers_.Take();
  if (!reader.ok()) return reader.status();
  return (*reader)->DispositionsAckedThrough(feed_id);
}

JournalStatistics SqliteJournal::statistics() const {
  JournalStatistics statistics;
  statistics.commits = commits_.load(std::memory_order_relaxed);
  statistics.rows = rows_.load(std::memory_order_relaxed);
  statistics.outboxes_forgotten = outboxes_forgotten_.load(std::memory_order_relaxed);
  statistics.blob_bytes = blob_bytes_.load(std::memory_order_relaxed);
  const DeadLetterTable::Figures letters = dead_letters_.figures();
  statistics.dead_letters = letters.count;
  statistics.dead_letter_bytes = letters.bytes;
  statistics.dead_letters_pruned = letters.pruned;
  for (const auto* suffix : {"", "-wal"}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path_ + suffix, error);
    if (!error) statistics.file_bytes += size;
  }
  return statistics;
}

}  // namespace

Result<std::unique_ptr<Journal>> OpenSqliteJournal(const std::string& path,
                                                   const JournalOptions& options) {
  return SqliteJournal::Open(path, options);
}

}  // namespace fusiongateway
