#include "app/demo_city/camera_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "app/demo_city/city.h"
#include "app/system_clock.h"
#include "tests/support/camera_probe.h"
#include "tests/support/patience.h"

namespace fusiongateway::demo_city {
namespace {

using fusiongateway::testing::Eventually;

using fusiongateway::testing::CameraProbe;
using fusiongateway::testing::ProbedPicture;
using fusiongateway::testing::RtspTransport;
using std::chrono::milliseconds;
using std::chrono::seconds;

class CameraServerTest : public ::testing::Test {
 protected:
  void SetUp() override { Start(); }

  void Start() {
    const Result<std::uint16_t> port = server_.Start(port_);
    ASSERT_TRUE(port.ok()) << port.status().message();
    port_ = *port;
  }

  std::unique_ptr<CameraProbe> Watch(std::string_view id,
                                     RtspTransport transport = RtspTransport::kTcp) {
    return std::make_unique<CameraProbe>(RtspUrl(port_, id), transport);
  }

  // All six at once, over `transport`: each picture's time is readable, later than the one before,
  // and lies between its viewer's start and now.
  void ExpectAllPlay(RtspTransport transport) {
    const UtcTime began = clock_.UtcNow();
    std::vector<std::unique_ptr<CameraProbe>> probes;
    for (const CityCamera& camera : Cameras()) probes.push_back(Watch(camera.id, transport));
    for (std::size_t i = 0; i < probes.size(); ++i) {
      SCOPED_TRACE(std::string(Cameras()[i].id));
      UtcTime last = began;
      for (int k = 0; k < 20; ++k) {
        const auto picture = probes[i]->Next();
        ASSERT_TRUE(picture) << "picture " << k << ": " << probes[i]->error();
        ASSERT_TRUE(picture->pixels) << "picture " << k << " has no readable time";
        EXPECT_GT(*picture->pixels, last);
        EXPECT_LT(*picture->pixels, clock_.UtcNow());
        last = *picture->pixels;
      }
    }
  }

  SystemClock clock_;
  ScenarioClock scenario_;
  std::uint16_t port_ = 0;
  CameraServer server_{clock_, scenario_};
};

TEST_F(CameraServerTest, AllSixPlayOverTcpAndTheirPixelsTimeAdvances) {
  ExpectAllPlay(RtspTransport::kTcp);
}

TEST_F(CameraServerTest, AllSixPlayOverUdpAndTheirPixelsTimeAdvances) {
  ExpectAllPlay(RtspTransport::kUdp);
}

TEST_F(CameraServerTest, SenderReportsGiveEachPictureItsCaptureTime) {
  for (const std::string_view id : {kTankCameraId, std::string_view("street-1")}) {
    const auto probe = Watch(id);
    std::vector<Duration> apart;
    while (apart.size() < 50) {
      const auto picture = probe->Next();
      ASSERT_TRUE(picture) << probe->error();
      if (!picture->pixels || !picture->sender_report) continue;
      apart.push_back(std::chrono::abs(*picture->sender_report - *picture->pixels));
    }
    std::ranges::sort(apart);
    std::printf("%s: sender report against pixels: p50 %.3f ms, max %.3f ms\n",
                std::string(id).c_str(), static_cast<double>(apart[25].count()) / 1e6,
                static_cast<double>(apart.back().count()) / 1e6);
    EXPECT_LT(apart[apart.size() / 2], milliseconds(2));
    EXPECT_LT(apart.back(), milliseconds(10));
  }
}

TEST_F(CameraServerTest, ManyViewersShareOneEncode) {
  const auto first = Watch(kGateCameraId);
  ASSERT_TRUE(first->Next());
  const auto second = Watch(kGateCameraId, RtspTransport::kUdp);
  const auto third = Watch(kGateCameraId);
  ASSERT_TRUE(second->Next());
  ASSERT_TRUE(third->Next());
  EXPECT_EQ(server_.Stats(kGateCameraId)->encodes_started, 1u);
  EXPECT_EQ(server_.Stats(kTankCameraId)->encodes_started, 0u);
}

TEST_F(CameraServerTest, ACameraThatNobodyWatchesDoesNotEncode) {
  {
    const auto probe = Watch(kTankCameraId);
    ASSERT_TRUE(probe->Next());
    EXPECT_TRUE(server_.Stats(kTankCameraId)->encoding);
  }
  ASSERT_TRUE(Eventually([this] { return !server_.Stats(kTankCameraId)->encoding; }));
  const auto again = Watch(kTankCameraId);
  ASSERT_TRUE(again->Next());
  EXPECT_EQ(server_.Stats(kTankCameraId)->encodes_started, 2u);
}

TEST_F(CameraServerTest, AStoppedCameraCutsItsViewersAndComesBackOnTheSameAddress) {
  const auto cut = Watch(kTankCameraId);
  const auto other = Watch(kGateCameraId);
  ASSERT_TRUE(cut->Next());
  ASSERT_TRUE(other->Next());
  ASSERT_TRUE(server_.StopCamera(kTankCameraId).ok());
  EXPECT_FALSE(server_.Stats(kTankCameraId)->running);
  std::string error;
  EXPECT_TRUE(
      Eventually([&] { return !(error = cut->error()).empty() || !cut->Next(milliseconds(50)); }));
  EXPECT_FALSE(Watch(kTankCameraId)->Next(milliseconds(500)));
  EXPECT_TRUE(other->Next()) << "another camera's viewer was cut too";

  ASSERT_TRUE(server_.StartCamera(kTankCameraId).ok());
  const auto back = Watch(kTankCameraId);
  const auto picture = back->Next();
  ASSERT_TRUE(picture) << back->error();
  EXPECT_TRUE(picture->pixels);
}

TEST_F(CameraServerTest, StoppingMidStreamEndsItsThreadsAndItMayStartAgainOnItsPort) {
  const auto threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
  };
  std::ptrdiff_t after_first_round = 0;
  for (int round = 0; round < 4; ++round) {
    if (round > 0) Start();
    {
      const auto tcp = Watch(kTankCameraId);
      const auto udp = Watch("street-1", RtspTransport::kUdp);
      ASSERT_TRUE(tcp->Next()) << tcp->error();
      ASSERT_TRUE(udp->Next()) << udp->error();
      server_.Stop();
    }
    // Threads that GLib and GStreamer keep for reuse settle in the first round.
    if (round == 0) after_first_round = threads();
    EXPECT_TRUE(Eventually([&] { return threads() <= after_first_round; }))
        << "round " << round << ": " << threads() << " threads, " << after_first_round
        << " at first";
  }
}

TEST_F(CameraServerTest, APortThatIsTakenIsRefusedWithWhatToDo) {
  CameraServer second(clock_, scenario_);
  const Result<std::uint16_t> port = second.Start(port_);
  ASSERT_FALSE(port.ok());
  EXPECT_EQ(port.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(port.status().message().find(std::to_string(port_)), std::string::npos);
}

TEST_F(CameraServerTest, AnUnknownCameraIsNotFound) {
  EXPECT_EQ(server_.StopCamera("nobody").code(), StatusCode::kNotFound);
  EXPECT_EQ(server_.StartCamera("nobody").code(), StatusCode::kNotFound);
  EXPECT_EQ(server_.Stats("nobody").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace fusiongateway::demo_city
