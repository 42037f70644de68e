#include "tests/delivery/wall/wall_test_backend.h"

#include <algorithm>

#include "proto/codec/codec.h"

namespace fusiongateway::test {

void MemoryJournal::Append(v1::StreamRecord record) {
  std::lock_guard lock(mutex_);
  record.set_seq(records_.size() + 1);
  records_.push_back(std::make_shared<const v1::StreamRecord>(std::move(record)));
}

void MemoryJournal::ForgetBefore(std::uint64_t seq) {
  std::lock_guard lock(mutex_);
  oldest_ = seq;
}

void MemoryJournal::Restore(std::string new_id) {
  std::lock_guard lock(mutex_);
  earlier_.push_back({id_, records_.size(), 0});
  id_ = std::move(new_id);
}

std::vector<EarlierIdentity> MemoryJournal::earlier_identities() const {
  std::lock_guard lock(mutex_);
  return earlier_;
}

std::string MemoryJournal::journal_id() const {
  std::lock_guard lock(mutex_);
  return id_;
}

SeqRange MemoryJournal::range(StreamId stream) const {
  std::lock_guard lock(mutex_);
  if (stream == StreamId::kSettled) return {};
  return {oldest_, records_.size()};
}

Result<std::vector<WireRecordPtr>> MemoryJournal::ReadRecords(StreamId stream,
                                                              std::uint64_t after_seq,
                                                              std::size_t max) const {
  std::lock_guard lock(mutex_);
  std::vector<WireRecordPtr> read;
  if (stream == StreamId::kSettled) return read;
  if (after_seq + 1 < oldest_) return OutOfRange("older than what is held");
  for (std::uint64_t seq = after_seq + 1; seq <= records_.size() && read.size() < max; ++seq) {
    read.push_back(records_[seq - 1]);
  }
  return read;
}

void TestFrames::Put(TestCamera camera) {
  std::lock_guard lock(mutex_);
  camera.status.camera_id = camera.facts.camera_id;
  cameras_[camera.facts.camera_id] = std::move(camera);
}

void TestFrames::SetPainter(Painter painter) {
  std::lock_guard lock(mutex_);
  painter_ = std::move(painter);
}

Result<TestCamera> TestFrames::Find(const std::string& camera_id) const {
  std::lock_guard lock(mutex_);
  const auto found = cameras_.find(camera_id);
  if (found == cameras_.end()) return NotFound("no camera " + camera_id);
  return found->second;
}

FrameInfo TestFrames::FrameAt(const std::string& camera_id, UtcTime at) const {
  const auto camera = Find(camera_id);
  const Duration interval = camera.ok() ? camera.value().interval : Duration(1);
  const auto number = (at.time_since_epoch() + interval / 2) / interval;
  FrameInfo frame;
  frame.camera_id = camera_id;
  frame.frame_id = camera_id + "/1/" + std::to_string(number);
  frame.captured.utc = UtcTime(interval * number);
  frame.captured.uncertainty = camera.ok() ? camera.value().uncertainty : Duration(0);
  frame.captured.source = camera.ok() ? camera.value().status.clock_source : ClockSource{};
  frame.keyframe = number % 20 == 0;
  return frame;
}

std::vector<CameraFacts> TestFrames::Facts() const {
  std::lock_guard lock(mutex_);
  std::vector<CameraFacts> facts;
  for (const auto& [id, camera] : cameras_) facts.push_back(camera.facts);
  return facts;
}

int TestFrames::decodes() const {
  std::lock_guard lock(mutex_);
  return decodes_;
}

std::vector<CameraStatus> TestFrames::Cameras() const {
  std::lock_guard lock(mutex_);
  std::vector<CameraStatus> states;
  for (const auto& [id, camera] : cameras_) states.push_back(camera.status);
  return states;
}

Result<std::optional<HeldRange>> TestFrames::Held(const std::string& camera_id) const {
  auto camera = Find(camera_id);
  if (!camera.ok()) return camera.status();
  return camera->held;
}

Result<FrameInfo> TestFrames::Nearest(const std::string& camera_id, UtcTime at) const {
  const auto camera = Find(camera_id);
  if (!camera.ok()) return camera.status();
  const auto& held = camera.value().held;
  if (!held || at < held->oldest) return OutOfRange("not held");
  if (at > held->newest) return Unavailable("not reached yet");
  return FrameAt(camera_id, at);
}

Result<Snapshot> TestFrames::Decode(const std::string& camera_id, std::optional<UtcTime> at,
                                    const std::string& frame_id, Duration) {
  const auto camera = Find(camera_id);
  if (!camera.ok()) return camera.status();
  UtcTime when{};
  if (!frame_id.empty()) {
    when = UtcTime(camera.value().interval * std::stoll(frame_id.substr(frame_id.rfind('/') + 1)));
  } else if (at || camera.value().held) {
    when = at.value_or(camera.value().held.value_or(HeldRange{}).newest);
  }
  auto frame = Nearest(camera_id, when);
  if (!frame.ok()) return frame.status();
  Painter painter;
  {
    std::lock_guard lock(mutex_);
    ++decodes_;
    painter = painter_;
  }
  Snapshot snapshot;
  snapshot.frame = *frame;
  snapshot.jpeg = painter ? painter(camera.value(), *frame) : "JPEG of " + frame->frame_id;
  return snapshot;
}

std::uint64_t TestBackend::Put(v1::Incident incident) {
  std::uint64_t revision = 0;
  v1::StreamRecord record;
  {
    std::lock_guard lock(mutex_);
    revision = incidents_[incident.incident_id()].revision() + 1;
    incident.set_revision(revision);
    incident.set_evidence_count(static_cast<std::uint64_t>(incident.evidence_size()));
    incidents_[incident.incident_id()] = incident;
  }
  *record.mutable_incident() = std::move(incident);
  PutRecord(std::move(record));
  return revision;
}

void TestBackend::PutRecord(v1::StreamRecord record) {
  record.set_provisional(true);
  journal_.Append(std::move(record));
  std::function<void()> notify;
  {
    std::lock_guard lock(mutex_);
    notify = notify_;
  }
  if (notify) notify();
}

void TestBackend::PutFeed(v1::FeedStatus feed) {
  v1::StreamRecord record;
  *record.mutable_feed() = feed;
  {
    std::lock_guard lock(mutex_);
    feeds_[feed.feed_id()] = std::move(feed);
  }
  PutRecord(std::move(record));
}

void TestBackend::SetNotReady(std::string why) {
  std::lock_guard lock(mutex_);
  not_ready_ = std::move(why);
}

void TestBackend::OnRecord(std::function<void()> notify) {
  std::lock_guard lock(mutex_);
  notify_ = std::move(notify);
}

std::vector<v1::Incident> TestBackend::Incidents(bool include_closed, std::size_t max) const {
  std::lock_guard lock(mutex_);
  std::vector<v1::Incident> incidents;
  for (auto it = incidents_.rbegin(); it != incidents_.rend() && incidents.size() < max; ++it) {
    const bool closed = IsClosed(static_cast<IncidentState>(it->second.state()));
    if (include_closed || !closed) incidents.push_back(it->second);
  }
  return incidents;
}

Result<v1::Incident> TestBackend::FindIncident(const std::string& incident_id) const {
  std::lock_guard lock(mutex_);
  const auto found = incidents_.find(incident_id);
  if (found == incidents_.end()) return NotFound("no incident " + incident_id);
  return found->second;
}

Result<std::vector<v1::Evidence>> TestBackend::EvidencePage(const std::string& incident_id,
                                                            std::size_t after,
                                                            std::size_t max) const {
  const auto incident = FindIncident(incident_id);
  if (!incident.ok()) return incident.status();
  std::vector<v1::Evidence> page;
  const auto& all = incident.value().evidence();
  for (std::size_t i = after; i < static_cast<std::size_t>(all.size()) && page.size() < max; ++i) {
    page.push_back(all[static_cast<int>(i)]);
  }
  return page;
}

std::vector<v1::FeedStatus> TestBackend::Feeds() const {
  std::lock_guard lock(mutex_);
  std::vector<v1::FeedStatus> feeds;
  for (const auto& [id, feed] : feeds_) feeds.push_back(feed);
  return feeds;
}

Result<ActionResult> TestBackend::Act(const OperatorAction& action) {
  {
    std::lock_guard lock(mutex_);
    if (const auto done = actions_.find(action.action_id); done != actions_.end()) {
      return done->second;
    }
  }
  auto incident = FindIncident(action.incident_id);
  if (!incident.ok()) return incident.status();
  if (action.expected_revision != 0 && action.expected_revision != incident->revision()) {
    return FailedPrecondition("incident is at revision " + std::to_string(incident->revision()));
  }
  if (IsClosed(static_cast<IncidentState>(incident->state()))) {
    return FailedPrecondition("已关闭 / it is closed");
  }
  if (action.action == "accept") {
    incident->set_state(v1::ACCEPTED);
  } else if (action.action == "false_alarm") {
    incident->set_state(v1::FALSE_ALARM);
  } else if (action.action == "close") {
    incident->set_state(v1::CLOSED);
  } else if (action.action == "grade") {
    incident->set_confirmed_grade(static_cast<v1::Grade>(action.grade));
  } else {
    return InvalidArgument("unknown action \"" + action.action + "\"");
  }
  incident->mutable_change()->set_what("state");
  incident->mutable_change()->set_cause(action.action_id);
  incident->mutable_change()->set_actor(action.actor);
  incident->mutable_change()->set_note(action.reason);
  ActionResult result;
  result.action_id = action.action_id;
  result.revision = Put(*incident);
  std::lock_guard lock(mutex_);
  actions_[action.action_id] = result;
  return result;
}

std::optional<std::string> TestBackend::FeedOfToken(std::string_view token) const {
  const auto found = tokens_.find(token);
  if (found == tokens_.end()) return std::nullopt;
  return found->second;
}

void TestBackend::Exchange(PublisherRequest request, PublisherAnswered answered) {
  if (publishers_) publishers_(std::move(request), std::move(answered));
}

std::string TestBackend::NotReadyBecause() const {
  std::lock_guard lock(mutex_);
  return not_ready_;
}

TestWorkers::TestWorkers(std::size_t threads, std::size_t capacity) : capacity_(capacity) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

TestWorkers::~TestWorkers() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

WallWorkers TestWorkers::Taker() {
  return [this](std::function<void()> job) {
    {
      std::lock_guard lock(mutex_);
      if (stopping_ || jobs_.size() >= capacity_) return false;
      jobs_.push_back(std::move(job));
    }
    ready_.notify_one();
    return true;
  };
}

void TestWorkers::Run() {
  while (true) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.erase(jobs_.begin());
    }
    job();
  }
}

}  // namespace fusiongateway::test
