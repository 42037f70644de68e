#include "proto/codec/codec.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace fusiongateway {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

// seconds * 1e9 + nanos, held at the ends of int64.
std::int64_t Nanoseconds(std::int64_t seconds, std::int64_t nanos) {
  std::int64_t product = 0;
  std::int64_t sum = 0;
  if (__builtin_mul_overflow(seconds, kNanosPerSecond, &product) ||
      __builtin_add_overflow(product, nanos, &sum)) {
    return seconds < 0 ? std::numeric_limits<std::int64_t>::min()
                       : std::numeric_limits<std::int64_t>::max();
  }
  return sum;
}

template <typename Repeated>
std::vector<std::string> Strings(const Repeated& from) {
  return {from.begin(), from.end()};
}

}  // namespace

// Parts of the messages below. Not in an anonymous namespace: there they would hide the overloads
// of the header.
static void ToWire(const Bearing& from, v1::Bearing* to) {
  to->set_azimuth_deg(from.azimuth_deg);
  to->set_uncertainty_deg(from.uncertainty_deg);
  ToWire(from.origin, to->mutable_origin());
  to->set_range_m(from.range_m);
}

static Bearing FromWire(const v1::Bearing& from) {
  return {from.azimuth_deg(), from.uncertainty_deg(), FromWire(from.origin()), from.range_m()};
}

static void ToWire(const BoundingBox& from, v1::BoundingBox* to) {
  to->set_x(from.x);
  to->set_y(from.y);
  to->set_width(from.width);
  to->set_height(from.height);
}

static BoundingBox FromWire(const v1::BoundingBox& from) {
  return {from.x(), from.y(), from.width(), from.height()};
}

static void ToWire(const SensorLimits& from, v1::SensorLimits* to) {
  if (from.low_low) to->set_low_low(*from.low_low);
  if (from.low) to->set_low(*from.low);
  if (from.high) to->set_high(*from.high);
  if (from.high_high) to->set_high_high(*from.high_high);
}

static SensorLimits FromWire(const v1::SensorLimits& from) {
  SensorLimits to;
  if (from.has_low_low()) to.low_low = from.low_low();
  if (from.has_low()) to.low = from.low();
  if (from.has_high()) to.high = from.high();
  if (from.has_high_high()) to.high_high = from.high_high();
  return to;
}

static void ToWire(const Attachment& from, v1::Attachment* to) {
  to->set_role(from.role);
  to->set_url(from.url);
  to->set_media_type(from.media_type);
  to->set_size_bytes(from.size_bytes);
  if (from.digest) {
    to->mutable_digest()->set_alg(from.digest->alg);
    to->mutable_digest()->set_value(from.digest->value);
  }
}

static Attachment FromWire(const v1::Attachment& from) {
  Attachment to{from.role(), from.url(), from.media_type(), from.size_bytes(), std::nullopt};
  if (from.has_digest()) to.digest = Digest{from.digest().alg(), from.digest().value()};
  return to;
}

namespace {

// One overload per alternative of ReportDetail.
struct DetailToWire {
  v1::Report* report;

  void operator()(std::monostate) const {}
  void operator()(const PoliceCallDetail& from) const {
    v1::PoliceCallDetail* to = report->mutable_police_call();
    to->set_document(static_cast<v1::PoliceCallDetail::Document>(from.document));
    to->set_call_id(from.call_id);
    to->set_main_call_id(from.main_call_id);
    for (const auto& code : from.category_codes) to->add_category_codes(code);
    to->set_grade_code(from.grade_code);
    to->set_address(from.address);
    to->set_text(from.text);
    to->set_hazardous_substance(from.hazardous_substance);
    to->set_explosion_or_leak(from.explosion_or_leak);
    to->set_hazmat_vehicle(from.hazmat_vehicle);
    to->set_trapped(from.trapped);
    to->set_injured(from.injured);
    to->set_dead(from.dead);
    to->set_result_code(from.result_code);
    to->set_unit_code(from.unit_code);
    to->set_document_id(from.document_id);
    to->set_intake_type(from.intake_type);
    to->set_intake_source(from.intake_source);
    to->set_caller_address(from.caller_address);
  }
  void operator()(const SkyGuardDetail& from) const {
    v1::SkyGuardDetail* to = report->mutable_sky_guard();
    to->set_alarm_type(from.alarm_type);
    to->set_camera_name(from.camera_name);
    to->set_pan_deg(from.pan_deg);
    to->set_tilt_deg(from.tilt_deg);
    to->set_zoom(from.zoom);
    if (from.bbox) ToWire(*from.bbox, to->mutable_bbox());
    if (from.camera_position) ToWire(*from.camera_position, to->mutable_camera_position());
    to->set_camera_height_m(from.camera_height_m);
    to->set_village(from.village);
    to->set_review_state(from.review_state);
    to->set_handle_state(from.handle_state);
    to->set_feedback(from.feedback);
  }
  void operator()(const SensorDetail& from) const {
    v1::SensorDetail* to = report->mutable_sensor();
    to->set_enterprise_id(from.enterprise_id);
    to->set_gateway_id(from.gateway_id);
    for (const auto& value : from.values) {
      auto* out = to->add_values();
      out->set_quota_id(value.quota_id);
      out->set_value(value.value);
      out->set_unit(value.unit);
      out->set_level(value.level);
    }
    to->set_quota_id(from.quota_id);
    to->set_level(from.level);
    to->set_value(from.value);
    to->set_threshold(from.threshold);
    to->set_unit(from.unit);
    to->set_indicator(from.indicator);
    to->set_medium(from.medium);
    if (from.limits) ToWire(*from.limits, to->mutable_limits());
    to->set_hazard_level(from.hazard_level);
  }
  void operator()(const RiskWarningDetail& from) const {
    v1::RiskWarningDetail* to = report->mutable_risk_warning();
    to->set_enterprise_id(from.enterprise_id);
    to->set_colour(from.colour);
    to->set_reason(from.reason);
    to->set_hazard_level(from.hazard_level);
  }
  void operator()(const GridDetail& from) const {
    v1::GridDetail* to = report->mutable_grid();
    to->set_grid_code(from.grid_code);
    to->set_category(from.category);
    to->set_description(from.description);
    to->set_state(from.state);
    to->set_handler(from.handler);
  }
  void operator()(const CameraFindingDetail& from) const {
    v1::CameraFindingDetail* to = report->mutable_camera_finding();
    to->set_camera_id(from.camera_id);
    to->set_frame_id(from.frame_id);
    to->set_finding(from.finding);
    if (from.bbox) ToWire(*from.bbox, to->mutable_bbox());
  }
};

}  // namespace

static PoliceCallDetail FromWire(const v1::PoliceCallDetail& from) {
  PoliceCallDetail to;
  to.document = static_cast<PoliceCallDetail::Document>(from.document());
  to.call_id = from.call_id();
  to.main_call_id = from.main_call_id();
  to.category_codes = Strings(from.category_codes());
  to.grade_code = from.grade_code();
  to.address = from.address();
  to.text = from.text();
  to.hazardous_substance = from.hazardous_substance();
  to.explosion_or_leak = from.explosion_or_leak();
  to.hazmat_vehicle = from.hazmat_vehicle();
  to.trapped = from.trapped();
  to.injured = from.injured();
  to.dead = from.dead();
  to.result_code = from.result_code();
  to.unit_code = from.unit_code();
  to.document_id = from.document_id();
  to.intake_type = from.intake_type();
  to.intake_source = from.intake_source();
  to.caller_address = from.caller_address();
  return to;
}

static SkyGuardDetail FromWire(const v1::SkyGuardDetail& from) {
  SkyGuardDetail to;
  to.alarm_type = from.alarm_type();
  to.camera_name = from.camera_name();
  to.pan_deg = from.pan_deg();
  to.tilt_deg = from.tilt_deg();
  to.zoom = from.zoom();
  if (from.has_bbox()) to.bbox = FromWire(from.bbox());
  if (from.has_camera_position()) to.camera_position = FromWire(from.camera_position());
  to.camera_height_m = from.camera_height_m();
  to.village = from.village();
  to.review_state = from.review_state();
  to.handle_state = from.handle_state();
  to.feedback = from.feedback();
  return to;
}

static SensorDetail FromWire(const v1::SensorDetail& from) {
  SensorDetail to;
  to.enterprise_id = from.enterprise_id();
  to.gateway_id = from.gateway_id();
  to.values.reserve(static_cast<std::size_t>(from.values_size()));
  for (const auto& value : from.values()) {
    to.values.push_back({value.quota_id(), value.value(), value.unit(), value.level()});
  }
  to.quota_id = from.quota_id();
  to.level = from.level();
  to.value = from.value();
  to.threshold = from.threshold();
  to.unit = from.unit();
  to.indicator = from.indicator();
  to.medium = from.medium();
  if (from.has_limits()) to.limits = FromWire(from.limits());
  to.hazard_level = from.hazard_level();
  return to;
}

static ReportDetail DetailFromWire(const v1::Report& from) {
  switch (from.detail_case()) {
    case v1::Report::kPoliceCall:
      return FromWire(from.police_call());
    case v1::Report::kSkyGuard:
      return FromWire(from.sky_guard());
    case v1::Report::kSensor:
      return FromWire(from.sensor());
    case v1::Report::kRiskWarning:
      return RiskWarningDetail{from.risk_warning().enterprise_id(), from.risk_warning().colour(),
                               from.risk_warning().reason(), from.risk_warning().hazard_level()};
    case v1::Report::kGrid:
      return GridDetail{from.grid().grid_code(), from.grid().category(), from.grid().description(),
                        from.grid().state(), from.grid().handler()};
    case v1::Report::kCameraFinding: {
      const auto& finding = from.camera_finding();
      CameraFindingDetail to{finding.camera_id(), finding.frame_id(), finding.finding(),
                             std::nullopt};
      if (finding.has_bbox()) to.bbox = FromWire(finding.bbox());
      return to;
    }
    case v1::Report::DETAIL_NOT_SET:
      break;
  }
  return std::monostate{};
}

static void ToWire(const FrameRef& from, v1::FrameRef* to) {
  to->set_frame_id(from.frame_id);
  ToWire(from.captured, to->mutable_captured());
  ToWire(from.offset, to->mutable_offset());
  to->set_keyframe(from.keyframe);
  to->set_report_id(from.report_id);
  to->set_feed_id(from.feed_id);
}

static FrameRef FromWire(const v1::FrameRef& from) {
  return {from.frame_id(), FromWire(from.captured()), FromWire(from.offset()),
          from.keyframe(), from.report_id(),          from.feed_id()};
}

static void ToWire(const FetchedAttachment& from, v1::FetchedAttachment* to) {
  ToWire(from.attachment, to->mutable_attachment());
  to->set_failure(from.failure);
}

static FetchedAttachment FromWire(const v1::FetchedAttachment& from) {
  return {FromWire(from.attachment()), from.failure()};
}

static Evidence FromWire(const v1::Evidence& from) {
  Evidence to;
  to.report_id = from.report_id();
  to.feed_id = from.feed_id();
  to.kind = static_cast<ReportKind>(from.kind());
  to.aligned = FromWire(from.aligned());
  to.score = from.score();
  to.why = from.why();
  to.action = static_cast<ReportAction>(from.action());
  to.severity = static_cast<Severity>(from.severity());
  to.summary = from.summary();
  if (from.has_position()) to.position = FromWire(from.position());
  to.repeat_count = from.repeat_count();
  for (const auto& fetched : from.attachments()) to.attachments.push_back(FromWire(fetched));
  return to;
}

static void ToWire(const FrameMark& from, v1::FrameMark* to) {
  to->set_camera_id(from.camera_id);
  to->set_frame_id(from.frame_id);
  ToWire(from.captured, to->mutable_captured());
  to->set_keyframe(from.keyframe);
  to->set_reason(from.reason);
}

static void ToWire(const HostClock& from, v1::HostClock* to) {
  to->set_synchronised(from.synchronised);
  ToWire(from.error_max, to->mutable_error_max());
  to->set_epoch(from.epoch);
}

static void ToWire(const Watermark& from, v1::Watermark* to) {
  ToWire(from.settled_through, to->mutable_settled_through());
  to->set_blocker_feed_id(from.blocker_feed_id);
}

static void ToWire(const FrameFound& from, v1::FrameFound* to) {
  to->set_incident_id(from.incident_id);
  to->set_camera_id(from.camera_id);
  to->set_feed_id(from.feed_id);
  to->set_report_id(from.report_id);
  to->set_frame_id(from.frame_id);
  ToWire(from.captured, to->mutable_captured());
  to->set_keyframe(from.keyframe);
  to->set_reason(from.reason);
}

static FrameFound FromWire(const v1::FrameFound& from) {
  return {from.incident_id(), from.camera_id(),          from.feed_id(),  from.report_id(),
          from.frame_id(),    FromWire(from.captured()), from.keyframe(), from.reason()};
}

namespace {

struct BodyToWire {
  v1::StreamRecord* record;
  void operator()(const ReportPtr& body) const { ToWire(*body, record->mutable_report()); }
  void operator()(const IncidentPtr& body) const { ToWire(*body, record->mutable_incident()); }
  void operator()(const FrameMark& body) const { ToWire(body, record->mutable_frame()); }
  void operator()(const FeedStatus& body) const { ToWire(body, record->mutable_feed()); }
  void operator()(const CameraStatus& body) const { ToWire(body, record->mutable_camera()); }
  void operator()(const HostClock& body) const { ToWire(body, record->mutable_clock()); }
  void operator()(const Watermark& body) const { ToWire(body, record->mutable_watermark()); }
  void operator()(const OperatorAction& body) const { ToWire(body, record->mutable_action()); }
};

struct EntryToWire {
  v1::LogEntry* entry;
  void operator()(const Tick&) const { entry->mutable_tick(); }
  void operator()(const ReportPtr& body) const { ToWire(*body, entry->mutable_report()); }
  void operator()(const JournalOpened& body) const {
    auto* to = entry->mutable_journal_opened();
    to->set_gateway_id(body.gateway_id);
    to->set_journal_id(body.journal_id);
    to->set_engine_version(body.engine_version);
  }
  void operator()(const ConfigLoaded& body) const {
    ToWire(*body.config, entry->mutable_config()->mutable_config());
  }
  void operator()(const OperatorAction& body) const { ToWire(body, entry->mutable_action()); }
  void operator()(const CameraStatus& body) const { ToWire(body, entry->mutable_camera()); }
  void operator()(const FrameFound& body) const { ToWire(body, entry->mutable_frame_found()); }
  void operator()(const FeedStatus& body) const { ToWire(body, entry->mutable_feed()); }
  void operator()(const HostClock& body) const { ToWire(body, entry->mutable_clock()); }
  void operator()(const AttachmentFetched& body) const {
    auto* to = entry->mutable_attachment_fetched();
    to->set_feed_id(body.feed_id);
    to->set_report_id(body.report_id);
    ToWire(body.fetched, to->mutable_fetched());
  }
};

}  // namespace

void ToWire(UtcTime from, google::protobuf::Timestamp* to) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(from);
  to->set_seconds(seconds.time_since_epoch().count());
  to->set_nanos(static_cast<std::int32_t>((from - seconds).count()));
}

// Protobuf wants both parts of one sign: truncate towards zero.
void ToWire(Duration from, google::protobuf::Duration* to) {
  to->set_seconds(from.count() / kNanosPerSecond);
  to->set_nanos(static_cast<std::int32_t>(from.count() % kNanosPerSecond));
}

void ToWire(const Stamp& from, v1::Stamp* to) {
  ToWire(from.utc, to->mutable_utc());
  ToWire(from.uncertainty, to->mutable_uncertainty());
  to->set_source(static_cast<v1::ClockSource>(from.source));
  to->set_epoch(from.epoch);
}

void ToWire(const Position& from, v1::Position* to) {
  to->set_latitude(from.latitude);
  to->set_longitude(from.longitude);
  to->set_uncertainty_m(from.uncertainty_m);
  to->set_original_crs(static_cast<v1::CoordinateSystem>(from.original_crs));
}

void ToWire(const Report& from, v1::Report* to) {
  to->set_report_id(from.report_id);
  to->set_feed_id(from.feed_id);
  if (from.updated_at) ToWire(*from.updated_at, to->mutable_updated_at());
  to->set_clock_id(from.clock_id);
  to->set_kind(static_cast<v1::ReportKind>(from.kind));
  to->set_action(static_cast<v1::ReportAction>(from.action));
  if (from.occurred_at) ToWire(*from.occurred_at, to->mutable_occurred_at());
  ToWire(from.received_at, to->mutable_received_at());
  ToWire(from.aligned, to->mutable_aligned());
  if (from.position) ToWire(*from.position, to->mutable_position());
  if (from.bearing) ToWire(*from.bearing, to->mutable_bearing());
  to->set_district_code(from.district_code);
  to->set_class_code(from.class_code);
  to->set_severity(static_cast<v1::Severity>(from.severity));
  to->set_summary(from.summary);
  to->set_site_id(from.site_id);
  to->set_device_id(from.device_id);
  for (const auto& id : from.camera_ids) to->add_camera_ids(id);
  for (const auto& attachment : from.attachments) ToWire(attachment, to->add_attachments());
  to->set_confidence(from.confidence);
  to->set_drill(from.drill);
  to->set_drill_id(from.drill_id);
  to->set_restricted(from.restricted);
  for (const auto& flag : from.flags) to->add_flags(flag);
  to->set_time_resolution_ns(static_cast<std::uint64_t>(from.time_resolution.count()));
  to->set_unknown_fields_json(from.unknown_fields_json);
  std::visit(DetailToWire{to}, from.detail);
}

void ToWire(const Evidence& from, v1::Evidence* to) {
  to->set_report_id(from.report_id);
  to->set_feed_id(from.feed_id);
  to->set_kind(static_cast<v1::ReportKind>(from.kind));
  ToWire(from.aligned, to->mutable_aligned());
  to->set_score(from.score);
  to->set_why(from.why);
  to->set_action(static_cast<v1::ReportAction>(from.action));
  to->set_severity(static_cast<v1::Severity>(from.severity));
  to->set_summary(from.summary);
  if (from.position) ToWire(*from.position, to->mutable_position());
  to->set_repeat_count(from.repeat_count);
  for (const auto& fetched : from.attachments) ToWire(fetched, to->add_attachments());
}

std::vector<const Evidence*> EvidenceOnWire(const Incident& from) {
  const std::size_t held = from.evidence.size();
  const std::size_t tail_from = held <= kWireEvidenceMax
                                    ? kWireEvidenceFirst
                                    : held - (kWireEvidenceMax - kWireEvidenceFirst);
  std::vector<const Evidence*> carried;
  carried.reserve(std::min(held, kWireEvidenceMax));
  for (std::size_t i = 0; i < held; ++i) {
    if (i < kWireEvidenceFirst || i >= tail_from) carried.push_back(&from.evidence[i]);
  }
  return carried;
}

void ToWire(const Incident& from, v1::Incident* to) {
  ToWireWithoutEvidence(from, to);
  for (const Evidence* evidence : EvidenceOnWire(from)) ToWire(*evidence, to->add_evidence());
}

void ToWireWithoutEvidence(const Incident& from, v1::Incident* to) {
  to->set_incident_id(from.incident_id);
  to->set_revision(from.revision);
  to->set_state(static_cast<v1::IncidentState>(from.state));
  to->set_class_code(from.class_code);
  to->set_suggested_grade(static_cast<v1::Grade>(from.suggested_grade));
  to->set_confirmed_grade(static_cast<v1::Grade>(from.confirmed_grade));
  to->set_confidence(from.confidence);
  ToWire(from.started, to->mutable_started());
  ToWire(from.updated, to->mutable_updated());
  if (from.position) ToWire(*from.position, to->mutable_position());
  to->set_district_code(from.district_code);
  to->set_evidence_count(from.evidence_count);
  for (const auto& camera : from.cameras) {
    auto* out = to->add_cameras();
    out->set_camera_id(camera.camera_id);
    out->set_rank(camera.rank);
    out->set_why(camera.why);
    for (const auto& frame : camera.frames) ToWire(frame, out->add_frames());
  }
  if (from.plan) {
    to->mutable_plan()->set_plan_id(from.plan->plan_id);
    to->mutable_plan()->set_name(from.plan->name);
    to->mutable_plan()->set_confirmed(from.plan->confirmed);
  }
  for (const auto& team : from.teams) {
    auto* out = to->add_teams();
    out->set_team_id(team.team_id);
    out->set_name(team.name);
    out->set_distance_m(team.distance_m);
    out->set_why(team.why);
  }
  for (const auto& deadline : from.deadlines) {
    auto* out = to->add_deadlines();
    out->set_name(deadline.name);
    ToWire(deadline.due, out->mutable_due());
    if (deadline.met_at) ToWire(*deadline.met_at, out->mutable_met_at());
  }
  for (const auto& related : from.related) {
    auto* out = to->add_related();
    out->set_incident_id(related.incident_id);
    out->set_relation(related.relation);
    out->set_why(related.why);
  }
  to->set_merged_into(from.merged_into);
  to->set_drill(from.drill);
  to->set_drill_id(from.drill_id);
  to->set_restricted(from.restricted);
  for (const auto& clip : from.clips) to->add_clips(clip);
  auto* change = to->mutable_change();
  change->set_what(from.change.what);
  change->set_cause(from.change.cause);
  change->set_actor(from.change.actor);
  change->set_note(from.change.note);
  to->set_severity(static_cast<v1::Severity>(from.severity));
  to->set_title(from.title);
  to->set_site_id(from.site_id);
}

void ToWire(const CameraStatus& from, v1::CameraStatus* to) {
  to->set_camera_id(from.camera_id);
  to->set_state(static_cast<v1::CameraStatus::State>(from.state));
  to->set_note(from.note);
  to->set_clock_source(static_cast<v1::ClockSource>(from.clock_source));
  ToWire(from.uncertainty, to->mutable_uncertainty());
  to->set_frame_rate(from.frame_rate);
  to->set_width(from.width);
  to->set_height(from.height);
  to->set_codec(from.codec);
  to->set_reconnect_count(from.reconnect_count);
}

void ToWire(const FeedStatus& from, v1::FeedStatus* to) {
  to->set_feed_id(from.feed_id);
  to->set_state(static_cast<v1::FeedStatus::State>(from.state));
  to->set_client(from.client);
  to->set_note(from.note);
  to->set_accepted(from.accepted);
  to->set_duplicates(from.duplicates);
  to->set_rejected(from.rejected);
  to->set_late(from.late);
  to->set_stale(from.stale);
}

void ToWire(const OperatorAction& from, v1::OperatorAction* to) {
  to->set_action_id(from.action_id);
  to->set_incident_id(from.incident_id);
  to->set_action(from.action);
  to->set_actor(from.actor);
  to->set_reason(from.reason);
  to->set_expected_revision(from.expected_revision);
  to->set_resulting_revision(from.resulting_revision);
  ToWire(from.at, to->mutable_at());
  to->set_grade(static_cast<v1::Grade>(from.grade));
}

void ToWire(const StreamRecord& from, v1::StreamRecord* to) {
  to->set_seq(from.seq);
  auto* origin = to->mutable_origin();
  origin->set_gateway_id(from.origin.gateway_id);
  origin->set_journal_id(from.origin.journal_id);
  origin->set_seq(from.origin.seq);
  ToWire(Stamp{from.at, Duration{}, ClockSource::kDeclared, 1}, to->mutable_at());
  to->set_provisional(from.provisional);
  to->set_late(from.late);
  to->set_amends_seq(from.amends_seq);
  std::visit(BodyToWire{to}, from.body);
}

namespace {

void ToWire(const EngineConfig::Point& from, v1::EngineConfig::Point* to) {
  to->set_device_id(from.device_id);
  to->set_unit(from.unit);
  if (from.low_low) to->set_low_low(*from.low_low);
  if (from.low) to->set_low(*from.low);
  if (from.high) to->set_high(*from.high);
  if (from.high_high) to->set_high_high(*from.high_high);
  to->set_hysteresis(from.hysteresis);
  to->set_name(from.name);
  to->set_medium(from.medium);
  to->set_indicator(from.indicator);
}

EngineConfig::Point FromWire(const v1::EngineConfig::Point& from) {
  EngineConfig::Point to;
  to.device_id = from.device_id();
  to.unit = from.unit();
  if (from.has_low_low()) to.low_low = from.low_low();
  if (from.has_low()) to.low = from.low();
  if (from.has_high()) to.high = from.high();
  if (from.has_high_high()) to.high_high = from.high_high();
  to.hysteresis = from.hysteresis();
  to.name = from.name();
  to.medium = from.medium();
  to.indicator = from.indicator();
  return to;
}

}  // namespace

void ToWire(const EngineConfig& from, v1::EngineConfig* to) {
  to->set_gateway_id(from.gateway_id);
  for (const auto& feed : from.feeds) {
    auto* out = to->add_feeds();
    out->set_feed_id(feed.feed_id);
    ToWire(feed.lateness_max, out->mutable_lateness_max());
    ToWire(feed.idle_after, out->mutable_idle_after());
  }
  for (const auto& camera : from.cameras) {
    auto* out = to->add_cameras();
    out->set_camera_id(camera.camera_id);
    out->set_name(camera.name);
    out->set_role(camera.role);
    out->set_site_id(camera.site_id);
    ToWire(camera.position, out->mutable_position());
    out->set_range_m(camera.range_m);
  }
  for (const auto& site : from.sites) {
    auto* out = to->add_sites();
    out->set_site_id(site.site_id);
    out->set_name(site.name);
    ToWire(site.position, out->mutable_position());
    out->set_district_code(site.district_code);
    out->set_medium(site.medium);
    out->set_radius_m(site.radius_m);
    for (const auto& id : site.device_ids) out->add_device_ids(id);
    for (const auto& point : site.points) ToWire(point, out->add_points());
    out->set_hazard_level(site.hazard_level);
  }
  const auto& windows = from.windows;
  auto* out = to->mutable_windows();
  ToWire(windows.sensor, out->mutable_sensor());
  ToWire(windows.tower, out->mutable_tower());
  ToWire(windows.police_before, out->mutable_police_before());
  ToWire(windows.police_after, out->mutable_police_after());
  ToWire(windows.grid, out->mutable_grid());
  ToWire(windows.video, out->mutable_video());
  out->set_distance_m(windows.distance_m);
  out->set_odour_distance_m(windows.odour_distance_m);
  ToWire(windows.expire_after, out->mutable_expire_after());
  ToWire(windows.future_max, out->mutable_future_max());
  to->set_accept_sources(from.accept_sources);
  for (const auto& id : from.drill_ids) to->add_drill_ids(id);
  to->set_fetch_attachments(from.fetch_attachments);
}

void ToWire(const LogEntry& from, v1::LogEntry* to) {
  ToWire(from.at, to->mutable_at());
  std::visit(EntryToWire{to}, from.body);
}

UtcTime FromWire(const google::protobuf::Timestamp& from) {
  return UtcTime{Duration{Nanoseconds(from.seconds(), from.nanos())}};
}

Duration FromWire(const google::protobuf::Duration& from) {
  return Duration{Nanoseconds(from.seconds(), from.nanos())};
}

Stamp FromWire(const v1::Stamp& from) {
  return {FromWire(from.utc()), FromWire(from.uncertainty()),
          static_cast<ClockSource>(from.source()), from.epoch()};
}

Position FromWire(const v1::Position& from) {
  return {from.latitude(), from.longitude(), from.uncertainty_m(),
          static_cast<CoordinateSystem>(from.original_crs())};
}

Report FromWire(const v1::Report& from) {
  Report to;
  to.report_id = from.report_id();
  to.feed_id = from.feed_id();
  if (from.has_updated_at()) to.updated_at = FromWire(from.updated_at());
  to.clock_id = from.clock_id();
  to.kind = static_cast<ReportKind>(from.kind());
  to.action = static_cast<ReportAction>(from.action());
  if (from.has_occurred_at()) to.occurred_at = FromWire(from.occurred_at());
  to.received_at = FromWire(from.received_at());
  to.aligned = FromWire(from.aligned());
  if (from.has_position()) to.position = FromWire(from.position());
  if (from.has_bearing()) to.bearing = FromWire(from.bearing());
  to.district_code = from.district_code();
  to.class_code = from.class_code();
  to.severity = static_cast<Severity>(from.severity());
  to.summary = from.summary();
  to.site_id = from.site_id();
  to.device_id = from.device_id();
  to.camera_ids = Strings(from.camera_ids());
  for (const auto& attachment : from.attachments()) to.attachments.push_back(FromWire(attachment));
  to.confidence = from.confidence();
  to.drill = from.drill();
  to.drill_id = from.drill_id();
  to.restricted = from.restricted();
  to.flags = Strings(from.flags());
  to.time_resolution = Duration{static_cast<std::int64_t>(std::min<std::uint64_t>(
      from.time_resolution_ns(), std::numeric_limits<std::int64_t>::max()))};
  to.unknown_fields_json = from.unknown_fields_json();
  to.detail = DetailFromWire(from);
  return to;
}

Incident FromWire(const v1::Incident& from) {
  Incident to;
  to.incident_id = from.incident_id();
  to.revision = from.revision();
  to.state = static_cast<IncidentState>(from.state());
  to.class_code = from.class_code();
  to.suggested_grade = static_cast<Grade>(from.suggested_grade());
  to.confirmed_grade = static_cast<Grade>(from.confirmed_grade());
  to.confidence = from.confidence();
  to.started = FromWire(from.started());
  to.updated = FromWire(from.updated());
  if (from.has_position()) to.position = FromWire(from.position());
  to.district_code = from.district_code();
  for (const auto& evidence : from.evidence()) to.evidence.push_back(FromWire(evidence));
  to.evidence_count = from.evidence_count();
  for (const auto& camera : from.cameras()) {
    IncidentCamera out{camera.camera_id(), camera.rank(), camera.why(), {}};
    for (const auto& frame : camera.frames()) out.frames.push_back(FromWire(frame));
    to.cameras.push_back(std::move(out));
  }
  if (from.has_plan()) {
    to.plan = Plan{from.plan().plan_id(), from.plan().name(), from.plan().confirmed()};
  }
  for (const auto& team : from.teams()) {
    to.teams.push_back({team.team_id(), team.name(), team.distance_m(), team.why()});
  }
  for (const auto& deadline : from.deadlines()) {
    Deadline out{deadline.name(), FromWire(deadline.due()), std::nullopt};
    if (deadline.has_met_at()) out.met_at = FromWire(deadline.met_at());
    to.deadlines.push_back(std::move(out));
  }
  for (const auto& related : from.related()) {
    to.related.push_back({related.incident_id(), related.relation(), related.why()});
  }
  to.merged_into = from.merged_into();
  to.drill = from.drill();
  to.drill_id = from.drill_id();
  to.restricted = from.restricted();
  to.clips = Strings(from.clips());
  to.change = {from.change().what(), from.change().cause(), from.change().actor(),
               from.change().note()};
  to.severity = static_cast<Severity>(from.severity());
  to.title = from.title();
  to.site_id = from.site_id();
  return to;
}

CameraStatus FromWire(const v1::CameraStatus& from) {
  CameraStatus to;
  to.camera_id = from.camera_id();
  to.state = static_cast<CameraStatus::State>(from.state());
  to.note = from.note();
  to.clock_source = static_cast<ClockSource>(from.clock_source());
  to.uncertainty = FromWire(from.uncertainty());
  to.frame_rate = from.frame_rate();
  to.width = from.width();
  to.height = from.height();
  to.codec = from.codec();
  to.reconnect_count = from.reconnect_count();
  return to;
}

FeedStatus FromWire(const v1::FeedStatus& from) {
  return {from.feed_id(),  static_cast<FeedStatus::State>(from.state()),
          from.client(),   from.note(),
          from.accepted(), from.duplicates(),
          from.rejected(), from.late(),
          from.stale()};
}

OperatorAction FromWire(const v1::OperatorAction& from) {
  OperatorAction to;
  to.action_id = from.action_id();
  to.incident_id = from.incident_id();
  to.action = from.action();
  to.actor = from.actor();
  to.reason = from.reason();
  to.expected_revision = from.expected_revision();
  to.resulting_revision = from.resulting_revision();
  to.at = FromWire(from.at());
  to.grade = static_cast<Grade>(from.grade());
  return to;
}

EngineConfig FromWire(const v1::EngineConfig& from) {
  EngineConfig to;
  to.gateway_id = from.gateway_id();
  for (const auto& feed : from.feeds()) {
    to.feeds.push_back(
        {feed.feed_id(), FromWire(feed.lateness_max()), FromWire(feed.idle_after())});
  }
  for (const auto& camera : from.cameras()) {
    to.cameras.push_back({camera.camera_id(), camera.name(), camera.role(), camera.site_id(),
                          FromWire(camera.position()), camera.range_m()});
  }
  for (const auto& site : from.sites()) {
    to.sites.push_back({site.site_id(),
                        site.name(),
                        FromWire(site.position()),
                        site.district_code(),
                        site.medium(),
                        site.radius_m(),
                        Strings(site.device_ids()),
                        {}});
    for (const auto& point : site.points()) to.sites.back().points.push_back(FromWire(point));
    to.sites.back().hazard_level = site.hazard_level();
  }
  const auto& windows = from.windows();
  to.windows = {FromWire(windows.sensor()),
                FromWire(windows.tower()),
                FromWire(windows.police_before()),
                FromWire(windows.police_after()),
                FromWire(windows.grid()),
                FromWire(windows.video()),
                windows.distance_m(),
                windows.odour_distance_m(),
                FromWire(windows.expire_after()),
                FromWire(windows.future_max())};
  to.accept_sources = from.accept_sources();
  to.drill_ids = Strings(from.drill_ids());
  to.fetch_attachments = from.fetch_attachments();
  return to;
}

Result<LogEntry> FromWire(const v1::LogEntry& from, std::uint64_t position) {
  LogEntry to{position, FromWire(from.at()), Tick{}};
  switch (from.entry_case()) {
    case v1::LogEntry::kTick:
      break;
    case v1::LogEntry::kReport:
      to.body = std::make_shared<const Report>(FromWire(from.report()));
      break;
    case v1::LogEntry::kJournalOpened:
      to.body =
          JournalOpened{from.journal_opened().gateway_id(), from.journal_opened().journal_id(),
                        from.journal_opened().engine_version()};
      break;
    case v1::LogEntry::kConfig:
      to.body =
          ConfigLoaded{std::make_shared<const EngineConfig>(FromWire(from.config().config()))};
      break;
    case v1::LogEntry::kAction:
      to.body = FromWire(from.action());
      break;
    case v1::LogEntry::kCamera:
      to.body = FromWire(from.camera());
      break;
    case v1::LogEntry::kFrameFound:
      to.body = FromWire(from.frame_found());
      break;
    case v1::LogEntry::kFeed:
      to.body = FromWire(from.feed());
      break;
    case v1::LogEntry::kClock:
      to.body = HostClock{from.clock().synchronised(), FromWire(from.clock().error_max()),
                          from.clock().epoch()};
      break;
    case v1::LogEntry::kAttachmentFetched:
      to.body = AttachmentFetched{from.attachment_fetched().feed_id(),
                                  from.attachment_fetched().report_id(),
                                  FromWire(from.attachment_fetched().fetched())};
      break;
    case v1::LogEntry::ENTRY_NOT_SET:
      return DataLoss("log entry " + std::to_string(position) +
                      " is of a kind this version does not know; run the version that wrote it");
  }
  return to;
}

std::string_view BodyName(const v1::StreamRecord& record) {
  switch (record.body_case()) {
    case v1::StreamRecord::kReport:
      return "report";
    case v1::StreamRecord::kIncident:
      return "incident";
    case v1::StreamRecord::kFrame:
      return "frame";
    case v1::StreamRecord::kFeed:
      return "feed";
    case v1::StreamRecord::kCamera:
      return "camera";
    case v1::StreamRecord::kClock:
      return "clock";
    case v1::StreamRecord::kWatermark:
      return "watermark";
    case v1::StreamRecord::kAction:
      return "action";
    case v1::StreamRecord::BODY_NOT_SET:
      break;
  }
  return "";
}

}  // namespace fusiongateway
