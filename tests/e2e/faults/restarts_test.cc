// A camera, a publisher and the gateway go down and come back in any order: all find each other
// again by themselves, and the consumer misses nothing.
#include <gmock/gmock.h>

#include <array>
#include <filesystem>

#include "app/demo_city/camera_server.h"
#include "app/system_clock.h"
#include "clients/cpp/publisher.h"
#include "tests/e2e/faults/payloads.h"
#include "tests/e2e/faults/stream_reader.h"
#include "tests/support/gateway_process.h"

namespace fusiongateway::testing {
namespace {

using ::testing::IsEmpty;

constexpr char kCameraId[] = "tank-101";
constexpr std::chrono::seconds kBackAgain{10};
// More than may still be under way when a camera is cut: a second of video.
constexpr double kFramesOfNewVideo = 10;

enum class Part { kCamera, kPublisher, kGateway };

struct Order {
  std::string name;
  std::array<Part, 3> parts;
};

void PrintTo(const Order& order, std::ostream* out) { *out << order.name; }

class Restarts : public ::testing::TestWithParam<Order> {
 protected:
  void SetUp() override {
    const auto port = cameras_.Start(FreePort());
    ASSERT_TRUE(port.ok()) << port.status().message();
    camera_port_ = *port;
    GatewayOptions options;
    options.extra_yaml =
        "cameras:\n  - {camera_id: tank-101, transport: tcp, url: \"rtsp://127.0.0.1:" +
        std::to_string(camera_port_) + "/tank-101\"}\n";
    auto started = GatewayProcess::Start(options);
    ASSERT_TRUE(started.ok()) << started.status().message();
    gateway_ = std::move(*started);
    reader_ = std::make_unique<StreamReader>(gateway_->endpoints().consumers);
    Start(Part::kPublisher);
    ExpectAllWork("before");
  }

  void Stop(Part part) {
    switch (part) {
      case Part::kCamera:
        return cameras_.Stop();
      case Part::kPublisher:
        return publisher_.reset();
      case Part::kGateway:
        return gateway_->Kill();
    }
  }

  void Start(Part part) {
    if (part == Part::kCamera) {
      ASSERT_TRUE(cameras_.Start(camera_port_).ok());
    } else if (part == Part::kGateway) {
      const Status started = gateway_->Restart();
      ASSERT_TRUE(started.ok()) << started.message();
    } else {
      client::PublisherOptions options;
      options.endpoint = gateway_->endpoints().publishers;
      options.feed_id = "hazmat";
      options.outbox_path = (gateway_->folder() / "outbox").string();
      auto opened = client::Publisher::Open(options, {});
      ASSERT_TRUE(opened.ok()) << opened.status().message();
      publisher_ = std::move(*opened);
    }
  }

  double Frames() const {
    return gateway_->Metric("camera_frames_total{camera=\"" + std::string(kCameraId) + "\"}");
  }

  // Video flows, a report goes through, and the consumer has every record once.
  void ExpectAllWork(const std::string& when) {
    SCOPED_TRACE(when);
    const std::string alarm_id = "alarm-" + std::to_string(++alarms_);
    ASSERT_TRUE(publisher_->Publish(Alarm(alarm_id)).ok());
    const double frames = Frames();
    EXPECT_TRUE(Eventually([&] { return Frames() > frames + kFramesOfNewVideo; }, kBackAgain))
        << "no video: " << gateway_->Get("/api/v1/cameras").body;
    const Status flushed = publisher_->Flush(kBackAgain);
    EXPECT_TRUE(flushed.ok()) << flushed.message();
    ASSERT_TRUE(reader_->ReadUntilReport(alarm_id));
    for (int i = 1; i <= alarms_; ++i) {
      EXPECT_EQ(reader_->CountReports("alarm-" + std::to_string(i)), 1) << i;
    }
    EXPECT_THAT(reader_->broken(), IsEmpty());
  }

  SystemClock clock_;
  demo_city::ScenarioClock scenario_;
  demo_city::CameraServer cameras_{clock_, scenario_};
  std::uint16_t camera_port_ = 0;
  std::unique_ptr<GatewayProcess> gateway_;
  std::unique_ptr<StreamReader> reader_;
  std::unique_ptr<client::Publisher> publisher_;
  int alarms_ = 0;
};

TEST_P(Restarts, OneAfterTheOtherAllComeBackByThemselves) {
  for (const Part part : GetParam().parts) {
    Stop(part);
    Start(part);
    ExpectAllWork("after restart of part " + std::to_string(static_cast<int>(part)));
  }
}

TEST_P(Restarts, AllDownAtOnceAndUpInAnyOrderAllComeBackByThemselves) {
  for (const Part part : {Part::kGateway, Part::kCamera}) Stop(part);
  // Published while nobody is there to take it.
  ASSERT_TRUE(publisher_->Publish(Alarm("alarm-" + std::to_string(++alarms_))).ok());
  Stop(Part::kPublisher);
  for (const Part part : GetParam().parts) Start(part);
  ExpectAllWork("after all were down");
}

INSTANTIATE_TEST_SUITE_P(
    Orders, Restarts,
    ::testing::Values(
        Order{"CameraPublisherGateway", {Part::kCamera, Part::kPublisher, Part::kGateway}},
        Order{"PublisherGatewayCamera", {Part::kPublisher, Part::kGateway, Part::kCamera}},
        Order{"GatewayCameraPublisher", {Part::kGateway, Part::kCamera, Part::kPublisher}}),
    [](const auto& instance) { return instance.param.name; });

TEST_F(Restarts, ACameraWhosePowerFailsIsSaidToBeDownAndStreamsAgainWithinTenSeconds) {
  const auto said = [&](v1::CameraStatus::State state) {
    return !reader_->records().empty() && reader_->ReadUntil([&] {
      for (auto r = reader_->records().rbegin(); r != reader_->records().rend(); ++r) {
        if (r->has_camera()) return r->camera().state() == state;
      }
      return false;
    });
  };
  ASSERT_TRUE(said(v1::CameraStatus::STREAMING));
  ASSERT_TRUE(cameras_.StopCamera(kCameraId).ok());
  ASSERT_TRUE(said(v1::CameraStatus::DOWN)) << "the stream does not tell that the camera is gone";
  ASSERT_TRUE(cameras_.StartCamera(kCameraId).ok());
  EXPECT_TRUE(said(v1::CameraStatus::STREAMING));
  ExpectAllWork("after its power came back");
}

}  // namespace
}  // namespace fusiongateway::testing
