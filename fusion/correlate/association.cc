#include "fusion/correlate/association.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>

#include "fusion/correlate/geometry.h"

namespace fusiongateway {
namespace {

constexpr int kSameCall = 1000;
constexpr int kSameDevice = 980;
constexpr int kSameSite = 950;
constexpr int kAgeingMax = 300;         // what a tie by device or site loses until expiry
constexpr int kSameDistrict = 200;      // all that is known of an unlocated report's place
constexpr double kBearingSlackM = 100;  // half the size of what is seen

// kScoreMax at 0, kWindowEdge at `limit`, 0 at twice the limit.
int Fade(std::int64_t gap, std::int64_t limit) {
  if (gap <= 0) return kScoreMax;
  if (limit <= 0 || gap / 2 >= limit) return 0;
  if (gap <= limit) {
    return kScoreMax - static_cast<int>((kScoreMax - kWindowEdge) * gap / limit);
  }
  return static_cast<int>(kWindowEdge * (2 * limit - gap) / limit);
}

// Knowing it no better than this weakens what can be concluded from a fit.
int WeakenBy(std::int64_t uncertainty, std::int64_t limit, int score) {
  if (uncertainty <= limit || uncertainty <= 0) return score;
  return static_cast<int>(score * limit / uncertainty);
}

std::int64_t Milliseconds(Duration span) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(span).count();
}

struct PairWindow {
  Duration before;
  Duration after;
};

PairWindow WindowOf(ReportKind kind, const EngineConfig::Windows& w) {
  switch (kind) {
    case ReportKind::kPoliceCall:
      return {w.police_before, w.police_after};
    case ReportKind::kSkyGuardAlarm:
      return {w.tower, w.tower};
    case ReportKind::kGridReport:
      return {w.grid, w.grid};
    case ReportKind::kCameraFinding:
      return {w.video, w.video};
    default:
      return {w.sensor, w.sensor};
  }
}

int TimeScore(const Stamp& stamp, ReportKind kind, const IncidentTraits& incident,
              const EngineConfig::Windows& windows) {
  const PairWindow own = WindowOf(kind, windows);
  int best = 0;
  for (std::size_t k = 0; k < incident.spans.size(); ++k) {
    const IncidentTraits::Span& span = incident.spans[k];
    if (span.empty()) continue;
    const PairWindow other = WindowOf(static_cast<ReportKind>(k), windows);
    const Duration after = std::max(own.after, other.before);
    const Duration before = std::max(own.before, other.after);
    const bool is_after = stamp.Earliest() > span.latest;
    const Duration gap = is_after ? SaturatingSubtract(stamp.Earliest(), span.latest)
                                  : SaturatingSubtract(span.earliest, stamp.Latest());
    const std::int64_t limit = Milliseconds(is_after ? after : before);
    const int score =
        WeakenBy(Milliseconds(stamp.uncertainty), Milliseconds(std::max(before, after)),
                 Fade(Milliseconds(gap), limit));
    best = std::max(best, score);
  }
  return best;
}

// What two families have in common, 0 .. 1000. `a` is the more serious.
int Compatibility(Family a, Family b, bool hazmat_site) {
  using enum Family;
  if (b == kUnknown) return 550;
  if (a == kOther || b == kOther) return 0;
  if (a == b) return kScoreMax;
  const bool a_is_chemical = a == kChemicalFire || a == kChemical;
  switch (b) {
    case kChemical:
      return 950;
    case kFire:
      return a_is_chemical ? 850 : 0;
    case kRoad:
      return a == kFire ? 600 : 700;
    case kSmoke:
      if (a == kChemical) return hazmat_site ? 800 : 600;
      return a == kRoad ? 500 : 950;
    case kStraw:
      return a == kSmoke ? 950 : a == kFire ? 700 : 0;
    case kAir:
      return a_is_chemical ? 900 : a == kRoad ? 0 : 500;
    default:
      return 0;
  }
}

int KindScore(const ReportFacts& report, const IncidentTraits& incident) {
  if (report.family == Family::kOther && incident.family == Family::kOther) {
    // Of the codes not named here, only the same group is the same trouble.
    const std::string_view group = std::string_view(report.class_code).substr(0, 3);
    return incident.class_code.starts_with(group) ? kScoreMax : 0;
  }
  return Compatibility(std::min(report.family, incident.family),
                       std::max(report.family, incident.family),
                       report.hazmat_site || incident.hazmat_site);
}

bool IsChemical(Family family) {
  return family == Family::kChemicalFire || family == Family::kChemical;
}

// A smell carries further than what is seen or heard.
double DistanceLimitM(const ReportFacts& report, const IncidentTraits& incident,
                      const EngineConfig::Windows& windows) {
  const bool smelt = (report.odour && (incident.odour || IsChemical(incident.family))) ||
                     (incident.odour && IsChemical(report.family));
  return smelt ? windows.odour_distance_m : windows.distance_m;
}

struct PlaceScore {
  int score = 0;
  std::string why;
};

PlaceScore Apart(const Position& a, const Position& b, double limit_m) {
  if (IsSurelyFartherThan(a, b, 2 * limit_m + a.uncertainty_m + b.uncertainty_m)) return {};
  const double distance = DistanceM(a, b);
  const double uncertainty = a.uncertainty_m + b.uncertainty_m;
  const auto metres = [](double value) { return static_cast<std::int64_t>(std::llround(value)); };
  const int score =
      WeakenBy(metres(std::min(uncertainty, 1e7)), metres(limit_m),
               Fade(metres(std::max(0.0, distance - std::min(uncertainty, 1e7))), metres(limit_m)));
  return {score, "相距 " + std::to_string(metres(distance)) + " 米"};
}

// Does the cone of a bearing pass over a place?
PlaceScore Seen(const Bearing& bearing, const Position& place) {
  const double distance = DistanceM(bearing.origin, place);
  const double reach =
      bearing.range_m > 0 ? std::min(bearing.range_m, kBearingReachM) : kBearingReachM;
  if (distance > reach + place.uncertainty_m) return {};
  const double radius = place.uncertainty_m + kBearingSlackM;
  double angle = 0;
  double allowed = 180;
  if (distance > radius) {
    angle = AngleBetweenDeg(bearing.azimuth_deg, AzimuthDeg(bearing.origin, place));
    allowed = bearing.uncertainty_deg + std::asin(radius / distance) * 57.29577951308232;
  }
  const auto millidegrees = [](double deg) { return static_cast<std::int64_t>(deg * 1000); };
  return {Fade(millidegrees(angle), millidegrees(allowed)),
          "方位 " + std::to_string(std::llround(bearing.azimuth_deg)) + "° 指向现场"};
}

// Two bearings of one tower.
PlaceScore SameDirection(const Bearing& a, const Bearing& b) {
  const auto millidegrees = [](double deg) { return static_cast<std::int64_t>(deg * 1000); };
  return {Fade(millidegrees(AngleBetweenDeg(a.azimuth_deg, b.azimuth_deg)),
               millidegrees(a.uncertainty_deg + b.uncertainty_deg)),
          "同一塔同一方位"};
}

PlaceScore Better(PlaceScore a, PlaceScore b) {
  return b.score > a.score ? std::move(b) : std::move(a);
}

PlaceScore WhereScore(const ReportFacts& report, const IncidentTraits& incident,
                      const EngineConfig::Windows& windows) {
  const std::optional<Bearing>& bearing = report.report->bearing;
  PlaceScore best;
  if (report.place && incident.place) {
    return Apart(*report.place, *incident.place, DistanceLimitM(report, incident, windows));
  }
  if (report.place) {
    for (const Bearing& known : incident.bearings) best = Better(best, Seen(known, *report.place));
  } else if (bearing && incident.place) {
    best = Seen(*bearing, *incident.place);
  } else if (bearing) {
    for (std::size_t i = 0; i < incident.bearings.size(); ++i) {
      if (incident.bearing_devices[i] != report.report->device_id) continue;
      best = Better(best, SameDirection(*bearing, incident.bearings[i]));
    }
  } else if (!report.report->district_code.empty() && report.report->district_code != "000000" &&
             report.report->district_code == incident.district_code) {
    best = {kSameDistrict, "同一区县，位置不详"};
  }
  return best;
}

bool Holds(const std::vector<std::string>& sorted, const std::string& value) {
  return !value.empty() && std::binary_search(sorted.begin(), sorted.end(), value);
}

// Ties of device and site fade slowly: they hold while the incident is open.
int Aged(int score, UtcTime time, const IncidentTraits& incident, Duration expire_after) {
  const std::int64_t limit = Milliseconds(expire_after);
  const std::int64_t gap = std::abs(Milliseconds(SaturatingSubtract(time, incident.started)));
  if (limit <= 0 || gap >= limit) return score - kAgeingMax;
  return score - static_cast<int>(kAgeingMax * gap / limit);
}

// Does a report tell of a time at which the incident could have been going on? One that was silent
// for longer than it takes to expire would be closed; what lies before that is another matter,
// heard late.
bool IsOfItsTime(const Stamp& stamp, const IncidentTraits& incident, Duration expire_after) {
  UtcTime earliest = UtcTime::max();
  UtcTime latest = UtcTime::min();
  for (const IncidentTraits::Span& span : incident.spans) {
    if (span.empty()) continue;
    earliest = std::min(earliest, span.earliest);
    latest = std::max(latest, span.latest);
  }
  return stamp.Latest() >= SaturatingAdd(earliest, -expire_after) &&
         stamp.Earliest() <= SaturatingAdd(latest, expire_after);
}

// A sensor speaks for its own site. That the neighbour's speaks too is a hint, not the same
// incident.
bool IsOfAnotherSite(const ReportFacts& report, const IncidentTraits& incident) {
  const ReportKind kind = report.report->kind;
  return (kind == ReportKind::kSensorAlarm || kind == ReportKind::kRiskWarning ||
          kind == ReportKind::kDataLost) &&
         !report.site_id.empty() && !incident.sites.empty();
}

}  // namespace

std::string DescribeDelay(UtcTime time, UtcTime reference) {
  using namespace std::chrono;
  const auto delay = duration_cast<seconds>(SaturatingSubtract(time, reference)).count();
  if (delay == 0) return "同时";
  const std::int64_t size = std::abs(delay);
  const std::string amount =
      size < 600 ? std::to_string(size) + " 秒" : std::to_string(size / 60) + " 分钟";
  return (delay > 0 ? "晚 " : "早 ") + amount;
}

Link Associate(const ReportFacts& report, const IncidentTraits& incident,
               const EngineConfig::Windows& windows) {
  const Report& said = *report.report;
  const auto delay = [&] { return DescribeDelay(said.aligned.utc, incident.started); };
  if (Holds(incident.call_keys, report.call_key) ||
      Holds(incident.call_keys, report.main_call_key)) {
    return {kSameCall, "同一警情 · " + delay()};
  }
  const int kind = KindScore(report, incident);
  if (kind >= kScoreJoins && said.kind != ReportKind::kSkyGuardAlarm &&
      IsOfItsTime(said.aligned, incident, windows.expire_after)) {
    if (Holds(incident.devices, said.device_id)) {
      return {Aged(kSameDevice, said.aligned.utc, incident, windows.expire_after),
              "同一测点 " + said.device_id + " · " + delay()};
    }
    if (Holds(incident.sites, report.site_id)) {
      return {Aged(kSameSite, said.aligned.utc, incident, windows.expire_after),
              "同一企业 " + report.site_id + " · " + delay()};
    }
  }
  if (kind == 0) return {};
  const int time = TimeScore(said.aligned, said.kind, incident, windows);
  if (time == 0) return {};
  PlaceScore place = WhereScore(report, incident, windows);
  int score = kind * std::min(time, place.score) / kScoreMax;
  if (IsOfAnotherSite(report, incident)) score = std::min(score, kScoreJoins - 1);
  if (score == 0) return {};
  // A report of which not even the kind is known joins when close, and is not worth a hint
  // otherwise.
  const bool is_vague = report.family == Family::kUnknown || incident.family == Family::kUnknown;
  if (is_vague && score < kScoreJoins) return {};
  return {score, place.why + " · " + delay()};
}

double SearchRadiusM(const ReportFacts& report, const EngineConfig::Windows& windows) {
  const bool may_be_smelt = report.odour || IsChemical(report.family);
  const double limit =
      may_be_smelt ? std::max(windows.distance_m, windows.odour_distance_m) : windows.distance_m;
  const double uncertainty = report.place ? std::min(report.place->uncertainty_m, limit) : 0;
  return 2 * limit + uncertainty;
}

}  // namespace fusiongateway
