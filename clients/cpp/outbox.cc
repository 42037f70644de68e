#include "clients/cpp/outbox.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <utility>

namespace fusiongateway::client {
namespace {

constexpr int kSchemaVersion = 1;
constexpr char kSchema[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE item(seq INTEGER PRIMARY KEY, payload BLOB NOT NULL, label TEXT NOT NULL);"
    "CREATE TABLE bookmark(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;";

Status Failed(sqlite3* db, std::string_view doing) {
  const int code = sqlite3_errcode(db) & 0xff;
  std::string text = "outbox: cannot " + std::string(doing) + ": " + sqlite3_errmsg(db);
  if (code == SQLITE_FULL) return ResourceExhausted(text + "; free some disk space");
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
    return DataLoss(text + "; move the file away to begin a new outbox");
  }
  return Internal(std::move(text));
}

// One statement: bound, stepped and finalised within a scope.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) : db_(db) {
    if (sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr) != SQLITE_OK) statement_ = nullptr;
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Bind(int at, std::uint64_t value) {
    sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(value));
    return *this;
  }
  Statement& BindText(int at, std::string_view value) {
    sqlite3_bind_text64(statement_, at, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
    return *this;
  }
  Statement& BindBlob(int at, std::string_view value) {
    // A null pointer would bind NULL; an empty payload is an empty blob.
    sqlite3_bind_blob64(statement_, at, value.empty() ? "" : value.data(), value.size(),
                        SQLITE_STATIC);
    return *this;
  }
  bool Step() { return statement_ && sqlite3_step(statement_) == SQLITE_ROW; }
  Status Run(std::string_view doing) {
    if (statement_ && sqlite3_step(statement_) == SQLITE_DONE) {
      sqlite3_reset(statement_);
      return {};
    }
    return Failed(db_, doing);
  }
  // What ended a loop over Step().
  Status End(std::string_view doing) const {
    const int code = sqlite3_errcode(db_);
    return code == SQLITE_DONE || code == SQLITE_ROW || code == SQLITE_OK ? Status{}
                                                                          : Failed(db_, doing);
  }
  std::uint64_t Int(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
  }
  std::string Bytes(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return data ? std::string(data, std::size_t(sqlite3_column_bytes(statement_, column))) : "";
  }

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
};

Status Execute(sqlite3* db, const char* sql, std::string_view doing) {
  return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK ? Status{}
                                                                       : Failed(db, doing);
}

Result<std::string> RandomId() {
  unsigned char bytes[16];
  if (getentropy(bytes, sizeof bytes) != 0) return Internal("outbox: no random numbers");
  std::string id;
  for (const unsigned char byte : bytes) {
    constexpr char kHex[] = "0123456789abcdef";
    id += kHex[byte >> 4];
    id += kHex[byte & 15];
  }
  return id;
}

std::string GetMeta(sqlite3* db, std::string_view name) {
  Statement get(db, "SELECT value FROM meta WHERE name = ?");
  get.BindText(1, name);
  return get.Step() ? get.Bytes(0) : "";
}

Status SetMeta(sqlite3* db, std::string_view name, std::string_view value) {
  Statement set(db,
                "INSERT INTO meta VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value");
  return set.BindText(1, name).BindText(2, value).Run("write its state");
}

// Payloads may hold personal data: file and folder are their owner's alone. SQLite gives the files
// beside it the same mode. What cannot be made shows when it is opened.
void MakePrivateFile(const std::string& path) {
  std::filesystem::path made;
  for (const auto& part : std::filesystem::path(path).parent_path()) {
    made /= part;
    mkdir(made.c_str(), 0700);
  }
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  // One that is there is not opened: closing it again would drop the locks of an Outbox in this
  // process.
  if (fd >= 0) {
    close(fd);
  } else {
    chmod(path.c_str(), 0600);
  }
}

std::uint64_t Number(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

Outbox::Outbox(sqlite3* db, OutboxLimits limits) : db_(db), limits_(limits) {}

Outbox::~Outbox() { sqlite3_close(db_); }

Result<std::unique_ptr<Outbox>> Outbox::Open(const std::string& path, const std::string& feed_id,
                                             OutboxLimits limits) {
  MakePrivateFile(path);
  sqlite3* db = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &db,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  std::unique_ptr<Outbox> outbox(new Outbox(db, limits));
  if (opened != SQLITE_OK) {
    return InvalidArgument("cannot open the outbox \"" + path + "\": " + sqlite3_errmsg(db));
  }
  if (Status status = outbox->Prepare(path, feed_id); !status.ok()) {
    return Status(status.code(), status.message() + " (" + path + ")");
  }
  return outbox;
}

Status Outbox::Prepare(const std::string& path, const std::string& feed_id) {
  // Locked exclusively from the first read on: two senders of one outbox would reuse seqs.
  Status status = Execute(db_,
                          "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
                          "PRAGMA synchronous=FULL; BEGIN IMMEDIATE; COMMIT;",
                          "open it");
  if ((sqlite3_errcode(db_) & 0xff) == SQLITE_BUSY) {
    return FailedPrecondition("the outbox \"" + path +
                              "\" is in use by another process; one publisher owns one outbox");
  }
  if (!status.ok()) return status;

  Statement read(db_, "PRAGMA user_version");
  const int version = read.Step() ? int(read.Int(0)) : 0;
  if (version > kSchemaVersion) {
    return FailedPrecondition("the outbox was written by a newer version; update this program");
  }
  if (version == 0) {
    Result<std::string> id = RandomId();
    if (!id.ok()) return id.status();
    status = InTransaction([&]() -> Status {
      Status made = Execute(db_, kSchema, "make its tables");
      if (made.ok()) made = SetMeta(db_, "outbox_id", *id);
      if (made.ok()) made = SetMeta(db_, "feed_id", feed_id);
      if (made.ok()) made = Execute(db_, "PRAGMA user_version = 1", "set its version");
      return made;
    });
    if (!status.ok()) return status;
  }
  const std::string owner = GetMeta(db_, "feed_id");
  if (owner != feed_id) {
    return FailedPrecondition("the outbox belongs to feed \"" + owner + "\", not to \"" + feed_id +
                              "\"; give each feed its own outbox");
  }
  return LoadState();
}

Status Outbox::LoadState() {
  id_ = GetMeta(db_, "outbox_id");
  if (id_.empty()) return DataLoss("the outbox holds no outbox_id; move the file away");
  journal_id_ = GetMeta(db_, "journal_id");
  acked_through_ = Number(GetMeta(db_, "acked_through"));
  dispositions_through_ = Number(GetMeta(db_, "dispositions_through"));
  hellos_ = Number(GetMeta(db_, "hellos"));
  Statement count(db_,
                  "SELECT COUNT(*), COALESCE(SUM(LENGTH(payload)), 0), COALESCE(MAX(seq), 0) "
                  "FROM item");
  if (!count.Step()) return Failed(db_, "count its payloads");
  payloads_ = count.Int(0);
  bytes_ = count.Int(1);
  last_seq_ = std::max(acked_through_, count.Int(2));
  return {};
}

Status Outbox::InTransaction(auto&& body) {
  Status status = Execute(db_, "BEGIN IMMEDIATE", "begin");
  if (!status.ok()) return status;
  status = body();
  if (status.ok()) status = Execute(db_, "COMMIT", "commit");
  if (!status.ok()) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
  return status;
}

std::string Outbox::id() const {
  std::lock_guard lock(mutex_);
  return id_;
}

std::uint64_t Outbox::acked_through() const {
  std::lock_guard lock(mutex_);
  return acked_through_;
}

std::uint64_t Outbox::last_seq() const {
  std::lock_guard lock(mutex_);
  return last_seq_;
}

OutboxTotals Outbox::totals() const {
  std::lock_guard lock(mutex_);
  return {last_seq_ + renumbered_, acked_through_ + renumbered_};
}

std::uint64_t Outbox::payload_count() const {
  std::lock_guard lock(mutex_);
  return payloads_;
}

std::uint64_t Outbox::byte_count() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

std::string Outbox::journal_id() const {
  std::lock_guard lock(mutex_);
  return journal_id_;
}

std::uint64_t Outbox::dispositions_through() const {
  std::lock_guard lock(mutex_);
  return dispositions_through_;
}

Result<std::uint64_t> Outbox::Append(std::span<const OutboxPayload> payloads,
                                     const Bookmark* bookmark) {
  std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const OutboxPayload& payload : payloads) bytes += payload.payload.size();
  if (payloads_ + payloads.size() > limits_.payloads || bytes_ + bytes > limits_.bytes) {
    return ResourceExhausted("the outbox is full: " + std::to_string(payloads_) + " payloads, " +
                             std::to_string(bytes_) +
                             " bytes wait for the gateway's ack; nothing of this call was taken, "
                             "try again when some are acked");
  }
  Status status = InTransaction([&]() -> Status {
    Statement insert(db_, "INSERT INTO item VALUES(?, ?, ?)");
    std::uint64_t seq = last_seq_;
    for (const OutboxPayload& payload : payloads) {
      Status put = insert.Bind(1, ++seq)
                       .BindBlob(2, payload.payload)
                       .BindText(3, payload.label)
                       .Run("store a payload");
      if (!put.ok()) return put;
    }
    if (!bookmark) return {};
    Statement mark(db_,
                   "INSERT INTO bookmark VALUES(?, ?) "
                   "ON CONFLICT DO UPDATE SET value = excluded.value");
    return mark.BindText(1, bookmark->name).BindText(2, bookmark->value).Run("store a bookmark");
  });
  if (!status.ok()) return status;
  const std::uint64_t first = last_seq_ + 1;
  last_seq_ += payloads.size();
  payloads_ += payloads.size();
  bytes_ += bytes;
  return first;
}

Result<std::vector<OutboxItem>> Outbox::Read(std::uint64_t after_seq, std::uint64_t max_count,
                                             std::uint64_t max_bytes) const {
  std::lock_guard lock(mutex_);
  Statement select(db_, "SELECT seq, payload, label FROM item WHERE seq > ? ORDER BY seq LIMIT ?");
  select.Bind(1, after_seq).Bind(2, max_count);
  std::vector<OutboxItem> items;
  std::uint64_t bytes = 0;
  while (select.Step()) {
    OutboxItem item{select.Int(0), select.Bytes(1), select.Bytes(2)};
    bytes += item.payload.size();
    if (!items.empty() && bytes > max_bytes) return items;
    items.push_back(std::move(item));
  }
  if (Status status = select.End("read payloads"); !status.ok()) return status;
  return items;
}

Status Outbox::Acknowledge(std::uint64_t through_seq) {
  std::lock_guard lock(mutex_);
  if (through_seq <= acked_through_) return {};
  if (through_seq > last_seq_) {
    return InvalidArgument("the gateway acked seq " + std::to_string(through_seq) + ", but only " +
                           std::to_string(last_seq_) + " were given out");
  }
  Statement sum(db_, "SELECT COUNT(*), COALESCE(SUM(LENGTH(payload)), 0) FROM item WHERE seq <= ?");
  sum.Bind(1, through_seq);
  if (!sum.Step()) return Failed(db_, "count acked payloads");
  const std::uint64_t payloads = sum.Int(0);
  const std::uint64_t bytes = sum.Int(1);
  Status status = InTransaction([&]() -> Status {
    Statement remove(db_, "DELETE FROM item WHERE seq <= ?");
    Status removed = remove.Bind(1, through_seq).Run("remove acked payloads");
    if (!removed.ok()) return removed;
    return SetMeta(db_, "acked_through", std::to_string(through_seq));
  });
  if (!status.ok()) return status;
  acked_through_ = through_seq;
  payloads_ -= payloads;
  bytes_ -= bytes;
  return {};
}

Status Outbox::SetJournal(const std::string& journal_id) {
  std::lock_guard lock(mutex_);
  Status status = SetMeta(db_, "journal_id", journal_id);
  if (status.ok()) journal_id_ = journal_id;
  return status;
}

Status Outbox::SetDispositionsThrough(std::uint64_t seq) {
  std::lock_guard lock(mutex_);
  Status status = SetMeta(db_, "dispositions_through", std::to_string(seq));
  if (status.ok()) dispositions_through_ = seq;
  return status;
}

Result<std::uint64_t> Outbox::CountHello() {
  std::lock_guard lock(mutex_);
  Status status = SetMeta(db_, "hellos", std::to_string(hellos_ + 1));
  if (!status.ok()) return status;
  return ++hellos_;
}

Result<std::uint64_t> Outbox::Renew() {
  std::lock_guard lock(mutex_);
  Result<std::string> id = RandomId();
  if (!id.ok()) return id.status();
  const std::uint64_t shift = acked_through_;
  Status status = InTransaction([&]() -> Status {
    // Seqs only move down and stay apart, but SQLite checks uniqueness row by row: go by way of the
    // negative numbers.
    Statement away(db_, "UPDATE item SET seq = -(seq - ?)");
    Status renewed = away.Bind(1, shift).Run("renumber payloads");
    if (renewed.ok()) renewed = Execute(db_, "UPDATE item SET seq = -seq", "renumber payloads");
    if (renewed.ok()) renewed = SetMeta(db_, "outbox_id", *id);
    if (renewed.ok()) renewed = SetMeta(db_, "acked_through", "0");
    return renewed;
  });
  if (!status.ok()) return status;
  id_ = *id;
  last_seq_ -= shift;
  acked_through_ = 0;
  renumbered_ += shift;
  return shift;
}

Result<std::string> Outbox::ReadBookmark(const std::string& name) const {
  std::lock_guard lock(mutex_);
  Statement get(db_, "SELECT value FROM bookmark WHERE name = ?");
  get.BindText(1, name);
  return get.Step() ? get.Bytes(0) : std::string();
}

}  // namespace fusiongateway::client
