// The fingerprint of what a source said: equal for a report told again, different (but for one
// chance in 2^64) when any word of it changed. What the gateway added (received_at, aligned, flags,
// fetched digests) does not count. Never leaves the engine.
#pragma once

#include <cstdint>

#include "fusion/model/report.h"

namespace fusiongateway {

std::uint64_t ContentFingerprint(const Report& report);

}  // namespace fusiongateway
