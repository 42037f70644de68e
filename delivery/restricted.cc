#include "delivery/restricted.h"

namespace fusiongateway {

bool IsRestricted(const v1::StreamRecord& record, const RestrictedIncident& restricted_incident) {
  switch (record.body_case()) {
    case v1::StreamRecord::kReport:
      return record.report().restricted();
    case v1::StreamRecord::kIncident:
      return record.incident().restricted();
    case v1::StreamRecord::kAction:
      return restricted_incident(record.action().incident_id());
    case v1::StreamRecord::kFrame:
    case v1::StreamRecord::kFeed:
    case v1::StreamRecord::kCamera:
    case v1::StreamRecord::kClock:
    case v1::StreamRecord::kWatermark:
      return false;
    case v1::StreamRecord::BODY_NOT_SET:
      break;
  }
  return true;
}

}  // namespace fusiongateway
