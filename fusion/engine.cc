#include "fusion/engine.h"

#include <algorithm>
#include <utility>

#include "fusion/correlate/city.h"
#include "fusion/correlate/facts.h"
#include "fusion/incident/incident_desk.h"
#include "fusion/respond/camera_ranking.h"
#include "fusion/sequence/admission.h"
#include "fusion/sequence/attachment_wishes.h"
#include "fusion/sequence/point_table.h"
#include "fusion/sequence/record_writer.h"
#include "fusion/sequence/secrecy.h"
#include "fusion/sequence/sequencer.h"

namespace fusiongateway {
namespace {

// A feed is told as the blocker when it has held reports back for this long of the gateway's time:
// feeds that take turns in being the slowest must not flood the stream.
constexpr Duration kBlockerToldAfter = std::chrono::seconds{1};

// The report as a restricted one. It is not what stands in the log then: its record carries it
// whole.
void Restrict(ReportPtr* report, std::uint64_t* position) {
  if ((*report)->restricted) return;
  auto restricted = std::make_shared<Report>(**report);
  restricted->restricted = true;
  *report = std::move(restricted);
  *position = 0;
}

}  // namespace

struct Engine::State {
  void Take(const Tick&, std::uint64_t) {}
  void Take(const ReportPtr& report, std::uint64_t position);
  void Take(const JournalOpened& opened, std::uint64_t);
  void Take(const ConfigLoaded& loaded, std::uint64_t);
  void Take(const OperatorAction& action, std::uint64_t) { desk.TakeAction(action); }
  void Take(const FrameFound& found, std::uint64_t) { desk.TakeFrame(found); }
  void Take(const AttachmentFetched& fetched, std::uint64_t);
  void Take(const CameraStatus& status, std::uint64_t) { Tell(status); }
  void Take(const HostClock& clock, std::uint64_t) { Tell(clock); }
  void Take(const FeedStatus& told, std::uint64_t) {
    FeedStatus status = told;
    admission.FillCounters(&status);
    Tell(std::move(status));
  }

  template <typename Body>
  void Tell(Body body) {
    StreamRecord record;
    record.body = std::move(body);
    writer.Live(std::move(record));
  }

  void PassTime();
  // These calls became secret: what came of them before becomes restricted too.
  void KeepSecret(std::vector<std::string> calls);
  // Puts a report on the settled stream, followed by its incident as it is now.
  void Settle(const HeldReport& held, bool late);
  void TellWatermark(bool settled_any);

  std::uint64_t position = 0;
  UtcTime at = UtcTime::min();
  RecordWriter writer;
  Secrecy secrecy;
  AdmissionDesk admission;
  Sequencer sequencer;
  AttachmentWishes attachments;
  PointTable points;
  IncidentDesk desk{&writer, RankCameras};
  std::string blocker;  // now, and since when
  UtcTime blocker_since = UtcTime::min();
  std::string told_blocker;
};

void Engine::State::Take(const JournalOpened& opened, std::uint64_t) {
  writer.OpenJournal(opened.gateway_id, opened.journal_id);
}

void Engine::State::Take(const ConfigLoaded& loaded, std::uint64_t) {
  if (!loaded.config) return;
  sequencer.Configure(*loaded.config);
  attachments.Configure(loaded.config->fetch_attachments);
  points.Configure(*loaded.config);
  desk.SetCity(std::make_shared<const City>(loaded.config));
}

void Engine::State::Take(const ReportPtr& logged, std::uint64_t report_position) {
  if (!logged) return;
  ReportPtr report = logged;
  std::vector<std::string> secret_calls;
  if (secrecy.Covers(*logged, &secret_calls)) {
    Restrict(&report, &report_position);
    KeepSecret(std::move(secret_calls));
  }
  const KnownReports::Answer answer = admission.Admit(*report, at);
  if (!answer.known) return;

  StreamRecord record;
  record.provisional = true;
  record.body = report;
  record.report_position = report_position;
  record.amends_seq = answer.known->live_seq;
  answer.known->live_seq = writer.Live(std::move(record));

  attachments.TakeReport(*report, at, answer.known.get(), &writer.out().attachments_wanted);
  if (!IsDataLoss(*report) || points.IsNews(*report)) {
    desk.TakeReport(report, answer.known.get());
  }

  const HeldReport held{report, report_position, answer.known, answer.known->incident.lock()};
  switch (sequencer.Add(held, at)) {
    case Turn::kHeld:
      break;
    case Turn::kLate:
      admission.CountLate(report->feed_id);
      Settle(held, true);
      break;
    case Turn::kUnordered:
      Settle(held, true);
      break;
  }
  // A limit crossed is an alarm like any other; it stands in no log entry of its own.
  for (Report& alarm : points.Take(*report)) {
    Take(std::make_shared<const Report>(std::move(alarm)), 0);
  }
}

void Engine::State::Take(const AttachmentFetched& fetched, std::uint64_t) {
  if (!attachments.Answer(fetched)) return;
  const KnownReportPtr known = admission.Find(fetched.feed_id, fetched.report_id);
  if (!known) return;
  for (FetchedAttachment& asked : known->attachments) {
    if (asked.attachment.url == fetched.fetched.attachment.url) asked = fetched.fetched;
  }
  desk.TakeAttachment(fetched, *known);
}

void Engine::State::KeepSecret(std::vector<std::string> calls) {
  std::vector<ReportFacts> withdrawn;
  while (!calls.empty()) {
    std::vector<std::string> linked;
    for (ReportFacts& facts : desk.Withdraw(calls)) {
      secrecy.Covers(*facts.report, &linked);
      withdrawn.push_back(std::move(facts));
    }
    calls = std::move(linked);
  }
  for (ReportFacts& facts : withdrawn) {
    const KnownReportPtr known = admission.Find(*facts.report);
    const IncidentSlotPtr incident = desk.PlaceSecret(std::move(facts));
    if (known) known->incident = incident;
  }
}

void Engine::State::Settle(const HeldReport& held, bool late) {
  StreamRecord record;
  ReportPtr report = held.report;
  record.report_position = held.position;
  if (secrecy.Knows(*report)) Restrict(&report, &record.report_position);
  record.body = report;
  record.amends_seq = held.known->settled_seq;
  record.late = late && record.amends_seq == 0;
  held.known->settled_seq = writer.Settled(std::move(record));
  // It may have moved since.
  IncidentSlotPtr incident = held.known->incident.lock();
  if (!incident) incident = held.incident;
  if (!incident || (report->restricted && !incident->current->restricted)) return;

  StreamRecord follows;
  follows.body = incident->current;
  follows.same_as_live_seq = incident->live_seq;
  writer.Settled(std::move(follows));
}

void Engine::State::TellWatermark(bool settled_any) {
  if (sequencer.blocker() != blocker) {
    blocker = sequencer.blocker();
    blocker_since = at;
  }
  const bool blocker_lasts = SaturatingSubtract(at, blocker_since) >= kBlockerToldAfter;
  if (!settled_any && (blocker == told_blocker || !blocker_lasts)) return;
  told_blocker = blocker_lasts ? blocker : "";
  StreamRecord record;
  record.body = Watermark{sequencer.settled_through(), told_blocker};
  writer.Settled(std::move(record));
}

void Engine::State::PassTime() {
  const std::vector<HeldReport> settled = sequencer.Advance(at);
  for (const HeldReport& held : settled) Settle(held, false);
  TellWatermark(!settled.empty());
}

Engine::Engine() : state_(std::make_unique<State>()) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

void Engine::Apply(const LogEntry& entry, EngineOutput* out) {
  State& s = *state_;
  s.position = entry.position;
  s.at = std::max(s.at, entry.at);
  s.writer.Begin(out, s.at);
  // Time comes first: whether a Tick was logged on the way here or not makes no difference to what
  // the entry meets.
  s.desk.PassTime();
  s.PassTime();
  const std::uint64_t position = s.position;
  std::visit([&](const auto& body) { s.Take(body, position); }, entry.body);
  s.PassTime();
}

std::optional<ActionResult> Engine::ResultWithoutChange(const OperatorAction& action) const {
  return state_->desk.ResultWithoutChange(action);
}

std::optional<UtcTime> Engine::NextWakeUp() const {
  const std::optional<UtcTime> expiry = state_->desk.NextWakeUp();
  const std::optional<UtcTime> settling = state_->sequencer.NextWakeUp();
  if (!expiry || !settling) return expiry ? expiry : settling;
  return std::min(*expiry, *settling);
}

std::uint64_t Engine::position() const { return state_->position; }
std::uint64_t Engine::last_seq(StreamId stream) const { return state_->writer.last_seq(stream); }

std::vector<IncidentPtr> Engine::OpenIncidents() const {
  return state_->desk.store().OpenIncidents();
}

IncidentPtr Engine::FindIncident(std::string_view incident_id) const {
  const IncidentSlotPtr slot = state_->desk.store().Find(incident_id);
  return slot ? slot->current : nullptr;
}

std::vector<FrameWanted> Engine::PendingFrames() const { return state_->desk.wishes().Pending(); }

std::vector<AttachmentWanted> Engine::PendingAttachments() const {
  return state_->attachments.Pending();
}

std::optional<PointState> Engine::FindPoint(std::string_view quota_id) const {
  return state_->points.Find(quota_id);
}

std::map<std::string, FeedStatus> Engine::FeedCounters() const {
  return state_->admission.Counters();
}

}  // namespace fusiongateway
