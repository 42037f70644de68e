// Asks a running gateway's HTTP API, for the commands. One request a connection, bounded in time.
#pragma once

#include <string>

#include "fusion/base/status.h"

namespace fusiongateway {

struct WallAnswer {
  int status = 0;
  std::string body;
};

// `base` is the wall's address ("http://127.0.0.1:8080"). `body` is JSON; only with POST.
// kInvalidArgument: no such address; kUnavailable: nobody answered in time.
Result<WallAnswer> AskWall(const std::string& base, const std::string& method,
                           const std::string& target, const std::string& body = "");

// One segment of a path, percent-encoded.
std::string PathSegment(const std::string& text);

}  // namespace fusiongateway
