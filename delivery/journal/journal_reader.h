// Reads a journal file on a connection of its own and puts whole records together again from
// references and deltas.
//
// One thread at a time (the pool lends it out). No transaction stays open between calls, so a
// reader never holds up a checkpoint for longer than one page.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "delivery/journal/journal.h"
#include "delivery/journal/origin_ranges.h"
#include "delivery/journal/sqlite.h"
#include "fusiongateway/v1/journal.pb.h"

namespace fusiongateway {

// Values by the seq they begin at, the oldest inserted dropped first.
template <typename T>
class SeqCache {
 public:
  explicit SeqCache(std::size_t max) : max_(max) {}

  // The value with the highest seq <= `seq`, or null.
  std::shared_ptr<const T> FloorOf(std::uint64_t seq, std::uint64_t* at) const {
    auto it = values_.upper_bound(seq);
    if (it == values_.begin()) return nullptr;
    --it;
    *at = it->first;
    return it->second;
  }
  std::shared_ptr<const T> At(std::uint64_t seq) const {
    const auto it = values_.find(seq);
    return it == values_.end() ? nullptr : it->second;
  }
  void Put(std::uint64_t seq, std::shared_ptr<const T> value) {
    if (!values_.insert_or_assign(seq, std::move(value)).second) return;
    order_.push_back(seq);
    if (order_.size() <= max_) return;
    values_.erase(order_.front());
    order_.pop_front();
  }

 private:
  const std::size_t max_;
  std::map<std::uint64_t, std::shared_ptr<const T>> values_;
  std::deque<std::uint64_t> order_;
};

class JournalReader {
 public:
  // `origins` outlives the reader.
  static Result<std::unique_ptr<JournalReader>> Open(const std::string& path,
                                                     const OriginRanges& origins);

  // Records after `after_seq`, through `through_seq`; at most `max`, about a page of bytes.
  Result<std::vector<WireRecordPtr>> Records(StreamId stream, std::uint64_t after_seq,
                                             std::uint64_t through_seq, std::size_t max);
  // As in Journal; `records` are within what is held. Cheap: what is stored as a reference is
  // compared as one, only the rest is put together again and compared byte by byte.
  Status CheckRecords(StreamId stream, std::span<const StreamRecord> records);
  // A page of log entries from `from_position` on, through `through`.
  Result<std::vector<LogEntry>> LogPage(std::uint64_t from_position, std::uint64_t through);

  // As in Journal.
  Result<std::uint64_t> OutboxThrough(const std::string& feed_id, const std::string& outbox_id);
  Result<std::vector<DeadLetter>> DeadLetters(const std::string& feed_id,
                                              const std::string& outbox_id, std::uint64_t after_seq,
                                              std::size_t max);
  Result<std::map<std::string, std::uint64_t>> DeadLetterCounts();
  Result<std::vector<DeadLetter>> DeadLetters(const DeadLetterQuery& query);
  Result<std::vector<DispositionMade>> Dispositions(const std::string& feed_id,
                                                    std::uint64_t after_seq, std::size_t max);
  Result<std::uint64_t> DispositionsAckedThrough(const std::string& feed_id);

 private:
  explicit JournalReader(sqlite::Connection connection, const OriginRanges& origins)
      : connection_(std::move(connection)), origins_(origins) {}

  Status PrepareStatements();
  Result<std::vector<WireRecordPtr>> RecordsInSnapshot(StreamId stream, std::uint64_t after_seq,
                                                       std::uint64_t through_seq, std::size_t max);
  Result<std::shared_ptr<const v1::RecordSegment>> RecordSegmentOf(StreamId stream,
                                                                   std::uint64_t seq,
                                                                   std::uint64_t* first);
  Result<std::shared_ptr<const v1::LogSegment>> LogSegmentOf(std::uint64_t position,
                                                             std::uint64_t* first);
  Result<std::shared_ptr<const v1::Incident>> IncidentAt(std::uint64_t live_seq);
  Result<bool> IsStoredAs(const StreamRecord& record, const v1::StoredRecord& stored,
                          StreamId stream);
  Status FillBody(const v1::StoredRecord& stored, std::uint64_t seq, v1::StreamRecord* to);

  sqlite::Connection connection_;
  const OriginRanges& origins_;
  sqlite::Statement log_at_;
  sqlite::Statement live_at_;
  sqlite::Statement settled_at_;
  SeqCache<v1::LogSegment> log_cache_{32};
  SeqCache<v1::RecordSegment> live_cache_{32};
  SeqCache<v1::RecordSegment> settled_cache_{8};
  SeqCache<v1::Incident> incident_cache_{512};
};

}  // namespace fusiongateway
