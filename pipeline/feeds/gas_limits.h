// Limits of gas points that the site table gives none: those of their medium, from "gas_limits" in
// the code table "hazmat",
//
//     [{"media": ["chlorine"], "unit": "ppm", "H": 1, "HH": 3}, …]
//
// Pure; any thread. Refused, naming the place: a gas table of another form.
#pragma once

#include <vector>

#include "fusion/base/status.h"
#include "fusion/model/engine_config.h"
#include "pipeline/feeds/codes.h"

namespace fusiongateway {

// `sites` with those limits, and their unit, at every point of indicator QT that has no limit and
// no other unit.
Result<std::vector<EngineConfig::Site>> WithGasLimits(std::vector<EngineConfig::Site> sites,
                                                      const CodeTables& tables);

}  // namespace fusiongateway
