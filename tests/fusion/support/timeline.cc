#include "tests/fusion/support/timeline.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

#include "fusion/correlate/geometry.h"

namespace fusiongateway::testing {
namespace {

Report Base(std::string report_id, std::string feed_id, ReportKind kind, std::string_view clock) {
  Report report;
  report.report_id = std::move(report_id);
  report.feed_id = std::move(feed_id);
  report.kind = kind;
  report.action = ReportAction::kStart;
  const UtcTime time = BeijingTime(clock);
  report.updated_at = time;
  report.occurred_at = time;
  report.received_at = time + std::chrono::milliseconds{500};
  report.aligned = {time, std::chrono::milliseconds{500}, ClockSource::kProbed, 1};
  report.district_code = "410202";
  return report;
}

}  // namespace

UtcTime BeijingTime(std::string_view clock) {
  const auto time = ParseRfc3339("2026-11-23T" + std::string(clock) + "+08:00");
  return time.ok() ? *time : UtcTime{};
}

Position FromSite(double north_m, double east_m, double uncertainty_m) {
  const Position site{kSiteLatitude, kSiteLongitude, 0, CoordinateSystem::kWgs84};
  const double distance = std::hypot(north_m, east_m);
  Position place =
      distance == 0 ? site
                    : Destination(site, std::atan2(east_m, north_m) * 57.29577951308232, distance);
  place.uncertainty_m = uncertainty_m;
  return place;
}

EngineConfig DemoConfig() {
  EngineConfig config;
  config.gateway_id = "kf";
  for (const char* feed : {"police110", "sky_guard", "hazmat", "grid"}) {
    config.feeds.push_back({feed, std::chrono::seconds{10}, std::chrono::seconds{5}});
  }
  config.sites.push_back({kSiteId,
                          "开封制氯厂",
                          FromSite(0, 0, 0),
                          "410202",
                          "chlorine",
                          200,
                          {"410200007002G0001QT001", "410200007002G0001QT002"},
                          {}});
  config.sites.push_back(
      {"410200008", "普通仓库", FromSite(0, 6000, 0), "410202", "", 200, {}, {}});
  const auto camera = [&](const char* id, const char* role, const char* site, Position place,
                          double range) {
    config.cameras.push_back({id, id, role, site, place, range});
  };
  camera("street-2", "street", "", FromSite(-3000, -4500), 100);
  camera("yard-1", "yard", "410200008", FromSite(0, 6050), 150);
  camera("street-1", "street", "", FromSite(0, -900), 100);
  camera(kTowerId, "tower", "", FromSite(1200, 0), 3000);
  camera("gate-1", "gate", kSiteId, FromSite(-60, 100), 150);
  camera("tank-101", "tank", kSiteId, FromSite(30, 15), 80);
  return config;
}

Report GasAlarm(std::string report_id, std::string_view clock, std::string level, double ppm) {
  Report report = Base(std::move(report_id), "hazmat", ReportKind::kSensorAlarm, clock);
  report.severity = level == "HH" ? Severity::kSevere : Severity::kModerate;
  report.class_code = "12D02";
  report.site_id = kSiteId;
  report.device_id = "410200007002G0001QT001";
  report.position = FromSite(20, 10);
  report.summary = "T-101 氯气浓度 " + level;
  SensorDetail detail;
  detail.enterprise_id = kSiteId;
  detail.gateway_id = "gw-1";
  detail.quota_id = report.device_id;
  detail.level = level;
  detail.value = ppm;
  detail.unit = "ppm";
  detail.indicator = "QT";
  detail.medium = "chlorine";
  report.detail = detail;
  return report;
}

Report PoliceCall(std::string call_id, std::string_view clock, Position place,
                  std::string class_code, std::string text) {
  Report report = Base(call_id, "police110", ReportKind::kPoliceCall, clock);
  report.position = place;
  report.class_code = std::move(class_code);
  report.severity = Severity::kModerate;
  report.summary = text;
  PoliceCallDetail detail;
  detail.document = PoliceCallDetail::Document::kCall;
  detail.call_id = std::move(call_id);
  detail.text = std::move(text);
  report.detail = detail;
  return report;
}

Report OdourCall(std::string call_id, std::string_view clock, Position place) {
  return PoliceCall(std::move(call_id), clock, place, "12Q02", "闻到刺鼻气味，眼睛难受");
}

Report TowerSmoke(std::string report_id, std::string_view clock, std::optional<Position> fix) {
  Report report = Base(std::move(report_id), "sky_guard", ReportKind::kSkyGuardAlarm, clock);
  report.device_id = kTowerId;
  report.camera_ids = {kTowerId};
  report.position = fix;
  report.class_code = "19X01";
  report.severity = Severity::kMinor;
  report.summary = "铁塔发现烟雾";
  SkyGuardDetail detail;
  detail.alarm_type = "smoke";
  detail.review_state = "unreviewed";
  report.detail = detail;
  return report;
}

Report GridReport(std::string report_id, std::string_view clock, Position place,
                  std::string class_code) {
  Report report = Base(std::move(report_id), "grid", ReportKind::kGridReport, clock);
  report.position = place;
  report.class_code = std::move(class_code);
  report.severity = Severity::kMinor;
  report.summary = "网格员上报";
  report.detail = GridDetail{};
  return report;
}

Report Reading(std::string report_id, std::string_view clock, double value) {
  Report report = Base(std::move(report_id), "hazmat", ReportKind::kSensorReading, clock);
  report.site_id = kSiteId;
  SensorDetail detail;
  detail.enterprise_id = kSiteId;
  detail.gateway_id = "gw-1";
  detail.values = {{"410200007002G0001QT001", value}};
  report.detail = detail;
  return report;
}

Timeline::Timeline(const EngineConfig& config) : at_(BeijingTime("00:00:00")) {
  Log(at_, JournalOpened{config.gateway_id, "journal-1", std::string(kEngineVersion)});
  Log(at_, ConfigLoaded{std::make_shared<const EngineConfig>(config)});
}

EngineOutput Timeline::Apply(LogEntry entry) {
  EngineOutput out;
  engine_.Apply(entry, &out);
  log_.push_back(std::move(entry));
  Append(&all_, out);
  return out;
}

EngineOutput Timeline::Log(UtcTime at, decltype(LogEntry::body) body) {
  EngineOutput made;
  for (int ticks = 0; ticks < 100'000; ++ticks) {
    const auto wake = engine_.NextWakeUp();
    if (!wake || *wake > at) break;
    at_ = std::max(at_, *wake);
    Append(&made, Apply({log_.size() + 1, at_, Tick{}}));
  }
  at_ = std::max(at_, at);
  Append(&made, Apply({log_.size() + 1, at_, std::move(body)}));
  return made;
}

EngineOutput Timeline::Arrives(Report report) {
  const UtcTime at = report.received_at;
  return Log(at, std::make_shared<const Report>(std::move(report)));
}

EngineOutput Timeline::ArrivesAt(std::string_view clock, Report report) {
  report.received_at = BeijingTime(clock);
  return Arrives(std::move(report));
}

EngineOutput Timeline::Act(std::string_view clock, OperatorAction action) {
  return Log(BeijingTime(clock), std::move(action));
}

EngineOutput Timeline::Until(std::string_view clock) { return Log(BeijingTime(clock), Tick{}); }

IncidentPtr Timeline::IncidentOf(const std::string& report_id) const {
  IncidentPtr latest;
  for (const StreamRecord& record : all_.live) {
    const auto* incident = std::get_if<IncidentPtr>(&record.body);
    if (!incident) continue;
    for (const Evidence& evidence : (*incident)->evidence) {
      if (evidence.report_id == report_id) latest = *incident;
    }
  }
  return latest;
}

std::vector<std::string> Timeline::SettledReportIds() const {
  std::vector<std::string> ids;
  for (const StreamRecord& record : all_.settled) {
    if (const Report* report = ReportIn(record)) ids.push_back(report->report_id);
  }
  return ids;
}

void Append(EngineOutput* all, const EngineOutput& more) {
  const auto append = [](auto* to, const auto& from) {
    to->insert(to->end(), from.begin(), from.end());
  };
  append(&all->live, more.live);
  append(&all->settled, more.settled);
  append(&all->frames_wanted, more.frames_wanted);
  append(&all->attachments_wanted, more.attachments_wanted);
  append(&all->dispositions, more.dispositions);
  append(&all->actions, more.actions);
}

const Report* ReportIn(const StreamRecord& record) {
  const auto* report = std::get_if<ReportPtr>(&record.body);
  return report ? report->get() : nullptr;
}

const Incident* IncidentIn(const StreamRecord& record) {
  const auto* incident = std::get_if<IncidentPtr>(&record.body);
  return incident ? incident->get() : nullptr;
}

namespace {

std::string Text(const Stamp& stamp) {
  return FormatRfc3339(stamp.utc) + "±" + std::to_string(stamp.uncertainty.count());
}

void DumpIncident(const Incident& i, std::ostream& to) {
  to << i.incident_id << '#' << i.revision << ' ' << ToString(i.state) << ' ' << i.class_code << ' '
     << int(i.suggested_grade) << int(i.confirmed_grade) << ' ' << std::hexfloat << i.confidence
     << ' ' << Text(i.started) << ' ' << Text(i.updated);
  if (i.position) {
    to << " @" << i.position->latitude << ',' << i.position->longitude << '~'
       << i.position->uncertainty_m;
  }
  to << ' ' << i.district_code << ' ' << i.site_id << ' ' << i.title << ' ' << int(i.severity)
     << " drill=" << i.drill << i.drill_id << " restricted=" << i.restricted
     << " n=" << i.evidence_count;
  for (const Evidence& e : i.evidence) {
    to << " [" << e.feed_id << '/' << e.report_id << ' ' << ToString(e.kind) << ' '
       << Text(e.aligned) << ' ' << e.score << ' ' << e.why << ' ' << int(e.action)
       << int(e.severity) << ' ' << e.summary << " x" << e.repeat_count;
    for (const FetchedAttachment& a : e.attachments) {
      to << " @" << a.attachment.role << ' ' << a.attachment.url << ' ' << a.attachment.media_type
         << ' ' << a.attachment.size_bytes << ' '
         << (a.attachment.digest ? a.attachment.digest->value : a.failure);
    }
    to << ']';
  }
  for (const IncidentCamera& c : i.cameras) {
    to << " {" << c.rank << ' ' << c.camera_id << ' ' << c.why;
    for (const FrameRef& f : c.frames) {
      to << ' ' << f.frame_id << ' ' << f.offset.count() << ' ' << f.report_id;
    }
    to << '}';
  }
  for (const RelatedIncident& r : i.related) {
    to << " ~" << r.relation << ' ' << r.incident_id << ' ' << r.why;
  }
  to << " change=" << i.change.what << ' ' << i.change.cause << ' ' << i.change.actor << ' '
     << i.change.note;
}

struct BodyDump {
  std::ostream& to;
  void operator()(const ReportPtr& r) const {
    to << "report " << r->feed_id << '/' << r->report_id << ' ' << Text(r->aligned);
  }
  void operator()(const IncidentPtr& i) const {
    to << "incident ";
    DumpIncident(*i, to);
  }
  void operator()(const FrameMark& f) const { to << "frame " << f.frame_id; }
  void operator()(const FeedStatus& f) const { to << "feed " << f.feed_id << int(f.state); }
  void operator()(const CameraStatus& c) const { to << "camera " << c.camera_id << int(c.state); }
  void operator()(const HostClock& c) const { to << "clock " << c.synchronised; }
  void operator()(const Watermark& w) const {
    to << "watermark " << FormatRfc3339(w.settled_through) << ' ' << w.blocker_feed_id;
  }
  void operator()(const OperatorAction& a) const {
    to << "action " << a.action_id << ' ' << a.action << ' ' << a.resulting_revision;
  }
};

void DumpRecord(const char* stream, const StreamRecord& r, std::ostream& to) {
  to << stream << ' ' << r.seq << ' ' << r.origin.gateway_id << ' ' << r.origin.journal_id << ' '
     << r.origin.seq << ' ' << FormatRfc3339(r.at) << " p" << r.provisional << " l" << r.late
     << " a" << r.amends_seq << " at" << r.report_position << " same" << r.same_as_live_seq << ' ';
  std::visit(BodyDump{to}, r.body);
  to << '\n';
}

}  // namespace

std::string Dump(const EngineOutput& output) {
  std::ostringstream to;
  for (const StreamRecord& record : output.live) DumpRecord("live", record, to);
  for (const StreamRecord& record : output.settled) DumpRecord("settled", record, to);
  for (const FrameWanted& wish : output.frames_wanted) {
    to << "wish " << wish.incident_id << ' ' << wish.camera_id << ' ' << wish.report_id << ' '
       << Text(wish.at) << '\n';
  }
  for (const DispositionMade& d : output.dispositions) {
    to << "disposition " << d.feed_id << ' ' << d.seq << ' ' << d.report_id << ' ' << d.incident_id
       << ' ' << ToString(d.state) << ' ' << d.note << '\n';
  }
  for (const ActionResult& a : output.actions) {
    to << "result " << a.action_id << ' ' << ToString(a.code) << ' ' << a.revision << ' '
       << a.message << '\n';
  }
  return to.str();
}

}  // namespace fusiongateway::testing
