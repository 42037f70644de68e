// The current state of every open incident and of the latest closed ones, for readers that must not
// wait for the fusion loop. One writer, any readers.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "fusion/engine.h"
#include "fusion/model/incident.h"

namespace fusiongateway {

class IncidentView {
 public:
  explicit IncidentView(std::size_t closed_max) : closed_max_(closed_max) {}

  void Update(const EngineOutput& output);

  struct OpenState {
    std::uint64_t live_through_seq = 0;
    std::uint64_t settled_through_seq = 0;
    std::vector<IncidentPtr> incidents;
  };
  OpenState Open() const;
  // The records that what is read here afterwards knows of, at least.
  std::uint64_t ThroughSeq(StreamId stream) const;
  // Latest change first.
  std::vector<IncidentPtr> Newest(bool include_closed, std::size_t max) const;
  IncidentPtr Find(const std::string& incident_id) const;

 private:
  const std::size_t closed_max_;
  mutable std::mutex mutex_;
  std::map<std::string, IncidentPtr> incidents_;
  std::deque<std::string> closed_;  // oldest first
  std::uint64_t live_through_seq_ = 0;
  std::uint64_t settled_through_seq_ = 0;
};

}  // namespace fusiongateway
