#include "fusion/incident/incident_desk.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "fusion/incident/assessment.h"
#include "fusion/incident/life_cycle.h"
#include "fusion/sequence/attachment_wishes.h"

namespace fusiongateway {
namespace {

constexpr const char* kPossiblyRelated = "possibly_related";
constexpr const char* kFollowsClosed = "follows_closed";

std::string CauseOf(const Report& report) { return report.feed_id + "/" + report.report_id; }

// Where the evidence of a report stands; evidence.size() if nowhere. Latest first: updates are
// young.
std::size_t EvidenceOf(const Incident& incident, const std::string& feed_id,
                       const std::string& report_id) {
  for (std::size_t i = incident.evidence.size(); i-- > 0;) {
    const Evidence& evidence = incident.evidence[i];
    if (evidence.report_id == report_id && evidence.feed_id == feed_id) return i;
  }
  return incident.evidence.size();
}

// A later version of a report may tell a later time of the same fact, or correct when it began.
Stamp BeganOf(const ReportFacts& known, const Report& now) {
  const bool corrected = now.occurred_at == known.report->occurred_at;
  return corrected || now.aligned.utc < known.began.utc ? now.aligned : known.began;
}

// The latest time that evidence tells of.
Stamp LatestOf(const std::vector<ReportFacts>& facts) {
  Stamp latest = facts.front().report->aligned;
  for (const ReportFacts& fact : facts) {
    if (fact.report->aligned.utc > latest.utc) latest = fact.report->aligned;
  }
  return latest;
}

void ForgetFrames(const Report& report, Incident* incident) {
  for (IncidentCamera& camera : incident->cameras) {
    std::erase_if(camera.frames, [&](const FrameRef& frame) {
      return frame.report_id == report.report_id && frame.feed_id == report.feed_id;
    });
  }
}

void FillFromFacts(const ReportFacts& facts, Evidence* evidence) {
  const Report& report = *facts.report;
  evidence->report_id = report.report_id;
  evidence->feed_id = report.feed_id;
  evidence->kind = report.kind;
  evidence->aligned = facts.began;
  evidence->action = report.action;
  evidence->severity = report.severity;
  evidence->summary = report.summary;
  evidence->position = report.position;
  evidence->attachments = facts.attachments;
}

// Room for one more: of those after the first, the least severe goes, the oldest of these.
void MakeRoom(std::vector<ReportFacts>* facts, SharedList<Evidence>* evidence) {
  if (evidence->size() < IncidentDesk::kEvidenceMax) return;
  const auto first = evidence->begin() + IncidentDesk::kEvidenceFirstMax;
  const auto out = std::min_element(
      first, evidence->end(), [](const auto& a, const auto& b) { return a.severity < b.severity; });
  facts->erase(facts->begin() + (out - evidence->begin()));
  evidence->erase(out);
}

std::string DrillNote(const ReportFacts& facts) {
  return facts.report->drill && facts.partition.drill_id.empty()
             ? "演练标志未申报，按真实事件处理 / drill mark without a declared drill: treated as "
               "real"
             : "";
}

// Does a report reopen the matter after its incident was closed? Only if it says more than what was
// closed, nobody had looked at it, or it had ended and begins again: then it is a new alarm.
bool Reopens(const ReportFacts& facts, const Incident& closed, bool had_ended) {
  if (!OpensIncident(facts)) return false;
  return had_ended || closed.state == IncidentState::kExpired ||
         facts.report->severity > closed.severity;
}

// To follow a closed incident, place and kind must fit; time only as long as it is remembered.
EngineConfig::Windows AsLongAsRemembered(EngineConfig::Windows windows) {
  windows.sensor = windows.tower = windows.grid = windows.video = IncidentStore::kClosedAgeMax;
  windows.police_before = windows.police_after = IncidentStore::kClosedAgeMax;
  windows.expire_after += IncidentStore::kClosedAgeMax;
  return windows;
}

}  // namespace

IncidentDesk::IncidentDesk(RecordWriter* writer, CameraRanking rank_cameras)
    : writer_(writer),
      rank_cameras_(std::move(rank_cameras)),
      city_(std::make_shared<const City>(std::make_shared<const EngineConfig>())) {}

UtcTime IncidentDesk::ExpiryFromNow() const {
  return SaturatingAdd(writer_->at(), city_->config().windows.expire_after);
}

// ---- reports

void IncidentDesk::TakeReport(const ReportPtr& report, KnownReport* known) {
  const IncidentSlotPtr previous = known->incident.lock();
  known->incident.reset();
  if (!IsEvidence(*report)) return;
  ReportFacts facts = FactsOf(report, *city_);
  facts.attachments = AnsweredOf(*known);
  const bool had_ended = std::exchange(known->ended, !OpensIncident(facts));
  known->incident = previous ? PlaceUpdate(facts, previous, had_ended)
                             : Place(facts, nullptr, OpensIncident(facts));
}

IncidentSlotPtr IncidentDesk::PlaceUpdate(const ReportFacts& facts, const IncidentSlotPtr& previous,
                                          bool had_ended) {
  const Report& report = *facts.report;
  const bool is_open = !IsClosed(previous->current->state);
  if (previous->traits.partition != facts.partition) {
    // It became secret, or part of a drill: it leaves the world it was in.
    if (is_open || facts.partition.restricted) {
      RemoveEvidence(previous, [&](const ReportFacts& known) {
        return known.report->report_id == report.report_id &&
               known.report->feed_id == report.feed_id;
      });
    }
    return Place(facts, nullptr, OpensIncident(facts));
  }
  if (is_open && UpdateEvidence(previous, facts)) return previous;
  if (is_open) return Place(facts, nullptr, OpensIncident(facts));
  if (Reopens(facts, *previous->current, had_ended)) return Place(facts, previous, true);
  writer_->Disposition(report.feed_id, report.report_id, *previous->current,
                       "事件已关闭 / the incident is closed");
  return previous;
}

std::vector<ReportFacts> IncidentDesk::Withdraw(const std::vector<std::string>& calls) {
  const std::set<std::string_view> secret(calls.begin(), calls.end());
  std::set<std::uint64_t> ordinals;
  for (const std::string& call : calls) {
    for (const std::uint64_t ordinal : index_.OfCall(call)) ordinals.insert(ordinal);
  }
  std::vector<ReportFacts> withdrawn;
  for (const std::uint64_t ordinal : ordinals) {
    const IncidentSlotPtr slot = store_.Find(ordinal);
    if (slot->traits.partition.restricted) continue;
    std::vector<ReportFacts> left = RemoveEvidence(slot, [&](const ReportFacts& facts) {
      return secret.contains(facts.call_key) || secret.contains(facts.main_call_key);
    });
    std::move(left.begin(), left.end(), std::back_inserter(withdrawn));
  }
  return withdrawn;
}

IncidentSlotPtr IncidentDesk::PlaceSecret(ReportFacts facts) {
  auto secret = std::make_shared<Report>(*facts.report);
  secret->restricted = true;
  facts.report = std::move(secret);
  facts.partition.restricted = true;
  // What an incident was made of is never dropped, ended or not.
  return Place(facts, nullptr, true);
}

IncidentSlotPtr IncidentDesk::Place(const ReportFacts& facts, const IncidentSlotPtr& follows,
                                    bool opens) {
  Match match = FindMatch(facts);
  if (follows) {
    match.relations.insert(match.relations.begin(),
                           {follows, {kScoreMax, "同一报告"}, kFollowsClosed, false});
  }
  const bool joins = opens || IsPaperwork(*facts.report) || IsDataLoss(*facts.report);
  if (match.open && joins) {
    IncidentSlotPtr slot = match.open;
    Join(slot, facts, std::move(match));
    return slot;
  }
  if (match.paperwork_of) {
    writer_->Disposition(facts.report->feed_id, facts.report->report_id,
                         *match.paperwork_of->current, "事件已关闭 / the incident is closed");
    return match.paperwork_of;
  }
  if (!opens) return nullptr;
  const IncidentSlotPtr slot =
      store_.Open(writer_->gateway_id(), facts.partition.restricted, writer_->at());
  Open(slot, facts, std::move(match));
  return slot;
}

IncidentDesk::Match IncidentDesk::FindMatch(const ReportFacts& facts) const {
  const EngineConfig::Windows& windows = city_->config().windows;
  Match match;
  for (const std::uint64_t ordinal : index_.Candidates(facts, windows)) {
    const IncidentSlotPtr slot = store_.Find(ordinal);
    const bool same_world = slot->traits.partition == facts.partition;
    const bool may_look = facts.partition.restricted && !slot->traits.partition.restricted &&
                          slot->traits.partition.drill_id == facts.partition.drill_id;
    if (!same_world && !may_look) continue;
    const bool is_closed = IsClosed(slot->current->state);
    if (same_world && is_closed) {
      ConsiderClosed(facts, slot, &match);
      continue;
    }
    Link link = Associate(facts, slot->traits, windows);
    if (link.score < kScoreRelated) continue;
    if (same_world && link.score >= kScoreJoins && link.score > match.link.score) {
      if (match.open) {
        match.relations.push_back({match.open, match.link, kPossiblyRelated, true});
      }
      match.open = slot;
      match.link = std::move(link);
    } else {
      match.relations.push_back({slot, std::move(link), kPossiblyRelated, same_world});
    }
  }
  return match;
}

void IncidentDesk::ConsiderClosed(const ReportFacts& facts, const IncidentSlotPtr& slot,
                                  Match* match) const {
  Link link = Associate(facts, slot->traits, AsLongAsRemembered(city_->config().windows));
  if (link.score < kScoreJoins) return;
  const bool same_call = std::binary_search(slot->traits.call_keys.begin(),
                                            slot->traits.call_keys.end(), facts.call_key);
  if (IsPaperwork(*facts.report) && same_call && !Reopens(facts, *slot->current, false)) {
    match->paperwork_of = slot;
  } else {
    match->relations.push_back({slot, std::move(link), kFollowsClosed, false});
  }
}

void IncidentDesk::Open(const IncidentSlotPtr& slot, const ReportFacts& facts, Match match) {
  Incident incident = *slot->current;
  incident.state = IncidentState::kUnverified;
  incident.drill = !facts.partition.drill_id.empty();
  incident.drill_id = facts.partition.drill_id;
  incident.change = {"opened", CauseOf(*facts.report), "", DrillNote(facts)};
  match.link = {kScoreMax, "首个报告"};
  Evidence evidence;
  FillFromFacts(facts, &evidence);
  evidence.score = static_cast<std::uint32_t>(match.link.score);
  evidence.why = match.link.why;
  incident.evidence.push_back(std::move(evidence));
  incident.evidence_count = 1;
  slot->facts.push_back(facts);
  Relate(match.relations, &incident);
  Reassess(slot, std::move(incident), &facts);
  RelateBack(match.relations, *slot->current);
}

void IncidentDesk::Join(const IncidentSlotPtr& slot, const ReportFacts& facts, Match match) {
  Incident incident = *slot->current;
  incident.change = {"evidence_added", CauseOf(*facts.report), "", DrillNote(facts)};
  MakeRoom(&slot->facts, &incident.evidence);
  Evidence evidence;
  FillFromFacts(facts, &evidence);
  evidence.score = static_cast<std::uint32_t>(match.link.score);
  evidence.why = std::move(match.link.why);
  incident.evidence.push_back(std::move(evidence));
  ++incident.evidence_count;
  slot->facts.push_back(facts);
  if (!facts.call_key.empty()) WithdrawFalseCalls(&slot->facts);
  std::erase_if(match.relations, [](const Relation& r) { return r.name == kFollowsClosed; });
  Relate(match.relations, &incident);
  Reassess(slot, std::move(incident), &facts);
  RelateBack(match.relations, *slot->current);
}

bool IncidentDesk::UpdateEvidence(const IncidentSlotPtr& slot, const ReportFacts& facts) {
  const Report& report = *facts.report;
  const std::size_t at = EvidenceOf(*slot->current, report.feed_id, report.report_id);
  if (at == slot->current->evidence.size()) return false;
  Incident incident = *slot->current;
  const Stamp began = BeganOf(slot->facts[at], report);
  slot->facts[at] = facts;
  slot->facts[at].began = began;
  Evidence evidence = incident.evidence[at];
  FillFromFacts(slot->facts[at], &evidence);
  ++evidence.repeat_count;
  incident.evidence.Set(at, std::move(evidence));
  incident.updated = report.aligned;
  if (!facts.call_key.empty()) WithdrawFalseCalls(&slot->facts);
  incident.change = {"evidence_updated", CauseOf(report), "", DrillNote(facts)};
  for (IncidentCamera& camera : incident.cameras) {
    for (FrameRef& frame : camera.frames) {
      if (frame.report_id == report.report_id && frame.feed_id == report.feed_id) {
        frame.offset = SaturatingSubtract(frame.captured.utc, began.utc);
      }
    }
  }
  Reassess(slot, std::move(incident), nullptr);
  return true;
}

std::vector<ReportFacts> IncidentDesk::RemoveEvidence(
    const IncidentSlotPtr& slot, const std::function<bool(const ReportFacts&)>& leaves) {
  Incident incident = *slot->current;
  std::vector<ReportFacts> left;
  for (std::size_t at = slot->facts.size(); at-- > 0;) {
    if (!leaves(slot->facts[at])) continue;
    ForgetFrames(*slot->facts[at].report, &incident);
    for (auto& [camera_id, asked] : slot->frames_asked) {
      if (asked > at) --asked;
    }
    incident.evidence.erase(incident.evidence.begin() + static_cast<std::ptrdiff_t>(at));
    --incident.evidence_count;
    left.push_back(std::move(slot->facts[at]));
    slot->facts.erase(slot->facts.begin() + static_cast<std::ptrdiff_t>(at));
  }
  if (left.empty()) return left;
  std::reverse(left.begin(), left.end());
  DropRelations(slot, &incident);
  if (!AnyVouches(slot->facts)) {
    slot->facts.clear();
    PublishEmptied(slot);
    return left;
  }
  WithdrawFalseCalls(&slot->facts);
  if (incident.state == IncidentState::kAccepted && slot->accepted_by_sources &&
      CountIndependentSources(slot->facts) < city_->config().accept_sources) {
    incident.state = IncidentState::kUnverified;
  }
  incident.updated = LatestOf(slot->facts);
  incident.change = {"evidence_withdrawn", "", "", ""};
  Reassess(slot, std::move(incident), nullptr);
  return left;
}

void IncidentDesk::PublishEmptied(const IncidentSlotPtr& slot) {
  const Incident& was = *slot->current;
  wishes_.Forget(was.incident_id);
  Incident empty;
  empty.incident_id = was.incident_id;
  empty.revision = was.revision;
  empty.drill = was.drill;
  empty.drill_id = was.drill_id;
  empty.restricted = was.restricted;
  empty.started = empty.updated = {writer_->at(), Duration{}, ClockSource::kArrival, 0};
  empty.district_code = "000000";
  if (IsClosed(was.state)) {
    empty.state = was.state;
    empty.change = {"evidence_withdrawn", "", "", ""};
  } else {
    empty.state = IncidentState::kClosed;
    empty.change = {"closed", "evidence/withdrawn", "",
                    "证据已全部撤回 / all its evidence was withdrawn"};
  }
  Publish(slot, std::move(empty));
}

// ---- relations

void IncidentDesk::Relate(const std::vector<Relation>& relations, Incident* incident) {
  for (const Relation& relation : relations) {
    const std::string& other = relation.slot->current->incident_id;
    const bool known = std::any_of(incident->related.begin(), incident->related.end(),
                                   [&](const auto& r) { return r.incident_id == other; });
    if (known || incident->related.size() >= kRelatedMax) continue;
    incident->related.push_back({other, relation.name, relation.link.why});
  }
}

void IncidentDesk::RelateBack(const std::vector<Relation>& relations, const Incident& incident) {
  for (const Relation& relation : relations) {
    const auto& known = relation.slot->current->related;
    if (!relation.both_ways || known.size() >= kRelatedMax ||
        std::any_of(known.begin(), known.end(),
                    [&](const auto& r) { return r.incident_id == incident.incident_id; })) {
      continue;
    }
    Incident other = *relation.slot->current;
    other.related.push_back({incident.incident_id, relation.name, relation.link.why});
    other.change = {"related", incident.change.cause, "", incident.incident_id};
    Publish(relation.slot, std::move(other));
  }
}

void IncidentDesk::DropRelations(const IncidentSlotPtr& slot, Incident* incident) {
  incident->related.clear();
  const auto is_this = [&](const RelatedIncident& related) {
    return related.incident_id == incident->incident_id;
  };
  for (const IncidentSlotPtr& other : store_.All()) {
    const auto& related = other->current->related;
    if (other == slot || other->current->restricted ||
        std::none_of(related.begin(), related.end(), is_this)) {
      continue;
    }
    Incident without = *other->current;
    std::erase_if(without.related, is_this);
    without.change = {"related", "", "", ""};
    Publish(other, std::move(without));
  }
}

// ---- revisions

void IncidentDesk::Reassess(const IncidentSlotPtr& slot, Incident incident,
                            const ReportFacts* newest) {
  const IncidentState before = slot->current->state;
  const bool was_closed = IsClosed(before);
  Assess(slot->facts, *city_, &incident);
  if (newest) incident.updated = newest->report->aligned;
  const std::uint32_t enough = city_->config().accept_sources;
  if (was_closed) {
    // What it was closed as stays.
  } else if (AllWithdrawn(slot->facts)) {
    incident.state = IncidentState::kFalseAlarm;
    incident.change.note = "全部来源已撤回 / every source has withdrawn it";
  } else if (incident.state == IncidentState::kUnverified && enough > 0 &&
             CountIndependentSources(slot->facts) >= enough) {
    incident.state = IncidentState::kAccepted;
    incident.change.note = std::to_string(enough) + " 个独立来源相互印证 / " +
                           std::to_string(enough) + " independent sources agree";
    slot->accepted_by_sources = true;
  }
  if (was_closed || !IsClosed(incident.state)) RankCamerasFor(slot, &incident);
  const bool state_changed = before != incident.state;
  Publish(slot, std::move(incident));

  if (!IsClosed(slot->current->state)) store_.SetExpiry(slot.get(), ExpiryFromNow());
  const std::string note(StateLabel(slot->current->state));
  if (state_changed) {
    TellSources(slot, note);
  } else if (newest) {
    writer_->Disposition(newest->report->feed_id, newest->report->report_id, *slot->current, note);
  }
  if (!was_closed) WishForFrames(slot);
}

void IncidentDesk::Publish(const IncidentSlotPtr& slot, Incident incident) {
  const bool closes = IsClosed(incident.state) && !IsClosed(slot->current->state);
  ++incident.revision;
  slot->current = std::make_shared<const Incident>(std::move(incident));
  if (!slot->facts.empty()) {
    slot->traits = TraitsOf(slot->facts, *slot->current);
    index_.Put(slot->ordinal, slot->traits);
  } else {
    slot->traits = {.partition = slot->traits.partition};
    index_.Remove(slot->ordinal);
  }
  if (closes) store_.MarkClosed(slot, writer_->at());
  StreamRecord record;
  record.provisional = true;
  record.body = slot->current;
  slot->live_seq = writer_->Live(std::move(record));
}

void IncidentDesk::TellSources(const IncidentSlotPtr& slot, const std::string& note) {
  for (const Evidence& evidence : slot->current->evidence) {
    writer_->Disposition(evidence.feed_id, evidence.report_id, *slot->current, note);
  }
}

// ---- cameras

void IncidentDesk::RankCamerasFor(const IncidentSlotPtr& slot, Incident* incident) const {
  std::set<std::string> named;
  for (const ReportFacts& fact : slot->facts) {
    for (const std::string& camera_id : fact.report->camera_ids) {
      if (city_->FindCamera(camera_id)) named.insert(camera_id);
    }
    if (city_->FindCamera(fact.report->device_id)) named.insert(fact.report->device_id);
  }
  RankedFor basis{city_, incident->site_id, incident->position, std::move(named)};
  if (slot->ranked_for == basis) return;
  slot->ranked_for = std::move(basis);
  std::vector<IncidentCamera> ranked = rank_cameras_(*incident, slot->ranked_for->named, *city_);
  for (IncidentCamera& known : incident->cameras) {
    const auto again = std::find_if(ranked.begin(), ranked.end(), [&](const IncidentCamera& c) {
      return c.camera_id == known.camera_id;
    });
    if (again != ranked.end()) {
      again->frames = std::move(known.frames);
    } else if (!known.frames.empty() && ranked.size() < kCamerasMax) {
      // What it showed stays part of the picture.
      known.rank = static_cast<std::uint32_t>(ranked.size() + 1);
      ranked.push_back(std::move(known));
    }
  }
  incident->cameras = std::move(ranked);
}

void IncidentDesk::WishForFrames(const IncidentSlotPtr& slot) {
  const Incident& incident = *slot->current;
  const std::size_t through = std::min(incident.evidence.size(), kEvidenceFramesMax);
  for (const IncidentCamera& camera : incident.cameras) {
    std::size_t& asked = slot->frames_asked[camera.camera_id];
    for (; asked < through; ++asked) {
      const Evidence& evidence = incident.evidence[asked];
      const FrameWanted wish{incident.incident_id, camera.camera_id, evidence.feed_id,
                             evidence.report_id, evidence.aligned};
      if (wishes_.Add(wish)) writer_->out().frames_wanted.push_back(wish);
    }
  }
}

void IncidentDesk::TakeFrame(const FrameFound& found) {
  if (!wishes_.Answer(found) || found.frame_id.empty()) return;
  const IncidentSlotPtr slot = store_.Find(found.incident_id);
  if (!slot) return;
  Incident incident = *slot->current;
  const std::size_t at = EvidenceOf(incident, found.feed_id, found.report_id);
  const auto camera =
      std::find_if(incident.cameras.begin(), incident.cameras.end(),
                   [&](const IncidentCamera& c) { return c.camera_id == found.camera_id; });
  if (at == incident.evidence.size() || camera == incident.cameras.end()) return;
  // A mark names no incident, so one made for a restricted incident could not be withheld later.
  if (!incident.restricted) {
    StreamRecord mark;
    mark.body =
        FrameMark{found.camera_id, found.frame_id, found.captured, found.keyframe, "evidence"};
    writer_->Live(std::move(mark));
  }
  camera->frames.push_back(
      {found.frame_id, found.captured,
       SaturatingSubtract(found.captured.utc, incident.evidence[at].aligned.utc), found.keyframe,
       found.report_id, found.feed_id});
  incident.change = {"cameras", found.feed_id + "/" + found.report_id, "", found.camera_id};
  Publish(slot, std::move(incident));
}

void IncidentDesk::TakeAttachment(const AttachmentFetched& fetched, const KnownReport& known) {
  const IncidentSlotPtr slot = known.incident.lock();
  if (!slot) return;
  Incident incident = *slot->current;
  const std::size_t at = EvidenceOf(incident, fetched.feed_id, fetched.report_id);
  if (at == incident.evidence.size()) return;
  slot->facts[at].attachments = AnsweredOf(known);
  Evidence evidence = incident.evidence[at];
  evidence.attachments = slot->facts[at].attachments;
  incident.evidence.Set(at, std::move(evidence));
  const std::string& failure = fetched.fetched.failure;
  incident.change = {"attachments", fetched.feed_id + "/" + fetched.report_id, "",
                     fetched.fetched.attachment.role + (failure.empty() ? "" : ": " + failure)};
  Publish(slot, std::move(incident));
}

// ---- people and time

const ActionResult* IncidentDesk::FirstResult(const OperatorAction& action) const {
  const auto known = action_results_.find(action.action_id);
  return known == action_results_.end() || action.action_id.empty() ? nullptr : &known->second;
}

Status IncidentDesk::Try(const OperatorAction& action, Incident* incident) const {
  if (action.action_id.empty()) {
    return InvalidArgument("缺少 action_id / action_id is empty: give every action an id");
  }
  const IncidentSlotPtr slot = store_.Find(action.incident_id);
  if (!slot) {
    return NotFound("没有此事件 / no incident " + action.incident_id +
                    " in memory: look it up in the history");
  }
  *incident = *slot->current;
  return ApplyAction(action, incident);
}

std::optional<ActionResult> IncidentDesk::ResultWithoutChange(const OperatorAction& action) const {
  if (const ActionResult* first = FirstResult(action)) return *first;
  Incident incident;
  const Status status = Try(action, &incident);
  if (status.ok()) return std::nullopt;
  return ActionResult{action.action_id, status.code(), status.message(), incident.revision};
}

void IncidentDesk::TakeAction(const OperatorAction& action) {
  if (const ActionResult* first = FirstResult(action)) {
    writer_->out().actions.push_back(*first);
    return;
  }
  const IncidentSlotPtr slot = store_.Find(action.incident_id);
  Incident incident;
  const Status status = Try(action, &incident);

  StreamRecord record;
  OperatorAction done = action;
  done.at = writer_->at();
  done.resulting_revision = status.ok() ? incident.revision + 1 : 0;
  record.body = std::move(done);
  writer_->Live(std::move(record));
  if (status.ok()) {
    const bool state_changed = incident.state != slot->current->state;
    Publish(slot, std::move(incident));
    if (!IsClosed(slot->current->state)) store_.SetExpiry(slot.get(), ExpiryFromNow());
    if (state_changed) TellSources(slot, std::string(StateLabel(slot->current->state)));
  }

  ActionResult result{action.action_id, status.code(), status.message(),
                      slot ? slot->current->revision : 0};
  if (!action.action_id.empty()) {
    action_results_.emplace(action.action_id, result);
    action_order_.push_back(action.action_id);
    if (action_order_.size() > kActionsRememberedMax) {
      action_results_.erase(action_order_.front());
      action_order_.pop_front();
    }
  }
  writer_->out().actions.push_back(std::move(result));
}

void IncidentDesk::PassTime() {
  while (const IncidentSlotPtr slot = store_.NextExpired(writer_->at())) {
    Incident incident = *slot->current;
    const bool ended = AllEnded(slot->facts);
    incident.state = ended ? IncidentState::kClosed : IncidentState::kExpired;
    incident.change = {
        "closed", "timer/expire", "",
        ended ? "各来源均已结束 / every source has ended"
              : "超时未再收到报告，未确认已处置 / nothing more was heard; not resolved"};
    Publish(slot, std::move(incident));
    TellSources(slot, std::string(StateLabel(slot->current->state)));
  }
  for (const IncidentSlotPtr& slot : store_.Forget(writer_->at())) {
    index_.Remove(slot->ordinal);
    wishes_.Forget(slot->current->incident_id);
  }
}

}  // namespace fusiongateway
