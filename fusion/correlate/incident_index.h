// Finds the incidents a report might belong to without looking at all of them: by site, by police
// call, by place (a grid of cells) and, for the unlocated, by district. Answers are incident
// ordinals in ascending order, so that nothing depends on how a hash table is laid out. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "fusion/correlate/association.h"

namespace fusiongateway {

class IncidentIndex {
 public:
  // (Re)places an incident where its traits put it.
  void Put(std::uint64_t ordinal, const IncidentTraits& traits);
  void Remove(std::uint64_t ordinal);

  // The incidents with evidence of a police call or linked to it (ReportFacts::call_key).
  std::vector<std::uint64_t> OfCall(const std::string& call_key) const;
  // A superset of the incidents that Associate could score above zero.
  std::vector<std::uint64_t> Candidates(const ReportFacts& report,
                                        const EngineConfig::Windows& windows) const;

 private:
  using Cell = std::uint64_t;
  using Ordinals = std::vector<std::uint64_t>;
  struct Keys {
    std::vector<std::string> names;
    std::vector<Cell> cells;
    friend bool operator==(const Keys&, const Keys&) = default;
  };
  static Keys KeysOf(const IncidentTraits& traits);
  void CollectNear(const Position& centre, double radius_m, Ordinals* found) const;

  std::unordered_map<std::string, Ordinals> by_name_;
  std::unordered_map<Cell, Ordinals> by_cell_;
  std::unordered_map<std::uint64_t, Keys> keys_;
};

}  // namespace fusiongateway
