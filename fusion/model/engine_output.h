// What the engine puts out for the entries of its log, beside the records: wishes for frames, what
// sources are told, results of actions. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fusion/base/status.h"
#include "fusion/base/time.h"
#include "fusion/model/incident.h"
#include "fusion/model/stream_record.h"

namespace fusiongateway {

// The engine wants to know the frame of `camera_id` nearest to `at`; the answer comes back as a
// FrameFound entry. Asked again after recovery if the log holds no answer.
struct FrameWanted {
  std::string incident_id;
  std::string camera_id;
  std::string feed_id;
  std::string report_id;
  Stamp at;
};

// The engine wants to know what an attachment of a report holds; the answer comes back as an
// AttachmentFetched entry. Asked again after recovery if the log holds no answer.
struct AttachmentWanted {
  std::string feed_id;
  std::string report_id;
  Attachment attachment;
  bool restricted = false;
  UtcTime at{};  // when it was first wanted
};

// What became of a report, for its source. `seq` is per feed, from 1, gapless.
struct DispositionMade {
  std::string feed_id;
  std::uint64_t seq = 0;
  std::string report_id;
  std::string incident_id;
  IncidentState state = IncidentState::kUnspecified;
  std::string note;
};

// The result of an operator's action, for the caller who waits for it. Not durable in itself: the
// entry of an action that was done is.
struct ActionResult {
  std::string action_id;
  StatusCode code = StatusCode::kOk;
  std::string message;
  std::uint64_t revision = 0;  // of the incident now
};

// Everything that one or more entries made, in order.
struct EngineOutput {
  std::vector<StreamRecord> live;
  std::vector<StreamRecord> settled;
  std::vector<FrameWanted> frames_wanted;
  std::vector<AttachmentWanted> attachments_wanted;
  std::vector<DispositionMade> dispositions;
  std::vector<ActionResult> actions;
};

}  // namespace fusiongateway
