// Batches as the fusion loop commits them, for tests and benches of the journal and what reads it:
// reports of realistic size, each joined to an incident that thereby gets a revision, both settled
// later. Deterministic.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "delivery/journal/journal.h"
#include "delivery/journal/sqlite_journal.h"
#include "proto/codec/codec.h"
#include "tests/support/simulated_clock.h"

namespace fusiongateway {

inline constexpr UtcTime kSampleStart{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23}};

// A folder of the test's own, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "journal-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string File(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::unique_ptr<Report> SampleReport(std::uint64_t n) {
  auto report = std::make_unique<Report>();
  report->report_id = "JJD4102000020261123" + std::to_string(10000000 + n);
  report->feed_id = "police-110";
  report->updated_at = kSampleStart + std::chrono::seconds(n);
  report->kind = ReportKind::kPoliceCall;
  report->action = ReportAction::kStart;
  report->occurred_at = kSampleStart + std::chrono::seconds(n) - std::chrono::seconds(40);
  report->received_at =
      kSampleStart + std::chrono::seconds(n) + std::chrono::nanoseconds(123456789);
  report->aligned = {kSampleStart + std::chrono::seconds(n) - std::chrono::seconds(40),
                     std::chrono::milliseconds(505), ClockSource::kProbed, 1};
  report->position =
      Position{34.79 + static_cast<double>(n % 100) * 1e-3, 114.35, 50, CoordinateSystem::kGcj02};
  report->district_code = n % 3 == 0 ? "410202" : "410203";
  report->class_code = "12D02";
  report->severity = n % 4 == 0 ? Severity::kSevere : Severity::kModerate;
  report->summary = "群众报警称化工园区三号路附近有刺激性气味，疑似氯气泄漏，现场有人咳嗽流泪";
  report->site_id = "410200007";
  report->confidence = 0.75;
  report->time_resolution = std::chrono::seconds(1);
  PoliceCallDetail detail;
  detail.document = PoliceCallDetail::Document::kCall;
  detail.call_id = report->report_id;
  detail.category_codes = {"090302", "0903", "09"};
  detail.grade_code = "02";
  detail.address = "禹王台区化工园区三号路与滨河路交叉口东南角";
  detail.text =
      "报警人称在化工园区三号路附近闻到强烈刺激性气味，眼睛流泪、咳嗽，" +
      std::string("看到有黄绿色烟雾从储罐区方向飘出，现场约有十余名工人撤离，请求出警处置。");
  detail.hazardous_substance = true;
  detail.explosion_or_leak = true;
  detail.injured = 2;
  report->detail = std::move(detail);
  return report;
}

// Makes consecutive batches; every report joins one of `incident_count` incidents.
class SampleLog {
 public:
  explicit SampleLog(std::string journal_id, std::uint64_t incident_count = 20)
      : journal_id_(std::move(journal_id)), incidents_(incident_count) {}

  // `reports` entries, with their live and settled records.
  JournalBatch NextBatch(std::size_t reports) {
    JournalBatch batch;
    for (std::size_t i = 0; i < reports; ++i) AddReport(&batch);
    batch.outboxes.push_back({"police-110", "outbox-1", position_});
    return batch;
  }

  std::uint64_t position() const { return position_; }

 private:
  StreamRecord Header(StreamId stream) {
    StreamRecord record;
    record.seq = ++seqs_[static_cast<std::size_t>(stream)];
    record.origin = {"kaifeng", journal_id_, record.seq};
    record.at = kSampleStart + std::chrono::seconds(position_);
    record.provisional = stream == StreamId::kLive;
    return record;
  }

  void AddReport(JournalBatch* batch) {
    ++position_;
    const ReportPtr report = SampleReport(position_);
    batch->entries.push_back({position_, report->received_at, report});
    StreamRecord live = Header(StreamId::kLive);
    live.body = report;
    live.report_position = position_;
    batch->live.push_back(live);

    auto& incident = incidents_[position_ % incidents_.size()];
    incident = Revise(incident.get(), *report);
    StreamRecord revision = Header(StreamId::kLive);
    revision.body = incident;
    batch->live.push_back(revision);

    StreamRecord settled = Header(StreamId::kSettled);
    settled.body = report;
    settled.report_position = position_;
    batch->settled.push_back(settled);
    StreamRecord settled_incident = Header(StreamId::kSettled);
    settled_incident.body = incident;
    settled_incident.same_as_live_seq = revision.seq;
    batch->settled.push_back(settled_incident);
  }

  IncidentPtr Revise(const Incident* previous, const Report& report) const {
    auto next =
        previous == nullptr ? std::make_shared<Incident>() : std::make_shared<Incident>(*previous);
    if (previous == nullptr) {
      next->incident_id = "kaifeng-20261123-" + std::to_string(position_ % incidents_.size() + 1);
      next->state = IncidentState::kUnverified;
      next->class_code = "12D02";
      next->started = report.aligned;
      next->position = report.position;
      next->district_code = report.district_code;
      next->title = "化工园区疑似氯气泄漏";
      next->site_id = report.site_id;
      next->severity = report.severity;
      next->cameras.push_back({"tank-1", 1, "site camera · tank · 35 m", {}});
      next->cameras.push_back({"gate-1", 2, "site camera · gate · 180 m", {}});
      next->deadlines.push_back(
          {"province_phone", report.received_at + std::chrono::minutes(30), std::nullopt});
    }
    ++next->revision;
    next->updated = report.aligned;
    next->confidence = 1.0 - 1.0 / static_cast<double>(next->revision + 1);
    next->evidence.push_back({report.report_id, report.feed_id, report.kind, report.aligned, 720,
                              "same site 410200007 · 70 s after", report.action, report.severity,
                              report.summary, report.position, 1});
    // Bounds the cost of the sample itself; the engine keeps all of it.
    if (next->evidence.size() > 200) next->evidence.erase(next->evidence.begin());
    next->evidence_count += 1;
    next->change = {"evidence_added", report.feed_id + "/" + report.report_id, "", ""};
    return next;
  }

  const std::string journal_id_;
  std::vector<IncidentPtr> incidents_;
  std::uint64_t position_ = 0;
  std::uint64_t seqs_[2] = {0, 0};
};

inline std::string WireBytes(const StreamRecord& record) {
  v1::StreamRecord wire;
  ToWire(record, &wire);
  return wire.SerializeAsString();
}

inline const SimulatedClock& SampleClock() {
  static const SimulatedClock clock(kSampleStart);
  return clock;
}

inline JournalOptions SampleOptions() { return {.gateway_id = "kaifeng", .clock = SampleClock()}; }

}  // namespace fusiongateway
