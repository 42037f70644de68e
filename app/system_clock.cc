#include "app/system_clock.h"

#include <sys/timex.h>

namespace fusiongateway {

UtcTime SystemClock::UtcNow() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::SteadyNow() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

HostClock ReadHostClock() {
  timex clock{};
  const int state = adjtimex(&clock);
  HostClock host;
  host.synchronised = state != TIME_ERROR && state != -1;
  host.error_max = std::chrono::microseconds{state == -1 ? 0 : clock.maxerror};
  return host;
}

}  // namespace fusiongateway
