#include "app/gateway.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <system_error>
#include <utility>

#include "app/frame_finder.h"
#include "app/fusion_loop.h"
#include "app/incident_view.h"
#include "app/metrics.h"
#include "app/publisher_lookups.h"
#include "app/system_clock.h"
#include "app/worker_pool.h"
#include "delivery/evidence/attachment_fetcher.h"
#include "delivery/evidence/attachment_store.h"
#include "delivery/evidence/evidence_frames.h"
#include "delivery/evidence/still_store.h"
#include "delivery/journal/sqlite_journal.h"
#include "delivery/stream/stream_server.h"
#include "delivery/wall/wall_backend.h"
#include "delivery/wall/wall_server.h"
#include "pipeline/cameras/camera_system.h"
#include "pipeline/feeds/codes.h"
#include "pipeline/feeds/feed_tokens.h"
#include "pipeline/feeds/gas_limits.h"
#include "pipeline/feeds/ingress.h"
#include "pipeline/feeds/restricted_mark.h"
#include "proto/codec/codec.h"

namespace fusiongateway {
namespace {

constexpr std::size_t kClosedIncidentsInMemory = 1000;
constexpr std::size_t kWallJobsMax = 256;
constexpr std::size_t kStillsQueueMax = 4096;
constexpr std::uint64_t kRecordsRecalled = 10'000;
constexpr std::size_t kRecordsPerRead = 1000;
constexpr Duration kActionTimeout = std::chrono::seconds{5};
// An isolated plugin is started for a letter that is submitted again, and must answer within this.
constexpr Duration kLetterDecodeTimeout = std::chrono::seconds{10};
// For all plugins in processes of their own together.
constexpr Duration kPluginsReadyMax = std::chrono::seconds{30};
constexpr Duration kHostClockInterval = std::chrono::minutes{1};
// A host clock that moved by more than this against the monotonic one was stepped.
constexpr Duration kHostClockStep = std::chrono::milliseconds{500};

template <typename Wire, typename Domain>
Wire Convert(const Domain& from) {
  Wire to;
  ToWire(from, &to);
  return to;
}

// "secret_key: …" of a file made by keygen.
Result<std::string> ReadSecretKey(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path);
  const std::string prefix = "secret_key: ";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(prefix) && line.size() == prefix.size() + 40) {
      return line.substr(prefix.size());
    }
  }
  return InvalidArgument(path + ": holds no secret_key; make one with fusion-gateway keygen");
}

}  // namespace

ProgramFiles ProgramFiles::BesideProgram() {
  std::error_code ignored;
  const auto bin = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  const auto root = bin.parent_path();
  const auto pick = [](const std::filesystem::path& built, const std::filesystem::path& installed) {
    std::error_code none;
    return std::filesystem::exists(built, none) ? built.string() : installed.string();
  };
  const auto share = root / "share" / "fusion-gateway";
  return {pick(root / "lib" / "feeds", root / "lib" / "fusion-gateway" / "feeds"),
          pick(root / "tables", share / "tables"), pick(root / "web", share / "web"),
          (bin / "fusion-gateway-worker").string(), (bin / "fusion-gateway").string()};
}

namespace {

Result<CodeTables> ReadTables(const Config& config, const ProgramFiles& files) {
  return CodeTables::Read(config.tables_dir.empty() ? files.tables_dir : config.tables_dir);
}

// What `make` (a FeedConfig, the sites, the tables in) makes of every feed, by feed id.
template <typename Made, typename Make>
Result<std::map<std::string, Made>> ForEveryFeed(const Config& config, const ProgramFiles& files,
                                                 const Make& make) {
  const auto tables = ReadTables(config, files);
  if (!tables.ok()) return tables.status();
  std::map<std::string, Made> all;
  for (const FeedSection& section : config.feeds) {
    FeedConfig feed = section.feed;
    if (feed.plugin_dir.empty()) feed.plugin_dir = files.plugin_dir;
    auto made = make(feed, config.sites, *tables);
    if (!made.ok()) {
      return Status(made.status().code(),
                    "feed \"" + feed.feed_id + "\": " + made.status().message());
    }
    all[feed.feed_id] = std::move(*made);
  }
  return all;
}

std::map<std::string, std::string> FeedsOfTokens(const Config& config) {
  std::map<std::string, std::string> feed_of_hash;
  for (const FeedSection& section : config.feeds) {
    for (const std::string& hash : section.http_tokens_sha256) {
      feed_of_hash[hash] = section.feed.feed_id;
    }
  }
  return feed_of_hash;
}

}  // namespace

Result<PublisherProtocol::Decoders> MakeDecoders(const Config& config, const ProgramFiles& files,
                                                 const Clock& clock) {
  const PluginProcessOptions processes{
      .program = files.program, .clock = &clock, .start_by = clock.SteadyNow() + kPluginsReadyMax};
  return ForEveryFeed<std::unique_ptr<FeedDecoder>>(
      config, files, [&](const FeedConfig& feed, const auto& sites, const CodeTables& tables) {
        return FeedDecoder::Create(feed, sites, tables, processes);
      });
}

// A restart does not forget which clocks are wrong: what the newest reports show of them is learnt
// again.
void RecallClocks(const Journal& journal, PublisherProtocol::Decoders* decoders) {
  const SeqRange range = journal.range(StreamId::kLive);
  const std::uint64_t held = range.newest + 1 - range.oldest;
  std::uint64_t after = range.newest - std::min(held, kRecordsRecalled);
  while (after < range.newest) {
    const auto records = journal.ReadRecords(StreamId::kLive, after, kRecordsPerRead);
    if (!records.ok()) return spdlog::warn("clocks not recalled: {}", records.status().message());
    if (records->empty()) return;
    for (const WireRecordPtr& record : *records) {
      after = record->seq();
      if (!record->has_report()) continue;
      const auto decoder = decoders->find(record->report().feed_id());
      if (decoder != decoders->end()) decoder->second->Recall(record->report());
    }
  }
}

// Declared in the order in which parts are built: each uses only those above it.
struct Gateway::Impl final : public IngressSink, public WallBackend {
  Impl(Config config_in, ProgramFiles files_in, const Clock* clock_in)
      : config(std::move(config_in)),
        files(std::move(files_in)),
        clock(clock_in),
        tokens(FeedsOfTokens(config)) {}

  Status Create();
  Status Start();
  void Stop();
  void Published(const EngineOutput& output);
  // What belongs to a restricted incident, or has come to, is answered to nobody.
  void HideRestricted(const EngineOutput& output);
  void CheckHostClock();
  // Or one that is not known.
  bool IsRestrictedIncident(const std::string& incident_id) const;
  // The gateway's own threads by name: OK, or why one has ended.
  std::vector<std::pair<std::string, Status>> Threads() const;
  Status ReloadTables();

  // IngressSink
  bool Reserve(std::size_t payloads) override { return loop->Reserve(payloads); }
  void Take(IngressBatch&& batch) override { loop->Take(std::move(batch)); }
  void FeedChanged(const FeedStatus& status) override;
  void DispositionsAcked(const std::string& feed_id, std::uint64_t through_seq) override {
    loop->PostDispositionsAcked(feed_id, through_seq);
  }
  std::string journal_id() const override { return store->journal_id(); }
  Result<OutboxState> LookUpOutbox(const std::string& feed_id, const std::string& outbox_id,
                                   std::uint64_t acked_through,
                                   std::size_t rejections_max) override {
    return fusiongateway::LookUpOutbox(*store, feed_id, outbox_id, acked_through, rejections_max);
  }
  Result<std::vector<v1::Disposition>> Dispositions(const std::string& feed_id,
                                                    std::uint64_t after_seq,
                                                    std::size_t max) override {
    return LookUpDispositions(*store, feed_id, after_seq, max);
  }
  Result<std::uint64_t> DispositionsAckedThrough(const std::string& feed_id) override {
    return store->DispositionsAckedThrough(feed_id);
  }

  // WallBackend
  const Journal& journal() const override { return *store; }
  FrameStore& frames() override { return *evidence_frames; }
  std::vector<v1::Incident> Incidents(bool include_closed, std::size_t max) const override;
  std::uint64_t IncidentsThrough(StreamId of) const override { return incidents.ThroughSeq(of); }
  Result<v1::Incident> FindIncident(const std::string& incident_id) const override;
  Result<std::vector<v1::Evidence>> EvidencePage(const std::string& incident_id, std::size_t after,
                                                 std::size_t max) const override;
  Result<KeptAttachment> FindAttachment(const std::string& digest) const override {
    return attachments->Load(digest);
  }
  std::vector<CameraFacts> CameraList() const override;
  std::vector<v1::FeedStatus> Feeds() const override;
  Result<ActionResult> Act(const OperatorAction& action) override {
    return loop->Act(action, kActionTimeout);
  }
  Result<LetterResult> SubmitLetter(const std::string& feed_id, std::uint64_t id,
                                    const std::optional<std::string>& payload) override;
  Result<LetterResult> DropLetter(const std::string& feed_id, std::uint64_t id) override {
    return loop->Submit({feed_id, id, true, {}, std::nullopt}, kActionTimeout);
  }
  Result<std::unique_ptr<FeedDecoder>> MakeLetterDecoder(const std::string& feed_id) const;
  std::optional<std::string> FeedOfToken(std::string_view token) const override {
    return tokens.FeedOf(token);
  }
  void Exchange(PublisherRequest request, PublisherAnswered answered) override {
    ingress->Exchange(std::move(request), std::move(answered));
  }
  std::string NotReadyBecause() const override;
  std::string MetricsText() const override;

  const Config config;
  const ProgramFiles files;
  const Clock* const clock;
  const FeedTokens tokens;

  std::unique_ptr<Journal> store;
  IncidentView incidents{kClosedIncidentsInMemory};
  std::unique_ptr<CameraSystem> cameras;
  std::unique_ptr<StillStore> stills;
  std::unique_ptr<EvidenceFrames> evidence_frames;
  std::unique_ptr<FrameFinder> frame_finder;
  std::unique_ptr<AttachmentStore> attachments;
  std::unique_ptr<AttachmentFetcher> attachment_fetcher;  // null: none are fetched
  std::unique_ptr<FusionLoop> loop;
  std::unique_ptr<Ingress> ingress;
  std::unique_ptr<StreamServer> stream;
  std::unique_ptr<WorkerPool> workers;
  std::atomic<bool> reload_given_up{false};
  // Of one thread, which stays: plugins' processes that it starts end with it.
  std::unique_ptr<WorkerPool> reloads;
  std::unique_ptr<WallServer> wall;
  std::atomic<bool> running{false};

  // Of the program's own loop.
  SteadyTime host_clock_checked{};
  Duration host_clock_offset{};  // UTC minus monotonic, at the last look
  bool host_clock_known = false;
  bool host_clock_untold = false;

  mutable std::mutex mutex;
  Status fatal_status;
  HostClock host_clock;
  std::map<std::string, FeedStatus> connections;  // by feed
  std::uint64_t tables_reloaded = 0;
  std::uint64_t tables_refused = 0;
};

Status Gateway::Impl::Create() {
  std::error_code error;
  std::filesystem::create_directories(config.state_dir, error);
  if (error) return Unavailable(config.state_dir + ": cannot be made: " + error.message());

  auto decoders = MakeDecoders(config, files, *clock);
  if (!decoders.ok()) return decoders.status();
  auto publishers_key = ReadSecretKey(config.publishers.curve.secret_key_file);
  if (!publishers_key.ok()) return publishers_key.status();
  auto consumers_key = ReadSecretKey(config.consumers.curve.secret_key_file);
  if (!consumers_key.ok()) return consumers_key.status();

  auto opened =
      OpenSqliteJournal(config.state_dir + "/journal.db",
                        JournalOptions{.gateway_id = config.gateway_id,
                                       .clock = *clock,
                                       .dead_letters_max = config.dead_letters.count_max,
                                       .dead_letter_bytes_max = config.dead_letters.bytes_max});
  if (!opened.ok()) return opened.status();
  store = std::move(*opened);

  std::vector<CameraConfig> camera_configs;
  for (const auto& camera : config.cameras) camera_configs.push_back(camera.camera);
  auto system = CameraSystem::Create(std::move(camera_configs), *clock, files.worker,
                                     {[this](const CameraStatus& status) { loop->Post(status); }});
  if (!system.ok()) return system.status();
  cameras = std::move(*system);

  stills =
      std::make_unique<StillStore>(config.state_dir + "/stills", config.evidence.stills_bytes_max);
  if (Status s = stills->Open(); !s.ok()) return s;
  evidence_frames = std::make_unique<EvidenceFrames>(cameras.get(), stills.get(), kStillsQueueMax);

  attachments = std::make_unique<AttachmentStore>(config.state_dir + "/attachments",
                                                  config.evidence.attachments_bytes_max);
  if (Status s = attachments->Open(); !s.ok()) return s;

  RecallClocks(*store, &*decoders);

  loop = std::make_unique<FusionLoop>(
      store.get(), clock, EngineConfigOf(config), config.fusion.queue_payloads_max,
      FusionLoopCallbacks{
          [this](CommittedThrough committed) { ingress->Committed(std::move(committed)); },
          [this](std::string feed_id) { ingress->DispositionsMade(std::move(feed_id)); },
          [this] { ingress->RoomMade(); },
          [this](std::vector<FrameWanted> wanted) { frame_finder->Want(std::move(wanted)); },
          [this](const EngineOutput& output) { Published(output); },
          [this](Status status) {
            spdlog::critical("fusion loop: {}", status.message());
            std::lock_guard lock(mutex);
            fatal_status = std::move(status);
          },
          [this](std::vector<AttachmentWanted> wanted) {
            attachment_fetcher->Want(std::move(wanted));
          }});

  IngressOptions ingress_options;
  ingress_options.endpoint = config.publishers.endpoint;
  ingress_options.limits.window_payloads = config.publishers.window_payloads;
  ingress_options.limits.window_bytes = config.publishers.window_bytes;
  ingress_options.limits.waiting_bytes_max = config.publishers.waiting_bytes_max;
  for (const FeedSection& section : config.feeds) {
    if (section.quota_payloads_per_s == 0) continue;
    ingress_options.limits.quota_of_feed[section.feed.feed_id] = section.quota_payloads_per_s;
  }
  ingress_options.limits.batch_max = config.publishers.batch_max;
  ingress_options.limits.session_timeout = config.publishers.session_timeout;
  ingress_options.curve_secret_key = *publishers_key;
  ingress_options.curve_feed_of_key = config.publishers.curve.keys;
  const std::string session_tag =
      std::to_string(clock->UtcNow().time_since_epoch().count()) + "-" + std::to_string(getpid());
  ingress = std::make_unique<Ingress>(std::move(ingress_options), std::move(*decoders), clock, this,
                                      session_tag);

  StreamServerOptions stream_options;
  stream_options.consumers_endpoint = config.consumers.endpoint;
  stream_options.broadcast_endpoint = config.consumers.broadcast_endpoint;
  stream_options.curve_secret_key = *consumers_key;
  stream_options.curve_role_of_key = config.consumers.curve.keys;
  ConsumerProtocol::Sources sources{
      *store,
      [this] {
        OpenIncidents snapshot;
        const auto open = incidents.Open();
        snapshot.live_through_seq = open.live_through_seq;
        snapshot.settled_through_seq = open.settled_through_seq;
        for (const auto& incident : open.incidents) {
          snapshot.incidents.push_back(Convert<v1::Incident>(*incident));
        }
        return snapshot;
      },
      [this](const std::string& incident_id) { return IsRestrictedIncident(incident_id); }};
  stream = std::make_unique<StreamServer>(std::move(stream_options), std::move(sources), clock);
  return {};
}

Status Gateway::Impl::Start() {
  frame_finder = std::make_unique<FrameFinder>(
      cameras.get(), clock, config.fusion.frame_wait_max, [this](FrameFound found) {
        const std::string camera_id = found.camera_id;
        const std::string frame_id = found.frame_id;
        const bool restricted = IsRestrictedIncident(found.incident_id);
        if (!loop->Post(std::move(found))) return false;
        if (!frame_id.empty()) evidence_frames->Keep(camera_id, frame_id, restricted);
        return true;
      });
  if (!config.evidence.attachment_hosts.empty()) {
    auto policy = AttachmentPolicy::Make(config.evidence.attachment_hosts);
    if (!policy.ok()) return policy.status();
    attachment_fetcher = std::make_unique<AttachmentFetcher>(
        std::move(*policy),
        AttachmentFetcherOptions{.ca_file = config.evidence.attachments_ca_file}, attachments.get(),
        clock, [this](AttachmentFetched fetched) { return loop->Post(std::move(fetched)); });
  }
  if (Status s = loop->Recover(); !s.ok()) return s;
  running = true;
  loop->Start();
  if (Status s = stream->Start(); !s.ok()) return s;
  workers = std::make_unique<WorkerPool>(config.wall.worker_threads, kWallJobsMax);
  WallOptions wall_options;
  wall_options.address = config.wall.address;
  wall_options.port = config.wall.port;
  wall_options.web_root = config.wall.web_root.empty() ? files.web_root : config.wall.web_root;
  wall_options.host_names = config.wall.host_names;
  wall_options.publisher_body_bytes_max = PublisherLimits{}.message_bytes_max;
  reloads = std::make_unique<WorkerPool>(1, 1);
  auto server = WallServer::Start(wall_options, *this, [this](std::function<void()> job) {
    return workers->Submit(std::move(job));
  });
  if (!server.ok()) return server.status();
  {
    std::lock_guard lock(mutex);
    wall = std::move(*server);
  }
  if (Status s = cameras->Start(); !s.ok()) return s;
  CheckHostClock();
  return ingress->Start();
}

// Edges first, so that nothing new comes in; then what is under way is committed and told.
void Gateway::Impl::Stop() {
  if (!running) return;
  running = false;
  reload_given_up = true;
  ingress->Stop();
  cameras->Stop();
  frame_finder->Stop();
  evidence_frames->Stop();
  if (attachment_fetcher) attachment_fetcher->Stop();
  loop->Stop();
  if (wall) wall->Stop();
  stream->Stop();
  if (workers) workers->Stop();
  if (reloads) reloads->Stop();
}

void Gateway::Impl::HideRestricted(const EngineOutput& output) {
  for (const StreamRecord& record : output.live) {
    const auto* incident = std::get_if<IncidentPtr>(&record.body);
    if (incident == nullptr || !(*incident)->restricted) continue;
    for (const Evidence& evidence : (*incident)->evidence) {
      for (const FetchedAttachment& fetched : evidence.attachments) {
        if (fetched.attachment.digest) attachments->Restrict(*fetched.attachment.digest);
      }
    }
  }
}

void Gateway::Impl::Published(const EngineOutput& output) {
  HideRestricted(output);
  incidents.Update(output);
  if (!running) return;  // recovery: nobody listens yet
  stream->Notify();
  std::lock_guard lock(mutex);
  if (wall) wall->Notify();
}

void Gateway::Impl::CheckHostClock() {
  const SteadyTime now = clock->SteadyNow();
  const Duration offset = clock->UtcNow().time_since_epoch() - now.time_since_epoch();
  const Duration moved =
      offset > host_clock_offset ? offset - host_clock_offset : host_clock_offset - offset;
  const bool stepped = host_clock_known && moved > kHostClockStep;
  host_clock_offset = offset;
  if (!host_clock_known || stepped || now - host_clock_checked > kHostClockInterval) {
    host_clock_checked = now;
    HostClock current = ReadHostClock();
    std::lock_guard lock(mutex);
    current.epoch = host_clock.epoch + (stepped ? 1 : 0);
    host_clock_untold |=
        !host_clock_known || stepped || current.synchronised != host_clock.synchronised;
    host_clock = current;
    host_clock_known = true;
  }
  if (stepped) spdlog::warn("the host clock was stepped by {} ms", moved.count() / 1'000'000);
  // A full queue: told at the next look.
  if (host_clock_untold) host_clock_untold = !loop->Post(host_clock);
}

bool Gateway::Impl::IsRestrictedIncident(const std::string& incident_id) const {
  const IncidentPtr incident = incidents.Find(incident_id);
  return !incident || incident->restricted;
}

std::vector<std::pair<std::string, Status>> Gateway::Impl::Threads() const {
  const Status fetching = attachment_fetcher ? attachment_fetcher->thread_status() : Status();
  std::lock_guard lock(mutex);
  return {{"fusion", fatal_status},
          {"attachments", fetching},
          {"publishers", ingress->thread_status()},
          {"stream", stream->thread_status()},
          {"wall", wall ? wall->thread_status() : Status()},
          {"frames", frame_finder ? frame_finder->thread_status() : Status()},
          {"stills", evidence_frames->thread_status()}};
}

Status Gateway::Impl::ReloadTables() {
  const PluginProcessOptions processes{.program = files.program,
                                       .clock = clock,
                                       .start_by = clock->SteadyNow() + kPluginsReadyMax,
                                       .given_up = &reload_given_up};
  auto tables = ForEveryFeed<FeedTables>(
      config, files, [&](const FeedConfig& feed, const auto& sites, const CodeTables& codes) {
        return FeedDecoder::MakeTables(feed, sites, codes, processes);
      });
  if (tables.ok()) ingress->TakeTables(std::move(*tables));
  std::lock_guard lock(mutex);
  ++(tables.ok() ? tables_reloaded : tables_refused);
  return tables.ok() ? Status() : tables.status();
}

void Gateway::Impl::FeedChanged(const FeedStatus& status) {
  {
    std::lock_guard lock(mutex);
    connections[status.feed_id] = status;
  }
  loop->Post(status);
}

std::vector<v1::Incident> Gateway::Impl::Incidents(bool include_closed, std::size_t max) const {
  std::vector<v1::Incident> found;
  for (const auto& incident : incidents.Newest(include_closed, max)) {
    found.push_back(Convert<v1::Incident>(*incident));
  }
  return found;
}

Result<v1::Incident> Gateway::Impl::FindIncident(const std::string& incident_id) const {
  const IncidentPtr incident = incidents.Find(incident_id);
  if (!incident) return NotFound("no incident \"" + incident_id + "\" is in memory");
  return Convert<v1::Incident>(*incident);
}

Result<std::vector<v1::Evidence>> Gateway::Impl::EvidencePage(const std::string& incident_id,
                                                              std::size_t after,
                                                              std::size_t max) const {
  const IncidentPtr incident = incidents.Find(incident_id);
  if (!incident) return NotFound("no incident \"" + incident_id + "\" is in memory");
  std::vector<v1::Evidence> page;
  for (std::size_t i = after; i < incident->evidence.size() && page.size() < max; ++i) {
    page.push_back(Convert<v1::Evidence>(incident->evidence[i]));
  }
  return page;
}

std::vector<CameraFacts> Gateway::Impl::CameraList() const {
  std::vector<CameraFacts> facts;
  for (const auto& camera : config.cameras) {
    facts.push_back({camera.camera.camera_id, camera.engine.name, camera.engine.role,
                     camera.engine.site_id, camera.engine.position});
  }
  return facts;
}

std::vector<v1::FeedStatus> Gateway::Impl::Feeds() const {
  const auto admissions = loop->counters().feeds;
  std::vector<v1::FeedStatus> feeds;
  for (const auto& section : config.feeds) {
    const std::string& id = section.feed.feed_id;
    FeedStatus status;
    if (const auto found = admissions.find(id); found != admissions.end()) status = found->second;
    status.feed_id = id;
    status.state = FeedStatus::State::kDisconnected;
    std::lock_guard lock(mutex);
    if (const auto found = connections.find(id); found != connections.end()) {
      status.state = found->second.state;
      status.client = found->second.client;
      status.note = found->second.note;
    }
    feeds.push_back(Convert<v1::FeedStatus>(status));
  }
  return feeds;
}

// With a decoder of its own: tables that were mended on disk count, and the publishers' thread is
// not disturbed.
Result<std::unique_ptr<FeedDecoder>> Gateway::Impl::MakeLetterDecoder(
    const std::string& feed_id) const {
  const auto section =
      std::find_if(config.feeds.begin(), config.feeds.end(),
                   [&](const FeedSection& s) { return s.feed.feed_id == feed_id; });
  if (section == config.feeds.end()) {
    return NotFound("no feed \"" + feed_id + "\" is configured here any more");
  }
  const auto tables = ReadTables(config, files);
  if (!tables.ok()) return tables.status();
  FeedConfig feed = section->feed;
  if (feed.plugin_dir.empty()) feed.plugin_dir = files.plugin_dir;
  feed.encoding = TextEncoding::kUtf8;  // as dead letters are kept
  return FeedDecoder::Create(feed, config.sites, *tables,
                             {files.program, clock, kLetterDecodeTimeout});
}

Result<LetterResult> Gateway::Impl::SubmitLetter(const std::string& feed_id, std::uint64_t id,
                                                 const std::optional<std::string>& payload) {
  const auto letters =
      store->DeadLetters({.id = id, .feed_id = feed_id, .dealt_with_too = true, .max = 1});
  if (!letters.ok()) return letters.status();
  if (letters->empty()) {
    return NotFound("there is no dead letter " + std::to_string(id) + " of feed \"" + feed_id +
                    "\"");
  }
  const DeadLetter& letter = letters->front();
  auto decoder = MakeLetterDecoder(feed_id);
  if (!decoder.ok()) return decoder.status();
  // As of its first arrival, so that its time is judged as it was then.
  const DecodeContext context{.received_at = letter.received_at, .trial = true};
  const std::string& text = payload ? *payload : letter.masked_payload;
  DecodeOutcome outcome = (*decoder)->Decode(text, context);
  if ((*decoder)->process_counters().timeouts > 0) {
    return Unavailable("the feed's plugin gave no answer in time; the letter is as it was");
  }
  // A refusal quotes the payload, and is told over HTTP.
  if (outcome.refusal && LooksRestricted(text)) outcome.refusal->message = "(涉密 restricted)";
  LetterSubmission submission{feed_id, id, false, {}, std::move(outcome.refusal)};
  for (Report& report : outcome.reports) {
    submission.reports.push_back(std::make_shared<const Report>(std::move(report)));
  }
  return loop->Submit(std::move(submission), kActionTimeout);
}

std::string Gateway::Impl::NotReadyBecause() const {
  for (const auto& [name, status] : Threads()) {
    if (status.ok()) continue;
    return "thread " + name + " has ended: " + status.message() + "; restart the gateway";
  }
  return loop->BlockedBecause();
}

std::string Gateway::Impl::MetricsText() const {
  MetricsInput input;
  input.ingress = ingress->counters();
  input.fusion = loop->counters();
  input.journal = store->statistics();
  input.live = store->range(StreamId::kLive);
  input.settled = store->range(StreamId::kSettled);
  input.stream = stream->counters();
  input.cameras = cameras->Counters();
  input.decoder = cameras->DecoderCounters();
  input.stills = stills->statistics();
  input.stills_not_kept = evidence_frames->not_kept_count();
  input.attachments = attachments->statistics();
  if (attachment_fetcher) input.attachment_fetches = attachment_fetcher->counters();
  input.incidents_open = incidents.Open().incidents.size();
  for (const auto& [name, status] : Threads()) input.threads_running[name] = status.ok();
  std::lock_guard lock(mutex);
  if (wall) input.wall = wall->statistics();
  input.host_clock = host_clock;
  input.tables_reloaded = tables_reloaded;
  input.tables_refused = tables_refused;
  return fusiongateway::MetricsText(input);
}

Gateway::Gateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Gateway::~Gateway() { Stop(); }

Result<std::unique_ptr<Gateway>> Gateway::Create(Config config, ProgramFiles files,
                                                 const Clock* clock) {
  auto impl = std::make_unique<Impl>(std::move(config), std::move(files), clock);
  if (Status s = impl->Create(); !s.ok()) return s;
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

Status Gateway::Start() { return impl_->Start(); }

void Gateway::Stop() { impl_->Stop(); }

GatewayEndpoints Gateway::endpoints() const {
  return {impl_->ingress->endpoint(), impl_->stream->consumers_endpoint(),
          impl_->stream->broadcast_endpoint(), impl_->wall ? impl_->wall->url() : ""};
}

Status Gateway::fatal() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->fatal_status;
}

void Gateway::Housekeep() { impl_->CheckHostClock(); }

void Gateway::ReloadTables(std::function<void(const Status&)> done) {
  impl_->reloads->Submit([this, done = std::move(done)] { done(impl_->ReloadTables()); });
}

}  // namespace fusiongateway
