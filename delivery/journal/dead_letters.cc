#include "delivery/journal/dead_letters.h"

#include <sqlite3.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace fusiongateway {
namespace {

// Of payloads: a page ends with the letter that reaches it.
constexpr std::size_t kPageBytesMax = std::size_t{4} << 20;
// Beside as many as came: a bound that was lowered is reached over some commits.
constexpr std::size_t kPrunedPerCommit = 1000;
constexpr std::uint64_t kIdMax = std::numeric_limits<std::int64_t>::max();

std::int64_t Nanoseconds(UtcTime time) { return time.time_since_epoch().count(); }

}  // namespace

Status DeadLetterTable::Open(sqlite::Connection& db, std::uint64_t count_max,
                             std::uint64_t bytes_max) {
  db_ = &db;
  count_max_ = count_max;
  bytes_max_ = bytes_max;
  const std::pair<sqlite::Statement*, std::string_view> all[] = {
      {&insert_,
       "INSERT INTO dead_letter (feed_id, outbox_id, seq, received_at_ns, code, message, field, "
       "masked_payload, state, dealt_at_ns, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '') "
       "ON CONFLICT DO NOTHING"},
      {&count_one_,
       "INSERT INTO rejected VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1"},
      // What was taken or dropped stays so.
      {&mark_,
       "UPDATE dead_letter SET state = ?, dealt_at_ns = ?, note = ? WHERE id = ? AND state = 0"},
      {&oldest_dealt_with_,
       "SELECT id, length(masked_payload) FROM dead_letter INDEXED BY dead_letter_dealt_with "
       "WHERE state <> 0 ORDER BY id LIMIT 1"},
      {&oldest_, "SELECT id, length(masked_payload) FROM dead_letter ORDER BY id LIMIT 1"},
      {&remove_, "DELETE FROM dead_letter WHERE id = ?"}};
  for (const auto& [statement, sql] : all) {
    auto prepared = db.Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *statement = std::move(*prepared);
  }
  auto count = db.QueryInteger("SELECT count(*) FROM dead_letter");
  if (!count.ok()) return count.status();
  auto bytes = db.QueryInteger("SELECT ifnull(sum(length(masked_payload)), 0) FROM dead_letter");
  if (!bytes.ok()) return bytes.status();
  next_.count = static_cast<std::uint64_t>(*count);
  next_.bytes = static_cast<std::uint64_t>(*bytes);
  Keep();
  return {};
}

Status DeadLetterTable::Write(const std::vector<DeadLetter>& letters,
                              const std::vector<LetterResult>& results) {
  for (const DeadLetter& letter : letters) {
    if (Status s = Insert(letter); !s.ok()) return s;
  }
  for (const LetterResult& result : results) {
    mark_.Bind(1, static_cast<std::uint64_t>(result.state));
    mark_.Bind(2, Nanoseconds(result.at));
    mark_.BindText(3, result.note);
    mark_.Bind(4, result.id);
    if (Status s = mark_.Run(); !s.ok()) return s;
  }
  return Prune(kPrunedPerCommit + letters.size());
}

Status DeadLetterTable::Insert(const DeadLetter& letter) {
  insert_.BindText(1, letter.feed_id);
  insert_.BindText(2, letter.outbox_id);
  insert_.Bind(3, letter.seq);
  insert_.Bind(4, Nanoseconds(letter.received_at));
  insert_.BindText(5, letter.code);
  insert_.BindText(6, letter.message);
  insert_.BindText(7, letter.field);
  insert_.BindBlob(8, letter.masked_payload);
  if (Status s = insert_.Run(); !s.ok()) return s;
  if (sqlite3_changes(db_->handle()) == 0) return {};  // it is there already
  ++next_.count;
  next_.bytes += letter.masked_payload.size();
  count_one_.BindText(1, letter.feed_id);
  return count_one_.Run();
}

// Those that were dealt with first: the others are still wanted.
Status DeadLetterTable::Prune(std::size_t max) {
  const auto beyond = [this] {
    return next_.count > count_max_ || (next_.bytes > bytes_max_ && next_.count > 0);
  };
  for (sqlite::Statement* from : {&oldest_dealt_with_, &oldest_}) {
    for (; beyond() && max > 0; --max) {
      auto row = from->Step();
      if (!row.ok()) return row.status();
      if (!*row) break;
      const std::uint64_t id = from->Unsigned(0);
      const std::uint64_t bytes = from->Unsigned(1);
      from->Reset();
      if (Status s = Remove(id, bytes); !s.ok()) return s;
    }
    from->Reset();
  }
  return {};
}

Status DeadLetterTable::Remove(std::uint64_t id, std::uint64_t bytes) {
  remove_.Bind(1, id);
  if (Status s = remove_.Run(); !s.ok()) return s;
  --next_.count;
  next_.bytes -= bytes;
  ++next_.pruned;
  return {};
}

void DeadLetterTable::Keep() {
  kept_ = next_;
  count_ = kept_.count;
  bytes_ = kept_.bytes;
  pruned_ = kept_.pruned;
}

Result<std::vector<DeadLetter>> QueryDeadLetters(sqlite::Connection& db,
                                                 const DeadLetterQuery& query) {
  auto select = db.Prepare(
      "SELECT id, feed_id, outbox_id, seq, received_at_ns, code, message, field, masked_payload, "
      "state, dealt_at_ns, note FROM dead_letter WHERE id BETWEEN ?1 AND ?2 AND "
      "(?3 = '' OR feed_id = ?3) AND (?4 = '' OR code = ?4) AND (?5 = 1 OR state = 0) "
      "ORDER BY id LIMIT ?6",
      false);
  if (!select.ok()) return select.status();
  const std::uint64_t after = std::min(query.after_id, kIdMax - 1);
  select->Bind(1, std::max(after + 1, query.id));
  select->Bind(2, query.id == 0 ? kIdMax : query.id);
  select->BindText(3, query.feed_id);
  select->BindText(4, query.code);
  select->Bind(5, std::uint64_t{query.dealt_with_too ? 1u : 0u});
  select->Bind(6, std::uint64_t{query.max});
  std::vector<DeadLetter> letters;
  std::size_t bytes = 0;
  auto row = select->Step();
  for (; row.ok() && *row && bytes < kPageBytesMax; row = select->Step()) {
    DeadLetter letter;
    letter.id = select->Unsigned(0);
    letter.feed_id = select->Text(1);
    letter.outbox_id = select->Text(2);
    letter.seq = select->Unsigned(3);
    letter.received_at = UtcTime(Duration(select->Integer(4)));
    letter.code = select->Text(5);
    letter.message = select->Text(6);
    letter.field = select->Text(7);
    letter.masked_payload = select->Text(8);
    letter.state = static_cast<DeadLetter::State>(select->Integer(9));
    letter.dealt_at = UtcTime(Duration(select->Integer(10)));
    letter.note = select->Text(11);
    bytes += letter.masked_payload.size();
    letters.push_back(std::move(letter));
  }
  if (!row.ok()) return row.status();
  return letters;
}

}  // namespace fusiongateway
