// The incident desk: puts each report with its incident, and carries every change of an incident
// through: revision, live record, dispositions, wishes for frames.
//
//   - A report joins the open incident of its partition it scores highest with (the oldest on a
//     tie), or opens one. Others it comes near to are linked "possibly_related", both ways.
//   - A closed incident never absorbs: a later matching report opens a new one that
//     "follows_closed". Ends, withdrawals and paperwork of a closed incident, and updates of what
//     goes on that add no gravity to one a person closed, are told to their source and change
//     nothing; what had ended and begins again is new.
//   - Restricted evidence forms restricted incidents, linked one way: the ordinary incident does
//     not know. Evidence that becomes secret is withdrawn from its ordinary incident, which keeps
//     nothing that came of it; one without other evidence is closed.
//   - A declared drill's reports meet only each other; a drill mark without a declared drill is
//     taken as real, and the incident says so.
//   - Reports that are no evidence (readings, lost data) open and join nothing.
//
// An incident keeps at most kEvidenceMax evidences (evidence_count goes on): the first and the
// latest; of those between, the least severe goes first. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "fusion/correlate/city.h"
#include "fusion/correlate/incident_index.h"
#include "fusion/incident/frame_wishes.h"
#include "fusion/incident/incident_store.h"
#include "fusion/sequence/admission.h"
#include "fusion/sequence/record_writer.h"

namespace fusiongateway {

// Cameras for an incident, ranked from 1, without frames, at most kCamerasMax; `named` are those
// its evidence names. respond/ knows how; it stands above this folder and is handed in.
using CameraRanking = std::function<std::vector<IncidentCamera>(
    const Incident& incident, const std::set<std::string>& named, const City& city)>;

class IncidentDesk {
 public:
  static constexpr std::size_t kEvidenceMax = 1024;
  static constexpr std::size_t kEvidenceFirstMax = 16;   // of which the first are always kept
  static constexpr std::size_t kEvidenceFramesMax = 64;  // for which frames are asked
  static constexpr std::size_t kRelatedMax = 16;
  static constexpr std::size_t kActionsRememberedMax = 16'384;

  IncidentDesk(RecordWriter* writer, CameraRanking rank_cameras);

  void SetCity(std::shared_ptr<const City> city) { city_ = std::move(city); }

  // Everything below writes to the writer's current output, at its current time.

  // Puts the report with its incident, from where an earlier version of it left it, and notes that
  // in `known`.
  void TakeReport(const ReportPtr& report, KnownReport* known);
  // These calls became secret: takes their documents out of the ordinary incidents, open or closed,
  // and returns them in order.
  std::vector<ReportFacts> Withdraw(const std::vector<std::string>& calls);
  // Puts what was withdrawn with a restricted incident, which it returns.
  IncidentSlotPtr PlaceSecret(ReportFacts facts);
  void TakeFrame(const FrameFound& found);
  // The answer is noted in `known` already.
  void TakeAttachment(const AttachmentFetched& fetched, const KnownReport& known);
  void TakeAction(const OperatorAction& action);
  // See Engine.
  std::optional<ActionResult> ResultWithoutChange(const OperatorAction& action) const;
  // Expires and forgets what is due.
  void PassTime();

  std::optional<UtcTime> NextWakeUp() const { return store_.NextExpiry(); }
  const IncidentStore& store() const { return store_; }
  const FrameWishes& wishes() const { return wishes_; }

 private:
  struct Relation {
    IncidentSlotPtr slot;
    Link link;
    std::string name;
    bool both_ways = true;
  };
  struct Match {
    IncidentSlotPtr open;  // the one to join; null if none
    Link link;
    IncidentSlotPtr paperwork_of;  // a closed incident whose call this document belongs to
    std::vector<Relation> relations;
  };

  // The first result of an action that is repeated; null if it is new.
  const ActionResult* FirstResult(const OperatorAction& action) const;
  // Makes `incident` what the action leaves of it, or says why it is refused.
  Status Try(const OperatorAction& action, Incident* incident) const;

  Match FindMatch(const ReportFacts& facts) const;
  void ConsiderClosed(const ReportFacts& facts, const IncidentSlotPtr& slot, Match* match) const;

  // Where a later version of a report of `previous` belongs.
  IncidentSlotPtr PlaceUpdate(const ReportFacts& facts, const IncidentSlotPtr& previous,
                              bool had_ended);
  // `follows`: the closed incident that an earlier version of this report belongs to; null if none.
  // `opens`: may start an incident.
  IncidentSlotPtr Place(const ReportFacts& facts, const IncidentSlotPtr& follows, bool opens);
  void Open(const IncidentSlotPtr& slot, const ReportFacts& facts, Match match);
  void Join(const IncidentSlotPtr& slot, const ReportFacts& facts, Match match);
  bool UpdateEvidence(const IncidentSlotPtr& slot, const ReportFacts& facts);
  // Takes evidence out of an incident and all that it brought, in a revision that does not say what
  // it was or why. Returns what was taken out, in order.
  std::vector<ReportFacts> RemoveEvidence(const IncidentSlotPtr& slot,
                                          const std::function<bool(const ReportFacts&)>& leaves);
  void PublishEmptied(const IncidentSlotPtr& slot);
  // An incident's relations, there and back, say where and when its evidence was.
  void DropRelations(const IncidentSlotPtr& slot, Incident* incident);

  void Relate(const std::vector<Relation>& relations, Incident* incident);
  void RelateBack(const std::vector<Relation>& relations, const Incident& incident);
  // Recomputes what follows from the evidence, then publishes.
  void Reassess(const IncidentSlotPtr& slot, Incident incident, const ReportFacts* newest);
  // The next revision: kept, indexed and published.
  void Publish(const IncidentSlotPtr& slot, Incident incident);
  void TellSources(const IncidentSlotPtr& slot, const std::string& note);
  void RankCamerasFor(const IncidentSlotPtr& slot, Incident* incident) const;
  void WishForFrames(const IncidentSlotPtr& slot);
  UtcTime ExpiryFromNow() const;

  RecordWriter* writer_;
  const CameraRanking rank_cameras_;
  std::shared_ptr<const City> city_;
  IncidentStore store_;
  IncidentIndex index_;
  FrameWishes wishes_;
  std::unordered_map<std::string, ActionResult> action_results_;
  std::deque<std::string> action_order_;
};

}  // namespace fusiongateway
