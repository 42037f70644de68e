#include "delivery/journal/record_encoder.h"

#include <utility>

#include "delivery/journal/incident_delta.h"
#include "proto/codec/codec.h"

namespace fusiongateway {
namespace {

// True if the log holds this very report at the position the record gives. An entry of an earlier
// batch is taken on the engine's word.
bool StandsInLog(const StreamRecord& record, const JournalBatch& batch) {
  const auto* report = std::get_if<ReportPtr>(&record.body);
  if (report == nullptr || record.report_position == 0) return false;
  if (batch.entries.empty() || record.report_position < batch.entries.front().position) return true;
  const std::uint64_t index = record.report_position - batch.entries.front().position;
  if (index >= batch.entries.size()) return false;
  const auto* logged = std::get_if<ReportPtr>(&batch.entries[index].body);
  return logged != nullptr && (*logged == *report || **logged == **report);
}

void EncodeHeader(const StreamRecord& record, v1::StoredRecord* stored) {
  stored->set_at_ns(record.at.time_since_epoch().count());
  stored->set_provisional(record.provisional);
  stored->set_late(record.late);
  stored->set_amends_seq(record.amends_seq);
}

void EncodeWhole(const StreamRecord& record, v1::StoredRecord* stored) {
  auto* whole = stored->mutable_whole();
  ToWire(record, whole);
  whole->clear_seq();
  whole->clear_origin();
  whole->clear_at();
  whole->clear_provisional();
  whole->clear_late();
  whole->clear_amends_seq();
}

}  // namespace

const RecordEncoder::Base* RecordEncoder::FindBase(const std::string& incident_id) const {
  if (const auto it = staged_.find(incident_id); it != staged_.end()) return &it->second;
  if (const auto it = by_incident_.find(incident_id); it != by_incident_.end()) {
    return &it->second->second;
  }
  return nullptr;
}

v1::IncidentDelta RecordEncoder::EncodeIncident(std::uint64_t live_seq,
                                                const IncidentPtr& incident) {
  const Base* base = FindBase(incident->incident_id);
  Base next{live_seq, incident, {}, 0, 0};
  ToWireWithoutEvidence(*incident, &next.rest);
  next.bytes = next.rest.SpaceUsedLong() + incident->evidence.size() * sizeof(Evidence);
  v1::IncidentDelta delta;
  if (base != nullptr && base->chain + 1 < kDeltaChainMax) {
    delta = MakeIncidentDelta(*base->incident, base->rest, *incident, next.rest);
    delta.set_base_seq(base->live_seq);
    next.chain = base->chain + 1;
  } else {
    ToWire(*incident, delta.mutable_changed());
  }
  staged_[incident->incident_id] = std::move(next);
  return delta;
}

v1::StoredRecord RecordEncoder::Encode(StreamId stream, const StreamRecord& record,
                                       const JournalBatch& batch) {
  v1::StoredRecord stored;
  EncodeHeader(record, &stored);
  const auto* incident = std::get_if<IncidentPtr>(&record.body);
  if (StandsInLog(record, batch)) {
    stored.set_report_position(record.report_position);
  } else if (incident != nullptr && stream == StreamId::kLive) {
    *stored.mutable_incident_delta() = EncodeIncident(record.seq, *incident);
  } else if (incident != nullptr && record.same_as_live_seq != 0) {
    stored.set_same_as_live_seq(record.same_as_live_seq);
  } else {
    EncodeWhole(record, &stored);
  }
  return stored;
}

void RecordEncoder::EraseBase(const std::string& incident_id) {
  const auto it = by_incident_.find(incident_id);
  if (it == by_incident_.end()) return;
  bases_bytes_ -= it->second->second.bytes;
  bases_.erase(it->second);
  by_incident_.erase(it);
}

void RecordEncoder::Keep() {
  for (auto& [incident_id, base] : staged_) {
    EraseBase(incident_id);
    bases_bytes_ += base.bytes;
    bases_.emplace_back(incident_id, std::move(base));
    by_incident_[incident_id] = std::prev(bases_.end());
  }
  staged_.clear();
  while (bases_bytes_ > bases_bytes_max_) {
    const std::string oldest = bases_.front().first;
    EraseBase(oldest);
  }
}

void RecordEncoder::Drop() { staged_.clear(); }

void DecodeHeader(const v1::StoredRecord& stored, std::uint64_t seq, const Origin& origin,
                  v1::StreamRecord* to) {
  StreamRecord header;
  header.seq = seq;
  header.origin = origin;
  header.at = UtcTime(Duration(stored.at_ns()));
  header.provisional = stored.provisional();
  header.late = stored.late();
  header.amends_seq = stored.amends_seq();
  header.body = Watermark{};  // the codec writes headers with bodies; this one is replaced
  ToWire(header, to);
  to->clear_watermark();
}

}  // namespace fusiongateway
