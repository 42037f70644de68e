// Backup and restore of a journal, over SQLite's online backup.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "delivery/journal/journal_schema.h"
#include "delivery/journal/sqlite.h"
#include "delivery/journal/sqlite_journal.h"

namespace fusiongateway {
namespace {

constexpr int kPagesPerStep = 1024;

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(path, error));
}

Status RefuseToOverwrite(const std::string& path) {
  for (const auto* suffix : {"", "-wal"}) {
    if (!Exists(path + suffix)) continue;
    return FailedPrecondition(path + suffix +
                              " is there already and is not overwritten: give another path or "
                              "move it away");
  }
  return {};
}

Status CheckFolder(const std::string& path) {
  const auto folder = std::filesystem::absolute(path).parent_path();
  std::error_code none;
  if (std::filesystem::is_directory(folder, none)) return {};
  return NotFound("there is no folder " + folder.string() + " to write " + path +
                  " in: make it, or give another path");
}

// Something half done: gone when its maker fails.
class PartialFile {
 public:
  explicit PartialFile(const std::string& final_path)
      : final_path_(final_path), path_(final_path + ".partial") {
    Remove();
  }
  ~PartialFile() { Remove(); }

  const std::string& path() const { return path_; }

  // On disk under its final name, or not at all. Never replaces a file that came in between.
  Status Finish() {
    if (Status s = Synchronise(path_, O_RDONLY); !s.ok()) return s;
    if (Status s = Rename(); !s.ok()) return s;
    return Synchronise(std::filesystem::absolute(final_path_).parent_path(),
                       O_RDONLY | O_DIRECTORY);
  }

 private:
  Status Rename() const {
    if (renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, final_path_.c_str(), RENAME_NOREPLACE) == 0) {
      return {};
    }
    // Some network file systems cannot promise it; it was looked for before.
    if (errno == EINVAL && !Exists(final_path_) &&
        std::rename(path_.c_str(), final_path_.c_str()) == 0) {
      return {};
    }
    return Failure("rename to", final_path_);
  }
  static Status Failure(std::string_view doing, const std::string& path) {
    return Unavailable(std::string(doing) + " " + path + ": " + std::strerror(errno));
  }
  static Status Synchronise(const std::string& path, int flags) {
    const int fd = open(path.c_str(), flags | O_CLOEXEC);
    if (fd < 0) return Failure("open", path);
    const int result = fsync(fd);
    close(fd);
    return result == 0 ? Status{} : Failure("synchronise", path);
  }
  void Remove() const {
    for (const auto* suffix : {"", "-wal", "-shm", "-journal"}) {
      std::remove((path_ + suffix).c_str());
    }
  }

  const std::string final_path_;
  const std::string path_;
};

Status CopyPages(sqlite::Connection& from, sqlite::Connection& to, const CopyProgress& progress) {
  const std::unique_ptr<sqlite3_backup, int (*)(sqlite3_backup*)> backup(
      sqlite3_backup_init(to.handle(), "main", from.handle(), "main"), sqlite3_backup_finish);
  if (backup == nullptr) return sqlite::ToStatus(to.handle(), sqlite3_errcode(to.handle()), "copy");
  int code = SQLITE_OK;
  while (code == SQLITE_OK) {
    code = sqlite3_backup_step(backup.get(), kPagesPerStep);
    const int total = sqlite3_backup_pagecount(backup.get());
    const int done = total - sqlite3_backup_remaining(backup.get());
    if (progress) progress(static_cast<std::uint64_t>(done), static_cast<std::uint64_t>(total));
  }
  return sqlite::ToStatus(nullptr, code, "copy");
}

// The journal in `db` is ours, of this version, and every page of it hangs together.
Status CheckWhole(sqlite::Connection& db, const std::string& path) {
  auto version = JournalVersion(db, path);
  if (!version.ok()) return version.status();
  if (*version == 0) return FailedPrecondition(path + " is an empty file, not a journal");
  auto verdict = db.QueryText("PRAGMA integrity_check(1)");
  if (!verdict.ok()) return verdict.status();
  if (*verdict == "ok") return {};
  return DataLoss(path + " is damaged (" + *verdict + "): use another backup");
}

// One self-contained copy of the journal as it stands at the first read.
Status CopyJournal(const std::string& from_path, const std::string& to_path,
                   const CopyProgress& progress) {
  auto from = sqlite::Connection::OpenForReading(from_path);
  if (!from.ok()) return from.status();
  if (auto version = JournalVersion(*from, from_path); !version.ok()) return version.status();
  // Held open over all steps: without it every commit of the gateway would begin the copy anew.
  if (Status s = from->Execute("BEGIN; SELECT count(*) FROM fact;"); !s.ok()) return s;
  auto to = sqlite::Connection::Open(to_path, sqlite::OpenMode::kCreate);
  if (!to.ok()) return to.status();
  Status status = CopyPages(*from, *to, progress);
  from->RollBack();
  if (status.ok()) status = to->Execute("PRAGMA journal_mode = DELETE");
  if (status.ok()) status = CheckWhole(*to, to_path);
  return status;
}

Result<std::uint64_t> NewestSeq(sqlite::Connection& db, const std::string& table) {
  auto seq =
      db.QueryInteger("SELECT first + count - 1 FROM " + table + " ORDER BY first DESC LIMIT 1");
  if (!seq.ok()) return seq.status();
  return static_cast<std::uint64_t>(*seq);
}

// The restored journal is another one: what the first published after the backup is not in it.
Status GiveNewIdentity(sqlite::Connection& db, RestoredJournal* restored) {
  auto earlier = ReadFact(db, "journal_id");
  if (!earlier.ok()) return earlier.status();
  auto live = NewestSeq(db, "live");
  if (!live.ok()) return live.status();
  auto settled = NewestSeq(db, "settled");
  if (!settled.ok()) return settled.status();
  *restored = {NewJournalId(), *earlier, *live, *settled};
  auto insert = db.Prepare(
      "INSERT INTO earlier (journal_id, live_through, settled_through) VALUES (?, ?, ?)", false);
  if (!insert.ok()) return insert.status();
  insert->BindText(1, restored->earlier_journal_id);
  insert->Bind(2, restored->live_through);
  insert->Bind(3, restored->settled_through);
  if (Status s = insert->Run(); !s.ok()) return s;
  return WriteFact(db, "journal_id", restored->journal_id);
}

Status ChangeIdentity(const std::string& path, RestoredJournal* restored) {
  auto db = sqlite::Connection::Open(path, sqlite::OpenMode::kReadWrite);
  if (!db.ok()) return db.status();
  Status status = db->Execute("PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
  if (status.ok()) status = GiveNewIdentity(*db, restored);
  if (status.ok()) status = db->Execute("COMMIT");
  if (!status.ok()) db->RollBack();
  return status;
}

}  // namespace

Status BackupJournal(const std::string& store, const std::string& file,
                     const CopyProgress& progress) {
  if (!Exists(store)) return NotFound("there is no journal at " + store);
  if (Status s = CheckFolder(file); !s.ok()) return s;
  if (Status s = RefuseToOverwrite(file); !s.ok()) return s;
  PartialFile partial(file);
  if (Status s = CopyJournal(store, partial.path(), progress); !s.ok()) return s;
  return partial.Finish();
}

Result<RestoredJournal> RestoreJournal(const std::string& file, const std::string& store,
                                       const CopyProgress& progress) {
  if (!Exists(file)) return NotFound("there is no backup at " + file);
  if (Status s = CheckFolder(store); !s.ok()) return s;
  if (Status s = RefuseToOverwrite(store); !s.ok()) return s;
  PartialFile partial(store);
  if (Status s = CopyJournal(file, partial.path(), progress); !s.ok()) return s;
  RestoredJournal restored;
  if (Status s = ChangeIdentity(partial.path(), &restored); !s.ok()) return s;
  if (Status s = partial.Finish(); !s.ok()) return s;
  return restored;
}

}  // namespace fusiongateway
