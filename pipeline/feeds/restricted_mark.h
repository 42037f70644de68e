// Whether a payload bears its source's mark of secrecy, judged by its text alone. Thread-safe.
#pragma once

#include <cstddef>
#include <string_view>

namespace fusiongateway {

// How often SFBM=1, "restricted": true, or anything else in these fields that is not a clear no
// stands in a text: in any case, in JSON with either quotes and escapes, XML or a form. That
// another document of the same call is secret is not known here.
std::size_t CountRestrictedMarks(std::string_view payload);

inline bool LooksRestricted(std::string_view payload) { return CountRestrictedMarks(payload) > 0; }

}  // namespace fusiongateway
