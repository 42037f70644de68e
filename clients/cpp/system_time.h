// The machine's clocks, for client programs: the only file of clients/cpp that reads a clock.
#pragma once

#include "fusion/base/time.h"

namespace fusiongateway::client {

// Lives for the whole program; any thread.
const Clock& SystemClock();

}  // namespace fusiongateway::client
