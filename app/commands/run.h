// fusion-gateway run CONFIG: runs the gateway until a signal ends it.
//
// Blocks its signals in every thread it starts and waits for them itself; called once, from main.
// SIGHUP reads the code tables again.
#pragma once

#include <string>

namespace fusiongateway {

struct RunOptions {
  std::string config;
  bool verbose = false;
  bool core_dumps = false;  // a crash may leave one; its memory holds passwords and raw texts
};

// Returns when SIGINT or SIGTERM comes (0), when the gateway cannot start or go on (1), or when the
// configuration is wrong (2).
int RunGateway(const RunOptions& options);

}  // namespace fusiongateway
