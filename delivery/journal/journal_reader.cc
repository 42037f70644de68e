#include "delivery/journal/journal_reader.h"

#include <algorithm>

#include "delivery/journal/dead_letters.h"
#include "delivery/journal/incident_delta.h"
#include "delivery/journal/record_encoder.h"
#include "delivery/journal/segment.h"
#include "proto/codec/codec.h"

namespace fusiongateway {
namespace {

constexpr std::size_t kPageBytes = std::size_t{4} << 20;
constexpr std::size_t kLogPageEntries = 4096;

std::string SegmentQuery(std::string_view table) {
  return "SELECT first, count, checksum, segment FROM " + std::string(table) +
         " WHERE first <= ? ORDER BY first DESC LIMIT 1";
}

Status Missing(std::string_view table, std::uint64_t seq) {
  return DataLoss("journal: " + std::string(table) + " " + std::to_string(seq) +
                  " is missing: restore a backup");
}

// The segment that holds `seq`, from the cache or the table.
template <typename Segment>
Result<std::shared_ptr<const Segment>> FindSegment(sqlite::Statement& statement,
                                                   SeqCache<Segment>& cache, std::string_view table,
                                                   std::uint64_t seq, std::uint64_t* first) {
  const auto size = [](const Segment& segment) -> std::uint64_t {
    if constexpr (std::is_same_v<Segment, v1::LogSegment>) {
      return static_cast<std::uint64_t>(segment.entries_size());
    } else {
      return static_cast<std::uint64_t>(segment.records_size());
    }
  };
  auto cached = cache.FloorOf(seq, first);
  if (cached != nullptr && seq - *first < size(*cached)) return cached;
  statement.Bind(1, seq);
  auto row = statement.Step();
  Status status = row.ok() ? Status{} : row.status();
  auto segment = std::make_shared<Segment>();
  if (status.ok() && *row) {
    *first = statement.Unsigned(0);
    status = ParseSegment(statement.Bytes(3), statement.Integer(2),
                          std::string(table) + " from " + std::to_string(*first), segment.get());
  }
  statement.Reset();
  if (!status.ok()) return status;
  if (!*row || seq - *first >= size(*segment)) return Missing(table, seq);
  cache.Put(*first, segment);
  return std::shared_ptr<const Segment>(std::move(segment));
}

}  // namespace

Result<std::unique_ptr<JournalReader>> JournalReader::Open(const std::string& path,
                                                           const OriginRanges& origins) {
  auto connection = sqlite::Connection::OpenForReading(path);
  if (!connection.ok()) return connection.status();
  std::unique_ptr<JournalReader> reader(new JournalReader(std::move(*connection), origins));
  if (Status s = reader->PrepareStatements(); !s.ok()) return s;
  return reader;
}

Status JournalReader::PrepareStatements() {
  const std::pair<std::string_view, sqlite::Statement*> statements[] = {
      {"log", &log_at_}, {"live", &live_at_}, {"settled", &settled_at_}};
  for (const auto& [table, statement] : statements) {
    auto prepared = connection_.Prepare(SegmentQuery(table));
    if (!prepared.ok()) return prepared.status();
    *statement = std::move(*prepared);
  }
  return {};
}

Result<std::shared_ptr<const v1::RecordSegment>> JournalReader::RecordSegmentOf(
    StreamId stream, std::uint64_t seq, std::uint64_t* first) {
  const bool live = stream == StreamId::kLive;
  return FindSegment(live ? live_at_ : settled_at_, live ? live_cache_ : settled_cache_,
                     ToString(stream), seq, first);
}

Result<std::shared_ptr<const v1::LogSegment>> JournalReader::LogSegmentOf(std::uint64_t position,
                                                                          std::uint64_t* first) {
  return FindSegment(log_at_, log_cache_, "log", position, first);
}

Result<std::shared_ptr<const v1::Incident>> JournalReader::IncidentAt(std::uint64_t live_seq) {
  // Back to a revision that is known or whole, then forward again.
  std::vector<std::pair<std::shared_ptr<const v1::RecordSegment>, const v1::IncidentDelta*>> chain;
  std::shared_ptr<const v1::Incident> known;
  std::uint64_t seq = live_seq;
  while (seq != 0 && (known = incident_cache_.At(seq)) == nullptr) {
    std::uint64_t first = 0;
    auto segment = RecordSegmentOf(StreamId::kLive, seq, &first);
    if (!segment.ok()) return segment.status();
    const auto& stored = (*segment)->records(static_cast<int>(seq - first));
    if (!stored.has_incident_delta() || chain.size() > kDeltaChainMax) {
      return DataLoss("journal: live " + std::to_string(seq) + " is not the incident that live " +
                      std::to_string(live_seq) + " builds on: restore a backup");
    }
    chain.emplace_back(*segment, &stored.incident_delta());
    seq = stored.incident_delta().base_seq();
  }
  auto incident =
      known == nullptr ? std::make_shared<v1::Incident>() : std::make_shared<v1::Incident>(*known);
  for (auto step = chain.rbegin(); step != chain.rend(); ++step) {
    if (Status s = ApplyIncidentDelta(*step->second, incident.get()); !s.ok()) return s;
  }
  incident_cache_.Put(live_seq, incident);
  return std::shared_ptr<const v1::Incident>(std::move(incident));
}

Status JournalReader::FillBody(const v1::StoredRecord& stored, std::uint64_t seq,
                               v1::StreamRecord* to) {
  switch (stored.body_case()) {
    case v1::StoredRecord::kReportPosition: {
      std::uint64_t first = 0;
      auto segment = LogSegmentOf(stored.report_position(), &first);
      if (!segment.ok()) return segment.status();
      const auto& entry = (*segment)->entries(static_cast<int>(stored.report_position() - first));
      if (!entry.has_report()) return Missing("the report of record", seq);
      *to->mutable_report() = entry.report();
      return {};
    }
    case v1::StoredRecord::kIncidentDelta:
    case v1::StoredRecord::kSameAsLiveSeq: {
      auto incident = IncidentAt(stored.has_incident_delta() ? seq : stored.same_as_live_seq());
      if (!incident.ok()) return incident.status();
      *to->mutable_incident() = **incident;
      return {};
    }
    case v1::StoredRecord::kWhole:
      to->MergeFrom(stored.whole());
      return {};
    case v1::StoredRecord::BODY_NOT_SET:
      break;
  }
  return Missing("the body of record", seq);
}

Result<std::vector<WireRecordPtr>> JournalReader::RecordsInSnapshot(StreamId stream,
                                                                    std::uint64_t after_seq,
                                                                    std::uint64_t through_seq,
                                                                    std::size_t max) {
  std::vector<WireRecordPtr> records;
  std::size_t bytes = 0;
  std::shared_ptr<const v1::RecordSegment> segment;
  std::uint64_t first = 0;
  for (std::uint64_t seq = after_seq + 1;
       seq <= through_seq && records.size() < max && bytes < kPageBytes; ++seq) {
    if (segment == nullptr || seq - first >= static_cast<std::uint64_t>(segment->records_size())) {
      auto found = RecordSegmentOf(stream, seq, &first);
      if (!found.ok()) return found.status();
      segment = std::move(*found);
    }
    const auto& stored = segment->records(static_cast<int>(seq - first));
    auto record = std::make_shared<v1::StreamRecord>();
    DecodeHeader(stored, seq, origins_.At(stream, seq), record.get());
    if (Status s = FillBody(stored, seq, record.get()); !s.ok()) return s;
    bytes += record->ByteSizeLong();
    records.push_back(std::move(record));
  }
  return records;
}

Result<std::vector<WireRecordPtr>> JournalReader::Records(StreamId stream, std::uint64_t after_seq,
                                                          std::uint64_t through_seq,
                                                          std::size_t max) {
  if (Status s = connection_.Execute("BEGIN"); !s.ok()) return s;
  auto records = RecordsInSnapshot(stream, after_seq, through_seq, max);
  connection_.RollBack();
  return records;
}

Status JournalReader::CheckRecords(StreamId stream, std::span<const StreamRecord> records) {
  std::shared_ptr<const v1::RecordSegment> segment;
  std::uint64_t first = 0;
  for (const StreamRecord& record : records) {
    const std::uint64_t seq = record.seq;
    if (segment == nullptr || seq - first >= static_cast<std::uint64_t>(segment->records_size())) {
      auto found = RecordSegmentOf(stream, seq, &first);
      if (!found.ok()) return found.status();
      segment = std::move(*found);
    }
    auto same = IsStoredAs(record, segment->records(static_cast<int>(seq - first)), stream);
    if (!same.ok()) return same.status();
    if (*same) continue;
    return DataLoss(std::string(ToString(stream)) + " record " + std::to_string(seq) +
                    " on disk is not the one that the log makes");
  }
  return {};
}

Result<bool> JournalReader::IsStoredAs(const StreamRecord& record, const v1::StoredRecord& stored,
                                       StreamId stream) {
  const bool same_header =
      stored.at_ns() == record.at.time_since_epoch().count() &&
      stored.provisional() == record.provisional && stored.late() == record.late &&
      stored.amends_seq() == record.amends_seq && origins_.At(stream, record.seq) == record.origin;
  if (!same_header) return false;
  if (stored.has_report_position()) {
    return std::holds_alternative<ReportPtr>(record.body) &&
           stored.report_position() == record.report_position;
  }
  if (stored.has_same_as_live_seq()) {
    return std::holds_alternative<IncidentPtr>(record.body) &&
           stored.same_as_live_seq() == record.same_as_live_seq;
  }
  v1::StreamRecord held;
  DecodeHeader(stored, record.seq, record.origin, &held);
  if (Status s = FillBody(stored, record.seq, &held); !s.ok()) return s;
  v1::StreamRecord made;
  ToWire(record, &made);
  return held.SerializeAsString() == made.SerializeAsString();
}

Result<std::vector<LogEntry>> JournalReader::LogPage(std::uint64_t from_position,
                                                     std::uint64_t through) {
  std::vector<LogEntry> entries;
  std::uint64_t position = std::max<std::uint64_t>(from_position, 1);
  while (position <= through && entries.size() < kLogPageEntries) {
    std::uint64_t first = 0;
    auto segment = LogSegmentOf(position, &first);
    if (!segment.ok()) return segment.status();
    const auto end =
        std::min(first + static_cast<std::uint64_t>((*segment)->entries_size()), through + 1);
    for (; position < end; ++position) {
      auto entry = FromWire((*segment)->entries(static_cast<int>(position - first)), position);
      if (!entry.ok()) return entry.status();
      entries.push_back(std::move(*entry));
    }
  }
  return entries;
}

Result<std::uint64_t> JournalReader::OutboxThrough(const std::string& feed_id,
                                                   const std::string& outbox_id) {
  auto query = connection_.Prepare(
      "SELECT through_seq FROM outbox WHERE feed_id = ? AND outbox_id = ?", false);
  if (!query.ok()) return query.status();
  query->BindText(1, feed_id);
  query->BindText(2, outbox_id);
  auto row = query->Step();
  if (!row.ok()) return row.status();
  return *row ? query->Unsigned(0) : 0;
}

Result<std::vector<DeadLetter>> JournalReader::DeadLetters(const std::string& feed_id,
                                                           const std::string& outbox_id,
                                                           std::uint64_t after_seq,
                                                           std::size_t max) {
  auto query = connection_.Prepare(
      "SELECT seq, received_at_ns, code, message, field FROM dead_letter "
      "WHERE feed_id = ? AND outbox_id = ? AND seq > ? ORDER BY seq LIMIT ?",
      false);
  if (!query.ok()) return query.status();
  query->BindText(1, feed_id);
  query->BindText(2, outbox_id);
  query->Bind(3, after_seq);
  query->Bind(4, std::uint64_t{max});
  std::vector<DeadLetter> letters;
  auto row = query->Step();
  for (; row.ok() && *row; row = query->Step()) {
    DeadLetter letter;
    letter.feed_id = feed_id;
    letter.outbox_id = outbox_id;
    letter.seq = query->Unsigned(0);
    letter.received_at = UtcTime(Duration(query->Integer(1)));
    letter.code = query->Text(2);
    letter.message = query->Text(3);
    letter.field = query->Text(4);
    letters.push_back(std::move(letter));
  }
  if (!row.ok()) return row.status();
  return letters;
}

Result<std::map<std::string, std::uint64_t>> JournalReader::DeadLetterCounts() {
  auto query = connection_.Prepare("SELECT feed_id, count FROM rejected", false);
  if (!query.ok()) return query.status();
  std::map<std::string, std::uint64_t> counts;
  auto row = query->Step();
  for (; row.ok() && *row; row = query->Step()) counts[query->Text(0)] = query->Unsigned(1);
  if (!row.ok()) return row.status();
  return counts;
}

Result<std::vector<DeadLetter>> JournalReader::DeadLetters(const DeadLetterQuery& query) {
  return QueryDeadLetters(connection_, query);
}

Result<std::vector<DispositionMade>> JournalReader::Dispositions(const std::string& feed_id,
                                                                 std::uint64_t after_seq,
                                                                 std::size_t max) {
  auto query = connection_.Prepare(
      "SELECT seq, report_id, incident_id, state, note FROM disposition "
      "WHERE feed_id = ? AND seq > ? ORDER BY seq LIMIT ?",
      false);
  if (!query.ok()) return query.status();
  query->BindText(1, feed_id);
  query->Bind(2, after_seq);
  query->Bind(3, std::uint64_t{max});
  std::vector<DispositionMade> made;
  auto row = query->Step();
  for (; row.ok() && *row; row = query->Step()) {
    made.push_back({feed_id, query->Unsigned(0), query->Text(1), query->Text(2),
                    static_cast<IncidentState>(query->Integer(3)), query->Text(4)});
  }
  if (!row.ok()) return row.status();
  return made;
}

Result<std::uint64_t> JournalReader::DispositionsAckedThrough(const std::string& feed_id) {
  auto query =
      connection_.Prepare("SELECT through_seq FROM disposition_ack WHERE feed_id = ?", false);
  if (!query.ok()) return query.status();
  query->BindText(1, feed_id);
  auto row = query->Step();
  if (!row.ok()) return row.status();
  return *row ? query->Unsigned(0) : 0;
}

}  // namespace fusiongateway
