// Assessment: what the evidence of an incident amounts to. Everything an incident says about itself
// (class, severity, grade, confidence, place, title …) is computed anew from its evidence, so that
// a corrected or withdrawn fact leaves no trace in it. Pure functions.
#pragma once

#include <cstddef>
#include <vector>

#include "fusion/correlate/association.h"
#include "fusion/correlate/facts.h"
#include "fusion/model/incident.h"

namespace fusiongateway {

// Fills `incident` from its evidence; `facts` runs parallel to incident->evidence and is not empty.
void Assess(const std::vector<ReportFacts>& facts, const City& city, Incident* incident);

// A call found false takes back every document of that call, for as long as the latest of its
// feedbacks that gives a result says so.
void WithdrawFalseCalls(std::vector<ReportFacts>* facts);

// What association needs to know of the incident.
IncidentTraits TraitsOf(const std::vector<ReportFacts>& facts, const Incident& incident);

// Feeds with evidence that still stands.
std::size_t CountIndependentSources(const std::vector<ReportFacts>& facts);
// Is there any that says something happened? Losses of data alone do not.
bool AnyVouches(const std::vector<ReportFacts>& facts);
bool AllWithdrawn(const std::vector<ReportFacts>& facts);
// Every source has ended or withdrawn what it told.
bool AllEnded(const std::vector<ReportFacts>& facts);

}  // namespace fusiongateway
