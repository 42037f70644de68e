// A wall with a lively city behind it and no gateway: for looking at the page, and for the page's
// own test. Usage: wall_showcase WEB_ROOT [PORT]; prints the address, serves until stdin closes.
//
// The city is frozen in its setting and lives in its times: everything is placed relative to now.
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <thread>

#include "proto/codec/codec.h"
#include "tests/delivery/wall/wall_test_backend.h"

namespace fusiongateway::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

UtcTime Now() { return std::chrono::system_clock::now(); }

// A tank farm, a gate or a tower's view, with smoke that grows, and the capture time written in.
std::string Paint(const TestCamera& camera, const FrameInfo& frame) {
  cv::Mat image(540, 960, CV_8UC3);
  const bool tower = camera.facts.role == "tower";
  for (int y = 0; y < image.rows; ++y) {
    const double t = static_cast<double>(y) / image.rows;
    const cv::Scalar sky(170 - 60 * t, 160 - 50 * t, 140 - 40 * t);
    const cv::Scalar ground(70, 88, 92);
    image.row(y).setTo(t < (tower ? 0.35 : 0.55) ? sky : ground * (1.1 - 0.3 * t));
  }
  const auto number = frame.captured.utc.time_since_epoch() / milliseconds(100);
  const int tanks = tower ? 6 : camera.facts.role == "gate" ? 1 : 3;
  for (int i = 0; i < tanks; ++i) {
    const int width = tower ? 90 : 220;
    const int x = 70 + i * (tower ? 140 : 280);
    const int top = tower ? 220 : 170;
    const cv::Scalar shade(165 - 9 * i, 170 - 9 * i, 172 - 9 * i);
    cv::rectangle(image, {x, top, width, tower ? 110 : 240}, shade, cv::FILLED);
    cv::ellipse(image, {x + width / 2, top}, {width / 2, tower ? 12 : 26}, 0, 0, 360, shade * 1.12,
                cv::FILLED);
    cv::rectangle(image, {x + width * 3 / 4, top, width / 8, tower ? 110 : 240}, shade * 0.8,
                  cv::FILLED);
  }
  cv::Mat smoke = image.clone();
  for (int i = 0; i < 26; ++i) {
    const double phase = static_cast<double>((number * 3 + i * 37) % 260) / 260;
    const cv::Point centre(430 + static_cast<int>(230 * phase + 14 * ((i * 7) % 5)),
                           (tower ? 230 : 190) - static_cast<int>(170 * phase));
    cv::circle(smoke, centre, 16 + static_cast<int>(46 * phase), {196, 214, 206}, cv::FILLED);
  }
  cv::GaussianBlur(smoke, smoke, {41, 41}, 0);
  cv::addWeighted(smoke, 0.55, image, 0.45, 0, image);
  cv::putText(image, FormatRfc3339(frame.captured.utc), {24, 512}, cv::FONT_HERSHEY_DUPLEX, 0.9,
              {255, 255, 255}, 1, cv::LINE_AA);
  std::vector<unsigned char> jpeg;
  cv::imencode(".jpg", image, jpeg, {cv::IMWRITE_JPEG_QUALITY, 82});
  return {jpeg.begin(), jpeg.end()};
}

void PutCamera(TestBackend& city, const std::string& id, const std::string& name,
               const std::string& role, CameraStatus::State state, ClockSource source,
               Duration uncertainty, const std::string& note = "") {
  TestCamera camera;
  camera.facts = {id, name, role, "410200007", Position{34.7971, 114.3071, 5, {}}};
  camera.status.state = state;
  camera.status.clock_source = source;
  camera.status.uncertainty = uncertainty;
  camera.status.frame_rate = state == CameraStatus::State::kStreaming ? 25 : 0;
  camera.status.width = 1920;
  camera.status.height = 1080;
  camera.status.codec = "h264";
  camera.status.note = note;
  camera.uncertainty = uncertainty;
  if (state == CameraStatus::State::kStreaming) {
    camera.held = HeldRange{Now() - minutes(20), Now() + minutes(600)};
  }
  city.pictures().Put(std::move(camera));
}

void PutFeed(TestBackend& city, const std::string& id, v1::FeedStatus::State state,
             std::uint64_t accepted, std::uint64_t rejected, const std::string& note = "") {
  v1::FeedStatus feed;
  feed.set_feed_id(id);
  feed.set_state(state);
  feed.set_accepted(accepted);
  feed.set_rejected(rejected);
  feed.set_note(note);
  city.PutFeed(std::move(feed));
}

Stamp At(UtcTime utc, Duration uncertainty, ClockSource source) {
  return {utc, uncertainty, source, 1};
}

struct Fact {
  const char* report_id;
  const char* feed_id;
  v1::ReportKind kind;
  Duration ago;
  Duration uncertainty;
  ClockSource source;
  v1::Severity severity;
  const char* summary;
  const char* why;
  std::uint32_t repeats = 1;
};

// As the engine words them.
constexpr std::array kCameraReasons = {"同一企业 410200007 · 储罐 · 31 米",
                                       "同一企业 410200007 · 大门 · 150 米",
                                       "报警来源 · 铁塔 · 1204 米", "视野覆盖 · 摄像机"};

void AddEvidence(const TestFrames& pictures, const std::vector<std::string>& cameras, UtcTime now,
                 const Fact& fact, v1::Incident* incident) {
  v1::Evidence* evidence = incident->add_evidence();
  evidence->set_report_id(fact.report_id);
  evidence->set_feed_id(fact.feed_id);
  evidence->set_kind(fact.kind);
  evidence->set_score(700);
  evidence->set_why(fact.why);
  evidence->set_action(v1::START);
  evidence->set_severity(fact.severity);
  evidence->set_summary(fact.summary);
  evidence->set_repeat_count(fact.repeats);
  const Stamp aligned = At(now - fact.ago, fact.uncertainty, fact.source);
  ToWire(aligned, evidence->mutable_aligned());
  ToWire(aligned, incident->mutable_updated());
  incident->set_severity(std::max(incident->severity(), fact.severity));
  while (incident->cameras_size() < static_cast<int>(cameras.size())) {
    const std::string& id = cameras[static_cast<std::size_t>(incident->cameras_size())];
    v1::IncidentCamera* camera = incident->add_cameras();
    camera->set_camera_id(id);
    camera->set_rank(static_cast<std::uint32_t>(incident->cameras_size()));
    camera->set_why(kCameraReasons[std::min<std::size_t>(camera->rank(), 4) - 1]);
  }
  for (v1::IncidentCamera& camera : *incident->mutable_cameras()) {
    const auto frame = pictures.Nearest(camera.camera_id(), aligned.utc);
    if (!frame.ok()) continue;
    v1::FrameRef* ref = camera.add_frames();
    ref->set_frame_id(frame.value().frame_id);
    ToWire(frame.value().captured, ref->mutable_captured());
    ToWire(SaturatingSubtract(frame.value().captured.utc, aligned.utc), ref->mutable_offset());
    ref->set_report_id(fact.report_id);
    ref->set_feed_id(fact.feed_id);
    ref->set_keyframe(frame.value().keyframe);
  }
}

v1::Incident NewIncident(const std::string& id, v1::IncidentState state, const std::string& code,
                         const std::string& district, const std::string& title, UtcTime started,
                         double confidence) {
  v1::Incident incident;
  incident.set_incident_id(id);
  incident.set_state(state);
  incident.set_class_code(code);
  incident.set_district_code(district);
  incident.set_title(title);
  incident.set_confidence(confidence);
  ToWire(At(started, milliseconds(300), ClockSource::kProbed), incident.mutable_started());
  ToWire(At(started, milliseconds(300), ClockSource::kProbed), incident.mutable_updated());
  ToWire(Position{34.7971, 114.3071, 60, CoordinateSystem::kGcj02}, incident.mutable_position());
  incident.mutable_change()->set_what("opened");
  return incident;
}

const std::vector<Fact>& ChlorineFacts() {
  static const std::vector<Fact> facts = {
      {"A-20261123-0007", "hazmat", v1::SENSOR_ALARM, seconds(212), milliseconds(620),
       ClockSource::kProbed, v1::MODERATE, "T-101 罐区氯气 1.2 ppm，超一级限值 1 ppm（H）",
       "首个报告"},
      {"A-20261123-0008", "hazmat", v1::SENSOR_ALARM, seconds(142), milliseconds(540),
       ClockSource::kProbed, v1::SEVERE, "T-101 罐区氯气 3.4 ppm，超二级限值 3 ppm（HH）",
       "同一测点 410200007002G0001QT001 · 晚 70 秒"},
      {"410200202611230341", "police110", v1::POLICE_CALL, seconds(92), seconds(8),
       ClockSource::kDeclared, v1::MODERATE, "群众报警：宏业化工北侧有刺鼻气味，138****5678",
       "相距 812 米 · 晚 120 秒"},
      {"410200202611230344", "police110", v1::POLICE_CALL, seconds(90), seconds(8),
       ClockSource::kDeclared, v1::MODERATE, "群众报警：李*称孩子咳嗽、眼睛刺痛",
       "同一企业 410200007 · 晚 122 秒"},
      {"SG-88213", "sky_guard", v1::SKY_GUARD_ALARM, seconds(52), milliseconds(1900),
       ClockSource::kArrival, v1::MODERATE, "铁塔烟雾告警：方位 47.2°，置信度 0.71",
       "方位 47° 指向现场 · 晚 160 秒", 3},
  };
  return facts;
}

const std::vector<std::string>& SiteCameras() {
  static const std::vector<std::string> cameras = {"cam-tank", "cam-gate", "cam-tower-12",
                                                   "cam-east"};
  return cameras;
}

void PutQuietCity(TestBackend& city, UtcTime now) {
  TestFrames& pictures = city.pictures();
  v1::Incident fire = NewIncident("KF1-20261123-2", v1::UNVERIFIED, "19X01", "410221",
                                  "杞县 柿园乡 疑似秸秆焚烧", now - minutes(11), 0.34);
  AddEvidence(pictures, {"cam-tower-07"}, now,
              {"SG-88190", "sky_guard", v1::SKY_GUARD_ALARM, minutes(11), milliseconds(1900),
               ClockSource::kArrival, v1::MINOR, "铁塔烟雾告警：方位 312.5°", "首个报告", 4},
              &fire);
  city.Put(fire);
  v1::Incident crash = NewIncident("KF1-20261123-1", v1::RESPONDING, "12H00", "410212",
                                   "祥符区 连霍高速 K512 危化品罐车侧翻", now - minutes(48), 0.78);
  crash.set_suggested_grade(v1::GRADE_III);
  crash.set_confirmed_grade(v1::GRADE_III);
  AddEvidence(pictures, {"cam-gate"}, now,
              {"410200202611230298", "police110", v1::POLICE_CALL, minutes(48), seconds(8),
               ClockSource::kDeclared, v1::SEVERE, "罐车侧翻，2 人受伤，疑似泄漏", "首个报告"},
              &crash);
  AddEvidence(pictures, {"cam-gate"}, now,
              {"E-2231", "grid", v1::GRID_REPORT, minutes(39), seconds(31), ClockSource::kDeclared,
               v1::MODERATE, "网格员：现场已拉警戒线，有少量液体滴漏", "相距 120 米 · 晚 12 分钟"},
              &crash);
  city.Put(crash);
  v1::Incident dust = NewIncident("KF1-20261122-9", v1::FALSE_ALARM, "12G00", "410225",
                                  "兰考县 工地扬尘（误报）", now - minutes(95), 0.2);
  dust.mutable_change()->set_note("工地扬尘");
  city.Put(dust);
  v1::Incident drill = NewIncident("KF1-20261123-3", v1::ACCEPTED, "12G01", "410205",
                                   "禹王台区 厂房火灾应急演练", now - minutes(6), 0.66);
  drill.set_drill(true);
  drill.set_drill_id("2026-11-YL-07");
  AddEvidence(pictures, {"cam-east"}, now,
              {"E-2240", "grid", v1::GRID_REPORT, minutes(6), seconds(31), ClockSource::kDeclared,
               v1::MODERATE, "演练：二号厂房冒烟", "首个报告"},
              &drill);
  city.Put(drill);
}

void BuildCity(TestBackend& city) {
  using State = CameraStatus::State;
  city.pictures().SetPainter(Paint);
  PutCamera(city, "cam-tank", "罐区 T-101", "tank", State::kStreaming, ClockSource::kSenderReport,
            milliseconds(4));
  PutCamera(city, "cam-gate", "北门", "gate", State::kStreaming, ClockSource::kSenderReport,
            milliseconds(6));
  PutCamera(city, "cam-tower-12", "蓝天卫士 12 号塔", "tower", State::kStreaming,
            ClockSource::kArrival, milliseconds(58));
  PutCamera(city, "cam-tower-07", "铁塔 07 号", "tower", State::kStreaming,
            ClockSource::kUnsynchronised, seconds(2));
  PutCamera(city, "cam-east", "东侧装卸区", "yard", State::kDown, ClockSource::kUnspecified,
            Duration(0), "连接被拒绝 / connection refused; retrying in 8 s");
  PutFeed(city, "hazmat", v1::FeedStatus::CONNECTED, 18231, 0);
  PutFeed(city, "police110", v1::FeedStatus::CONNECTED, 412, 1);
  PutFeed(city, "sky_guard", v1::FeedStatus::IDLE, 96, 0, "12 秒未收到报告 / silent for 12 s");
  PutFeed(city, "grid", v1::FeedStatus::CONNECTED, 233, 0);
  PutFeed(city, "new-town", v1::FeedStatus::DISCONNECTED, 0, 0, "网关刚启动 / gateway started");
  PutFeed(city, "try-it", v1::FeedStatus::DISCONNECTED, 4, 3, "发布端已告别 / said bye");
  PutFeed(city, "video", v1::FeedStatus::DISCONNECTED, 7, 0,
          "太久没有消息和心跳 / silent for too long; no heartbeat");
  PutQuietCity(city, Now());
}

// The chlorine incident grows by one evidence every `pace`, then its revisions go on quietly.
void PlayChlorine(TestBackend& city, std::atomic<bool>& stopping, Duration pace) {
  const UtcTime now = Now();
  v1::Incident incident =
      NewIncident("KF1-20261123-4", v1::UNVERIFIED, "12D02", "410202",
                  "宏业化工（演示） · 危化品 报警 氯气浓度高高限 3.4 ppm（限值 3 ppm） "
                  "4102000070…",
                  now - seconds(212), 0.31);
  incident.set_site_id("410200007");
  for (const Fact& fact : ChlorineFacts()) {
    AddEvidence(city.pictures(), SiteCameras(), now, fact, &incident);
    if (incident.evidence_size() >= 2) incident.set_suggested_grade(v1::GRADE_IV);
    if (incident.evidence_size() >= 3) incident.set_state(v1::ACCEPTED);
    incident.set_confidence(std::min(0.93, 0.31 + 0.16 * incident.evidence_size()));
    incident.mutable_change()->set_what(incident.evidence_size() == 1 ? "opened"
                                                                      : "evidence_added");
    city.Put(incident);
    for (Duration waited{0}; waited < pace && !stopping; waited += milliseconds(50)) {
      std::this_thread::sleep_for(milliseconds(50));
    }
  }
  while (!stopping) {
    v1::StreamRecord record;
    ToWire(Now() - seconds(4), record.mutable_watermark()->mutable_settled_through());
    record.mutable_watermark()->set_blocker_feed_id("police110");
    city.PutRecord(std::move(record));
    std::this_thread::sleep_for(milliseconds(500));
  }
}

int Serve(const std::string& web_root, std::uint16_t port) {
  TestBackend city;
  TestWorkers workers;
  BuildCity(city);
  WallOptions options;
  options.port = port;
  options.web_root = web_root;
  auto server = WallServer::Start(options, city, workers.Taker());
  if (!server.ok()) {
    fmt::print(stderr, "wall_showcase: {}\n", server.status().message());
    return 1;
  }
  WallServer& wall = **server;
  city.OnRecord([&wall] { wall.Notify(); });
  std::atomic<bool> stopping{false};
  std::thread play([&] { PlayChlorine(city, stopping, milliseconds(300)); });
  fmt::print("{}\n", wall.url());
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
  }
  stopping = true;
  play.join();
  city.OnRecord(nullptr);
  wall.Stop();
  return 0;
}

}  // namespace
}  // namespace fusiongateway::test

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    fmt::print(stderr, "usage: wall_showcase WEB_ROOT [PORT]\n");
    return 2;
  }
  const int port = argc > 2 ? std::atoi(argv[2]) : 0;
  return fusiongateway::test::Serve(argv[1], static_cast<std::uint16_t>(port));
}
