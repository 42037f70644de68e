#include "pipeline/cameras/frame_ring.h"

#include <algorithm>
#include <string>
#include <utility>

namespace fusiongateway {
namespace {

Duration Distance(UtcTime a, UtcTime b) {
  return a > b ? SaturatingSubtract(a, b) : SaturatingSubtract(b, a);
}

bool CapturedBefore(const AccessUnitPtr& a, const AccessUnitPtr& b) {
  return a->captured.utc < b->captured.utc;
}

}  // namespace

bool FrameRing::Push(AccessUnitPtr unit) {
  std::lock_guard lock(mutex_);
  const bool follows = !units_.empty() && units_.back()->session == unit->session &&
                       broken_session_ != unit->session;
  if (unit->size > bytes_max_ || (!unit->keyframe && !follows)) {
    if (unit->keyframe) broken_session_ = unit->session;
    ++counters_.unusable;
    return false;
  }
  if (unit->keyframe) broken_session_ = 0;
  ++counters_.taken;
  counters_.taken_bytes += unit->size;
  ++counters_.held;
  counters_.held_bytes += unit->size;
  if (unit->keyframe) keyframes_.push_back(unit);
  units_.push_back(std::move(unit));
  KeepBounds();
  return !units_.empty();
}

void FrameRing::KeepBounds() {
  while (counters_.held_bytes > bytes_max_) {
    if (keyframes_.size() == 1) {
      broken_session_ = units_.back()->session;
      counters_.unusable += units_.size();
    }
    DropOldestGroup();
  }
  while (keyframes_.size() > 1 &&
         units_.back()->arrival_steady - keyframes_[1]->arrival_steady >= span_) {
    DropOldestGroup();
  }
}

void FrameRing::DropOldestGroup() {
  keyframes_.pop_front();
  do {
    --counters_.held;
    counters_.held_bytes -= units_.front()->size;
    units_.pop_front();
  } while (!units_.empty() && !units_.front()->keyframe);
}

std::optional<FrameRing::Range> FrameRing::Held() const {
  std::lock_guard lock(mutex_);
  if (units_.empty()) return std::nullopt;
  const auto [oldest, newest] = std::minmax_element(units_.begin(), units_.end(), CapturedBefore);
  return Range{(*oldest)->captured.utc, (*newest)->captured.utc};
}

AccessUnitPtr FrameRing::Newest() const {
  std::lock_guard lock(mutex_);
  return units_.empty() ? nullptr : units_.back();
}

Result<AccessUnitPtr> FrameRing::Nearest(UtcTime at) const {
  std::lock_guard lock(mutex_);
  if (units_.empty()) return Unavailable("no frame is held yet");
  const auto [oldest, newest] = std::minmax_element(units_.begin(), units_.end(), CapturedBefore);
  const UtcTime from = (*oldest)->captured.utc, to = (*newest)->captured.utc;
  const std::string held = "; held: " + FormatRfc3339(from) + " to " + FormatRfc3339(to);
  if (at < from) return OutOfRange(FormatRfc3339(at) + " is no longer held" + held);
  if (at > to) return Unavailable(FormatRfc3339(at) + " is not reached yet" + held);
  return *std::min_element(units_.begin(), units_.end(), [at](const auto& a, const auto& b) {
    return Distance(a->captured.utc, at) < Distance(b->captured.utc, at);
  });
}

AccessUnitPtr FrameRing::KeyFrameAtOrBefore(UtcTime at) const {
  std::lock_guard lock(mutex_);
  AccessUnitPtr best;
  for (const AccessUnitPtr& unit : keyframes_) {
    if (unit->captured.utc <= at && (!best || best->captured.utc <= unit->captured.utc)) {
      best = unit;
    }
  }
  return best;
}

FrameRing::Units::const_iterator FrameRing::Locate(std::uint64_t session,
                                                   std::uint64_t sequence) const {
  const auto key = std::pair(session, sequence);
  const auto found = std::lower_bound(
      units_.begin(), units_.end(), key,
      [](const AccessUnitPtr& u, auto& k) { return std::pair(u->session, u->sequence) < k; });
  if (found == units_.end() || std::pair((*found)->session, (*found)->sequence) != key) {
    return units_.end();
  }
  return found;
}

AccessUnitPtr FrameRing::Find(std::uint64_t session, std::uint64_t sequence) const {
  std::lock_guard lock(mutex_);
  const auto found = Locate(session, sequence);
  return found == units_.end() ? nullptr : *found;
}

std::vector<AccessUnitPtr> FrameRing::DecodingChain(std::uint64_t session,
                                                    std::uint64_t sequence) const {
  std::lock_guard lock(mutex_);
  const auto last = Locate(session, sequence);
  if (last == units_.end()) return {};
  auto first = last;
  while (!(*first)->keyframe) --first;  // the oldest unit held is a key frame
  return {first, last + 1};
}

double FrameRing::FrameRate() const {
  std::lock_guard lock(mutex_);
  if (units_.empty()) return 0;
  const AccessUnit& newest = *units_.back();
  std::size_t intervals = 0;
  Duration covered{};
  for (auto it = units_.rbegin() + 1; it != units_.rend(); ++it) {
    if ((*it)->session != newest.session) break;
    const Duration back = newest.media - (*it)->media;
    if (back > std::chrono::seconds{5}) break;
    ++intervals;
    covered = std::max(covered, back);
  }
  return covered > Duration::zero()
             ? static_cast<double>(intervals) / std::chrono::duration<double>(covered).count()
             : 0;
}

FrameRing::Counters FrameRing::counters() const {
  std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace fusiongateway
