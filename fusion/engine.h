// The fusion engine: a pure function of the ordered log. Entries go in one by one; records, wishes
// for frames and dispositions come out. No threads, sockets, clocks, randomness, environment or
// unordered iteration: the same log and engine version give the same outputs, byte for byte,
// however the log is cut into batches.
//
// Not thread-safe; one thread drives it. The engine never refuses an entry: what it cannot use it
// counts and says so in a record.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusion/base/time.h"
#include "fusion/model/engine_output.h"
#include "fusion/model/incident.h"
#include "fusion/model/point_state.h"
#include "fusion/model/stream_record.h"

namespace fusiongateway {

// Changes whenever the same log could give other outputs.
inline constexpr std::string_view kEngineVersion = "3";

class Engine {
 public:
  Engine();
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // Applies the next entry of the log (position = last + 1) and appends what it made to `out`.
  void Apply(const LogEntry& entry, EngineOutput* out);

  // The result of an action that would change nothing, and so need not be logged: one that is
  // refused as things stand, or the first result of one that is repeated. None = log it.
  std::optional<ActionResult> ResultWithoutChange(const OperatorAction& action) const;

  // When a Tick entry should be logged at the latest; none = only when something happens.
  std::optional<UtcTime> NextWakeUp() const;

  // Position of the last entry applied, and seq of the last record of a stream; 0 = none.
  std::uint64_t position() const;
  std::uint64_t last_seq(StreamId stream) const;

  // Incidents still open, in order of opening; and any incident still in memory, or null.
  std::vector<IncidentPtr> OpenIncidents() const;
  IncidentPtr FindIncident(std::string_view incident_id) const;
  // Wishes that have had no answer yet (for recovery).
  std::vector<FrameWanted> PendingFrames() const;
  std::vector<AttachmentWanted> PendingAttachments() const;
  // The last reading of a measuring point (by quota id), if it is known.
  std::optional<PointState> FindPoint(std::string_view quota_id) const;
  // Admission counters per feed; `rejected` is counted at the door, not here.
  std::map<std::string, FeedStatus> FeedCounters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fusiongateway
