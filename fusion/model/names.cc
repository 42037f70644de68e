// The wire names of the model's enumerations.
#include "fusion/model/incident.h"
#include "fusion/model/point_state.h"
#include "fusion/model/report.h"
#include "fusion/model/stream_record.h"

namespace fusiongateway {

std::string_view ToString(ReportKind kind) {
  switch (kind) {
    case ReportKind::kUnspecified:
      return "REPORT_KIND_UNSPECIFIED";
    case ReportKind::kPoliceCall:
      return "POLICE_CALL";
    case ReportKind::kSkyGuardAlarm:
      return "SKY_GUARD_ALARM";
    case ReportKind::kSensorReading:
      return "SENSOR_READING";
    case ReportKind::kSensorAlarm:
      return "SENSOR_ALARM";
    case ReportKind::kRiskWarning:
      return "RISK_WARNING";
    case ReportKind::kGridReport:
      return "GRID_REPORT";
    case ReportKind::kCameraFinding:
      return "CAMERA_FINDING";
    case ReportKind::kDataLost:
      return "DATA_LOST";
  }
  return "REPORT_KIND_UNSPECIFIED";
}

std::string_view ToString(IncidentState state) {
  switch (state) {
    case IncidentState::kUnspecified:
      return "INCIDENT_STATE_UNSPECIFIED";
    case IncidentState::kUnverified:
      return "UNVERIFIED";
    case IncidentState::kAccepted:
      return "ACCEPTED";
    case IncidentState::kAssessing:
      return "ASSESSING";
    case IncidentState::kResponding:
      return "RESPONDING";
    case IncidentState::kHandling:
      return "HANDLING";
    case IncidentState::kFollowingUp:
      return "FOLLOWING_UP";
    case IncidentState::kFinalReport:
      return "FINAL_REPORT";
    case IncidentState::kArchived:
      return "ARCHIVED";
    case IncidentState::kFalseAlarm:
      return "FALSE_ALARM";
    case IncidentState::kMerged:
      return "MERGED";
    case IncidentState::kTransferred:
      return "TRANSFERRED";
    case IncidentState::kExpired:
      return "EXPIRED";
    case IncidentState::kClosed:
      return "CLOSED";
  }
  return "INCIDENT_STATE_UNSPECIFIED";
}

std::string_view ToString(PointLevel level) {
  switch (level) {
    case PointLevel::kNormal:
      return "";
    case PointLevel::kLow:
      return "L";
    case PointLevel::kHigh:
      return "H";
    case PointLevel::kLowLow:
      return "LL";
    case PointLevel::kHighHigh:
      return "HH";
  }
  return "";
}

bool IsClosed(IncidentState state) {
  switch (state) {
    case IncidentState::kArchived:
    case IncidentState::kFalseAlarm:
    case IncidentState::kMerged:
    case IncidentState::kTransferred:
    case IncidentState::kExpired:
    case IncidentState::kClosed:
      return true;
    default:
      return false;
  }
}

std::string_view ToString(StreamId stream) {
  return stream == StreamId::kLive ? "live" : "settled";
}

}  // namespace fusiongateway
