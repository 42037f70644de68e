// How much longer everything takes under a sanitizer: what a test waits for at most, it multiplies.
#pragma once

namespace fusiongateway::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kSlowness = 5;
#else
inline constexpr int kSlowness = 1;
#endif

}  // namespace fusiongateway::testing
