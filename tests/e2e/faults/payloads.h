// Native payloads of the hazmat feed for tests.
#pragma once

#include <string>

#include "fusion/base/time.h"
#include "tests/support/patience.h"

namespace fusiongateway::testing {

// A threshold alarm with this alarmId that began `ahead` of now. `more` goes into the object
// (",\"x\":1").
std::string Alarm(const std::string& alarm_id, Duration ahead = Duration::zero(),
                  const std::string& more = "");

}  // namespace fusiongateway::testing
