// fusion-gateway feed GATEWAY_PID: one isolated plugin, in this process. The gateway starts it,
// with a socket pair as descriptor 3 (pipeline/feeds/plugin_process.h); it is no command for
// people.
#pragma once

#include <sys/types.h>

namespace fusiongateway {

// Returns when the gateway is gone. 1: it did not start this, or the plugin cannot be loaded. 2: it
// was started by hand.
int RunFeed(pid_t gateway);

}  // namespace fusiongateway
