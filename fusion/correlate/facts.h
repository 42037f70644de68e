// What association and assessment need to know of one report: its family, its place, its site, and
// which isolated part of the world it belongs to. Derived once, when the report is taken.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fusion/correlate/city.h"
#include "fusion/model/stream_record.h"

namespace fusiongateway {

// What kind of trouble, as far as joining goes; the most serious first.
enum class Family : std::uint8_t {
  kChemicalFire,  // 12D01, 12D03
  kChemical,      // other 12D, sensors of a hazardous site
  kFire,
  kRoad,
  kSmoke,  // seen by a camera that cannot tell what burns
  kStraw,
  kAir,  // odour, air pollution
  kOther,
  kUnknown,
};

// Reports of different parts never meet: a declared drill, secret evidence, and the ordinary world.
struct Partition {
  std::string drill_id;  // empty = real
  bool restricted = false;
  friend bool operator==(const Partition&, const Partition&) = default;
};

struct ReportFacts {
  ReportPtr report;  // its latest version
  // When it began: an update (another sweep, its end) tells a later time of the same fact.
  Stamp began;
  Partition partition;
  Family family = Family::kUnknown;
  bool odour = false;      // somebody smells something: may be far down-wind of its source
  bool withdrawn = false;  // by its own word, or its call was found false
  std::string class_code;  // as said, or derived from what was measured
  std::string site_id;     // as said, or that of its device
  bool hazmat_site = false;
  std::optional<Position> place;  // its own, or its site's
  std::string call_key;           // joins the documents of one police call; empty if none
  std::string main_call_key;
  std::vector<FetchedAttachment> attachments;  // what came of fetching its attachments
};

ReportFacts FactsOf(const ReportPtr& report, const City& city);

// Readings and a camera's "clear" or "blind" are records, never evidence: they say how well the
// city is seen, not that something happened.
bool IsEvidence(const Report& report);
// May start an incident: not an end, not a withdrawal, not a loss of data.
bool OpensIncident(const ReportFacts& facts);
// Sensors went blind, or see again. It belongs to what is going on at its site, but vouches for
// nothing: it opens no incident, adds no confidence, and keeps none from ending.
bool IsDataLoss(const Report& report);
// Cancelled, called false, or reviewed as false, by its own word.
bool IsWithdrawn(const Report& report);
// A dispatch or feedback: says what is done about a call, not that something new happened.
bool IsPaperwork(const Report& report);

}  // namespace fusiongateway
