// Native payloads of the hazmat feed for tests, and waiting for a condition.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "fusion/base/time.h"

namespace fusiongateway::testing {

// A threshold alarm with this alarmId that began `ahead` of now. `more` goes into the object
// (",\"x\":1").
std::string Alarm(const std::string& alarm_id, Duration ahead = Duration::zero(),
                  const std::string& more = "");

// Until `done`; false after `timeout`.
bool Eventually(const std::function<bool()>& done,
                std::chrono::milliseconds timeout = std::chrono::seconds{10});

}  // namespace fusiongateway::testing
