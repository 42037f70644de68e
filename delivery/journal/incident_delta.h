// An incident's revision as a change against an earlier one: what the journal stores instead of
// copies. Applying a delta to its base gives back the revision byte for byte.
//
// All but evidence goes by the message's description alone, so that a new field of Incident is
// covered the day it is added. Pure; any thread.
#pragma once

#include "fusion/base/status.h"
#include "fusion/model/incident.h"
#include "fusiongateway/v1/journal.pb.h"

namespace fusiongateway {

// What turns `base` into `next`; base_seq is left for the caller to set.
v1::IncidentDelta MakeIncidentDelta(const v1::Incident& base, const v1::Incident& next);

// The same for revisions of the engine, of which `*_rest` is all but the evidence on the wire:
// evidence that both carry, most of an incident, is compared as it is and never put on the wire.
v1::IncidentDelta MakeIncidentDelta(const Incident& base, const v1::Incident& base_rest,
                                    const Incident& next, const v1::Incident& next_rest);

// Turns `*incident` (the base) into the next revision. kDataLoss, and `*incident` unspecified, when
// the delta cannot belong to this base.
Status ApplyIncidentDelta(const v1::IncidentDelta& delta, v1::Incident* incident);

}  // namespace fusiongateway
