#include "delivery/journal/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>

namespace fusiongateway::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 5000;

bool IsDiskFull(sqlite3* db, int code) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  if ((code & 0xff) != SQLITE_IOERR || db == nullptr) return false;
  // The rollback that follows a failed write clears SQLite's own note of the cause.
  const int noted = sqlite3_system_errno(db);
  const int error = noted != 0 ? noted : errno;
  return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

}  // namespace

Status ToStatus(sqlite3* db, int code, std::string_view doing) {
  if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return {};
  std::string text(doing);
  text += ": ";
  text += db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  if (IsDiskFull(db, code)) {
    return ResourceExhausted(text + "; the disk is full or a size limit is reached: make room");
  }
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return FailedPrecondition(std::move(text));
    case SQLITE_CORRUPT:
      return DataLoss(text + "; restore a backup");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Unavailable(text + "; another process holds the file");
    case SQLITE_IOERR:
      return Unavailable(text + "; check the disk");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return FailedPrecondition(text + "; check that the path exists and may be written");
    case SQLITE_NOMEM:
      return ResourceExhausted(std::move(text));
    default:
      return Internal(std::move(text));
  }
}

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Statement::Bind(int index, std::uint64_t value) {
  Bind(index, static_cast<std::int64_t>(value));
}

void Statement::Bind(int index, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
}

void Statement::BindText(int index, std::string_view text) {
  // An empty view may have no address, which SQLite would take for NULL.
  sqlite3_bind_text(statement_.get(), index, text.empty() ? "" : text.data(),
                    static_cast<int>(text.size()), SQLITE_STATIC);
}

void Statement::BindBlob(int index, std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), index, bytes.empty() ? "" : bytes.data(), bytes.size(),
                      SQLITE_STATIC);
}

Result<bool> Statement::Step() {
  errno = 0;
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return ToStatus(sqlite3_db_handle(statement_.get()), code, "journal");
}

Status Statement::Run() {
  auto row = Step();
  while (row.ok() && *row) row = Step();
  Reset();
  return row.ok() ? Status{} : row.status();
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::int64_t Statement::Integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::uint64_t Statement::Unsigned(int column) const {
  return static_cast<std::uint64_t>(Integer(column));
}

std::string_view Statement::Bytes(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string_view{}
                          : std::string_view(bytes, static_cast<std::size_t>(size));
}

void Connection::Closer::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

Result<Connection> Connection::Open(const std::string& path, OpenMode mode) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= mode == OpenMode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == OpenMode::kCreate) {
    flags |= SQLITE_OPEN_CREATE;
    // For its owner's eyes only; SQLite gives the files beside it the same mode.
    if (const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); fd >= 0) {
      close(fd);
    }
  }
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  Connection connection;
  connection.db_.reset(db);
  if (code != SQLITE_OK) return ToStatus(db, code, "open " + path);
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  return connection;
}

Result<Connection> Connection::OpenForReading(const std::string& path) {
  // A read-write handle can make the shared index that reading a write-ahead log takes.
  auto connection = Open(path, OpenMode::kReadWrite);
  if (!connection.ok()) connection = Open(path, OpenMode::kReadOnly);
  if (!connection.ok()) return connection;
  sqlite3_db_config(connection->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (Status s = connection->Execute("PRAGMA query_only = 1"); !s.ok()) return s;
  return connection;
}

Status Connection::Execute(const std::string& sql) {
  return ToStatus(db_.get(), sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr),
                  "journal");
}

Result<Statement> Connection::Prepare(std::string_view sql, bool kept) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                      kept ? SQLITE_PREPARE_PERSISTENT : 0, &raw, nullptr);
  if (code != SQLITE_OK) return ToStatus(db_.get(), code, "journal");
  Statement statement;
  statement.statement_.reset(raw);
  return statement;
}

Result<std::int64_t> Connection::QueryInteger(const std::string& sql) {
  auto statement = Prepare(sql, false);
  if (!statement.ok()) return statement.status();
  auto row = statement->Step();
  if (!row.ok()) return row.status();
  return *row ? statement->Integer(0) : 0;
}

Result<std::string> Connection::QueryText(const std::string& sql) {
  auto statement = Prepare(sql, false);
  if (!statement.ok()) return statement.status();
  auto row = statement->Step();
  if (!row.ok()) return row.status();
  return *row ? statement->Text(0) : std::string();
}

void Connection::RollBack() {
  if (sqlite3_get_autocommit(db_.get()) == 0) {
    sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

}  // namespace fusiongateway::sqlite
