#include "app/demo_city/time_pattern.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <random>
#include <vector>

namespace fusiongateway::demo_city {
namespace {

using std::chrono::milliseconds;

constexpr UtcTime kTime{Duration{1'795'428'000'123'456'789}};

cv::Mat BusyPicture(cv::Size size, int type, int seed = 7) {
  cv::Mat picture(size, type);
  cv::RNG random(static_cast<std::uint64_t>(seed));
  random.fill(picture, cv::RNG::UNIFORM, 0, 256);
  cv::GaussianBlur(picture, picture, {9, 9}, 0);
  return picture;
}

TEST(TimePattern, EveryInstantIsReadBackToTheNanosecond) {
  std::mt19937_64 random(1);
  std::vector<std::int64_t> instants{0, -1, std::numeric_limits<std::int64_t>::max(),
                                     std::numeric_limits<std::int64_t>::min()};
  for (int i = 0; i < 500; ++i) instants.push_back(static_cast<std::int64_t>(random()));
  cv::Mat picture = BusyPicture({640, 360}, CV_8UC1);
  for (const std::int64_t instant : instants) {
    ASSERT_TRUE(DrawTimePattern(picture, UtcTime{Duration{instant}}).ok());
    const Result<UtcTime> read = DecodeTimePattern(picture);
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(read->time_since_epoch().count(), instant);
  }
}

TEST(TimePattern, IsReadFromColourAndFromBrightnessAlone) {
  cv::Mat colour = BusyPicture({768, 576}, CV_8UC3);
  ASSERT_TRUE(DrawTimePattern(colour, kTime).ok());
  cv::Mat gray;
  cv::cvtColor(colour, gray, cv::COLOR_BGR2GRAY);
  EXPECT_EQ(*DecodeTimePattern(colour), kTime);
  EXPECT_EQ(*DecodeTimePattern(gray), kTime);
}

TEST(TimePattern, LeavesThePictureAboveItsBandAlone) {
  const cv::Mat before = BusyPicture({640, 480}, CV_8UC3);
  cv::Mat after = before.clone();
  ASSERT_TRUE(DrawTimePattern(after, kTime).ok());
  const int top = TimePatternBand(after.size()).y;
  EXPECT_EQ(cv::norm(before.rowRange(0, top), after.rowRange(0, top)), 0);
  EXPECT_EQ(top, 440);
}

TEST(TimePattern, SurvivesPoorJpeg) {
  cv::Mat picture = BusyPicture({640, 360}, CV_8UC3);
  ASSERT_TRUE(DrawTimePattern(picture, kTime).ok());
  for (const int quality : {90, 50, 20, 10}) {
    std::vector<uchar> bytes;
    cv::imencode(".jpg", picture, bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
    const Result<UtcTime> read = DecodeTimePattern(cv::imdecode(bytes, cv::IMREAD_COLOR));
    ASSERT_TRUE(read.ok()) << "quality " << quality << ": " << read.status().message();
    EXPECT_EQ(*read, kTime);
  }
}

TEST(TimePattern, SurvivesScalingAndNoise) {
  cv::Mat picture = BusyPicture({640, 360}, CV_8UC1);
  ASSERT_TRUE(DrawTimePattern(picture, kTime).ok());
  for (const cv::Size size : {cv::Size(320, 180), cv::Size(240, 200), cv::Size(1283, 721)}) {
    cv::Mat scaled;
    cv::resize(picture, scaled, size, 0, 0, cv::INTER_AREA);
    cv::Mat noise(size, CV_16SC1);
    cv::RNG(3).fill(noise, cv::RNG::NORMAL, 0, 25);
    cv::add(scaled, noise, scaled, cv::noArray(), CV_8U);
    const Result<UtcTime> read = DecodeTimePattern(scaled);
    ASSERT_TRUE(read.ok()) << size << ": " << read.status().message();
    EXPECT_EQ(*read, kTime);
  }
}

TEST(TimePattern, APictureWithoutItIsRefused) {
  for (int seed = 1; seed < 200; ++seed) {
    EXPECT_EQ(DecodeTimePattern(BusyPicture({640, 360}, CV_8UC1, seed)).status().code(),
              StatusCode::kDataLoss);
  }
  EXPECT_EQ(DecodeTimePattern(cv::Mat::zeros(360, 640, CV_8UC1)).status().code(),
            StatusCode::kDataLoss);
}

TEST(TimePattern, EverySingleDamagedCellIsNoticed) {
  cv::Mat picture = BusyPicture({480, 240}, CV_8UC1);
  ASSERT_TRUE(DrawTimePattern(picture, kTime).ok());
  const cv::Rect band = TimePatternBand(picture.size());
  ASSERT_EQ(band, cv::Rect(0, 220, 480, 20));
  for (int cell = 0; cell < 96; ++cell) {
    cv::Mat damaged = picture.clone();
    cv::Mat at = damaged(cv::Rect(cell % 48 * 10, 220 + cell / 48 * 10, 10, 10));
    at = 251 - at;
    EXPECT_FALSE(DecodeTimePattern(damaged).ok()) << "cell " << cell;
  }
}

TEST(TimePattern, PicturesItCannotHoldAreRefused) {
  cv::Mat tiny = cv::Mat::zeros(40, 90, CV_8UC1);
  cv::Mat deep = cv::Mat::zeros(360, 640, CV_16UC1);
  EXPECT_EQ(DrawTimePattern(tiny, kTime).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(DrawTimePattern(deep, kTime).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(DecodeTimePattern(tiny).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(DecodeTimePattern(cv::Mat()).status().code(), StatusCode::kInvalidArgument);
}

TEST(TimePattern, SurvivesH264AtLowBitRate) {
  gst_init(nullptr, nullptr);
  GstElement* pipeline = gst_parse_launch(
      "appsrc name=in format=time "
      "caps=video/x-raw,format=GRAY8,width=640,height=360,framerate=10/1 ! "
      "videoconvert ! x264enc speed-preset=ultrafast tune=zerolatency threads=1 key-int-max=20 "
      "bitrate=120 ! avdec_h264 max-threads=1 ! videoconvert ! video/x-raw,format=GRAY8 ! "
      "appsink name=out sync=false",
      nullptr);
  GstElement* in = gst_bin_get_by_name(GST_BIN(pipeline), "in");
  GstElement* out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  constexpr int kPictures = 60;
  for (int i = 0; i < kPictures; ++i) {
    cv::Mat picture = BusyPicture({640, 360}, CV_8UC1, 1 + i / 10);
    ASSERT_TRUE(DrawTimePattern(picture, kTime + i * milliseconds(100)).ok());
    GstBuffer* buffer = gst_buffer_new_memdup(picture.data, picture.total());
    GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(i) * 100 * GST_MSECOND;
    gst_app_src_push_buffer(GST_APP_SRC(in), buffer);
  }
  gst_app_src_end_of_stream(GST_APP_SRC(in));
  for (int i = 0; i < kPictures; ++i) {
    GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(out), 10 * GST_SECOND);
    ASSERT_NE(sample, nullptr) << "picture " << i;
    GstMapInfo map;
    ASSERT_TRUE(gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ));
    const Result<UtcTime> read = DecodeTimePattern(cv::Mat(360, 640, CV_8UC1, map.data));
    gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
    gst_sample_unref(sample);
    ASSERT_TRUE(read.ok()) << "picture " << i << ": " << read.status().message();
    EXPECT_EQ(*read, kTime + i * milliseconds(100));
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(in);
  gst_object_unref(out);
  gst_object_unref(pipeline);
}

}  // namespace
}  // namespace fusiongateway::demo_city
