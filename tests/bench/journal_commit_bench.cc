// What a report costs in the journal, beside two references in the same run: a row for everything
// (log entry, live report, live incident, settled report, settled incident, each whole), and raw
// SQLite that writes as many bytes as our journal does in as many commits, the same way (WAL,
// synchronous=FULL).
//
//     journal_commit_bench [reports] [reports a commit]...
//
// Every report (about 600 bytes) makes a revision of an incident and is settled: five outputs.
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "tests/delivery/journal/journal_samples.h"

namespace fusiongateway {
namespace {

using Batches = std::vector<JournalBatch>;

struct Measured {
  double seconds = 0;
  std::vector<double> commit_ms;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

void Check(bool ok, const std::string& what) {
  if (ok) return;
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

// Times each call of `commit(i)`.
void Time(std::size_t commits, const std::function<void(std::size_t)>& commit, Measured* measured) {
  const auto begin = std::chrono::steady_clock::now();
  auto last = begin;
  for (std::size_t i = 0; i < commits; ++i) {
    commit(i);
    const auto now = std::chrono::steady_clock::now();
    measured->commit_ms.push_back(std::chrono::duration<double, std::milli>(now - last).count());
    last = now;
  }
  measured->seconds = std::chrono::duration<double>(last - begin).count();
}

Measured MeasureJournal(const Batches& batches) {
  TemporaryFolder folder;
  auto journal = OpenSqliteJournal(folder.File("journal"), SampleOptions());
  Check(journal.ok(), journal.status().message());
  Measured measured;
  Time(
      batches.size(),
      [&](std::size_t i) {
        const Status status = (*journal)->Commit(batches[i]);
        Check(status.ok(), status.message());
      },
      &measured);
  measured.rows = (*journal)->statistics().rows;
  measured.bytes = (*journal)->statistics().blob_bytes;
  return measured;
}

// SQLite as the references use it; checkpoints are its own, automatic.
class PlainTable {
 public:
  explicit PlainTable(const std::string& path) {
    Check(sqlite3_open(path.c_str(), &db_) == SQLITE_OK, "open " + path);
    Execute("PRAGMA journal_mode = WAL");
    Execute("PRAGMA synchronous = FULL");
    Execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
    sqlite3_prepare_v2(db_, "INSERT INTO entry (bytes) VALUES (?)", -1, &insert_, nullptr);
  }
  ~PlainTable() {
    sqlite3_finalize(insert_);
    sqlite3_close(db_);
  }
  PlainTable(const PlainTable&) = delete;
  PlainTable& operator=(const PlainTable&) = delete;

  void Execute(const char* sql) {
    Check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sqlite3_errmsg(db_));
  }
  void Insert(const std::string& bytes) {
    sqlite3_bind_blob64(insert_, 1, bytes.data(), bytes.size(), SQLITE_STATIC);
    Check(sqlite3_step(insert_) == SQLITE_DONE, sqlite3_errmsg(db_));
    sqlite3_reset(insert_);
  }

 private:
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

template <typename Wire, typename Item>
void InsertWhole(const std::vector<Item>& items, PlainTable& table, Measured* measured) {
  for (const Item& item : items) {
    Wire wire;
    ToWire(item, &wire);
    const std::string bytes = wire.SerializeAsString();
    table.Insert(bytes);
    ++measured->rows;
    measured->bytes += bytes.size();
  }
}

Measured MeasureRowForEverything(const Batches& batches) {
  TemporaryFolder folder;
  PlainTable table(folder.File("plain"));
  Measured measured;
  Time(
      batches.size(),
      [&](std::size_t i) {
        table.Execute("BEGIN");
        InsertWhole<v1::LogEntry>(batches[i].entries, table, &measured);
        InsertWhole<v1::StreamRecord>(batches[i].live, table, &measured);
        InsertWhole<v1::StreamRecord>(batches[i].settled, table, &measured);
        table.Execute("COMMIT");
      },
      &measured);
  return measured;
}

Measured MeasureRaw(std::size_t commits, std::uint64_t rows, std::uint64_t bytes) {
  TemporaryFolder folder;
  PlainTable table(folder.File("raw"));
  const std::uint64_t rows_each = std::max<std::uint64_t>(rows / commits, 1);
  const std::string row(bytes / commits / rows_each, 'x');
  Measured measured;
  Time(
      commits,
      [&](std::size_t) {
        table.Execute("BEGIN");
        for (std::uint64_t i = 0; i < rows_each; ++i) table.Insert(row);
        table.Execute("COMMIT");
      },
      &measured);
  measured.rows = rows_each * commits;
  measured.bytes = row.size() * measured.rows;
  return measured;
}

double Percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

void Print(const char* name, const Measured& measured, double reports) {
  std::printf(
      "  %-20s %7.3f rows/report %7.0f bytes/report %9.0f reports/s  commit p50 %7.2f ms  "
      "p99 %7.2f ms\n",
      name, static_cast<double>(measured.rows) / reports,
      static_cast<double>(measured.bytes) / reports, reports / measured.seconds,
      Percentile(measured.commit_ms, 0.5), Percentile(measured.commit_ms, 0.99));
}

void Run(std::size_t reports, std::size_t per_commit) {
  SampleLog log("bench", std::max<std::uint64_t>(reports / 10, 1));
  Batches batches;
  for (std::size_t made = 0; made < reports; made += per_commit) {
    batches.push_back(log.NextBatch(std::min(per_commit, reports - made)));
  }
  const auto count = static_cast<double>(reports);
  std::printf("%zu reports, %zu a commit\n", reports, per_commit);
  const Measured ours = MeasureJournal(batches);
  const Measured everything = MeasureRowForEverything(batches);
  const Measured raw = MeasureRaw(batches.size(), ours.rows, ours.bytes);
  Print("journal", ours, count);
  Print("row for everything", everything, count);
  Print("raw SQLite", raw, count);
  std::printf("  journal / row for everything: rows 1/%.1f, bytes 1/%.1f, throughput %.2f\n",
              static_cast<double>(everything.rows) / static_cast<double>(ours.rows),
              static_cast<double>(everything.bytes) / static_cast<double>(ours.bytes),
              everything.seconds / ours.seconds);
  std::printf("  journal / raw SQLite: throughput %.2f, commit p99 %.2f x\n",
              raw.seconds / ours.seconds,
              Percentile(ours.commit_ms, 0.99) / Percentile(raw.commit_ms, 0.99));
}

}  // namespace
}  // namespace fusiongateway

int main(int argc, char** argv) {
  const std::size_t reports = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 20000;
  std::vector<std::size_t> per_commit = {1, 16, 256};
  if (argc > 2) per_commit.clear();
  for (int i = 2; i < argc; ++i) per_commit.push_back(std::strtoul(argv[i], nullptr, 10));
  if (reports == 0 || std::count(per_commit.begin(), per_commit.end(), 0u) > 0) {
    std::fprintf(stderr, "journal_commit_bench [reports] [reports a commit]...\n");
    return 2;
  }
  for (const std::size_t size : per_commit) {
    fusiongateway::Run(size == 1 ? std::min<std::size_t>(reports, 3000) : reports, size);
  }
  return 0;
}
