#include "fusion/correlate/facts.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "fusion/correlate/geometry.h"

namespace fusiongateway {
namespace {

constexpr std::array<std::string_view, 4> kOdourWords = {"气味", "异味", "刺鼻", "氯气"};
constexpr std::array<std::string_view, 4> kChemicalWords = {"泄漏", "毒气", "危化", "中毒"};
constexpr std::array<std::string_view, 3> kFireWords = {"着火", "起火", "火灾"};
constexpr std::array<std::string_view, 2> kSmokeWords = {"浓烟", "冒烟"};

bool ContainsAny(std::string_view text, auto&& words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

template <typename Detail>
const Detail* DetailOf(const Report& report) {
  return std::get_if<Detail>(&report.detail);
}

// The free text a person wrote, beside the summary.
std::string_view TextOf(const Report& report) {
  if (const auto* police = DetailOf<PoliceCallDetail>(report)) return police->text;
  if (const auto* grid = DetailOf<GridDetail>(report)) return grid->description;
  return {};
}

bool Says(const Report& report, auto&& words) {
  return ContainsAny(report.summary, words) || ContainsAny(TextOf(report), words);
}

bool IsOdour(const Report& report) {
  if (report.kind != ReportKind::kPoliceCall && report.kind != ReportKind::kGridReport) {
    return false;
  }
  return report.class_code == "12D02" || Says(report, kOdourWords);
}

Family FamilyOfClass(std::string_view code) {
  if (code.empty()) return Family::kUnknown;
  if (code == "12D01" || code == "12D03") return Family::kChemicalFire;
  if (code.starts_with("12D")) return Family::kChemical;
  if (code.starts_with("12G") || code.starts_with("11G")) return Family::kFire;
  if (code.starts_with("12H")) return Family::kRoad;
  if (code.starts_with("12Q")) return Family::kAir;
  if (code.starts_with("19X")) return Family::kStraw;
  return Family::kOther;
}

Family FamilyOfWords(const Report& report) {
  if (Says(report, kChemicalWords)) return Family::kChemical;
  if (Says(report, kFireWords)) return Family::kFire;
  if (Says(report, kSmokeWords)) return Family::kSmoke;
  if (Says(report, kOdourWords)) return Family::kAir;
  return Family::kUnknown;
}

// A tower or camera sees smoke or fire; what burns it cannot tell, whatever class its system gives.
Family FamilyOfSight(std::string_view what) {
  return what == "fire" || what == "flame" || what == "thermal" ? Family::kFire : Family::kSmoke;
}

Family FamilyOf(const Report& report, const std::string& class_code) {
  switch (report.kind) {
    case ReportKind::kSkyGuardAlarm: {
      const auto* detail = DetailOf<SkyGuardDetail>(report);
      return FamilyOfSight(detail ? detail->alarm_type : "smoke");
    }
    case ReportKind::kCameraFinding: {
      const auto* detail = DetailOf<CameraFindingDetail>(report);
      return FamilyOfSight(detail ? detail->finding : "smoke");
    }
    case ReportKind::kSensorAlarm:
    case ReportKind::kRiskWarning: {
      const Family family = FamilyOfClass(class_code);
      return family == Family::kUnknown ? Family::kChemical : family;
    }
    default: {
      const Family family = FamilyOfClass(class_code);
      if (family != Family::kUnknown) return family;
      const auto* police = DetailOf<PoliceCallDetail>(report);
      if (police && (police->hazardous_substance || police->hazmat_vehicle)) {
        return Family::kChemical;
      }
      return FamilyOfWords(report);
    }
  }
}

const EngineConfig::Site* SiteOf(const Report& report, const City& city, std::string* site_id) {
  *site_id = report.site_id;
  if (!site_id->empty()) return city.FindSite(*site_id);
  if (const auto* camera = city.FindCamera(report.device_id);
      camera && report.kind == ReportKind::kCameraFinding) {
    *site_id = camera->site_id;
  } else if (const auto* site = city.FindSiteOfDevice(report.device_id)) {
    *site_id = site->site_id;
  } else if (const auto* sensor = DetailOf<SensorDetail>(report)) {
    const auto* by_point = city.FindSiteOfDevice(sensor->quota_id);
    *site_id = by_point ? by_point->site_id : sensor->enterprise_id;
  } else if (const auto* warning = DetailOf<RiskWarningDetail>(report)) {
    *site_id = warning->enterprise_id;
  }
  return city.FindSite(*site_id);
}

std::optional<Position> PlaceOf(const Report& report, const EngineConfig::Site* site) {
  if (report.position && IsOnEarth(*report.position)) return report.position;
  if (!site || !IsOnEarth(site->position)) return std::nullopt;
  Position place = site->position;
  place.uncertainty_m = std::max(place.uncertainty_m, site->radius_m);
  place.original_crs = CoordinateSystem::kWgs84;
  return place;
}

// A gas sensor tells the class by itself: gas in the air of a site that stores it is a leak.
std::string ClassOf(const Report& report, const EngineConfig::Site* site) {
  const auto* sensor = DetailOf<SensorDetail>(report);
  if (report.kind != ReportKind::kSensorAlarm || !sensor || sensor->indicator != "QT") {
    return report.class_code;
  }
  const bool medium_known = !sensor->medium.empty() || (site && !site->medium.empty());
  const bool is_vague = report.class_code.empty() || report.class_code.ends_with("99");
  return medium_known && is_vague ? "12D02" : report.class_code;
}

std::string CallKey(const Report& report, const std::string& call_id) {
  return call_id.empty() ? std::string() : report.feed_id + "/" + call_id;
}

}  // namespace

bool IsWithdrawn(const Report& report) {
  if (report.action == ReportAction::kCancel) return true;
  if (const auto* police = DetailOf<PoliceCallDetail>(report)) {
    return police->document == PoliceCallDetail::Document::kFeedback && police->result_code == "03";
  }
  const auto* tower = DetailOf<SkyGuardDetail>(report);
  return tower && tower->review_state == "false";
}

ReportFacts FactsOf(const ReportPtr& report, const City& city) {
  ReportFacts facts;
  facts.report = report;
  facts.began = report->aligned;
  facts.partition.restricted = report->restricted;
  if (report->drill && city.IsDeclaredDrill(report->drill_id)) {
    facts.partition.drill_id = report->drill_id;
  }
  const EngineConfig::Site* site = SiteOf(*report, city, &facts.site_id);
  facts.hazmat_site = site && !site->medium.empty();
  facts.place = PlaceOf(*report, site);
  facts.class_code = ClassOf(*report, site);
  facts.family = FamilyOf(*report, facts.class_code);
  facts.odour = IsOdour(*report);
  facts.withdrawn = IsWithdrawn(*report);
  if (const auto* police = DetailOf<PoliceCallDetail>(*report)) {
    facts.call_key = CallKey(*report, police->call_id);
    facts.main_call_key = CallKey(*report, police->main_call_id);
  }
  return facts;
}

bool IsEvidence(const Report& report) {
  switch (report.kind) {
    case ReportKind::kUnspecified:
    case ReportKind::kSensorReading:
      return false;
    case ReportKind::kCameraFinding: {
      const auto* detail = DetailOf<CameraFindingDetail>(report);
      return detail && (detail->finding == "smoke" || detail->finding == "flame");
    }
    default:
      return true;
  }
}

bool OpensIncident(const ReportFacts& facts) {
  return IsEvidence(*facts.report) && !IsDataLoss(*facts.report) && !facts.withdrawn &&
         facts.report->action != ReportAction::kStop;
}

bool IsDataLoss(const Report& report) { return report.kind == ReportKind::kDataLost; }

bool IsPaperwork(const Report& report) {
  const auto* police = DetailOf<PoliceCallDetail>(report);
  return police && (police->document == PoliceCallDetail::Document::kDispatch ||
                    police->document == PoliceCallDetail::Document::kFeedback);
}

}  // namespace fusiongateway
