#include "delivery/journal/record_tail.h"

#include <algorithm>
#include <utility>

namespace fusiongateway {
namespace {

// What strings of usual length add to a struct, and what the allocator adds to each part.
constexpr std::size_t kReportStrings = 256;
constexpr std::size_t kIncidentStrings = 512;

// What a record keeps in memory that would else be freed: an estimate, for the bound.
struct BytesOf {
  std::size_t operator()(const ReportPtr& report) const {
    std::size_t bytes = sizeof(Report) + kReportStrings + report->summary.size() +
                        report->unknown_fields_json.size();
    if (const auto* sensor = std::get_if<SensorDetail>(&report->detail)) {
      bytes += sensor->values.size() * (sizeof(SensorDetail::Value) + 32);
    }
    return bytes;
  }
  std::size_t operator()(const IncidentPtr& incident) const {
    std::size_t bytes = sizeof(Incident) + kIncidentStrings;
    bytes += incident->evidence.size() * sizeof(incident->evidence[0]);
    for (const IncidentCamera& camera : incident->cameras) {
      bytes += sizeof camera + camera.frames.size() * (sizeof(FrameRef) + 64);
    }
    return bytes;
  }
  template <typename Other>
  std::size_t operator()(const Other&) const {
    return 0;
  }
};

}  // namespace

void RecordTail::Append(RecordPtr record) {
  const std::size_t bytes = sizeof(StreamRecord) + std::visit(BytesOf{}, record->body);
  bytes_ += bytes;
  records_.push_back({std::move(record), bytes});
  while (records_.size() > records_max_ || bytes_ > bytes_max_) {
    bytes_ -= records_.front().bytes;
    records_.pop_front();
  }
}

std::vector<RecordTail::RecordPtr> RecordTail::From(std::uint64_t seq, std::size_t max) const {
  std::vector<RecordPtr> records;
  auto index = static_cast<std::size_t>(seq - records_.front().record->seq);
  records.reserve(std::min(max, records_.size() - index));
  for (; index < records_.size() && records.size() < max; ++index) {
    records.push_back(records_[index].record);
  }
  return records;
}

}  // namespace fusiongateway
