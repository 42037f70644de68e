#include "pipeline/process/core_dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace fusiongateway {

void ForbidCoreDumps() {
  prctl(PR_SET_DUMPABLE, 0);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

}  // namespace fusiongateway
