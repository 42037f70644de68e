// fusion-gateway check-config CONFIG.
#pragma once

#include <string>

namespace fusiongateway {

struct CheckConfigOptions {
  std::string config;
};

// Reads the file as `run` would, loads every plugin and table, opens no socket. Prints what is
// configured, or all that is wrong, with file:line (exit 2). What only may be a mistake is a
// warning.
int RunCheckConfig(const CheckConfigOptions& options);

}  // namespace fusiongateway
