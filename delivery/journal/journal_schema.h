// What a journal file is: its mark, its version, its tables, and how an older one is brought up to
// date. Every open goes through here.
//
// Refused: a file of another application, or of a newer version (kFailedPrecondition, says which);
// bytes that are no database (kFailedPrecondition); a damaged one (kDataLoss).
#pragma once

#include <cstdint>
#include <string>

#include "delivery/journal/sqlite.h"

namespace fusiongateway {

// "FGjl" in the database's header.
inline constexpr std::int64_t kJournalApplicationId = 0x46476a6c;
inline constexpr std::int64_t kJournalVersion = 4;

// Version of the journal in `db`; 0 = empty, nothing written yet.
Result<std::int64_t> JournalVersion(sqlite::Connection& db, const std::string& path);

// Creates the tables, or brings an older version up to date, in one transaction.
Status MigrateJournal(sqlite::Connection& db, std::int64_t from_version);

// One word of the journal's own facts: "journal_id", "gateway_id", "created_at". "" if not there.
Result<std::string> ReadFact(sqlite::Connection& db, std::string_view name);
Status WriteFact(sqlite::Connection& db, std::string_view name, std::string_view value);

// 128 random bits in hex.
std::string NewJournalId();

}  // namespace fusiongateway
