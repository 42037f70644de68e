#include "delivery/journal/journal_schema.h"

#include <array>
#include <cstdio>
#include <random>

namespace fusiongateway {
namespace {

// Segments are keyed by their first position or seq. `checksum` is over the segment's bytes.
constexpr std::string_view kCreateVersion1 = R"sql(
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE log (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, checksum INTEGER NOT NULL,
                  segment BLOB NOT NULL) STRICT;
CREATE TABLE live (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, checksum INTEGER NOT NULL,
                   segment BLOB NOT NULL) STRICT;
CREATE TABLE settled (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, checksum INTEGER NOT NULL,
                      segment BLOB NOT NULL) STRICT;

-- Who published the records of a stream (0 live, 1 settled) from `first` on: their origin's seq is
-- their own plus `seq_shift`.
CREATE TABLE origin (stream INTEGER NOT NULL, first INTEGER NOT NULL, gateway_id TEXT NOT NULL,
                     journal_id TEXT NOT NULL, seq_shift INTEGER NOT NULL,
                     PRIMARY KEY (stream, first)) STRICT, WITHOUT ROWID;
-- Ids this journal had before it was restored from a backup, oldest first, and what they share.
CREATE TABLE earlier (ordinal INTEGER PRIMARY KEY, journal_id TEXT NOT NULL,
                      live_through INTEGER NOT NULL, settled_through INTEGER NOT NULL) STRICT;

CREATE TABLE outbox (feed_id TEXT NOT NULL, outbox_id TEXT NOT NULL, through_seq INTEGER NOT NULL,
                     PRIMARY KEY (feed_id, outbox_id)) STRICT, WITHOUT ROWID;
CREATE TABLE dead_letter (feed_id TEXT NOT NULL, outbox_id TEXT NOT NULL, seq INTEGER NOT NULL,
                          received_at_ns INTEGER NOT NULL, code TEXT NOT NULL,
                          message TEXT NOT NULL, field TEXT NOT NULL, masked_payload BLOB NOT NULL,
                          UNIQUE (feed_id, outbox_id, seq)) STRICT;
CREATE TABLE disposition (feed_id TEXT NOT NULL, seq INTEGER NOT NULL, report_id TEXT NOT NULL,
                          incident_id TEXT NOT NULL, state INTEGER NOT NULL, note TEXT NOT NULL,
                          PRIMARY KEY (feed_id, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE disposition_ack (feed_id TEXT PRIMARY KEY, through_seq INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
)sql";

// `used` orders the outboxes of a feed by their last commit, the newest with the highest.
constexpr std::string_view kMigrateToVersion2 =
    "ALTER TABLE outbox ADD COLUMN used INTEGER NOT NULL DEFAULT 0;";

// Dead letters have an id, and what an administrator did about them (DeadLetter::State). The
// payload stands last, so that looking for open ones does not read payloads.
constexpr std::string_view kMigrateToVersion3 = R"sql(
ALTER TABLE dead_letter RENAME TO dead_letter_1;
CREATE TABLE dead_letter (id INTEGER PRIMARY KEY AUTOINCREMENT, feed_id TEXT NOT NULL,
                          outbox_id TEXT NOT NULL, seq INTEGER NOT NULL,
                          received_at_ns INTEGER NOT NULL, code TEXT NOT NULL,
                          state INTEGER NOT NULL, dealt_at_ns INTEGER NOT NULL,
                          field TEXT NOT NULL, message TEXT NOT NULL, note TEXT NOT NULL,
                          masked_payload BLOB NOT NULL,
                          UNIQUE (feed_id, outbox_id, seq)) STRICT;
INSERT INTO dead_letter SELECT rowid, feed_id, outbox_id, seq, received_at_ns, code, 0, 0, field,
                               message, '', masked_payload FROM dead_letter_1 ORDER BY rowid;
DROP TABLE dead_letter_1;
-- How many dead letters there ever were of a feed; old ones are deleted.
CREATE TABLE rejected (feed_id TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO rejected SELECT feed_id, count(*) FROM dead_letter GROUP BY feed_id;
)sql";

// Finds the dead letters that go first.
constexpr std::string_view kMigrateToVersion4 =
    "CREATE INDEX dead_letter_dealt_with ON dead_letter (id) WHERE state <> 0;";

// kMigrations[n] brings version n to n + 1. Never changed once released; only added to.
constexpr std::array<std::string_view, kJournalVersion> kMigrations = {
    kCreateVersion1, kMigrateToVersion2, kMigrateToVersion3, kMigrateToVersion4};

Status NotAJournal(const std::string& path) {
  return FailedPrecondition(path + " is not a Fusion Gateway journal: give another path");
}

}  // namespace

Result<std::int64_t> JournalVersion(sqlite::Connection& db, const std::string& path) {
  auto application = db.QueryInteger("PRAGMA application_id");
  if (!application.ok()) {
    if (application.status().code() != StatusCode::kFailedPrecondition) return application.status();
    return NotAJournal(path);
  }
  auto version = db.QueryInteger("PRAGMA user_version");
  if (!version.ok()) return version.status();
  auto tables = db.QueryInteger("SELECT count(*) FROM sqlite_schema");
  if (!tables.ok()) return tables.status();
  const bool empty = *application == 0 && *version == 0 && *tables == 0;
  if (!empty && *application != kJournalApplicationId) return NotAJournal(path);
  if (*version > kJournalVersion) {
    return FailedPrecondition(path + " was written by a newer Fusion Gateway (journal version " +
                              std::to_string(*version) + ", this program knows " +
                              std::to_string(kJournalVersion) +
                              "): run the newer program, or restore a backup of the older one");
  }
  return *version;
}

Status MigrateJournal(sqlite::Connection& db, std::int64_t from_version) {
  if (Status s = db.Execute("BEGIN IMMEDIATE"); !s.ok()) return s;
  std::string script;
  for (auto version = static_cast<std::size_t>(from_version); version < kMigrations.size();
       ++version) {
    script += kMigrations[version];
  }
  script += "PRAGMA application_id = " + std::to_string(kJournalApplicationId) + ";";
  script += "PRAGMA user_version = " + std::to_string(kJournalVersion) + ";";
  Status status = db.Execute(script);
  if (status.ok()) status = db.Execute("COMMIT");
  if (!status.ok()) db.RollBack();
  return status;
}

Result<std::string> ReadFact(sqlite::Connection& db, std::string_view name) {
  auto statement = db.Prepare("SELECT value FROM fact WHERE name = ?", false);
  if (!statement.ok()) return statement.status();
  statement->BindText(1, name);
  auto row = statement->Step();
  if (!row.ok()) return row.status();
  return *row ? statement->Text(0) : std::string();
}

Status WriteFact(sqlite::Connection& db, std::string_view name, std::string_view value) {
  auto statement = db.Prepare(
      "INSERT INTO fact VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", false);
  if (!statement.ok()) return statement.status();
  statement->BindText(1, name);
  statement->BindText(2, value);
  return statement->Run();
}

std::string NewJournalId() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) {
    std::array<char, 9> word{};
    std::snprintf(word.data(), word.size(), "%08x", static_cast<unsigned>(random()));
    id += word.data();
  }
  return id;
}

}  // namespace fusiongateway
