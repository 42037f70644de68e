// The name that a mistyped word was probably meant to be. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fusiongateway {

// Empty if none is near: more than two letters, or more than a third of them, would have to change.
std::string NearestName(std::string_view word, const std::vector<std::string>& names);

// "; did you mean \"chlorine\"?", or nothing.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& names);

}  // namespace fusiongateway
