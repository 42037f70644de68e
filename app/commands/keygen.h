// fusion-gateway keygen --out FILE.
#pragma once

#include <string>

namespace fusiongateway {

struct KeygenOptions {
  std::string file;
};

// Writes a new CURVE key pair (Z85) to the file, readable by its owner only, and prints the public
// key. Refuses to overwrite.
int RunKeygen(const KeygenOptions& options);

}  // namespace fusiongateway
