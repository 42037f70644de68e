#include "app/frame_finder.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "tests/support/simulated_clock.h"

namespace fusiongateway {
namespace {

// Holds nothing.
class NoFrames final : public FrameStore {
 public:
  std::vector<CameraStatus> Cameras() const override { return {}; }
  Result<std::optional<HeldRange>> Held(const std::string&) const override {
    return std::optional<HeldRange>();
  }
  Result<FrameInfo> Nearest(const std::string&, UtcTime) const override {
    return OutOfRange("nothing is held");
  }
  Result<Snapshot> Decode(const std::string&, std::optional<UtcTime>, const std::string&,
                          Duration) override {
    return OutOfRange("nothing is held");
  }
};

TEST(FrameFinder, AThreadThatEndedSaysWhy) {
  const NoFrames frames;
  const SimulatedClock clock(UtcTime{});
  FrameFinder finder(&frames, &clock, std::chrono::seconds(1),
                     [](const FrameFound&) -> bool { throw std::runtime_error("nobody listens"); });
  EXPECT_TRUE(finder.thread_status().ok());
  finder.Want({FrameWanted{"i-1", "cam", "feed", "report", {}}});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (finder.thread_status().ok() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(finder.thread_status().message(), "nobody listens");
}

}  // namespace
}  // namespace fusiongateway
