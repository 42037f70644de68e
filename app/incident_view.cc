#include "app/incident_view.h"

#include <algorithm>
#include <variant>

namespace fusiongateway {

void IncidentView::Update(const EngineOutput& output) {
  std::lock_guard lock(mutex_);
  for (const StreamRecord& record : output.live) {
    live_through_seq_ = record.seq;
    const auto* incident = std::get_if<IncidentPtr>(&record.body);
    if (incident == nullptr) continue;
    IncidentPtr& held = incidents_[(*incident)->incident_id];
    const bool newly_closed =
        IsClosed((*incident)->state) && (held == nullptr || !IsClosed(held->state));
    held = *incident;
    if (newly_closed) closed_.push_back((*incident)->incident_id);
  }
  if (!output.settled.empty()) settled_through_seq_ = output.settled.back().seq;
  while (closed_.size() > closed_max_) {
    incidents_.erase(closed_.front());
    closed_.pop_front();
  }
}

IncidentView::OpenState IncidentView::Open() const {
  std::lock_guard lock(mutex_);
  OpenState state{live_through_seq_, settled_through_seq_, {}};
  for (const auto& [id, incident] : incidents_) {
    if (!IsClosed(incident->state)) state.incidents.push_back(incident);
  }
  return state;
}

std::uint64_t IncidentView::ThroughSeq(StreamId stream) const {
  std::lock_guard lock(mutex_);
  return stream == StreamId::kLive ? live_through_seq_ : settled_through_seq_;
}

std::vector<IncidentPtr> IncidentView::Newest(bool include_closed, std::size_t max) const {
  std::vector<IncidentPtr> found;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, incident] : incidents_) {
      if (include_closed || !IsClosed(incident->state)) found.push_back(incident);
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const IncidentPtr& a, const IncidentPtr& b) {
    return a->updated.utc > b->updated.utc;
  });
  if (found.size() > max) found.resize(max);
  return found;
}

IncidentPtr IncidentView::Find(const std::string& incident_id) const {
  std::lock_guard lock(mutex_);
  const auto found = incidents_.find(incident_id);
  return found == incidents_.end() ? nullptr : found->second;
}

}  // namespace fusiongateway
