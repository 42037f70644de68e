#include "fusion/incident/assessment.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "fusion/correlate/geometry.h"

namespace fusiongateway {
namespace {

constexpr std::size_t kTitleMaxBytes = 120;

bool Vouches(const ReportFacts& fact) { return !IsDataLoss(*fact.report); }

// Reports that still stand; if none does those that once vouched for it, or simply all, so that an
// incident always has a face.
std::vector<const ReportFacts*> Standing(const std::vector<ReportFacts>& facts) {
  std::vector<const ReportFacts*> standing;
  const auto take_if = [&](auto&& wanted) {
    for (const ReportFacts& fact : facts) {
      if (wanted(fact)) standing.push_back(&fact);
    }
    return !standing.empty();
  };
  take_if([](const auto& fact) { return Vouches(fact) && !fact.withdrawn; }) ||
      take_if([](const auto& fact) { return Vouches(fact); }) ||
      take_if([](const auto&) { return true; });
  return standing;
}

// Chance in a thousand that a report of this kind is true. Tower alarms: the published precision.
int WeightOf(const ReportFacts& fact) {
  const Report& report = *fact.report;
  switch (report.kind) {
    case ReportKind::kSensorAlarm:
      return 600;
    case ReportKind::kPoliceCall:
      return 500;
    case ReportKind::kGridReport:
      return 500;
    case ReportKind::kRiskWarning:
      return 300;
    case ReportKind::kCameraFinding:
      return 300;
    case ReportKind::kSkyGuardAlarm: {
      const auto* tower = std::get_if<SkyGuardDetail>(&report.detail);
      return tower && tower->review_state == "true" ? 900 : 160;
    }
    default:
      return 0;
  }
}

// Independent sources add up, repeats of one source do not: the best report of each feed counts.
int ConfidencePermille(const std::vector<ReportFacts>& facts) {
  std::map<std::string_view, int> best;
  for (const ReportFacts& fact : facts) {
    int& weight = best[fact.report->feed_id];
    if (!fact.withdrawn) weight = std::max(weight, WeightOf(fact));
  }
  int doubt = 1000;
  for (const auto& [feed, weight] : best) doubt = doubt * (1000 - weight) / 1000;
  return 1000 - doubt;
}

// The most serious, then the most specific, then the best supported class; the lower code on a tie.
std::string ClassOf(const std::vector<const ReportFacts*>& standing) {
  std::string best;
  std::tuple<int, bool, Severity, int> best_rank{};
  for (const ReportFacts* fact : standing) {
    if (fact->class_code.empty()) continue;
    const bool is_chemical = fact->class_code.starts_with("12D");
    const bool is_local = fact->class_code.starts_with("19X");
    const bool is_specific = !fact->class_code.ends_with("99") && !fact->class_code.ends_with("00");
    const std::tuple rank{is_chemical ? 2
                          : is_local  ? 0
                                      : 1,
                          is_specific, fact->report->severity, WeightOf(*fact)};
    if (best.empty() || rank > best_rank || (rank == best_rank && fact->class_code < best)) {
      best = fact->class_code;
      best_rank = rank;
    }
  }
  return best;
}

struct Casualties {
  UtcTime told{};
  std::uint32_t dead = 0;
  std::uint32_t injured = 0;
};

// Several calls may count the same people: the highest of the calls, each by its latest document.
Casualties CasualtiesOf(const std::vector<const ReportFacts*>& standing) {
  std::map<std::string_view, Casualties> by_call;
  for (const ReportFacts* fact : standing) {
    const auto* police = std::get_if<PoliceCallDetail>(&fact->report->detail);
    if (!police || police->document == PoliceCallDetail::Document::kDispatch) continue;
    const UtcTime told = fact->report->updated_at.value_or(fact->report->aligned.utc);
    const auto [call, added] =
        by_call.try_emplace(fact->call_key.empty() ? fact->report->report_id : fact->call_key);
    if (added || told >= call->second.told) call->second = {told, police->dead, police->injured};
  }
  Casualties worst;
  for (const auto& [key, call] : by_call) {
    worst.dead = std::max(worst.dead, call.dead);
    worst.injured = std::max(worst.injured, call.injured);
  }
  return worst;
}

Grade GradeOf(const Casualties& people) {
  if (people.dead >= 30 || people.injured >= 100) return Grade::kI;
  if (people.dead >= 10 || people.injured >= 50) return Grade::kII;
  if (people.dead >= 3 || people.injured >= 10) return Grade::kIII;
  return Grade::kIV;
}

// The site of the first sensor that named one; else of anybody who did.
std::string SiteOf(const std::vector<const ReportFacts*>& standing) {
  std::string any;
  for (const ReportFacts* fact : standing) {
    if (fact->site_id.empty()) continue;
    if (fact->report->kind == ReportKind::kSensorAlarm) return fact->site_id;
    if (any.empty()) any = fact->site_id;
  }
  return any;
}

// Where it is: at its site if it has one, else where the best located evidence is. Who smells
// something is not where it comes from, so odour places come last.
std::optional<Position> PlaceOf(const std::vector<const ReportFacts*>& standing,
                                const std::string& site_id) {
  const ReportFacts* best = nullptr;
  std::tuple<bool, bool, double> best_rank{};
  for (const ReportFacts* fact : standing) {
    if (!fact->place) continue;
    const bool off_site = !site_id.empty() && fact->site_id != site_id;
    const std::tuple rank{off_site, fact->odour, fact->place->uncertainty_m};
    if (best == nullptr || rank < best_rank) {
      best = fact;
      best_rank = rank;
    }
  }
  if (best == nullptr) return std::nullopt;
  return best->place;
}

std::string DistrictOf(const std::vector<const ReportFacts*>& standing,
                       const EngineConfig::Site* site) {
  if (site && !site->district_code.empty()) return site->district_code;
  for (const ReportFacts* fact : standing) {
    const std::string& code = fact->report->district_code;
    if (!code.empty() && code != "000000") return code;
  }
  return "000000";
}

std::string_view KindLabel(ReportKind kind) {
  switch (kind) {
    case ReportKind::kPoliceCall:
      return "110报警";
    case ReportKind::kSkyGuardAlarm:
      return "蓝天卫士报警";
    case ReportKind::kSensorAlarm:
      return "监测点报警";
    case ReportKind::kRiskWarning:
      return "风险预警";
    case ReportKind::kGridReport:
      return "网格上报";
    case ReportKind::kCameraFinding:
      return "视频发现异常";
    default:
      return "报告";
  }
}

// Never cuts a character of UTF-8 in two.
std::string Shortened(std::string text) {
  if (text.size() <= kTitleMaxBytes) return text;
  std::size_t end = kTitleMaxBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

// "<site> · <what the gravest evidence says>"; summaries are masked at the door.
std::string TitleOf(const std::vector<const ReportFacts*>& standing, const EngineConfig::Site* site,
                    bool drill) {
  const Report* gravest = standing.front()->report.get();
  for (const ReportFacts* fact : standing) {
    if (fact->report->severity > gravest->severity) gravest = fact->report.get();
  }
  std::string title = drill ? "【演练】" : "";
  if (site && !site->name.empty()) title += site->name + " · ";
  title += gravest->summary.empty() ? KindLabel(gravest->kind) : gravest->summary;
  return Shortened(std::move(title));
}

void AddSorted(std::vector<std::string>* values, const std::string& value) {
  if (value.empty()) return;
  const auto at = std::lower_bound(values->begin(), values->end(), value);
  if (at == values->end() || *at != value) values->insert(at, value);
}

}  // namespace

void Assess(const std::vector<ReportFacts>& facts, const City& city, Incident* incident) {
  const std::vector<const ReportFacts*> standing = Standing(facts);
  incident->site_id = SiteOf(standing);
  const EngineConfig::Site* site = city.FindSite(incident->site_id);
  incident->class_code = ClassOf(standing);
  incident->suggested_grade = GradeOf(CasualtiesOf(standing));
  incident->confidence = ConfidencePermille(facts) / 1000.0;
  incident->position = PlaceOf(standing, incident->site_id);
  incident->district_code = DistrictOf(standing, site);
  incident->title = TitleOf(standing, site, incident->drill);
  incident->severity = Severity::kUnspecified;
  incident->started = standing.front()->began;
  for (const ReportFacts* fact : standing) {
    incident->severity = std::max(incident->severity, fact->report->severity);
    if (fact->began.utc < incident->started.utc) incident->started = fact->began;
  }
}

void WithdrawFalseCalls(std::vector<ReportFacts>* facts) {
  struct Verdict {
    UtcTime told{};
    bool is_false = false;
  };
  std::map<std::string, Verdict> by_call;
  for (const ReportFacts& fact : *facts) {
    const auto* police = std::get_if<PoliceCallDetail>(&fact.report->detail);
    if (!police || fact.call_key.empty() || police->result_code.empty() ||
        police->document != PoliceCallDetail::Document::kFeedback) {
      continue;
    }
    const UtcTime told = fact.report->updated_at.value_or(fact.report->aligned.utc);
    const auto [verdict, added] = by_call.try_emplace(fact.call_key);
    if (added || told >= verdict->second.told) verdict->second = {told, IsWithdrawn(*fact.report)};
  }
  for (ReportFacts& fact : *facts) {
    const auto verdict = by_call.find(fact.call_key);
    fact.withdrawn =
        IsWithdrawn(*fact.report) || (verdict != by_call.end() && verdict->second.is_false);
  }
}

IncidentTraits TraitsOf(const std::vector<ReportFacts>& facts, const Incident& incident) {
  IncidentTraits traits;
  traits.partition = facts.front().partition;
  traits.class_code = incident.class_code;
  traits.started = incident.started.utc;
  traits.district_code = incident.district_code == "000000" ? "" : incident.district_code;
  traits.place = incident.position;
  for (const ReportFacts* fact : Standing(facts)) {
    const Report& report = *fact->report;
    traits.family = std::min(traits.family, fact->family);
    traits.odour |= fact->odour;
    traits.hazmat_site |= fact->hazmat_site;
    AddSorted(&traits.sites, fact->site_id);
    // A tower turns: that the same one saw it says nothing about where.
    if (report.kind != ReportKind::kSkyGuardAlarm) AddSorted(&traits.devices, report.device_id);
    if (!fact->place && report.bearing && IsOnEarth(report.bearing->origin)) {
      traits.bearings.push_back(*report.bearing);
      traits.bearing_devices.push_back(report.device_id);
    }
    IncidentTraits::Span& span = traits.spans[static_cast<std::size_t>(report.kind)];
    span.earliest = std::min({span.earliest, fact->began.Earliest(), report.aligned.Earliest()});
    span.latest = std::max({span.latest, fact->began.Latest(), report.aligned.Latest()});
  }
  for (const ReportFacts& fact : facts) {
    AddSorted(&traits.call_keys, fact.call_key);
    AddSorted(&traits.call_keys, fact.main_call_key);
  }
  return traits;
}

std::size_t CountIndependentSources(const std::vector<ReportFacts>& facts) {
  std::set<std::string_view> feeds;
  for (const ReportFacts& fact : facts) {
    if (Vouches(fact) && !fact.withdrawn) feeds.insert(fact.report->feed_id);
  }
  return feeds.size();
}

bool AnyVouches(const std::vector<ReportFacts>& facts) {
  return std::any_of(facts.begin(), facts.end(), Vouches);
}

bool AllWithdrawn(const std::vector<ReportFacts>& facts) {
  return std::all_of(facts.begin(), facts.end(),
                     [](const auto& fact) { return fact.withdrawn || !Vouches(fact); });
}

bool AllEnded(const std::vector<ReportFacts>& facts) {
  return std::all_of(facts.begin(), facts.end(), [](const auto& fact) {
    return fact.withdrawn || !Vouches(fact) || fact.report->action == ReportAction::kStop;
  });
}

}  // namespace fusiongateway
