#include "tests/e2e/faults/payloads.h"

#include <ctime>
#include <thread>

#include "app/system_clock.h"

namespace fusiongateway::testing {

std::string Alarm(const std::string& alarm_id, Duration ahead, const std::string& more) {
  const auto beijing = SystemClock().UtcNow() + ahead + std::chrono::hours{8};
  const std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(beijing.time_since_epoch()).count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char time[32];
  std::strftime(time, sizeof time, "%Y%m%d%H%M%S", &parts);
  return R"({"dataType":"alarm","enterpriseId":"410200007","alarmId":")" + alarm_id +
         R"(","quotaId":"410200007002G0001QT001","level":"HH","value":3.4,"threshold":"3",)" +
         R"("unit":"ppm","startTime":")" + time + R"(","state":"active","gatewayId":"GW1")" + more +
         "}";
}

}  // namespace fusiongateway::testing
