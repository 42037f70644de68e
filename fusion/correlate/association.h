// Association: how strongly a report belongs to an incident, and why, in words.
//
// The score is an integer, 0 .. 1000. The report's document chain, device or site ties it directly.
// Otherwise three things are weighed: time (the pair's window, domain.md section 5, against the
// incident's evidence of each kind), place (distance or bearing against the limit) and kind (what
// can be the same trouble). Time and place are fuzzy: the gap counts only beyond both sides'
// uncertainty, scores kWindowEdge at the edge of its window and nothing at twice the window; an
// uncertainty wider than the window lowers the score instead of joining everything. The weaker of
// the two, scaled by kind, is the score.
//
// Pure functions.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "fusion/correlate/facts.h"

namespace fusiongateway {

inline constexpr int kScoreMax = 1000;
inline constexpr int kWindowEdge = 625;
// At and above: the report joins. Below it and at least kScoreRelated: "possibly related".
inline constexpr int kScoreJoins = 500;
inline constexpr int kScoreRelated = 60;

// How far a bearing without a fix reaches, metres.
inline constexpr double kBearingReachM = 10'000;

// What association needs to know of an incident.
struct IncidentTraits {
  struct Span {
    UtcTime earliest = UtcTime::max();
    UtcTime latest = UtcTime::min();
    bool empty() const { return earliest > latest; }
  };
  static constexpr std::size_t kKinds = 9;  // of ReportKind

  Partition partition;
  Family family = Family::kUnknown;  // the most serious among its evidence
  std::string class_code;
  bool odour = false;
  bool hazmat_site = false;
  UtcTime started{};
  std::string district_code;
  std::optional<Position> place;
  std::vector<Bearing> bearings;  // of evidence without a fix
  std::vector<std::string> bearing_devices;
  std::vector<std::string> sites;      // sorted
  std::vector<std::string> devices;    // measuring points, sorted
  std::vector<std::string> call_keys;  // sorted
  std::array<Span, kKinds> spans{};    // of the evidence of each kind
};

struct Link {
  int score = 0;
  std::string why;
};

Link Associate(const ReportFacts& report, const IncidentTraits& incident,
               const EngineConfig::Windows& windows);

// "晚 70 秒" | "早 12 分钟" | "同时": how long after `reference` it was.
std::string DescribeDelay(UtcTime time, UtcTime reference);

// How far a report's place and an incident's may lie apart and still be looked at, metres.
double SearchRadiusM(const ReportFacts& report, const EngineConfig::Windows& windows);

}  // namespace fusiongateway
