#include "fusion/sequence/admission.h"

#include <utility>

#include "fusion/sequence/fingerprint.h"

namespace fusiongateway {
namespace {

UtcTime UpdateTime(const Report& report) {
  if (report.updated_at) return *report.updated_at;
  if (report.occurred_at) return *report.occurred_at;
  return report.aligned.utc;
}

}  // namespace

KnownReports::Answer KnownReports::Admit(const Report& report, UtcTime at) {
  Forget(at);
  const std::uint64_t fingerprint = ContentFingerprint(report);
  const UtcTime updated_at = UpdateTime(report);

  const auto found = by_id_.find(report.report_id);
  if (found == by_id_.end()) {
    auto known = std::make_shared<KnownReport>();
    known->report_id = report.report_id;
    known->fingerprint = fingerprint;
    known->updated_at = updated_at;
    known->told_at = at;
    by_id_.emplace(report.report_id, order_.insert(order_.end(), known));
    if (by_id_.size() > count_max_) {
      by_id_.erase(order_.front()->report_id);
      order_.pop_front();
    }
    return {Admission::kFresh, std::move(known)};
  }

  KnownReport& known = **found->second;
  known.told_at = at;
  order_.splice(order_.end(), order_, found->second);
  if (known.fingerprint == fingerprint) return {Admission::kDuplicate, nullptr};
  if (updated_at < known.updated_at) return {Admission::kStale, nullptr};
  known.fingerprint = fingerprint;
  known.updated_at = updated_at;
  return {Admission::kUpdate, *found->second};
}

KnownReportPtr KnownReports::Find(const std::string& report_id) const {
  const auto found = by_id_.find(report_id);
  return found == by_id_.end() ? nullptr : *found->second;
}

void KnownReports::Forget(UtcTime at) {
  while (!order_.empty() && SaturatingSubtract(at, order_.front()->told_at) > age_max_) {
    by_id_.erase(order_.front()->report_id);
    order_.pop_front();
  }
}

AdmissionDesk::Feed& AdmissionDesk::FeedOf(const std::string& feed_id) {
  const auto [feed, added] = feeds_.try_emplace(feed_id);
  if (added) feed->second.counters.feed_id = feed_id;
  return feed->second;
}

KnownReports& AdmissionDesk::IndexOf(const Report& report, Feed& feed) {
  return report.kind == ReportKind::kSensorReading ? feed.readings : feed.reports;
}

KnownReportPtr AdmissionDesk::Find(const Report& report) {
  return IndexOf(report, FeedOf(report.feed_id)).Find(report.report_id);
}

KnownReports::Answer AdmissionDesk::Admit(const Report& report, UtcTime at) {
  Feed& feed = FeedOf(report.feed_id);
  KnownReports::Answer answer = IndexOf(report, feed).Admit(report, at);
  switch (answer.admission) {
    case Admission::kFresh:
    case Admission::kUpdate:
      ++feed.counters.accepted;
      break;
    case Admission::kDuplicate:
      ++feed.counters.duplicates;
      break;
    case Admission::kStale:
      ++feed.counters.stale;
      break;
  }
  return answer;
}

std::map<std::string, FeedStatus> AdmissionDesk::Counters() const {
  std::map<std::string, FeedStatus> counters;
  for (const auto& [feed_id, feed] : feeds_) counters.emplace(feed_id, feed.counters);
  return counters;
}

void AdmissionDesk::FillCounters(FeedStatus* status) const {
  const auto found = feeds_.find(status->feed_id);
  if (found == feeds_.end()) return;
  status->accepted = found->second.counters.accepted;
  status->duplicates = found->second.counters.duplicates;
  status->late = found->second.counters.late;
  status->stale = found->second.counters.stale;
}

}  // namespace fusiongateway
