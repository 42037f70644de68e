#include "app/fusion_loop.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <set>

#include "app/publisher_lookups.h"
#include "pipeline/feeds/masking.h"

namespace fusiongateway {
namespace {

constexpr std::size_t kInputsPerTurn = 1024;
// What has come is applied for so long, then committed: whoever comes next waits for one turn. On a
// slow disk for twice as long as it took of the last commit, so that it is not the disk's speed
// that bounds what is taken.
constexpr Duration kTurnMin = std::chrono::milliseconds{5};
constexpr Duration kTurnMax = std::chrono::milliseconds{200};
constexpr std::size_t kQueueMax = 8192;
constexpr std::size_t kRoomMin = 64;
constexpr Duration kWaitMax = std::chrono::milliseconds{100};
constexpr std::chrono::milliseconds kCommitRetry{500};
constexpr std::size_t kAdmittedMax = 4096;

// What is stored was published and stays the truth, so recovery goes no further.
Status NotWhatTheLogMakes(std::uint64_t position, const std::string& what) {
  return DataLoss("recovery stopped at log position " + std::to_string(position) + ": " + what +
                  "; either the engine was changed without a new version, or the file was: keep "
                  "it, run the program that wrote it, or restore the last backup");
}

// Are the records that the entry at `position` made again the ones on disk?
Status CheckAgainstDisk(const Journal& journal, std::uint64_t position,
                        const EngineOutput& output) {
  Status status = journal.CheckRecords(StreamId::kLive, output.live);
  if (status.ok()) status = journal.CheckRecords(StreamId::kSettled, output.settled);
  if (status.code() != StatusCode::kDataLoss) return status;
  return NotWhatTheLogMakes(position, status.message());
}

}  // namespace

// One batch on its way to disk.
struct FusionLoop::Turn {
  JournalBatch batch;
  EngineOutput output;
  std::map<std::pair<std::string, std::string>, CommittedThrough> outboxes;
  std::vector<DispositionsAcked> dispositions_acked;
  std::size_t payloads = 0;
  // Beside batch.letter_results: who waits for each.
  std::vector<std::shared_ptr<std::promise<Result<LetterResult>>>> letters_done;
  // What refuses these may be part of this turn.
  std::vector<std::pair<std::shared_ptr<std::promise<Result<LetterResult>>>, Status>>
      letters_refused;

  bool empty() const {
    return batch.entries.empty() && outboxes.empty() && batch.letter_results.empty();
  }
};

FusionLoop::FusionLoop(Journal* journal, const Clock* clock, EngineConfig config,
                       std::size_t queue_payloads_max, FusionLoopCallbacks callbacks)
    : journal_(journal),
      clock_(clock),
      config_(std::move(config)),
      callbacks_(std::move(callbacks)),
      queue_payloads_max_(queue_payloads_max),
      room_(queue_payloads_max),
      queue_(kQueueMax),
      turn_length_(kTurnMin) {}

FusionLoop::~FusionLoop() { Stop(); }

Status FusionLoop::Recover() {
  std::optional<JournalOpened> opened;
  std::shared_ptr<const EngineConfig> config;
  Status wrong;
  Status read = journal_->ReadLog(1, [&](const LogEntry& entry) {
    if (const auto* body = std::get_if<JournalOpened>(&entry.body)) opened = *body;
    if (const auto* body = std::get_if<ConfigLoaded>(&entry.body)) config = body->config;
    if (opened && opened->engine_version != kEngineVersion) {
      wrong =
          FailedPrecondition("the journal was written by engine version " + opened->engine_version +
                             ", this is " + std::string(kEngineVersion) +
                             "; run the version that wrote it, or give this one a new state_dir");
      return false;
    }
    EngineOutput output;
    engine_.Apply(entry, &output);
    wrong = CheckAgainstDisk(*journal_, entry.position, output);
    if (!wrong.ok()) return false;
    last_at_ = entry.at;
    last_at_steady_ = clock_->SteadyNow();
    callbacks_.on_published(output);
    return true;
  });
  if (!read.ok()) return read;
  if (!wrong.ok()) return wrong;
  for (const StreamId stream : {StreamId::kLive, StreamId::kSettled}) {
    const std::uint64_t on_disk = journal_->range(stream).newest;
    if (engine_.last_seq(stream) == on_disk) continue;
    return NotWhatTheLogMakes(engine_.position(), std::string(ToString(stream)) + " record " +
                                                      std::to_string(engine_.last_seq(stream) + 1) +
                                                      " is on disk, but the log does not make it");
  }

  auto rejected = journal_->DeadLetterCounts();
  if (!rejected.ok()) return rejected.status();
  rejected_ = std::move(*rejected);

  Turn turn;
  if (!opened || opened->journal_id != journal_->journal_id() ||
      opened->gateway_id != config_.gateway_id) {
    Append(JournalOpened{config_.gateway_id, journal_->journal_id(), std::string(kEngineVersion)},
           &turn);
  }
  if (!config || !(*config == config_)) {
    Append(ConfigLoaded{std::make_shared<const EngineConfig>(config_)}, &turn);
  }
  // Publishers were cut off with the last run, whatever it said last.
  for (const auto& feed : config_.feeds) {
    AppendStatus(
        {feed.feed_id, FeedStatus::State::kDisconnected, "", "网关刚启动 / gateway started"},
        &turn);
  }
  if (Status s = CommitTurn(&turn); !s.ok()) return s;
  Speak(&turn);
  callbacks_.on_frames_wanted(engine_.PendingFrames());
  auto attachments = engine_.PendingAttachments();
  if (!attachments.empty()) callbacks_.on_attachments_wanted(std::move(attachments));
  return {};
}

void FusionLoop::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void FusionLoop::Stop() {
  queue_.Close();
  if (thread_.joinable()) thread_.join();
}

bool FusionLoop::Reserve(std::size_t payloads) {
  if (TryReserve(payloads)) return true;
  // Wanted is said before a last look, so that room made in between is not missed.
  room_wanted_ = true;
  if (TryReserve(payloads)) return true;
  std::lock_guard lock(mutex_);
  ++counters_.queue_full;
  return false;
}

bool FusionLoop::TryReserve(std::size_t payloads) {
  // Only the ingress adds, so that what is seen here can only shrink meanwhile.
  const std::size_t waiting = queue_payloads_.load();
  if (waiting > 0 && waiting + payloads > room_.load()) return false;
  if (!queue_.TryReserve()) return false;
  queue_payloads_ += payloads;
  return true;
}

void FusionLoop::Take(IngressBatch&& batch) { queue_.PushReserved(std::move(batch)); }

void FusionLoop::Post(FeedStatus status) {
  std::lock_guard lock(mutex_);
  feed_statuses_[status.feed_id] = std::move(status);
}

void FusionLoop::Post(CameraStatus status) {
  std::lock_guard lock(mutex_);
  camera_statuses_[status.camera_id] = std::move(status);
}

bool FusionLoop::Post(HostClock clock) { return queue_.TryPush(std::move(clock)); }

bool FusionLoop::Post(FrameFound found) { return queue_.TryPush(std::move(found)); }

bool FusionLoop::Post(AttachmentFetched fetched) { return queue_.TryPush(std::move(fetched)); }

// Lost when the queue is full: the publisher is told the dispositions again and acks them again.
void FusionLoop::PostDispositionsAcked(std::string feed_id, std::uint64_t through_seq) {
  queue_.TryPush(DispositionsAcked{std::move(feed_id), through_seq});
}

Result<ActionResult> FusionLoop::Act(const OperatorAction& action, Duration timeout) {
  auto done = std::make_shared<std::promise<ActionResult>>();
  auto result = done->get_future();
  PendingAction pending{action, done};
  // What people type is masked like what systems send, before it is written or shown anywhere.
  pending.action.reason = Masker(clock_->UtcNow()).Text(action.reason);
  if (!queue_.TryPush(std::move(pending))) {
    return ResourceExhausted("the gateway is overloaded; try again in a second");
  }
  if (result.wait_for(timeout) != std::future_status::ready) {
    return Unavailable("the action was not on disk in time; repeat it with the same action_id");
  }
  try {
    return result.get();
  } catch (const std::future_error&) {
    return Unavailable("the gateway is stopping; repeat the action with the same action_id");
  }
}

Result<LetterResult> FusionLoop::Submit(LetterSubmission submission, Duration timeout) {
  auto done = std::make_shared<std::promise<Result<LetterResult>>>();
  auto result = done->get_future();
  if (!queue_.TryPush(PendingLetter{std::move(submission), std::move(done)})) {
    return ResourceExhausted("the gateway is overloaded; try again in a second");
  }
  if (result.wait_for(timeout) != std::future_status::ready) {
    return Unavailable(
        "it was not on disk in time; look at the letter's state before trying again");
  }
  try {
    return result.get();
  } catch (const std::future_error&) {
    return Unavailable("the gateway is stopping; look at the letter's state after its restart");
  }
}

std::string FusionLoop::BlockedBecause() const {
  std::lock_guard lock(mutex_);
  return blocked_because_;
}

FusionLoopCounters FusionLoop::counters() const {
  std::lock_guard lock(mutex_);
  FusionLoopCounters counters = counters_;
  counters.queue_payloads = queue_payloads_.load();
  return counters;
}

void FusionLoop::Loop() {
  while (true) {
    if (taken_.empty()) Fetch(WaitFor());
    if (taken_.empty() && queue_.closed()) return;
    if (Status s = TakeTurn(); !s.ok()) {
      callbacks_.on_fatal(s);
      return;
    }
  }
}

void FusionLoop::Fetch(Duration wait) {
  for (Input& input : queue_.PopBatch(kInputsPerTurn, wait)) taken_.push_back(std::move(input));
}

Status FusionLoop::TakeTurn() {
  Turn turn;
  Fetch(Duration::zero());
  TakeStatuses(&turn);
  const SteadyTime begin = clock_->SteadyNow();
  while (!taken_.empty() && clock_->SteadyNow() - begin < turn_length_) {
    TakeInput(std::move(taken_.front()), &turn);
    taken_.pop_front();
  }
  // Room for the next turn, twice as much when there was time for more: what waits longer waits
  // with the ingress, where each feed has its own line.
  room_ = std::clamp(taken_.empty() ? 2 * turn.payloads : turn.payloads,
                     std::min(kRoomMin, queue_payloads_max_), queue_payloads_max_);
  // It decodes what comes next while this is committed.
  if (room_wanted_.exchange(false)) callbacks_.on_room();
  const auto wake_up = engine_.NextWakeUp();
  if (wake_up && *wake_up <= LogTime()) Append(Tick{}, &turn);
  if (Status s = CommitWhenThereIsRoom(&turn); !s.ok()) return s;
  turn_length_ = std::clamp<Duration>(2 * journal_->last_sync(), kTurnMin, kTurnMax);
  Speak(&turn);
  return {};
}

Duration FusionLoop::WaitFor() {
  const auto wake_up = engine_.NextWakeUp();
  if (!wake_up) return kWaitMax;
  return std::clamp(SaturatingSubtract(*wake_up, LogTime()), Duration{}, kWaitMax);
}

// The host clock, but never backwards: after it was stepped back the log's time goes on at the pace
// of the monotonic clock, so that time-outs still come.
UtcTime FusionLoop::LogTime() {
  const SteadyTime steady = clock_->SteadyNow();
  UtcTime now = clock_->UtcNow();
  if (now < last_at_) now = SaturatingAdd(last_at_, steady - last_at_steady_);
  last_at_steady_ = steady;
  return last_at_ = now;
}

void FusionLoop::TakeStatuses(Turn* turn) {
  std::map<std::string, FeedStatus> feeds;
  std::map<std::string, CameraStatus> cameras;
  {
    std::lock_guard lock(mutex_);
    feeds.swap(feed_statuses_);
    cameras.swap(camera_statuses_);
  }
  for (auto& [id, status] : feeds) AppendStatus(std::move(status), turn);
  for (auto& [id, status] : cameras) Append(std::move(status), turn);
}

void FusionLoop::TakeInput(Input&& input, Turn* turn) {
  if (auto* batch = std::get_if<IngressBatch>(&input)) {
    TakeBatch(std::move(*batch), turn);
  } else if (auto* found = std::get_if<FrameFound>(&input)) {
    Append(std::move(*found), turn);
  } else if (auto* fetched = std::get_if<AttachmentFetched>(&input)) {
    Append(std::move(*fetched), turn);
  } else if (auto* clock = std::get_if<HostClock>(&input)) {
    Append(*clock, turn);
  } else if (auto* acked = std::get_if<DispositionsAcked>(&input)) {
    turn->dispositions_acked.push_back(std::move(*acked));
  } else if (auto* letter = std::get_if<PendingLetter>(&input)) {
    TakeLetter(std::move(*letter), turn);
  } else if (auto* pending = std::get_if<PendingAction>(&input)) {
    TakeAction(std::move(*pending), turn);
  }
}

// An action that changes nothing leaves no entry: refused ones, however many, cost no disk. It is
// answered after the commit like the others, since what refuses it may be part of this turn.
void FusionLoop::TakeAction(PendingAction&& pending, Turn* turn) {
  waiting_actions_[pending.action.action_id].push_back(std::move(pending.done));
  if (auto result = engine_.ResultWithoutChange(pending.action)) {
    turn->output.actions.push_back(std::move(*result));
    return;
  }
  pending.action.at = LogTime();
  Append(std::move(pending.action), turn);
}

void FusionLoop::TakeBatch(IngressBatch&& batch, Turn* turn) {
  queue_payloads_ -= batch.items.size();
  turn->payloads += batch.items.size();
  std::uint64_t& admitted = Admitted(batch.feed_id, batch.outbox_id);
  CommittedThrough& committed = turn->outboxes[{batch.feed_id, batch.outbox_id}];
  committed.feed_id = batch.feed_id;
  committed.outbox_id = batch.outbox_id;
  for (IngressItem& item : batch.items) {
    if (item.seq <= admitted) {
      std::lock_guard lock(mutex_);
      ++counters_.duplicates_skipped;
      continue;
    }
    admitted = item.seq;
    for (ReportPtr& report : item.reports) Append(std::move(report), turn);
    if (item.refusal) {
      DeadLetter letter{batch.feed_id,
                        batch.outbox_id,
                        item.seq,
                        batch.received_at,
                        item.refusal->code,
                        item.refusal->message,
                        item.refusal->field,
                        std::move(item.masked_payload)};
      committed.rejections.push_back(ToRejection(letter));
      turn->batch.dead_letters.push_back(std::move(letter));
      ++rejected_[batch.feed_id];
    }
  }
  committed.through_seq = admitted;
}

// As on disk and, of this turn, about to be.
Status FusionLoop::CheckOpen(const LetterSubmission& submission, const Turn& turn) const {
  const std::string name =
      "dead letter " + std::to_string(submission.id) + " of feed \"" + submission.feed_id + "\"";
  const auto found = journal_->DeadLetters(
      {.id = submission.id, .feed_id = submission.feed_id, .dealt_with_too = true, .max = 1});
  if (!found.ok()) return found.status();
  if (found->empty()) return NotFound("there is no " + name);
  LetterResult known{submission.id, found->front().state, {}, found->front().note};
  for (const LetterResult& result : turn.batch.letter_results) {
    if (result.id == known.id) known = result;
  }
  if (known.state == DeadLetter::State::kOpen) return {};
  return FailedPrecondition(name + " was dealt with before: " + known.note);
}

void FusionLoop::TakeLetter(PendingLetter&& pending, Turn* turn) {
  LetterSubmission& submission = pending.submission;
  if (Status open = CheckOpen(submission, *turn); !open.ok()) {
    turn->letters_refused.emplace_back(std::move(pending.done), std::move(open));
    return;
  }
  LetterResult result{submission.id, DeadLetter::State::kTaken, LogTime(), ""};
  if (submission.drop) {
    result.state = DeadLetter::State::kDropped;
    result.note = "dropped";
  } else if (submission.refusal) {
    result.state = DeadLetter::State::kOpen;
    result.note = "refused again: " + submission.refusal->code + " " + submission.refusal->message;
  } else {
    result.note = "taken: " + std::to_string(submission.reports.size()) + " report(s)";
  }
  for (ReportPtr& report : submission.reports) Append(std::move(report), turn);
  turn->batch.letter_results.push_back(std::move(result));
  turn->letters_done.push_back(std::move(pending.done));
}

std::uint64_t& FusionLoop::Admitted(const std::string& feed_id, const std::string& outbox_id) {
  const auto key = std::make_pair(feed_id, outbox_id);
  const auto found = admitted_.find(key);
  if (found != admitted_.end()) return found->second;
  const auto on_disk = journal_->OutboxThrough(feed_id, outbox_id);
  return admitted_[key] = on_disk.ok() ? *on_disk : 0;
}

void FusionLoop::Append(decltype(LogEntry::body) body, Turn* turn) {
  LogEntry entry{engine_.position() + 1, LogTime(), std::move(body)};
  engine_.Apply(entry, &turn->output);
  turn->batch.entries.push_back(std::move(entry));
}

// The engine never sees a rejected payload: its log is told how many there were.
void FusionLoop::AppendStatus(FeedStatus status, Turn* turn) {
  if (const auto found = rejected_.find(status.feed_id); found != rejected_.end()) {
    status.rejected = found->second;
  }
  Append(std::move(status), turn);
}

Status FusionLoop::CommitTurn(Turn* turn) {
  for (const auto& acked : turn->dispositions_acked) {
    if (Status s = journal_->AckDispositions(acked.feed_id, acked.through_seq); !s.ok()) {
      spdlog::warn("dispositions of {} not marked as acked: {}", acked.feed_id, s.message());
    }
  }
  if (turn->empty()) return {};
  turn->batch.outboxes.clear();
  for (const auto& [key, committed] : turn->outboxes) {
    turn->batch.outboxes.push_back({key.first, key.second, committed.through_seq});
  }
  const auto lend_output = [turn] {
    turn->batch.live.swap(turn->output.live);
    turn->batch.settled.swap(turn->output.settled);
    turn->batch.dispositions.swap(turn->output.dispositions);
  };
  lend_output();
  const Status status = journal_->Commit(turn->batch);
  lend_output();  // and take it back
  if (!status.ok()) return status;
  // All of it is on disk now and read from there when it is asked for again.
  if (admitted_.size() > kAdmittedMax) admitted_.clear();
  std::lock_guard lock(mutex_);
  counters_.entries += turn->batch.entries.size();
  counters_.feeds = engine_.FeedCounters();
  for (const auto& [feed_id, count] : rejected_) counters_.feeds[feed_id].rejected = count;
  return {};
}

Status FusionLoop::CommitWhenThereIsRoom(Turn* turn) {
  Status status = CommitTurn(turn);
  while (status.code() == StatusCode::kResourceExhausted && !queue_.closed()) {
    {
      std::lock_guard lock(mutex_);
      if (blocked_because_.empty()) spdlog::error("journal: {}", status.message());
      blocked_because_ = status.message();
      ++counters_.commit_retries;
    }
    std::this_thread::sleep_for(kCommitRetry);
    status = CommitTurn(turn);
  }
  std::lock_guard lock(mutex_);
  blocked_because_ = status.ok() ? "" : status.message();
  return status;
}

void FusionLoop::Speak(Turn* turn) {
  for (auto& [key, committed] : turn->outboxes) callbacks_.on_outbox_committed(committed);
  if (!turn->batch.entries.empty()) callbacks_.on_published(turn->output);
  std::set<std::string> feeds;
  for (const auto& disposition : turn->output.dispositions) feeds.insert(disposition.feed_id);
  for (const auto& feed : feeds) callbacks_.on_dispositions(feed);
  if (!turn->output.frames_wanted.empty()) {
    callbacks_.on_frames_wanted(std::move(turn->output.frames_wanted));
  }
  if (!turn->output.attachments_wanted.empty()) {
    callbacks_.on_attachments_wanted(std::move(turn->output.attachments_wanted));
  }
  for (std::size_t i = 0; i < turn->letters_done.size(); ++i) {
    turn->letters_done[i]->set_value(turn->batch.letter_results[i]);
  }
  for (const auto& [done, status] : turn->letters_refused) done->set_value(status);
  AnswerActions(turn->output.actions);
}

void FusionLoop::AnswerActions(const std::vector<ActionResult>& results) {
  for (const ActionResult& result : results) {
    if (result.code != StatusCode::kOk) {
      std::lock_guard lock(mutex_);
      ++counters_.actions_refused;
    }
    const auto waiting = waiting_actions_.find(result.action_id);
    if (waiting == waiting_actions_.end()) continue;
    waiting->second.front()->set_value(result);
    waiting->second.pop_front();
    if (waiting->second.empty()) waiting_actions_.erase(waiting);
  }
}

}  // namespace fusiongateway
