// Reads the CURVE keys of a client command: a file made by keygen (`public_key: …`, `secret_key:
// …`), to which `server_key: …`, the gateway's public key, may have been added.
#pragma once

#include <string>

#include "clients/cpp/peer_socket.h"
#include "fusion/base/status.h"

namespace fusiongateway {

// No file: no keys. `server_key`, if given, goes before the file's. Refused, naming file and key: a
// key that is missing, or not of 40 characters.
Result<client::CurveKeys> LoadClientKeys(const std::string& file, const std::string& server_key);

}  // namespace fusiongateway
