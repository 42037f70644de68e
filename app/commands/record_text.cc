#include "app/commands/record_text.h"

#include <fmt/core.h>

#include <chrono>
#include <string_view>

#include "fusion/base/time.h"
#include "fusiongateway/v1/stream.pb.h"
#include "proto/codec/codec.h"

namespace fusiongateway {
namespace {

constexpr Duration kBeijing = std::chrono::hours(8);

// "2026-11-23 18:00:00.123"
std::string BeijingTime(const google::protobuf::Timestamp& time) {
  std::string text = FormatRfc3339(SaturatingAdd(FromWire(time), kBeijing));
  text[10] = ' ';
  return text.substr(0, 23);
}

// "±8 ms", "±30 s"
std::string Bound(const google::protobuf::Duration& uncertainty) {
  const double seconds = std::chrono::duration<double>(FromWire(uncertainty)).count();
  if (seconds < 0.001) return fmt::format("±{:.0f} µs", seconds * 1e6);
  if (seconds < 1) return fmt::format("±{:.0f} ms", seconds * 1e3);
  return fmt::format("±{:.3g} s", seconds);
}

std::string StampText(const v1::Stamp& stamp) {
  return BeijingTime(stamp.utc()) + " " + Bound(stamp.uncertainty());
}

std::string_view KindText(v1::ReportKind kind) {
  switch (kind) {
    case v1::POLICE_CALL:
      return "110 警情 police call";
    case v1::SKY_GUARD_ALARM:
      return "蓝天卫士 sky guard";
    case v1::SENSOR_READING:
      return "传感器值 sensor reading";
    case v1::SENSOR_ALARM:
      return "传感器报警 sensor alarm";
    case v1::RISK_WARNING:
      return "风险预警 risk warning";
    case v1::GRID_REPORT:
      return "网格上报 grid report";
    case v1::CAMERA_FINDING:
      return "视频发现 camera finding";
    case v1::DATA_LOST:
      return "数据中断 data lost";
    default:
      return "报告 report";
  }
}

std::string_view StateText(v1::IncidentState state) {
  switch (state) {
    case v1::UNVERIFIED:
      return "待核实 unverified";
    case v1::ACCEPTED:
      return "已接报 accepted";
    case v1::ASSESSING:
      return "研判 assessing";
    case v1::RESPONDING:
      return "响应中 responding";
    case v1::HANDLING:
      return "处置中 handling";
    case v1::FOLLOWING_UP:
      return "续报 following up";
    case v1::FINAL_REPORT:
      return "终报 final report";
    case v1::ARCHIVED:
      return "归档 archived";
    case v1::FALSE_ALARM:
      return "误报 false alarm";
    case v1::MERGED:
      return "合并 merged";
    case v1::TRANSFERRED:
      return "转办 transferred";
    case v1::EXPIRED:
      return "超时关闭 expired";
    case v1::CLOSED:
      return "已关闭 closed";
    default:
      return "";
  }
}

std::string_view Colour(v1::Severity severity) {
  switch (severity) {
    case v1::EXTREME:
      return "\x1b[1;31m";
    case v1::SEVERE:
      return "\x1b[31m";
    case v1::MODERATE:
      return "\x1b[33m";
    case v1::MINOR:
      return "\x1b[36m";
    default:
      return "";
  }
}

std::string ReportText(const v1::Report& report) {
  return fmt::format("{} {} {}/{} {} {}{}", StampText(report.aligned()), KindText(report.kind()),
                     report.feed_id(), report.report_id(), report.class_code(), report.summary(),
                     report.drill() ? " [演练 drill]" : "");
}

std::string CameraText(const v1::IncidentCamera& camera) {
  std::string text = fmt::format("\n    摄像机 camera {} {} · {}", camera.rank(),
                                 camera.camera_id(), camera.why());
  for (const v1::FrameRef& frame : camera.frames()) {
    const double offset = std::chrono::duration<double>(FromWire(frame.offset())).count();
    text += fmt::format("\n      {} {:+.3f} s {} ← {}", frame.frame_id(), offset,
                        Bound(frame.captured().uncertainty()), frame.report_id());
  }
  return text;
}

std::string IncidentText(const v1::Incident& incident) {
  std::string text =
      fmt::format("{} 事件 incident {} r{} {} {} {}{}", StampText(incident.updated()),
                  incident.incident_id(), incident.revision(), StateText(incident.state()),
                  incident.class_code(), incident.title(), incident.drill() ? " [演练 drill]" : "");
  text += fmt::format("\n    {} {} · 证据 evidence {} · 可信度 confidence {:.2f}",
                      incident.change().what(), incident.change().cause(),
                      incident.evidence_count(), incident.confidence());
  for (const v1::IncidentCamera& camera : incident.cameras()) text += CameraText(camera);
  return text;
}

std::string FeedText(const v1::FeedStatus& feed) {
  return fmt::format("数据源 feed {} {} {}", feed.feed_id(),
                     v1::FeedStatus::State_Name(feed.state()), feed.note());
}

// Nothing before the first frame.
std::string ClockText(const v1::CameraStatus& camera) {
  if (camera.clock_source() == v1::CLOCK_SOURCE_UNSPECIFIED) return "";
  return fmt::format("{} {} ", v1::ClockSource_Name(camera.clock_source()),
                     Bound(camera.uncertainty()));
}

std::string CameraStatusText(const v1::CameraStatus& camera) {
  return fmt::format("摄像机 camera {} {} {}x{} {:.1f} fps {}{}", camera.camera_id(),
                     v1::CameraStatus::State_Name(camera.state()), camera.width(), camera.height(),
                     camera.frame_rate(), ClockText(camera), camera.note());
}

std::string BodyText(const v1::StreamRecord& record) {
  using Case = v1::StreamRecord::BodyCase;
  switch (record.body_case()) {
    case Case::kReport:
      return ReportText(record.report());
    case Case::kIncident:
      return IncidentText(record.incident());
    case Case::kFrame:
      return fmt::format("{} 帧 frame {} {}", StampText(record.frame().captured()),
                         record.frame().frame_id(), record.frame().reason());
    case Case::kFeed:
      return FeedText(record.feed());
    case Case::kCamera:
      return CameraStatusText(record.camera());
    case Case::kClock:
      return fmt::format(
          "本机时钟 host clock {} {}",
          record.clock().synchronised() ? "已同步 synchronised" : "未同步 not synchronised",
          Bound(record.clock().error_max()));
    case Case::kWatermark:
      return fmt::format("水位 watermark {} {}", BeijingTime(record.watermark().settled_through()),
                         record.watermark().blocker_feed_id());
    case Case::kAction:
      return fmt::format("操作 action {} {} {} {}", record.action().actor(),
                         record.action().action(), record.action().incident_id(),
                         record.action().reason());
    case Case::BODY_NOT_SET:
      return "(空 empty)";
  }
  return "";
}

v1::Severity SeverityOf(const v1::StreamRecord& record) {
  if (record.has_report()) return record.report().severity();
  if (record.has_incident()) return record.incident().severity();
  return v1::SEVERITY_UNSPECIFIED;
}

}  // namespace

std::string RecordText(const v1::StreamRecord& record, bool colour) {
  const std::string_view start = colour ? Colour(SeverityOf(record)) : std::string_view();
  std::string flags;
  if (record.late()) flags += " 迟到 late";
  if (record.amends_seq() != 0) flags += fmt::format(" 更正 amends {}", record.amends_seq());
  return fmt::format("{:>6} {}{}{}{}\n", record.seq(), start, BodyText(record), flags,
                     start.empty() ? "" : "\x1b[0m");
}

}  // namespace fusiongateway
