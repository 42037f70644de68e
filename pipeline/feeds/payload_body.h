// The payloads in the body of an HTTP request, as their exact bytes. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusion/base/status.h"

namespace fusiongateway {

enum class BodyForm {
  kLines,  // application/x-ndjson: one payload a line; empty lines count for nothing
  kJson,   // application/json: one payload, or an array of them as in a publish in JSON
  kWhole,  // application/octet-stream: the body is one payload
};

// None: a body of this type is not read.
std::optional<BodyForm> BodyFormOf(std::string_view content_type);

// Refused: a JSON body that is not UTF-8 or whose array does not end, or ends before the body.
Result<std::vector<std::string>> PayloadsOf(BodyForm form, std::string_view body);

}  // namespace fusiongateway
