// fusion-gateway check-config CONFIG.
#pragma once

#include <string>

namespace fusiongateway {

struct CheckConfigOptions {
  std::string config;
};

// Reads the file as `run` would, loads every plugin and table, opens no socket. Prints what is
// configured, or what is wrong with file:line (exit 2).
int RunCheckConfig(const CheckConfigOptions& options);

}  // namespace fusiongateway
