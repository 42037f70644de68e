// Whether a payload that no plugin has taken bears its source's mark of secrecy. Thread-safe.
#pragma once

#include <string_view>

namespace fusiongateway {

// SFBM=1, "restricted": true, or anything else in these fields that is not a clear no; as far as
// this text shows: that another document of the same call is secret is not known here.
bool LooksRestricted(std::string_view payload);

}  // namespace fusiongateway
