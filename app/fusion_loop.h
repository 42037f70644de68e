// Commit, then speak: the one thread that drives the fusion engine and the journal.
//
// Inputs are enqueued by the edges (bounded), popped in batches, given their places in the log and
// run through the engine in memory; the batch's inputs and outputs are committed together; only
// then do the callbacks tell publishers, streams and the wall. A full disk keeps the batch and
// tries again: the queue fills, publishers are told busy, readers go on. Any other failure to
// commit ends the loop (on_fatal), because memory and disk would part; the next start recovers from
// the log.
//
// Post*, Act and Submit may be called from any thread; Act and Submit wait for their commit,
// nothing else waits. Reserve and Take belong to the ingress's thread. The reason of an action is
// masked here. Statuses of cameras and feeds are kept latest-per-id, so that they are bounded and
// the last word is never lost. Callbacks run on the loop's thread and must not wait.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "delivery/journal/journal.h"
#include "fusion/base/bounded_queue.h"
#include "fusion/engine.h"
#include "pipeline/feeds/ingress_sink.h"
#include "pipeline/feeds/publisher_protocol.h"

namespace fusiongateway {

struct FusionLoopCallbacks {
  std::function<void(CommittedThrough)> on_outbox_committed;
  std::function<void(std::string feed_id)> on_dispositions;
  // There is room again after Reserve found none.
  std::function<void()> on_room;
  std::function<void(std::vector<FrameWanted>)> on_frames_wanted;
  // What became durable. Also called for everything that recovery replays.
  std::function<void(const EngineOutput&)> on_published;
  // The loop has ended and why.
  std::function<void(Status)> on_fatal;
  // Only called where the configuration has attachments fetched.
  std::function<void(std::vector<AttachmentWanted>)> on_attachments_wanted;
};

struct FusionLoopCounters {
  std::uint64_t entries = 0;
  std::uint64_t commit_retries = 0;
  std::uint64_t duplicates_skipped = 0;  // seqs that were under way twice
  std::uint64_t queue_full = 0;
  std::uint64_t actions_refused = 0;
  std::size_t queue_payloads = 0;
  // Admission as the engine counts it, and payloads rejected; since the journal began.
  std::map<std::string, FeedStatus> feeds;
};

// A dead letter that an administrator submits again, decoded, or drops.
struct LetterSubmission {
  std::string feed_id;
  std::uint64_t id = 0;
  bool drop = false;
  std::vector<ReportPtr> reports;
  std::optional<Refusal> refusal;
};

class FusionLoop {
 public:
  FusionLoop(Journal* journal, const Clock* clock, EngineConfig config,
             std::size_t queue_payloads_max, FusionLoopCallbacks callbacks);
  ~FusionLoop();

  // Replays the journal into the engine, checks that it makes the very records that are on disk
  // (kDataLoss says at which position, stream and seq it does not; kFailedPrecondition when another
  // engine version wrote it), and logs the journal's identity and the configuration if they are
  // new. A full disk is kResourceExhausted here. Before Start.
  Status Recover();
  void Start();
  void Stop();
  // One turn of the thread, for a simulation, which has none: instead of Start. Takes what has
  // come without waiting, commits and speaks. Fails as the thread would end.
  Status TakeTurn();

  // Room for one batch of so many payloads; each true is followed by one Take.
  bool Reserve(std::size_t payloads);
  void Take(IngressBatch&& batch);
  void Post(FeedStatus status);
  void Post(CameraStatus status);
  // False when the queue is full: say it again later.
  bool Post(HostClock clock);
  bool Post(FrameFound found);
  bool Post(AttachmentFetched fetched);
  void PostDispositionsAcked(std::string feed_id, std::uint64_t through_seq);
  Result<ActionResult> Act(const OperatorAction& action, Duration timeout);
  // Takes the reports of an open letter and closes it in one commit; what became of it. A refusal
  // leaves it open, and noted. kNotFound; kFailedPrecondition: it was taken or dropped before.
  Result<LetterResult> Submit(LetterSubmission submission, Duration timeout);

  // "" when commits go through; otherwise why not.
  std::string BlockedBecause() const;
  FusionLoopCounters counters() const;

 private:
  struct PendingAction {
    OperatorAction action;
    std::shared_ptr<std::promise<ActionResult>> done;
  };
  struct PendingLetter {
    LetterSubmission submission;
    std::shared_ptr<std::promise<Result<LetterResult>>> done;
  };
  struct DispositionsAcked {
    std::string feed_id;
    std::uint64_t through_seq = 0;
  };
  using Input = std::variant<IngressBatch, FrameFound, PendingAction, PendingLetter,
                             DispositionsAcked, HostClock, AttachmentFetched>;
  struct Turn;

  bool TryReserve(std::size_t payloads);

  void Loop();
  void Fetch(Duration wait);
  void TakeStatuses(Turn* turn);
  void TakeInput(Input&& input, Turn* turn);
  void TakeAction(PendingAction&& pending, Turn* turn);
  void TakeBatch(IngressBatch&& batch, Turn* turn);
  void TakeLetter(PendingLetter&& pending, Turn* turn);
  Status CheckOpen(const LetterSubmission& submission, const Turn& turn) const;
  void Append(decltype(LogEntry::body) body, Turn* turn);
  void AppendStatus(FeedStatus status, Turn* turn);
  Status CommitTurn(Turn* turn);
  Status CommitWhenThereIsRoom(Turn* turn);
  UtcTime LogTime();
  void Speak(Turn* turn);
  void AnswerActions(const std::vector<ActionResult>& results);
  Duration WaitFor();
  std::uint64_t& Admitted(const std::string& feed_id, const std::string& outbox_id);

  Journal* const journal_;
  const Clock* const clock_;
  const EngineConfig config_;
  const FusionLoopCallbacks callbacks_;
  Engine engine_;
  UtcTime last_at_ = UtcTime::min();
  SteadyTime last_at_steady_{};
  // Highest seq handed to the engine, per outbox: what a newer session sends again while an older
  // one's batch is still under way is taken once.
  std::map<std::pair<std::string, std::string>, std::uint64_t> admitted_;
  std::map<std::string, std::uint64_t> rejected_;  // dead letters, by feed
  // By action id; an action that is repeated while the first is under way waits behind it.
  std::map<std::string, std::deque<std::shared_ptr<std::promise<ActionResult>>>> waiting_actions_;

  const std::size_t queue_payloads_max_;
  std::atomic<std::size_t> queue_payloads_{0};
  // For so many payloads now: one turn's, at least a piece of the ingress's, queue_payloads_max_ at
  // the most.
  std::atomic<std::size_t> room_;
  std::atomic<bool> room_wanted_{false};
  BoundedQueue<Input> queue_;
  std::deque<Input> taken_;  // popped, and left for the next turn
  Duration turn_length_;
  std::thread thread_;

  mutable std::mutex mutex_;
  std::map<std::string, FeedStatus> feed_statuses_;      // not yet taken
  std::map<std::string, CameraStatus> camera_statuses_;  // not yet taken
  std::string blocked_because_;
  FusionLoopCounters counters_;
};

}  // namespace fusiongateway
