// Incident: what the gateway believes is happening, at one revision. The domain's form of
// fusiongateway.v1.Incident; field meanings and units are documented there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fusion/base/shared_list.h"
#include "fusion/base/time.h"
#include "fusion/model/report.h"

namespace fusiongateway {

enum class IncidentState : std::uint8_t {
  kUnspecified = 0,
  kUnverified = 1,
  kAccepted = 2,
  kAssessing = 3,
  kResponding = 4,
  kHandling = 5,
  kFollowingUp = 6,
  kFinalReport = 7,
  kArchived = 8,
  kFalseAlarm = 9,
  kMerged = 10,
  kTransferred = 11,
  kExpired = 12,
  kClosed = 13,
};

// "UNVERIFIED" …: the wire name.
std::string_view ToString(IncidentState state);
// True for states that take no more evidence: archived, false alarm, merged, transferred, expired,
// closed.
bool IsClosed(IncidentState state);

// What came of fetching one of a report's attachments: as the report named it, with media type,
// size and digest of what is kept; or why nothing is.
struct FetchedAttachment {
  Attachment attachment;
  std::string failure;  // empty = kept
  friend bool operator==(const FetchedAttachment&, const FetchedAttachment&) = default;
};

struct Evidence {
  std::string report_id;
  std::string feed_id;
  ReportKind kind = ReportKind::kUnspecified;
  Stamp aligned;
  std::uint32_t score = 0;
  std::string why;
  ReportAction action = ReportAction::kUnspecified;
  Severity severity = Severity::kUnspecified;
  std::string summary;
  std::optional<Position> position;
  std::uint32_t repeat_count = 1;
  std::vector<FetchedAttachment> attachments;
  friend bool operator==(const Evidence&, const Evidence&) = default;
};

struct FrameRef {
  std::string frame_id;
  Stamp captured;
  Duration offset{};
  bool keyframe = false;
  std::string report_id;
  std::string feed_id;
  friend bool operator==(const FrameRef&, const FrameRef&) = default;
};

// Of an incident, at most.
inline constexpr std::size_t kCamerasMax = 16;

struct IncidentCamera {
  std::string camera_id;
  std::uint32_t rank = 0;
  std::string why;
  std::vector<FrameRef> frames;
  friend bool operator==(const IncidentCamera&, const IncidentCamera&) = default;
};

struct Plan {
  std::string plan_id;
  std::string name;
  bool confirmed = false;
  friend bool operator==(const Plan&, const Plan&) = default;
};

struct Team {
  std::string team_id;
  std::string name;
  double distance_m = 0;
  std::string why;
  friend bool operator==(const Team&, const Team&) = default;
};

struct Deadline {
  std::string name;
  UtcTime due{};
  std::optional<UtcTime> met_at;
  friend bool operator==(const Deadline&, const Deadline&) = default;
};

struct RelatedIncident {
  std::string incident_id;
  std::string relation;
  std::string why;
  friend bool operator==(const RelatedIncident&, const RelatedIncident&) = default;
};

struct IncidentChange {
  std::string what;
  std::string cause;
  std::string actor;
  std::string note;
  friend bool operator==(const IncidentChange&, const IncidentChange&) = default;
};

struct Incident {
  std::string incident_id;
  std::uint64_t revision = 0;
  IncidentState state = IncidentState::kUnspecified;
  std::string class_code;
  Grade suggested_grade = Grade::kUnspecified;
  Grade confirmed_grade = Grade::kUnspecified;
  double confidence = 0;
  Stamp started;
  Stamp updated;
  std::optional<Position> position;
  std::string district_code;
  SharedList<Evidence> evidence;  // all of it; the wire carries at most 64
  std::uint64_t evidence_count = 0;
  std::vector<IncidentCamera> cameras;
  std::optional<Plan> plan;
  std::vector<Team> teams;
  std::vector<Deadline> deadlines;
  std::vector<RelatedIncident> related;
  std::string merged_into;
  bool drill = false;
  std::string drill_id;
  bool restricted = false;
  std::vector<std::string> clips;
  IncidentChange change;
  Severity severity = Severity::kUnspecified;
  std::string title;
  std::string site_id;
  friend bool operator==(const Incident&, const Incident&) = default;
};

}  // namespace fusiongateway
