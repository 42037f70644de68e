#include "pipeline/feeds/normaliser.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "pipeline/feeds/coordinates.h"
#include "pipeline/feeds/net_address.h"
#include "pipeline/feeds/utf8.h"
#include "proto/codec/codec.h"

namespace fusiongateway {
namespace {

constexpr std::size_t kIdBytesMax = 128;
constexpr std::size_t kSummaryBytesMax = 512;
constexpr int kListMax = 256;
constexpr std::int64_t kSecondsMin = 0;              // 1970
constexpr std::int64_t kSecondsMax = 7'258'118'400;  // 2200
constexpr Duration kResolutionMax = std::chrono::hours{24};

Refusal OutOf(const char* field, const char* message) { return {"OUT_OF_RANGE", message, field}; }

bool OnEarth(const v1::Position& p) {
  return std::abs(p.latitude()) <= 90 && std::abs(p.longitude()) <= 180 && p.uncertainty_m() >= 0 &&
         std::isfinite(p.uncertainty_m());
}

bool InTime(const google::protobuf::Timestamp& t) {
  return t.seconds() >= kSecondsMin && t.seconds() < kSecondsMax && t.nanos() >= 0 &&
         t.nanos() < 1'000'000'000;
}

std::optional<Refusal> CheckIdentity(const v1::Report& report) {
  if (report.report_id().empty()) {
    return Refusal{"MISSING_FIELD", "the report has no id; send the source's own id", "reportId"};
  }
  if (!v1::ReportKind_IsValid(report.kind()) || report.kind() == v1::REPORT_KIND_UNSPECIFIED) {
    return Refusal{"UNKNOWN_TYPE", "the report is of no known kind", "kind"};
  }
  for (const auto* id : {&report.report_id(), &report.clock_id(), &report.site_id(),
                         &report.device_id(), &report.drill_id()}) {
    if (id->size() > kIdBytesMax) return OutOf("reportId", "an id is longer than 128 bytes");
  }
  return std::nullopt;
}

std::optional<Refusal> CheckValues(const v1::Report& report) {
  if (report.has_position() && !OnEarth(report.position())) {
    return OutOf("position", "the position is not on the earth; send degrees");
  }
  if (report.has_bearing()) {
    const auto& bearing = report.bearing();
    if (!(bearing.azimuth_deg() >= 0 && bearing.azimuth_deg() < 360) ||
        !(bearing.uncertainty_deg() > 0 && bearing.uncertainty_deg() <= 180) ||
        !OnEarth(bearing.origin())) {
      return OutOf("bearing", "azimuth is 0 <= degrees < 360, its uncertainty 0 < degrees <= 180");
    }
  }
  if (!(report.confidence() >= 0 && report.confidence() <= 1)) {
    return OutOf("confidence", "confidence is 0 .. 1; divide a percentage by 100");
  }
  if (report.has_occurred_at() && !InTime(report.occurred_at())) {
    return OutOf("occurredAt", "times are between 1970 and 2200");
  }
  if (report.has_updated_at() && !InTime(report.updated_at())) {
    return OutOf("updatedAt", "times are between 1970 and 2200");
  }
  if (report.time_resolution_ns() > static_cast<std::uint64_t>(kResolutionMax.count())) {
    return OutOf("timeResolutionNs", "a time's resolution is at most a day");
  }
  if (report.camera_ids_size() > kListMax || report.attachments_size() > kListMax ||
      report.flags_size() > kListMax) {
    return OutOf("", "a list has more than 256 elements; leave out the least important");
  }
  return std::nullopt;
}

bool IsDistrictCode(const std::string& code) {
  return code.size() == 6 &&
         std::all_of(code.begin(), code.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void AddFlag(const std::string& flag, v1::Report* report) {
  const auto& flags = report->flags();
  if (std::find(flags.begin(), flags.end(), flag) == flags.end()) report->add_flags(flag);
}

// A user's name, perhaps with a password, in the URL of an attachment: masked like a person's.
bool HasAccount(const v1::Report& report) {
  return std::any_of(report.attachments().begin(), report.attachments().end(),
                     [](const v1::Attachment& a) { return MaskAddresses(a.url()) != a.url(); });
}

std::string OneLine(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return std::string(Truncated(line, kSummaryBytesMax));
}

}  // namespace

Normaliser::Normaliser(FeedConfig config, const std::vector<EngineConfig::Site>& sites,
                       CodeTables tables)
    : config_(std::move(config)), tables_(std::move(tables)) {
  for (const auto& site : sites) {
    const SiteFacts facts{site.site_id, site.district_code};
    sites_by_id_.emplace(site.site_id, facts);
    for (const auto& device : site.device_ids) sites_by_id_.emplace(device, facts);
  }
}

ReportTime ReportTimeOf(const v1::Report& report, UtcTime received_at) {
  ReportTime time;
  time.clock_id = report.clock_id();
  if (report.has_occurred_at()) time.occurred_at = FromWire(report.occurred_at());
  if (report.has_updated_at()) time.updated_at = FromWire(report.updated_at());
  time.resolution = Duration{static_cast<std::int64_t>(report.time_resolution_ns())};
  time.received_at = received_at;
  return time;
}

std::optional<Refusal> Normaliser::Normalise(UtcTime received_at, const Aligner& aligner,
                                             Masker* masker, v1::Report* report) const {
  if (auto refusal = CheckIdentity(*report)) return refusal;
  if (auto refusal = CheckValues(*report)) return refusal;
  report->set_feed_id(config_.feed_id);
  if (report->action() == v1::REPORT_ACTION_UNSPECIFIED ||
      !v1::ReportAction_IsValid(report->action())) {
    report->set_action(v1::START);
  }
  SetPlaces(report);
  SetSite(report);
  SetCodes(report);
  SetTimes(received_at, aligner, report);
  SetDrill(report);
  if (HasAccount(*report)) AddFlag("URL_ACCOUNT", report);
  masker->Mask(report);
  // After masking: a cut through a number would hide it from the mask.
  report->set_summary(OneLine(report->summary()));
  return std::nullopt;
}

void Normaliser::SetPlaces(v1::Report* report) const {
  const auto convert = [this](v1::Position* wire) {
    Position position = FromWire(*wire);
    if (position.original_crs == CoordinateSystem::kUnspecified) {
      position.original_crs = config_.default_crs;
    }
    if (position.uncertainty_m == 0) position.uncertainty_m = config_.position_uncertainty_m;
    ToWire(ToWgs84(position), wire);
  };
  if (report->has_position()) convert(report->mutable_position());
  if (report->has_bearing() && report->bearing().has_origin()) {
    convert(report->mutable_bearing()->mutable_origin());
  }
  if (report->sky_guard().has_camera_position()) {
    convert(report->mutable_sky_guard()->mutable_camera_position());
  }
}

const Normaliser::SiteFacts* Normaliser::FindSite(const std::string& id) const {
  if (id.empty()) return nullptr;
  const auto site = sites_by_id_.find(id);
  return site == sites_by_id_.end() ? nullptr : &site->second;
}

void Normaliser::SetSite(v1::Report* report) const {
  const SiteFacts* site = FindSite(report->site_id());
  for (const auto* id : {&report->device_id(), &report->sensor().enterprise_id(),
                         &report->risk_warning().enterprise_id()}) {
    if (!site && report->site_id().empty()) site = FindSite(*id);
  }
  if (!site) return;
  report->set_site_id(site->site_id);
  if (report->district_code().empty()) report->set_district_code(site->district_code);
}

void Normaliser::SetCodes(v1::Report* report) const {
  const std::string& sent = report->district_code();
  if (!sent.empty() && !(IsDistrictCode(sent) && tables_.KnowsDistrict(sent))) {
    AddFlag("UNKNOWN_CODE:district_code", report);
  }
  if (!IsDistrictCode(sent)) {
    report->set_district_code(IsDistrictCode(config_.default_district) ? config_.default_district
                                                                       : "000000");
  }
  if (!report->class_code().empty() && !tables_.KnowsClass(report->class_code())) {
    AddFlag("UNKNOWN_CODE:class_code", report);
    report->clear_class_code();
  }
  if (!v1::Severity_IsValid(report->severity())) {
    AddFlag("UNKNOWN_CODE:severity", report);
    report->set_severity(v1::SEVERITY_UNSPECIFIED);
  }
}

void Normaliser::SetTimes(UtcTime received_at, const Aligner& aligner, v1::Report* report) {
  ToWire(received_at, report->mutable_received_at());
  const AlignedTime aligned = aligner(ReportTimeOf(*report, received_at));
  ToWire(aligned.stamp, report->mutable_aligned());
  for (const auto& flag : aligned.flags) AddFlag(flag, report);
  if (!report->has_updated_at() && report->has_occurred_at()) {
    *report->mutable_updated_at() = report->occurred_at();
  }
}

void Normaliser::SetDrill(v1::Report* report) const {
  if (!report->drill() && report->drill_id().empty()) return;
  const auto& declared = config_.drill_ids;
  const bool is_declared =
      std::find(declared.begin(), declared.end(), report->drill_id()) != declared.end();
  report->set_drill(is_declared);
  if (!is_declared) AddFlag("DRILL_UNDECLARED", report);
}

}  // namespace fusiongateway
