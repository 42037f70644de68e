#include "delivery/stream/broadcaster.h"

#include <utility>

#include "delivery/stream/record_filter.h"
#include "proto/codec/codec.h"

namespace fusiongateway {
namespace {

// Districts times bodies of a whole country fit; beyond it every topic begins anew with 0.
constexpr std::size_t kTopicsMax = 65536;

}  // namespace

Broadcaster::Broadcaster(const Journal& journal, RestrictedIncident restricted_incident)
    : journal_(journal),
      restricted_incident_(std::move(restricted_incident)),
      through_seq_(journal.range(StreamId::kLive).newest) {}

Result<bool> Broadcaster::SendNew(std::size_t max, const Send& send) {
  auto records = journal_.ReadRecords(StreamId::kLive, through_seq_, max);
  if (!records.ok()) return records.status();
  for (const WireRecordPtr& record : *records) {
    through_seq_ = record->seq();
    if (IsRestricted(*record, restricted_incident_)) continue;
    Message message;
    message.topic = "live/";
    message.topic += DistrictOf(*record);
    message.topic += '/';
    message.topic += BodyName(*record);
    if (prev_seqs_.size() >= kTopicsMax) prev_seqs_.clear();
    const auto [prev, first] = prev_seqs_.try_emplace(message.topic, passed_over_through_);
    message.prev_seq = std::to_string(std::exchange(prev->second, record->seq()));
    message.record = record->SerializeAsString();
    send(message);
  }
  return !records->empty();
}

void Broadcaster::PassOver() {
  const std::uint64_t newest = journal_.range(StreamId::kLive).newest;
  if (newest == through_seq_) return;
  through_seq_ = passed_over_through_ = newest;
  prev_seqs_.clear();
}

}  // namespace fusiongateway
