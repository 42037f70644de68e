#include "delivery/evidence/evidence_frames.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <thread>

#include "tests/support/patience.h"

namespace fusiongateway {
namespace {

using fusiongateway::testing::Eventually;

namespace fs = std::filesystem;

// A camera whose ring holds every frame until it has moved on.
class Ring final : public FrameStore {
 public:
  std::vector<CameraStatus> Cameras() const override { return {}; }
  Result<std::optional<HeldRange>> Held(const std::string&) const override {
    return std::optional<HeldRange>();
  }
  Result<FrameInfo> Nearest(const std::string&, UtcTime) const override {
    return OutOfRange("not asked here");
  }
  Result<Snapshot> Decode(const std::string& camera_id, std::optional<UtcTime>,
                          const std::string& frame_id, Duration) override {
    if (broken) throw std::runtime_error("the decoder is broken");
    if (moved_on) return OutOfRange("the ring has moved on");
    return Snapshot{{frame_id, camera_id, {}, true}, "JPEG of " + frame_id, 0, 0};
  }

  std::atomic<bool> moved_on{false};
  std::atomic<bool> broken{false};
};

class EvidenceFramesTest : public ::testing::Test {
 protected:
  EvidenceFramesTest() {
    std::string pattern = (fs::temp_directory_path() / "stills-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    stills_.emplace(directory_, 1 << 20);
    EXPECT_TRUE(stills_->Open().ok());
    frames_.emplace(&ring_, &*stills_, 16);
  }
  ~EvidenceFramesTest() override {
    frames_.reset();
    fs::remove_all(directory_);
  }

  Status Ask(const std::string& frame_id) {
    return frames_->Decode("cam", std::nullopt, frame_id, std::chrono::seconds(1)).status();
  }

  Ring ring_;
  std::string directory_;
  std::optional<StillStore> stills_;
  std::optional<EvidenceFrames> frames_;
};

TEST_F(EvidenceFramesTest, AFrameIsAnsweredAfterTheRingHasMovedOn) {
  frames_->Keep("cam", "cam/1/1", false);
  ASSERT_TRUE(Eventually([this] { return stills_->statistics().saved == 1; }));
  ring_.moved_on = true;
  EXPECT_TRUE(Ask("cam/1/1").ok());
  EXPECT_EQ(Ask("cam/1/2").code(), StatusCode::kOutOfRange);
}

TEST_F(EvidenceFramesTest, WhatIsKeptForARestrictedIncidentIsOnDiskAndAnsweredToNobody) {
  frames_->Keep("cam", "cam/1/1", true);
  ASSERT_TRUE(Eventually([this] { return stills_->statistics().saved == 1; }));
  ring_.moved_on = true;
  for (const char* id : {"cam/1/1", "cam/1/1.restricted", "cam/1/1.restricted.still"}) {
    EXPECT_EQ(Ask(id).code(), StatusCode::kOutOfRange) << id;
  }
  StillStore again(directory_, 1 << 20);
  ASSERT_TRUE(again.Open().ok());
  EXPECT_EQ(again.statistics().files, 1u);
  EXPECT_FALSE(again.Load("cam/1/1").ok());
  EXPECT_TRUE(again.Holds("cam/1/1", true));

  // An ordinary incident refers to the same frame.
  ring_.moved_on = false;
  frames_->Keep("cam", "cam/1/1", false);
  ASSERT_TRUE(Eventually([this] { return stills_->statistics().saved == 2; }));
  ring_.moved_on = true;
  EXPECT_TRUE(Ask("cam/1/1").ok());
}

TEST_F(EvidenceFramesTest, AThreadThatEndedSaysWhy) {
  EXPECT_TRUE(frames_->thread_status().ok());
  ring_.broken = true;
  frames_->Keep("cam", "cam/1/1", false);
  ASSERT_TRUE(Eventually([this] { return !frames_->thread_status().ok(); }));
  EXPECT_EQ(frames_->thread_status().message(), "the decoder is broken");
}

}  // namespace
}  // namespace fusiongateway
