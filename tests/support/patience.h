// Waiting in tests: for what happens, not for a span; and how much longer all takes under a
// sanitizer.
#pragma once

#include <chrono>
#include <thread>

namespace fusiongateway::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kSlowness = 5;
#else
inline constexpr int kSlowness = 1;
#endif

// Until `done`, asked again and again; false after `timeout`, times kSlowness.
template <typename Condition>
bool Eventually(Condition done, std::chrono::milliseconds timeout = std::chrono::seconds{20}) {
  const auto deadline = std::chrono::steady_clock::now() + kSlowness * timeout;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

}  // namespace fusiongateway::testing
