// The cameras of the simulated city, pulled over real RTSP: what is asked for is what the pixels
// say.
#include "pipeline/cameras/camera_system.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <set>
#include <thread>

#include "app/demo_city/camera_server.h"
#include "app/demo_city/city.h"
#include "app/demo_city/time_pattern.h"
#include "app/system_clock.h"

namespace fusiongateway {
namespace {

using demo_city::CameraServer;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kTank{demo_city::kTankCameraId};
const std::string kGate{demo_city::kGateCameraId};

// The instant in the picture's pixels.
UtcTime TrueTime(const std::string& jpeg) {
  const cv::Mat coded(1, static_cast<int>(jpeg.size()), CV_8U, const_cast<char*>(jpeg.data()));
  const auto time = demo_city::DecodeTimePattern(cv::imdecode(coded, cv::IMREAD_COLOR));
  EXPECT_TRUE(time.ok()) << time.status().message();
  return time.ok() ? *time : UtcTime{};
}

void ExpectTrue(const Snapshot& snapshot) {
  const Stamp& stamp = snapshot.frame.captured;
  const UtcTime truth = TrueTime(snapshot.jpeg);
  EXPECT_LE(stamp.Earliest(), truth) << ToString(stamp.source);
  EXPECT_GE(stamp.Latest(), truth) << ToString(stamp.source);
}

// Answers every request with one head (after "RTSP/1.0 ") and keeps what it was asked. Each
// connection on a thread of its own, which ends with it.
class RtspResponder {
 public:
  RtspResponder(const char* host, std::string head) : head_(std::move(head)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    inet_pton(AF_INET, host, &address.sin_addr);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] {
      for (int peer = 0; (peer = accept(listener_, nullptr, nullptr)) >= 0;) {
        answering_.emplace_back([this, peer] { Answer(peer); });
      }
    });
  }
  ~RtspResponder() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& thread : answering_) thread.join();
    close(listener_);
  }
  std::uint16_t port() const { return port_; }
  std::string heard() {
    std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  void Answer(int peer) {
    char bytes[4096];
    for (ssize_t count = 0; (count = recv(peer, bytes, sizeof bytes, 0)) > 0;) {
      const std::string request(bytes, static_cast<std::size_t>(count));
      const std::size_t number = request.find("CSeq: ");
      const std::string sequence =
          number == request.npos
              ? "0"
              : request.substr(number + 6, request.find('\r', number) - number - 6);
      // A tunnel through HTTP is asked for before anything of RTSP.
      const std::string answer = (request.starts_with("GET ") ? "HTTP/1.0 " : "RTSP/1.0 ") + head_ +
                                 "\r\nCSeq: " + sequence + "\r\n\r\n";
      std::lock_guard lock(mutex_);
      heard_ += request;
      if (send(peer, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
    }
    close(peer);
  }

  const std::string head_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::string heard_;
  std::thread acceptor_;
  std::vector<std::thread> answering_;
};

const std::string kAsksForLogin = "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"";

class CameraSystemTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto started = server.Start();
    ASSERT_TRUE(started.ok()) << started.status().message();
    port = *started;
  }

  CameraConfig Config(const std::string& id, CameraTransport transport = CameraTransport::kTcp) {
    CameraConfig config;
    config.camera_id = id;
    config.url = demo_city::RtspUrl(port, id);
    config.transport = transport;
    config.stall_after = seconds{3};
    return config;
  }

  void StartSystem(std::vector<CameraConfig> configs) {
    auto created = CameraSystem::Create(std::move(configs), clock, WORKER_PROGRAM,
                                        {.on_status = [this](const CameraStatus& status) {
                                          std::lock_guard lock(mutex);
                                          told.push_back(status);
                                        }});
    ASSERT_TRUE(created.ok()) << created.status().message();
    system = std::move(*created);
    const Status started = system->Start();
    ASSERT_TRUE(started.ok()) << started.message();
  }

  template <typename F>
  bool Within(Duration limit, F condition) {
    for (const SteadyTime end = clock.SteadyNow() + limit; clock.SteadyNow() < end;) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds{20});
    }
    return condition();
  }

  CameraStatus StatusOf(const std::string& id) {
    for (CameraStatus& status : system->Cameras()) {
      if (status.camera_id == id) return status;
    }
    return {};
  }
  bool HasState(const std::string& id, CameraStatus::State state) {
    return StatusOf(id).state == state;
  }
  bool HasSource(const std::string& id, ClockSource source) {
    return StatusOf(id).clock_source == source;
  }
  bool HoldsFramesFrom(const std::string& id, UtcTime since) {
    const auto held = system->Held(id);
    return held.ok() && *held && (**held).newest > since;
  }

  SystemClock clock;
  demo_city::ScenarioClock scenario;
  CameraServer server{clock, scenario};
  std::uint16_t port = 0;
  std::mutex mutex;
  std::vector<CameraStatus> told;
  std::unique_ptr<CameraSystem> system;
};

TEST_F(CameraSystemTest, PicturesByTimeAndByIdBearTheTimeTheyAreSaidToHave) {
  for (const auto transport : {CameraTransport::kTcp, CameraTransport::kUdp}) {
    StartSystem({Config(kTank, transport), Config(kGate, transport)});
    for (const std::string& id : {kTank, kGate}) {
      ASSERT_TRUE(Within(seconds{20}, [&] { return HasSource(id, ClockSource::kSenderReport); }));
      const UtcTime at = clock.UtcNow();
      ASSERT_TRUE(Within(seconds{5}, [&] { return HoldsFramesFrom(id, at + seconds{1}); }));
      for (int i = 0; i < 10; ++i) {
        const auto by_time = system->Decode(id, at + i * milliseconds{77}, "", seconds{5});
        ASSERT_TRUE(by_time.ok()) << by_time.status().message();
        ExpectTrue(*by_time);
        EXPECT_EQ(by_time->frame.captured.source, ClockSource::kSenderReport);
        EXPECT_EQ(by_time->width, 640u);
        const auto by_id = system->Decode(id, std::nullopt, by_time->frame.frame_id, seconds{5});
        ASSERT_TRUE(by_id.ok()) << by_id.status().message();
        EXPECT_EQ(by_id->frame.captured, by_time->frame.captured);
        EXPECT_EQ(TrueTime(by_id->jpeg), TrueTime(by_time->jpeg));
      }
    }
    system.reset();
  }
}

TEST_F(CameraSystemTest, ADeclaredClockBoundGivesANarrowIntervalThatHolds) {
  CameraConfig config = Config(kTank);
  config.clock_error_max = milliseconds{10};
  StartSystem({config});
  ASSERT_TRUE(Within(seconds{20}, [&] { return HasSource(kTank, ClockSource::kSenderReport); }));
  const UtcTime at = clock.UtcNow();
  ASSERT_TRUE(Within(seconds{5}, [&] { return HoldsFramesFrom(kTank, at + seconds{2}); }));
  for (int i = 0; i < 20; ++i) {
    const auto snapshot = system->Decode(kTank, at + i * milliseconds{100}, "", seconds{5});
    ASSERT_TRUE(snapshot.ok()) << snapshot.status().message();
    EXPECT_EQ(snapshot->frame.captured.uncertainty, milliseconds{11});
    ExpectTrue(*snapshot);
  }
}

TEST_F(CameraSystemTest, FramesBeforeTheFirstSenderReportAreThereAndTrueToo) {
  StartSystem({Config(kTank)});
  ASSERT_TRUE(Within(seconds{10}, [&] { return HoldsFramesFrom(kTank, UtcTime{}); }));
  const auto first = system->Decode(kTank, std::nullopt, "", seconds{5});
  ASSERT_TRUE(first.ok()) << first.status().message();
  EXPECT_EQ(first->frame.captured.source, ClockSource::kUnsynchronised);
  EXPECT_GE(first->frame.captured.uncertainty, seconds{2});
  ExpectTrue(*first);
}

TEST_F(CameraSystemTest, NearestIsTheNearestAndOutsideIsSaidToBeOutside) {
  StartSystem({Config(kTank)});
  ASSERT_TRUE(Within(seconds{20}, [&] { return HasSource(kTank, ClockSource::kSenderReport); }));
  const UtcTime at = clock.UtcNow();
  EXPECT_EQ(system->Nearest(kTank, at + seconds{5}).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(system->Nearest(kTank, at - seconds{60}).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(system->Nearest("nobody", at).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(Within(seconds{5}, [&] { return HoldsFramesFrom(kTank, at + seconds{1}); }));
  std::set<std::string> seen;
  for (Duration offset{}; offset < seconds{1}; offset += milliseconds{10}) {
    const auto frame = system->Nearest(kTank, at + offset);
    ASSERT_TRUE(frame.ok()) << frame.status().message();
    EXPECT_LE(std::chrono::abs(frame->captured.utc - (at + offset)), milliseconds{80});
    seen.insert(frame->frame_id);
  }
  EXPECT_NEAR(static_cast<double>(seen.size()), demo_city::kCameraFramesPerSecond, 2);
}

TEST_F(CameraSystemTest, FramesComeBackWithinTenSecondsOfTheServersReturn) {
  for (const auto transport : {CameraTransport::kTcp, CameraTransport::kUdp}) {
    StartSystem({Config(kTank, transport)});
    ASSERT_TRUE(Within(seconds{20}, [&] { return HoldsFramesFrom(kTank, UtcTime{}); }));
    const auto before = system->Decode(kTank, std::nullopt, "", seconds{5});
    ASSERT_TRUE(before.ok()) << before.status().message();

    server.Stop();
    ASSERT_TRUE(Within(seconds{10}, [&] {
      return HasState(kTank, CameraStatus::State::kDown) ||
             HasState(kTank, CameraStatus::State::kStalled);
    }));
    EXPECT_FALSE(StatusOf(kTank).note.empty());
    std::this_thread::sleep_for(seconds{2});
    ASSERT_TRUE(server.Start(port).ok());
    const UtcTime back = clock.UtcNow();
    EXPECT_TRUE(Within(seconds{10}, [&] { return HoldsFramesFrom(kTank, back); }));

    // The frames of before are still there under their old names; new ones have others.
    EXPECT_TRUE(system->Decode(kTank, std::nullopt, before->frame.frame_id, seconds{5}).ok());
    const auto after = system->Nearest(kTank, back + milliseconds{1});
    ASSERT_TRUE(after.ok() || after.status().code() == StatusCode::kUnavailable);
    const auto newest = system->Decode(kTank, std::nullopt, "", seconds{5});
    ASSERT_TRUE(newest.ok()) << newest.status().message();
    EXPECT_NE(newest->frame.frame_id, before->frame.frame_id);
    EXPECT_GT(newest->frame.captured.epoch, before->frame.captured.epoch);
    EXPECT_TRUE(Within(seconds{2}, [&] { return StatusOf(kTank).reconnect_count == 1; }));
    ExpectTrue(*newest);
    system.reset();
  }
}

TEST_F(CameraSystemTest, OneCameraThatIsGoneDoesNotDisturbAnotherAndSaysWhy) {
  StartSystem({Config(kTank), Config(kGate)});
  ASSERT_TRUE(Within(seconds{20}, [&] {
    return HoldsFramesFrom(kTank, UtcTime{}) && HoldsFramesFrom(kGate, UtcTime{});
  }));
  ASSERT_TRUE(server.StopCamera(kGate).ok());
  ASSERT_TRUE(Within(seconds{10}, [&] { return HasState(kGate, CameraStatus::State::kDown); }));
  ASSERT_TRUE(Within(seconds{10}, [&] {
    return StatusOf(kGate).note.find("no such path") != std::string::npos;
  })) << StatusOf(kGate).note;
  EXPECT_TRUE(HasState(kTank, CameraStatus::State::kStreaming));
  const UtcTime now = clock.UtcNow();
  EXPECT_TRUE(Within(seconds{2}, [&] { return HoldsFramesFrom(kTank, now); }));
  ASSERT_TRUE(server.StartCamera(kGate).ok());
  EXPECT_TRUE(
      Within(seconds{10}, [&] { return HasState(kGate, CameraStatus::State::kStreaming); }));
}

TEST_F(CameraSystemTest, StatusIsToldOnlyWhenItChanges) {
  StartSystem({Config(kTank)});
  ASSERT_TRUE(Within(seconds{20}, [&] { return HasSource(kTank, ClockSource::kSenderReport); }));
  std::this_thread::sleep_for(seconds{2});
  std::lock_guard lock(mutex);
  ASSERT_GE(told.size(), 3u);
  EXPECT_EQ(told.front().state, CameraStatus::State::kConnecting);
  EXPECT_EQ(told.back().state, CameraStatus::State::kStreaming);
  EXPECT_EQ(told.back().codec, "h264");
  EXPECT_EQ(told.back().width, 640u);
  EXPECT_LE(told.size(), 6u);
}

TEST_F(CameraSystemTest, ManyPicturesAreOnePullAndOneEncode) {
  StartSystem({Config(kTank)});
  ASSERT_TRUE(Within(seconds{20}, [&] { return HoldsFramesFrom(kTank, UtcTime{}); }));
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(system->Decode(kTank, std::nullopt, "", seconds{5}).ok());
  }
  EXPECT_EQ(server.Stats(kTank)->encodes_started, 1u);
  const auto counters = system->Counters();
  EXPECT_GT(counters[0].frames, 0u);
  EXPECT_EQ(counters[0].frames_unusable, 0u);
  EXPECT_EQ(system->DecoderCounters().answered, 10u);
}

TEST_F(CameraSystemTest, AFrameIdThatIsNoneOrNotHeldIsRefusedClearly) {
  StartSystem({Config(kTank)});
  const auto malformed = system->Decode(kTank, std::nullopt, "gate-1/1/2", seconds{1});
  EXPECT_EQ(malformed.status().code(), StatusCode::kInvalidArgument);
  const auto gone = system->Decode(kTank, std::nullopt, kTank + "/1/2", seconds{1});
  EXPECT_EQ(gone.status().code(), StatusCode::kOutOfRange);
}

// A host that takes connections and never says a word.
TEST_F(CameraSystemTest, ASilentHostIsDownAndStopDoesNotWaitForIt) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener, 16), 0);
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);

  CameraConfig silent = Config("silent");
  silent.url = demo_city::RtspUrl(ntohs(address.sin_port), "silent");
  StartSystem({silent, Config(kTank)});
  EXPECT_TRUE(Within(seconds{5}, [&] { return HoldsFramesFrom(kTank, UtcTime{}); }));
  EXPECT_TRUE(Within(seconds{15}, [&] { return HasState("silent", CameraStatus::State::kDown); }));
  EXPECT_TRUE(Within(seconds{10}, [&] { return system->Counters()[0].connects >= 2; }))
      << "attempts that come to nothing count";
  EXPECT_EQ(system->Counters()[0].reconnects, 0u);
  const SteadyTime before = clock.SteadyNow();
  system.reset();
  EXPECT_LT(clock.SteadyNow() - before, seconds{3});
  close(listener);
}

TEST_F(CameraSystemTest, TheLoginGoesToTheCameraAsItIsConfigured) {
  RtspResponder camera("127.0.0.1", kAsksForLogin);
  CameraConfig config = Config("cam");
  config.url = demo_city::RtspUrl(camera.port(), "cam");
  config.user = "ad/min";
  config.password = "P@ss:w%2F 口令";
  StartSystem({config});
  EXPECT_TRUE(Within(seconds{10}, [&] {
    return camera.heard().find("Authorization: Basic YWQvbWluOlBAc3M6dyUyRiDlj6Pku6Q=") !=
           std::string::npos;
  })) << camera.heard();
  EXPECT_TRUE(Within(seconds{10}, [&] {
    return StatusOf("cam").note.find("check user and password") != std::string::npos;
  })) << StatusOf("cam").note;
  system.reset();
  EXPECT_EQ(camera.heard().find("ss:w"), std::string::npos) << "the password in an address";
}

TEST_F(CameraSystemTest, ARedirectGivesNoLoginAwayAndTheStatusNamesIt) {
  for (const std::string scheme : {"rtsp", "rtspt", "rtsph"}) {
    RtspResponder other("127.0.0.2", kAsksForLogin);
    RtspResponder camera("127.0.0.1", "302 Moved\r\nLocation: " + scheme +
                                          "://127.0.0.2:" + std::to_string(other.port()) + "/");
    CameraConfig config = Config("cam");
    config.url = demo_city::RtspUrl(camera.port(), "cam");
    config.user = "admin";
    config.password = "PassW0rd";
    StartSystem({config});
    EXPECT_TRUE(Within(seconds{10}, [&] { return HasState("cam", CameraStatus::State::kDown); }));
    // A second attempt, too.
    EXPECT_TRUE(Within(seconds{10}, [&] {
      return HasState("cam", CameraStatus::State::kDown) && system->Counters()[0].connects >= 3;
    }));
    const std::string note = StatusOf("cam").note;
    system.reset();
    EXPECT_EQ(other.heard().find("Authorization"), std::string::npos) << scheme;
    EXPECT_EQ(camera.heard().find("Authorization"), std::string::npos);  // it did not ask
    EXPECT_FALSE(camera.heard().empty());
    if (scheme != "rtsph") {
      EXPECT_EQ(other.heard(), "") << scheme;
      EXPECT_NE(note.find("redirects to another address"), std::string::npos) << note;
      EXPECT_NE(note.find("摄像机转到另一个地址"), std::string::npos) << note;
    }
  }
}

TEST_F(CameraSystemTest, WhatCannotBeIsRefusedWithTheFieldNamed) {
  const auto refusal = [&](auto change) {
    CameraConfig config = Config(kTank);
    change(config);
    auto created = CameraSystem::Create({config}, clock, WORKER_PROGRAM, {});
    EXPECT_EQ(created.status().code(), StatusCode::kInvalidArgument);
    return created.ok() ? "" : created.status().message();
  };
  EXPECT_NE(refusal([](auto& c) { c.camera_id = "a/b"; }).find("camera_id"), std::string::npos);
  EXPECT_NE(refusal([](auto& c) { c.url = "http://x/"; }).find("rtsp://"), std::string::npos);
  const std::string secret = refusal([](auto& c) { c.url = "rtsp://u:geheim@h/"; });
  EXPECT_NE(secret.find("password"), std::string::npos);
  EXPECT_EQ(secret.find("geheim"), std::string::npos);
  EXPECT_NE(refusal([](auto& c) { c.stall_after = {}; }).find("stall_after"), std::string::npos);
  const CameraConfig twice = Config(kTank);
  EXPECT_EQ(CameraSystem::Create({twice, twice}, clock, WORKER_PROGRAM, {}).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace fusiongateway
