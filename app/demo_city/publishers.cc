#include "app/demo_city/publishers.h"

#include <spdlog/spdlog.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "app/demo_city/scenario.h"
#include "clients/cpp/publisher.h"

namespace fusiongateway::demo_city {
namespace {

using client::Publisher;
using client::PublisherNotice;

// How often a scenario that is not yet begun is looked for.
constexpr Duration kLookInterval = std::chrono::milliseconds(100);

void LogNotice(const std::string& feed_id, const PublisherNotice& notice) {
  if (notice.kind == PublisherNotice::Kind::kConnected) {
    spdlog::info("{}: {}", feed_id, notice.message);
  } else {
    spdlog::warn("{}: {} {}", feed_id, notice.code, notice.message);
  }
}

}  // namespace

struct CityPublishers::Impl {
  const Clock& clock;
  const ScenarioClock& scenario;
  GroundTruth& truth;
  const PublishersOptions options;

  std::filesystem::path folder;
  bool own_folder = false;
  std::map<std::string, std::unique_ptr<Publisher>, std::less<>> publishers;
  std::thread thread;
  std::mutex mutex;
  std::condition_variable stop_told;
  bool stopping = false;
  std::atomic<std::uint64_t> happened{0};
  std::atomic<std::uint64_t> dropped{0};
  std::atomic<bool> over{false};

  // The thread's own.
  QuietCity quiet;
  UtcTime city_began{};
  std::vector<ScenarioStep> steps;
  std::size_t next_step = 0;
  std::vector<CityEvent> scenario_events;
  // The last collection told by each sensor gateway.
  std::map<std::string, std::string> last_collection;

  Impl(const Clock& c, const ScenarioClock& s, GroundTruth& t, PublishersOptions o)
      : clock(c),
        scenario(s),
        truth(t),
        options(std::move(o)),
        quiet(options.seed),
        steps(ChlorineScenario()) {}

  Status MakeFolder();
  Status OpenPublishers();
  void Run();
  UtcTime QuietDue() const;
  std::optional<UtcTime> StepDue() const;
  void LetHappen(UtcTime now);
  bool IsRepeated(const CityEvent& event);
  void Publish(const CityEvent& event);
  // False when it is time to stop.
  bool WaitUntil(UtcTime due);
};

Status CityPublishers::Impl::MakeFolder() {
  std::error_code error;
  if (!options.state_folder.empty()) {
    folder = options.state_folder;
    std::filesystem::create_directories(folder, error);
    if (!error) return {};
    return InvalidArgument("the outboxes' folder cannot be made: " + folder.string());
  }
  std::string pattern = (std::filesystem::temp_directory_path(error) / "demo-city-XXXXXX").string();
  if (!mkdtemp(pattern.data())) return Internal("no temporary folder for the outboxes");
  folder = pattern;
  own_folder = true;
  return {};
}

Status CityPublishers::Impl::OpenPublishers() {
  for (const std::string_view feed : kFeeds) {
    const std::string feed_id(feed);
    client::PublisherOptions publisher;
    publisher.endpoint = options.gateway;
    publisher.feed_id = feed_id;
    publisher.outbox_path = folder / (feed_id + ".outbox");
    publisher.client = "demo-city";
    client::PublisherEvents events;
    events.on_notice = [feed_id](const PublisherNotice& notice) { LogNotice(feed_id, notice); };
    events.on_rejection = [feed_id](const client::RejectedPayload& rejected) {
      spdlog::error("{}: {} was rejected: {} {} ({})", feed_id, rejected.label, rejected.code,
                    rejected.message, rejected.field);
    };
    auto opened = Publisher::Open(std::move(publisher), std::move(events));
    if (!opened.ok()) return opened.status();
    publishers[feed_id] = std::move(*opened);
  }
  return {};
}

void CityPublishers::Impl::Run() {
  city_began = clock.UtcNow();
  for (;;) {
    const UtcTime now = clock.UtcNow();
    LetHappen(now);
    // A scenario may be begun at any time: it is looked for now and then.
    UtcTime due = now + kLookInterval;
    if (!options.scenario_only) due = std::min(due, QuietDue());
    if (const auto step = StepDue()) due = std::min(due, *step);
    if (!WaitUntil(due)) return;
  }
}

UtcTime CityPublishers::Impl::QuietDue() const {
  const std::chrono::duration<double, std::nano> story = quiet.next_due();
  return city_began + std::chrono::duration_cast<Duration>(story / scenario.pace());
}

std::optional<UtcTime> CityPublishers::Impl::StepDue() const {
  if (next_step == steps.size()) return std::nullopt;
  return scenario.At(steps[next_step].offset);
}

// What is due, in order of its due time; the scenario first where they tie.
void CityPublishers::Impl::LetHappen(UtcTime now) {
  for (auto due = StepDue(); due && *due <= now; due = StepDue()) {
    CityEvent event = steps[next_step++].happen(clock.UtcNow());
    Publish(event);
    scenario_events.push_back(std::move(event));
    if (next_step < steps.size()) continue;
    truth.WriteChlorineIncident(scenario_events);
    over = true;
    spdlog::info("scenario chlorine: every step has happened");
  }
  while (!options.scenario_only && QuietDue() <= now) {
    const UtcTime instant = clock.UtcNow();
    CityEvent event = quiet.Happen(instant, scenario.Elapsed(instant));
    if (!IsRepeated(event)) Publish(event);
  }
}

// At a high pace two collections fall into one second, which is one collection to the source.
bool CityPublishers::Impl::IsRepeated(const CityEvent& event) {
  if (event.kind != "SENSOR_READING") return false;
  std::string& last = last_collection[event.report_id.substr(0, event.report_id.find(':'))];
  return std::exchange(last, event.report_id) == event.report_id;
}

void CityPublishers::Impl::Publish(const CityEvent& event) {
  auto seq = publishers.find(event.feed_id)->second->Publish(event.payload, event.report_id);
  if (!seq.ok()) {
    ++dropped;
    spdlog::error("{}: {} is lost: {}", event.feed_id, event.report_id, seq.status().message());
    return;
  }
  truth.Write(event);
  ++happened;
}

bool CityPublishers::Impl::WaitUntil(UtcTime due) {
  std::unique_lock lock(mutex);
  const Duration wait = std::max(due - clock.UtcNow(), Duration::zero());
  stop_told.wait_for(lock, wait, [this] { return stopping; });
  return !stopping;
}

CityPublishers::CityPublishers(const Clock& clock, const ScenarioClock& scenario,
                               GroundTruth& truth, PublishersOptions options)
    : impl_(std::make_unique<Impl>(clock, scenario, truth, std::move(options))) {}

CityPublishers::~CityPublishers() { Stop(); }

Status CityPublishers::Start() {
  Status status = impl_->MakeFolder();
  if (status.ok()) status = impl_->OpenPublishers();
  if (!status.ok()) return status;
  impl_->thread = std::thread([this] { impl_->Run(); });
  return {};
}

void CityPublishers::Stop() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->stop_told.notify_all();
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->publishers.clear();
  if (impl_->own_folder) {
    std::error_code ignored;
    std::filesystem::remove_all(impl_->folder, ignored);
    impl_->own_folder = false;
  }
}

Status CityPublishers::Flush(Duration timeout) {
  const SteadyTime deadline = impl_->clock.SteadyNow() + timeout;
  for (auto& [feed_id, publisher] : impl_->publishers) {
    Status status = publisher->Flush(std::max(deadline - impl_->clock.SteadyNow(), Duration{}));
    if (!status.ok()) return Status(status.code(), feed_id + ": " + status.message());
  }
  return {};
}

std::uint64_t CityPublishers::happened_count() const { return impl_->happened; }

std::uint64_t CityPublishers::dropped_count() const { return impl_->dropped; }

bool CityPublishers::scenario_over() const { return impl_->over; }

}  // namespace fusiongateway::demo_city
