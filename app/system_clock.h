// The machine's clocks: the only implementation of Clock outside tests. Handed to everybody else.
#pragma once

#include "fusion/base/time.h"
#include "fusion/model/stream_record.h"

namespace fusiongateway {

class SystemClock final : public Clock {
 public:
  UtcTime UtcNow() const override;
  SteadyTime SteadyNow() const override;
};

// What the kernel says of the host clock (adjtimex): synchronised or not, and its own bound of the
// error. `epoch` is left at 1.
HostClock ReadHostClock();

}  // namespace fusiongateway
