// fusion-gateway keygen --out FILE, or --http-token FEED.
#pragma once

#include <string>

namespace fusiongateway {

struct KeygenOptions {
  std::string file;
  std::string http_token_feed;  // of these two, exactly one
};

// Writes a new CURVE key pair (Z85) to the file, readable by its owner only, and prints the public
// key. Refuses to overwrite. Or prints a new token for publishing over HTTP, this once, and the
// line of the configuration that holds its hash; nothing is stored.
int RunKeygen(const KeygenOptions& options);

}  // namespace fusiongateway
