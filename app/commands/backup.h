// fusion-gateway backup STORE FILE: copies a journal, also while a gateway writes it.
// fusion-gateway restore FILE STORE: makes a journal from a backup, under a new journal_id.
//
// Both refuse to overwrite. 0 done, 1 failed; what went wrong, and on a terminal how far it has
// come, goes to standard error.
#pragma once

#include <string>

namespace fusiongateway {

struct BackupOptions {
  std::string store;  // the journal's file
  std::string file;
};

struct RestoreOptions {
  std::string file;
  std::string store;  // the journal's file
};

// Prints the copy's name.
int RunBackup(const BackupOptions& options);

// Prints the journal's new id, the one before, and how far its streams go.
int RunRestore(const RestoreOptions& options);

}  // namespace fusiongateway
