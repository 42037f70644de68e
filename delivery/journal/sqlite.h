// SQLite's C interface as values: a connection and a statement that close themselves, and errors as
// Status. Only the files of this folder use it.
//
// Threading: a connection and its statements belong to one thread at a time; the caller sees to it.
// Bound text and bytes are not copied: they must outlive the step.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "fusion/base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace fusiongateway::sqlite {

// A full disk (or a reached size limit) is kResourceExhausted, damage kDataLoss, what may pass by
// itself kUnavailable.
Status ToStatus(sqlite3* db, int code, std::string_view doing);

class Statement {
 public:
  Statement() = default;

  void Bind(int index, std::uint64_t value);
  void Bind(int index, std::int64_t value);
  void BindText(int index, std::string_view text);
  void BindBlob(int index, std::string_view bytes);

  // True: a row is there. False: done.
  Result<bool> Step();
  // For statements without rows: steps to the end and makes ready for the next use.
  Status Run();
  void Reset();

  std::int64_t Integer(int column) const;
  std::uint64_t Unsigned(int column) const;
  // Valid until the next Step or Reset.
  std::string_view Bytes(int column) const;
  std::string Text(int column) const { return std::string(Bytes(column)); }

 private:
  friend class Connection;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

enum class OpenMode { kReadOnly, kReadWrite, kCreate };

class Connection {
 public:
  static Result<Connection> Open(const std::string& path, OpenMode mode);
  // Changes nothing, not even by closing.
  static Result<Connection> OpenForReading(const std::string& path);

  Status Execute(const std::string& sql);
  Result<Statement> Prepare(std::string_view sql, bool kept = true);
  // First column of the first row; 0 or "" without a row.
  Result<std::int64_t> QueryInteger(const std::string& sql);
  Result<std::string> QueryText(const std::string& sql);

  // Undoes an open transaction, if there is one.
  void RollBack();
  sqlite3* handle() const { return db_.get(); }

 private:
  struct Closer {
    void operator()(sqlite3* db) const;
  };
  std::unique_ptr<sqlite3, Closer> db_;
};

}  // namespace fusiongateway::sqlite
