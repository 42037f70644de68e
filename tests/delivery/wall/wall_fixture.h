// A wall server over a TestBackend, with a page, ready to be asked.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "proto/codec/codec.h"
#include "tests/delivery/wall/wall_test_backend.h"
#include "tests/delivery/wall/wall_test_client.h"

namespace fusiongateway::test {

inline UtcTime At(const std::string& rfc3339) { return ParseRfc3339(rfc3339).value(); }

class WallFixture : public ::testing::Test {
 protected:
  WallFixture() {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("wall-" + std::to_string(::getpid()) + "-" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_ / "web");
    std::ofstream(folder_ / "web" / "index.html") << "<!doctype html>the page";
    std::ofstream(folder_ / "web" / "app.js") << "script";
    std::ofstream(folder_ / "secret.txt") << "secret";
    options_.port = 0;
    options_.web_root = folder_ / "web";
  }
  ~WallFixture() override {
    backend_.OnRecord(nullptr);
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  WallServer& Start() {
    auto server = WallServer::Start(options_, backend_, workers_.Taker());
    EXPECT_TRUE(server.ok()) << server.status().message();
    server_ = std::move(*server);
    backend_.OnRecord([wall = server_.get()] { wall->Notify(); });
    return *server_;
  }
  std::uint16_t port() const { return server_->port(); }
  Reply Get(const std::string& target, const Headers& headers = {}) {
    return HttpClient(port()).Get(target, headers);
  }
  static nlohmann::json JsonOf(const Reply& reply) {
    return nlohmann::json::parse(reply.body, nullptr, false);
  }

  static v1::Incident MakeIncident(const std::string& id,
                                   v1::IncidentState state = v1::UNVERIFIED) {
    v1::Incident incident;
    incident.set_incident_id(id);
    incident.set_state(state);
    incident.set_title("title of " + id);
    return incident;
  }

  // "cam", one frame every 100 ms, held from 10:00:00 to 10:01:00.
  void PutCamera() {
    TestCamera camera;
    camera.facts = {"cam", "罐区", "tank", "site-1", Position{34.8, 114.3, 5, {}}};
    camera.status.state = CameraStatus::State::kStreaming;
    camera.status.clock_source = ClockSource::kSenderReport;
    camera.uncertainty = std::chrono::microseconds(2500);
    camera.held = HeldRange{At("2026-11-23T10:00:00Z"), At("2026-11-23T10:01:00Z")};
    backend_.pictures().Put(camera);
    TestCamera dark;
    dark.facts.camera_id = "dark";
    backend_.pictures().Put(dark);
  }

  std::filesystem::path folder_;
  WallOptions options_;
  TestBackend backend_;
  TestWorkers workers_;
  std::unique_ptr<WallServer> server_;
};

// A door that holds whoever passes until it is opened.
class Door {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool WaitForSomebody(int count = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

}  // namespace fusiongateway::test
