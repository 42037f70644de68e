// Which cameras an operator should see first for an incident. Pure functions.
//
// First the cameras of its site (tank, gate, then others), then cameras that the evidence itself
// names, then those that can see its place by distance and range. At most kCamerasMax.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "fusion/correlate/city.h"
#include "fusion/model/incident.h"

namespace fusiongateway {

// Ranked from 1; without frames. `named`: cameras that the evidence names.
std::vector<IncidentCamera> RankCameras(const Incident& incident,
                                        const std::set<std::string>& named, const City& city);

}  // namespace fusiongateway
