// Why a payload was not taken.
#pragma once

#include <string>

namespace fusiongateway {

// `code`: "MALFORMED", "WRONG_TYPE", "MISSING_FIELD", "OUT_OF_RANGE", "UNKNOWN_TYPE",
// "FORBIDDEN_FIELD", or "PLUGIN_ERROR" when the plugin broke its contract. `message` says what to
// do; `field` is the path of the offending field, "" = the whole.
struct Refusal {
  std::string code;
  std::string message;
  std::string field;
};

}  // namespace fusiongateway
