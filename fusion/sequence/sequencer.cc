#include "fusion/sequence/sequencer.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace fusiongateway {
namespace {

bool SettlesAfter(const HeldReport& a, const HeldReport& b) {
  const auto key = [](const HeldReport& held) {
    const Report& report = *held.report;
    return std::tie(report.aligned.utc, report.feed_id, report.report_id, held.position);
  };
  return key(b) < key(a);
}

constexpr Duration kInstant{1};

}  // namespace

void Sequencer::Configure(const EngineConfig& config) {
  future_max_ = config.windows.future_max;
  for (auto& [feed_id, feed] : feeds_) {
    feed.limits = EngineConfig::Feed{};
    feed.limits.feed_id = feed_id;
  }
  for (const EngineConfig::Feed& limits : config.feeds) feeds_[limits.feed_id].limits = limits;
  lateness_largest_ = {};
  for (const auto& [feed_id, feed] : feeds_) {
    lateness_largest_ = std::max(lateness_largest_, feed.limits.lateness_max);
  }
}

Sequencer::Feed& Sequencer::FeedOf(const std::string& feed_id) {
  const auto [feed, added] = feeds_.try_emplace(feed_id);
  if (added) {
    feed->second.limits.feed_id = feed_id;
    lateness_largest_ = std::max(lateness_largest_, feed->second.limits.lateness_max);
  }
  return feed->second;
}

Turn Sequencer::Add(const HeldReport& report, UtcTime at) {
  at_ = std::max(at_, at);
  heard_any_ = true;
  const UtcTime time = report.report->aligned.utc;
  Feed& feed = FeedOf(report.report->feed_id);
  feed.heard_at = at_;
  const bool is_future = time > SaturatingAdd(at_, future_max_);
  if (!is_future) feed.newest = std::max(feed.newest.value_or(time), time);

  if (time < settled_through_) return Turn::kLate;
  if (time > SaturatingAdd(at_, std::max(future_max_, kFutureHoldMax))) return Turn::kUnordered;
  held_.push_back(report);
  std::push_heap(held_.begin(), held_.end(), SettlesAfter);
  return Turn::kHeld;
}

std::vector<HeldReport> Sequencer::Advance(UtcTime at) {
  at_ = std::max(at_, at);
  std::vector<HeldReport> settled;
  blocker_.clear();
  if (!heard_any_) return settled;

  const std::optional<Bound> lowest = LowestBound(at_);
  const UtcTime mark = lowest ? lowest->time : SaturatingAdd(at_, -lateness_largest_);
  settled_through_ = std::max(settled_through_, mark);
  while (!held_.empty() && held_.front().report->aligned.utc < settled_through_) {
    settled.push_back(PopOldest());
  }
  while (held_.size() > kHeldMax) {
    settled.push_back(PopOldest());
    settled_through_ =
        std::max(settled_through_, SaturatingAdd(settled.back().report->aligned.utc, kInstant));
  }
  const UtcTime mark_of_time = SaturatingAdd(at_, -lateness_largest_);
  if (lowest && !held_.empty() && held_.front().report->aligned.utc < mark_of_time) {
    blocker_ = lowest->feed->limits.feed_id;
  }
  return settled;
}

HeldReport Sequencer::PopOldest() {
  std::pop_heap(held_.begin(), held_.end(), SettlesAfter);
  HeldReport oldest = std::move(held_.back());
  held_.pop_back();
  return oldest;
}

bool Sequencer::IsActive(const Feed& feed, UtcTime at) const {
  return feed.newest && at < SaturatingAdd(feed.heard_at, feed.limits.idle_after);
}

UtcTime Sequencer::BoundOf(const Feed& feed, UtcTime at) const {
  const UtcTime own = SaturatingAdd(*feed.newest, -feed.limits.lateness_max);
  const UtcTime furthest_back =
      SaturatingAdd(SaturatingAdd(at, -lateness_largest_), -feed.limits.idle_after);
  return std::max(own, furthest_back);
}

std::optional<Sequencer::Bound> Sequencer::LowestBound(UtcTime at) const {
  std::optional<Bound> lowest;
  for (const auto& [feed_id, feed] : feeds_) {
    if (!IsActive(feed, at)) continue;
    const UtcTime bound = BoundOf(feed, at);
    if (!lowest || bound < lowest->time) lowest = Bound{&feed, bound};
  }
  return lowest;
}

std::optional<UtcTime> Sequencer::NextWakeUp() const {
  if (held_.empty()) return std::nullopt;
  const UtcTime oldest = held_.front().report->aligned.utc;
  const UtcTime by_time = SaturatingAdd(SaturatingAdd(oldest, lateness_largest_), kInstant);

  // Each active feed that holds the oldest report back lets go when it falls idle, or when the
  // limit of holding back has passed. The rest of the wait, if any, is named at that wake-up.
  std::optional<UtcTime> release;
  for (const auto& [feed_id, feed] : feeds_) {
    if (!IsActive(feed, at_) || BoundOf(feed, at_) > oldest) continue;
    const UtcTime idle = SaturatingAdd(feed.heard_at, feed.limits.idle_after);
    const UtcTime limit = SaturatingAdd(by_time, feed.limits.idle_after);
    const UtcTime earlier = std::min(idle, limit);
    release = release ? std::min(*release, earlier) : earlier;
  }
  return release ? release : by_time;
}

}  // namespace fusiongateway
