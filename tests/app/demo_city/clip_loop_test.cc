#include "app/demo_city/clip_loop.h"

#include <gst/gst.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <opencv2/core.hpp>

namespace fusiongateway::demo_city {
namespace {

const cv::Size kSize(320, 240);
constexpr int kClipPictures = 8;

class ClipLoopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    gst_init(nullptr, nullptr);
    folder_ = std::filesystem::temp_directory_path() /
              ("fg-clip-" + std::to_string(getpid()) + "-" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Colour bars: the leftmost is bright, the rightmost dark.
  std::filesystem::path WriteClip(const std::string& name) {
    const auto path = folder_ / name;
    const std::string description =
        "videotestsrc pattern=smpte num-buffers=" + std::to_string(kClipPictures) +
        " ! video/x-raw,width=320,height=240,framerate=10/1 ! jpegenc ! avimux ! filesink "
        "location=" +
        path.string();
    GstElement* pipeline = gst_parse_launch(description.c_str(), nullptr);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstBus* bus = gst_element_get_bus(pipeline);
    GstMessage* end = gst_bus_timed_pop_filtered(
        bus, 10 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    EXPECT_TRUE(end != nullptr && GST_MESSAGE_TYPE(end) == GST_MESSAGE_EOS);
    if (end != nullptr) gst_message_unref(end);
    gst_object_unref(bus);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
    return path;
  }

  static double Mean(const cv::Mat& i420, int left) {
    return cv::mean(i420(cv::Rect(left, 20, 30, 100)))[0];
  }

  std::filesystem::path folder_;
};

TEST_F(ClipLoopTest, PlaysRoundAndRound) {
  ClipLoop clip({.path = WriteClip("bars.avi"), .size = kSize});
  cv::Mat picture;
  for (int i = 0; i < 3 * kClipPictures; ++i) {
    const Status status = clip.Next({}, picture);
    ASSERT_TRUE(status.ok()) << "picture " << i << ": " << status.message();
    ASSERT_EQ(picture.size(), cv::Size(320, 360));
    EXPECT_GT(Mean(picture, 5), 150);
    EXPECT_LT(Mean(picture, 285), 60);
  }
}

TEST_F(ClipLoopTest, MirroredExchangesLeftAndRight) {
  ClipLoop clip({.path = WriteClip("bars.avi"), .size = kSize, .mirrored = true});
  cv::Mat picture;
  ASSERT_TRUE(clip.Next({}, picture).ok());
  EXPECT_LT(Mean(picture, 5), 60);
  EXPECT_GT(Mean(picture, 285), 150);
}

TEST_F(ClipLoopTest, AStartBeyondTheEndPlaysFromTheBeginning) {
  ClipLoop clip({.path = WriteClip("bars.avi"), .size = kSize, .start = std::chrono::seconds(90)});
  cv::Mat picture;
  const Status status = clip.Next({}, picture);
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST_F(ClipLoopTest, AFileThatIsNoClipIsAnErrorThatNamesIt) {
  ClipLoop clip({.path = folder_ / "absent.avi", .size = kSize});
  cv::Mat picture;
  const Status status = clip.Next({}, picture);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("absent.avi"), std::string::npos);
}

}  // namespace
}  // namespace fusiongateway::demo_city
