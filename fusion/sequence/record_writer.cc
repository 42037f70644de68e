#include "fusion/sequence/record_writer.h"

#include <utility>

namespace fusiongateway {

void RecordWriter::OpenJournal(std::string gateway_id, std::string journal_id) {
  gateway_id_ = std::move(gateway_id);
  journal_id_ = std::move(journal_id);
}

void RecordWriter::Begin(EngineOutput* out, UtcTime at) {
  out_ = out;
  at_ = at;
}

void RecordWriter::Complete(StreamRecord* record, std::uint64_t seq) const {
  record->seq = seq;
  record->origin = {gateway_id_, journal_id_, seq};
  record->at = at_;
}

std::uint64_t RecordWriter::Live(StreamRecord record) {
  Complete(&record, ++live_seq_);
  out_->live.push_back(std::move(record));
  return live_seq_;
}

std::uint64_t RecordWriter::Settled(StreamRecord record) {
  Complete(&record, ++settled_seq_);
  out_->settled.push_back(std::move(record));
  return settled_seq_;
}

void RecordWriter::Disposition(const std::string& feed_id, const std::string& report_id,
                               const Incident& incident, const std::string& note) {
  out_->dispositions.push_back({feed_id, ++disposition_seqs_[feed_id], report_id,
                                incident.incident_id, incident.state, note});
}

}  // namespace fusiongateway
