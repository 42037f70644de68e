// A gateway small enough to hold in the head: a WallBackend over memory, for the wall's tests and
// for the page's. Incidents are put in and come out as records; pictures come from a function.
//
// All members may be called from any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "delivery/wall/wall_backend.h"
#include "delivery/wall/wall_server.h"

namespace fusiongateway::test {

// The one attachment that the backend holds.
inline constexpr const char* kAttachmentName =
    "sha256-00000000000000000000000000000000000000000000000000000000000000aa";

// Records in memory; old ones may be forgotten. Takes no commits.
class MemoryJournal : public Journal {
 public:
  void Append(v1::StreamRecord record);
  void ForgetBefore(std::uint64_t seq);
  // As after a restore from a backup that held everything so far.
  void Restore(std::string new_id);

  std::string journal_id() const override;
  std::vector<EarlierIdentity> earlier_identities() const override;
  Status Commit(const JournalBatch&) override { return Internal("a test's journal"); }
  Duration last_sync() const override { return {}; }
  std::uint64_t last_position() const override { return 0; }
  SeqRange range(StreamId stream) const override;
  Status ReadLog(std::uint64_t, const std::function<bool(const LogEntry&)>&) const override {
    return {};
  }
  Result<std::vector<WireRecordPtr>> ReadRecords(StreamId stream, std::uint64_t after_seq,
                                                 std::size_t max) const override;
  Status CheckRecords(StreamId, const std::vector<StreamRecord>&) const override { return {}; }
  Result<std::uint64_t> OutboxThrough(const std::string&, const std::string&) const override {
    return std::uint64_t{0};
  }
  Result<std::vector<DeadLetter>> DeadLetters(const std::string&, const std::string&, std::uint64_t,
                                              std::size_t) const override {
    return std::vector<DeadLetter>{};
  }
  Result<std::map<std::string, std::uint64_t>> DeadLetterCounts() const override {
    return std::map<std::string, std::uint64_t>{};
  }
  Result<std::vector<DeadLetter>> DeadLetters(const DeadLetterQuery&) const override {
    return std::vector<DeadLetter>{};
  }
  Result<std::vector<DispositionMade>> Dispositions(const std::string&, std::uint64_t,
                                                    std::size_t) const override {
    return std::vector<DispositionMade>{};
  }
  Result<std::uint64_t> DispositionsAckedThrough(const std::string&) const override {
    return std::uint64_t{0};
  }
  Status AckDispositions(const std::string&, std::uint64_t) override { return {}; }
  JournalStatistics statistics() const override { return {}; }

 private:
  mutable std::mutex mutex_;
  std::string id_ = "journal-1";
  std::vector<EarlierIdentity> earlier_;
  std::vector<WireRecordPtr> records_;  // seq = index + 1
  std::uint64_t oldest_ = 1;
};

// One camera of the test: its facts, its state, what is held of it, one frame every `interval`.
struct TestCamera {
  CameraFacts facts;
  CameraStatus status;
  std::optional<HeldRange> held;
  Duration interval = std::chrono::milliseconds(100);
  Duration uncertainty = std::chrono::milliseconds(2);
};

class TestFrames : public FrameStore {
 public:
  // Draws the picture of a frame as a JPEG.
  using Painter = std::function<std::string(const TestCamera&, const FrameInfo&)>;

  void Put(TestCamera camera);
  void SetPainter(Painter painter);
  // The frame that stands nearest to `at`, whatever is held.
  FrameInfo FrameAt(const std::string& camera_id, UtcTime at) const;
  std::vector<CameraFacts> Facts() const;
  int decodes() const;

  std::vector<CameraStatus> Cameras() const override;
  Result<std::optional<HeldRange>> Held(const std::string& camera_id) const override;
  Result<FrameInfo> Nearest(const std::string& camera_id, UtcTime at) const override;
  Result<Snapshot> Decode(const std::string& camera_id, std::optional<UtcTime> at,
                          const std::string& frame_id, Duration timeout) override;

 private:
  Result<TestCamera> Find(const std::string& camera_id) const;

  mutable std::mutex mutex_;
  std::map<std::string, TestCamera> cameras_;
  Painter painter_;
  int decodes_ = 0;
};

class TestBackend : public WallBackend {
 public:
  // The next revision of an incident: kept, and told as a live record. Says its revision.
  std::uint64_t Put(v1::Incident incident);
  void PutRecord(v1::StreamRecord record);
  void PutFeed(v1::FeedStatus feed);
  void SetNotReady(std::string why);
  // Called after each record; give it WallServer::Notify.
  void OnRecord(std::function<void()> notify);

  // Publishers over HTTP: whose a token is, and who answers what they ask. Before the server
  // starts.
  void SetToken(const std::string& token, const std::string& feed_id) { tokens_[token] = feed_id; }
  void OnExchange(std::function<void(PublisherRequest, PublisherAnswered)> publishers) {
    publishers_ = std::move(publishers);
  }

  // The bytes of the one attachment. Before the server starts.
  void SetAttachment(std::string bytes) { attachment_ = std::move(bytes); }

  MemoryJournal& memory() { return journal_; }
  TestFrames& pictures() { return frames_; }

  const Journal& journal() const override { return journal_; }
  FrameStore& frames() override { return frames_; }
  std::vector<v1::Incident> Incidents(bool include_closed, std::size_t max) const override;
  std::uint64_t IncidentsThrough(StreamId stream) const override {
    return journal_.range(stream).newest;
  }
  Result<v1::Incident> FindIncident(const std::string& incident_id) const override;
  Result<std::vector<v1::Evidence>> EvidencePage(const std::string& incident_id, std::size_t after,
                                                 std::size_t max) const override;
  Result<KeptAttachment> FindAttachment(const std::string& digest) const override {
    if (digest != kAttachmentName) return NotFound("none such");
    return KeptAttachment{"image/jpeg", attachment_};
  }
  std::vector<CameraFacts> CameraList() const override { return frames_.Facts(); }
  std::vector<v1::FeedStatus> Feeds() const override;
  Result<ActionResult> Act(const OperatorAction& action) override;
  Result<LetterResult> SubmitLetter(const std::string&, std::uint64_t,
                                    const std::optional<std::string>&) override {
    return NotFound("a test's backend has none");
  }
  Result<LetterResult> DropLetter(const std::string&, std::uint64_t) override {
    return NotFound("a test's backend has none");
  }
  std::optional<std::string> FeedOfToken(std::string_view token) const override;
  void Exchange(PublisherRequest request, PublisherAnswered answered) override;
  std::string NotReadyBecause() const override;
  std::string MetricsText() const override { return "# TYPE test_metric gauge\ntest_metric 1\n"; }

 private:
  std::string attachment_ = "\xFF\xD8\xFF attachment";
  mutable std::mutex mutex_;
  MemoryJournal journal_;
  TestFrames frames_;
  std::map<std::string, v1::Incident> incidents_;
  std::map<std::string, v1::FeedStatus> feeds_;
  std::map<std::string, ActionResult> actions_;
  std::string not_ready_;
  std::function<void()> notify_;
  std::map<std::string, std::string, std::less<>> tokens_;
  std::function<void(PublisherRequest, PublisherAnswered)> publishers_;
};

// Workers as an application would pass them in: a few threads over a bounded queue.
class TestWorkers {
 public:
  explicit TestWorkers(std::size_t threads = 3, std::size_t capacity = 64);
  ~TestWorkers();
  WallWorkers Taker();

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<std::function<void()>> jobs_;
  std::size_t capacity_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fusiongateway::test
