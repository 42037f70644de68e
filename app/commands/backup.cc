#include "app/commands/backup.h"

#include <unistd.h>

#include <cinttypes>
#include <cstdio>

#include "delivery/journal/sqlite_journal.h"

namespace fusiongateway {
namespace {

// Shown where somebody watches.
class ProgressLine {
 public:
  ~ProgressLine() {
    if (shown_) std::fprintf(stderr, "\n");
  }

  void Show(std::uint64_t done, std::uint64_t total) {
    if (isatty(STDERR_FILENO) == 0 || total == 0) return;
    shown_ = true;
    std::fprintf(stderr, "\rcopying %3.0f %%",
                 100.0 * static_cast<double>(done) / static_cast<double>(total));
  }

 private:
  bool shown_ = false;
};

int Failed(const char* command, const Status& status) {
  std::fprintf(stderr, "%s: %s\n", command, status.message().c_str());
  return 1;
}

}  // namespace

int RunBackup(const BackupOptions& options) {
  Status status;
  {
    ProgressLine line;
    status = BackupJournal(options.store, options.file,
                           [&line](auto done, auto total) { line.Show(done, total); });
  }
  if (!status.ok()) return Failed("backup", status);
  std::printf("%s\n", options.file.c_str());
  return 0;
}

int RunRestore(const RestoreOptions& options) {
  Result<RestoredJournal> restored = Internal("not tried");
  {
    ProgressLine line;
    restored = RestoreJournal(options.file, options.store,
                              [&line](auto done, auto total) { line.Show(done, total); });
  }
  if (!restored.ok()) return Failed("restore", restored.status());
  std::printf("%s\n  journal_id %s (before: %s)\n  live through seq %" PRIu64
              ", settled through seq %" PRIu64 "\n",
              options.store.c_str(), restored->journal_id.c_str(),
              restored->earlier_journal_id.c_str(), restored->live_through,
              restored->settled_through);
  return 0;
}

}  // namespace fusiongateway
