// Who may see a record: the one rule that every way out of the gateway asks (streams, broadcast,
// wall).
//
// A record is restricted when its report or incident says so, or when it speaks of an incident that
// is restricted or not known: who cannot tell withholds. So is a body that this version does not
// know. Frame marks name no incident; they are made for ordinary incidents only. Pure; any thread.
#pragma once

#include <functional>
#include <string>

#include "fusiongateway/v1/stream.pb.h"

namespace fusiongateway {

// True for an incident that ordinary readers may not see, and for one that is not known.
using RestrictedIncident = std::function<bool(const std::string& incident_id)>;

bool IsRestricted(const v1::StreamRecord& record, const RestrictedIncident& restricted_incident);

}  // namespace fusiongateway
