// The life cycle of an incident: which action leads from where to where, and what to say when it
// may not. Pure functions; the table grows with the actions of domain.md section 7.
#pragma once

#include <string>
#include <string_view>

#include "fusion/base/status.h"
#include "fusion/model/incident.h"
#include "fusion/model/stream_record.h"

namespace fusiongateway {

// 待核实, 已接报 …
std::string_view StateLabel(IncidentState state);

// Changes `incident` as the action asks (state or grade, and `change`), or says why not:
//   kInvalidArgument      an unknown action, or one without what it needs
//   kFailedPrecondition   a stale revision, or not in this state
Status ApplyAction(const OperatorAction& action, Incident* incident);

}  // namespace fusiongateway
