#include "fusion/respond/camera_ranking.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

#include "fusion/correlate/geometry.h"

namespace fusiongateway {
namespace {

enum class Reason { kSite, kNamed, kCovers };

struct Choice {
  Reason reason;
  int role;
  std::int64_t distance_m;
  const EngineConfig::Camera* camera;

  auto Key() const { return std::tie(reason, role, distance_m, camera->camera_id); }
};

constexpr std::int64_t kDistanceUnknown = -1;

int RoleOrder(const std::string& role) { return role == "tank" ? 0 : role == "gate" ? 1 : 2; }

std::string_view RoleLabel(const std::string& role) {
  if (role == "tank") return "储罐";
  if (role == "gate") return "大门";
  if (role == "tower") return "铁塔";
  if (role == "street") return "道路";
  return "摄像机";
}

std::optional<Choice> Consider(const EngineConfig::Camera& camera, const Incident& incident,
                               const std::set<std::string>& named) {
  const bool on_site = !incident.site_id.empty() && camera.site_id == incident.site_id;
  const bool is_named = named.contains(camera.camera_id);
  double distance = -1;
  bool covers = false;
  if (incident.position && IsOnEarth(camera.position)) {
    const double reach =
        camera.range_m + std::min(incident.position->uncertainty_m, camera.range_m);
    if (on_site || is_named || !IsSurelyFartherThan(camera.position, *incident.position, reach)) {
      distance = DistanceM(camera.position, *incident.position);
      covers = distance <= reach;
    }
  }
  if (!on_site && !is_named && !covers) return std::nullopt;
  const Reason reason = on_site ? Reason::kSite : is_named ? Reason::kNamed : Reason::kCovers;
  return Choice{reason, reason == Reason::kSite ? RoleOrder(camera.role) : 0,
                distance < 0 ? kDistanceUnknown : std::llround(distance), &camera};
}

std::string Why(const Choice& choice) {
  std::string why;
  switch (choice.reason) {
    case Reason::kSite:
      why = "同一企业 " + choice.camera->site_id;
      break;
    case Reason::kNamed:
      why = "报警来源";
      break;
    case Reason::kCovers:
      why = "视野覆盖";
      break;
  }
  why += " · " + std::string(RoleLabel(choice.camera->role));
  if (choice.distance_m != kDistanceUnknown) {
    why += " · " + std::to_string(choice.distance_m) + " 米";
  }
  return why;
}

}  // namespace

std::vector<IncidentCamera> RankCameras(const Incident& incident,
                                        const std::set<std::string>& named, const City& city) {
  std::vector<Choice> choices;
  for (const EngineConfig::Camera& camera : city.config().cameras) {
    if (const auto choice = Consider(camera, incident, named)) choices.push_back(*choice);
  }
  std::sort(choices.begin(), choices.end(),
            [](const Choice& a, const Choice& b) { return a.Key() < b.Key(); });
  if (choices.size() > kCamerasMax) choices.resize(kCamerasMax);
  std::vector<IncidentCamera> ranked;
  for (const Choice& choice : choices) {
    IncidentCamera camera;
    camera.camera_id = choice.camera->camera_id;
    camera.rank = static_cast<std::uint32_t>(ranked.size() + 1);
    camera.why = Why(choice);
    ranked.push_back(std::move(camera));
  }
  return ranked;
}

}  // namespace fusiongateway
