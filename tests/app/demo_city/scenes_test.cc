#include "app/demo_city/scenes.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace fusiongateway::demo_city {
namespace {

using std::chrono::seconds;

const cv::Size kSize(640, 360);
constexpr UtcTime kNoon{seconds(1'795'428'000)};

cv::Mat Render(PictureKind kind, std::optional<Duration> story, UtcTime now = kNoon,
               std::uint64_t seed = 1, cv::Size size = kSize) {
  cv::Mat i420;
  EXPECT_TRUE(MakeScene(kind, size, seed)->Next({now, story}, i420).ok());
  return i420;
}

// The share of the picture's pixels that are chlorine's strong greenish yellow.
double ChlorineShare(const cv::Mat& i420) {
  cv::Mat bgr;
  cv::Mat hsv;
  cv::Mat hit;
  cv::cvtColor(i420, bgr, cv::COLOR_YUV2BGR_I420);
  cv::cvtColor(bgr, hsv, cv::COLOR_BGR2HSV);
  cv::inRange(hsv, cv::Scalar(26, 95, 150), cv::Scalar(42, 255, 255), hit);
  return cv::countNonZero(hit) / static_cast<double>(hit.total());
}

TEST(Scenes, ChlorineIsSeenAtTheTankOnlyAfterTheLeakBegins) {
  const double quiet = ChlorineShare(Render(PictureKind::kTankScene, std::nullopt));
  const double leaking = ChlorineShare(Render(PictureKind::kTankScene, kLeakBegins + seconds(30)));
  EXPECT_LT(quiet, 0.001);
  EXPECT_GT(leaking, 0.02);
}

TEST(Scenes, TheCloudReachesTheGateLater) {
  const double early = ChlorineShare(Render(PictureKind::kGateScene, kLeakBegins + seconds(20)));
  const double late = ChlorineShare(Render(PictureKind::kGateScene, kLeakBegins + seconds(70)));
  EXPECT_LT(early, 0.001);
  EXPECT_GT(late, 0.01);
}

TEST(Scenes, TheTowerSeesSmokeWhenTheStorySaysSo) {
  const auto above_the_plant = [](const cv::Mat& i420) {
    return i420(cv::Rect(330, 60, 60, 60)).clone();
  };
  const cv::Mat quiet = above_the_plant(Render(PictureKind::kTowerScene, std::nullopt));
  const cv::Mat before =
      above_the_plant(Render(PictureKind::kTowerScene, kTowerSmokeRises - seconds(1)));
  const cv::Mat after =
      above_the_plant(Render(PictureKind::kTowerScene, kTowerSmokeRises + seconds(30)));
  EXPECT_EQ(cv::norm(quiet, before, cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(quiet, after, cv::NORM_L1) / static_cast<double>(quiet.total()), 5);
}

TEST(Scenes, TheSameSeedAndInstantGiveTheSamePicture) {
  for (const PictureKind kind : {PictureKind::kTankScene, PictureKind::kGateScene,
                                 PictureKind::kTowerScene, PictureKind::kStreetScene}) {
    const cv::Mat once = Render(kind, seconds(200));
    EXPECT_EQ(cv::norm(once, Render(kind, seconds(200)), cv::NORM_INF), 0);
    EXPECT_GT(cv::norm(once, Render(kind, seconds(200), kNoon + seconds(1)), cv::NORM_INF), 0)
        << "a live picture moves";
  }
}

TEST(Scenes, AnotherSizeIsServed) {
  const cv::Mat picture =
      Render(PictureKind::kStreetScene, std::nullopt, kNoon, 1, cv::Size(768, 576));
  EXPECT_EQ(picture.size(), cv::Size(768, 576 * 3 / 2));
}

}  // namespace
}  // namespace fusiongateway::demo_city
