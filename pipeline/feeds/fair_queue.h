// Work that waits, in one line for each key, taken so that a key which asks for little never waits
// behind another's flood.
//
// Weighted by nothing but its amount: of the pieces that stand first in their lines the one goes
// next that would be finished first if all lines were served at the same time, each at an equal
// rate (fair queueing by virtual finish time). A line that asks for less than its share waits as
// long as its own work would take at an equal share, and for one piece of work: little work waits
// little, however many others flood. One that was idle, or stood still, has saved nothing up. A
// line may have a quota, a count a second with a burst of one second's worth: beyond it the line
// stands still and the others go on. So does one that is held.
//
// Not bounded by itself: whoever pushes knows what it has room for (size, amount). Not thread-safe;
// takes the time from its caller.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "fusion/base/time.h"

namespace fusiongateway {

template <typename Item>
class FairQueue {
 public:
  // A piece of work whose turn it is, and how much of it may be done now.
  struct Turn {
    Item* item = nullptr;
    std::uint64_t work_max = 0;
    std::uint64_t count_max = 0;  // by its line's quota
  };

  // `piece_max`: the amount of work done at once, about: what a sparse line waits for.
  explicit FairQueue(std::uint64_t piece_max) : piece_max_(piece_max) {}

  // A count a second that `key` may spend; 0 = no limit. Kept until it is set again.
  void SetQuota(const std::string& key, std::uint64_t per_second) {
    lines_[key].quota_per_second = static_cast<double>(per_second);
  }

  // Of a line that has something waiting.
  void Hold(const std::string& key) { lines_[key].held = true; }
  void Release(const std::string& key) {
    const auto line = lines_.find(key);
    if (line == lines_.end()) return;
    line->second.held = false;
    if (line->second.items.empty()) Emptied(key, line->second);
  }

  void Push(const std::string& key, Item item, std::uint64_t work) {
    Line& line = lines_[key];
    line.items.push_back({std::move(item), work});
    ++size_;
    if (line.items.size() > 1) return;
    line.begin = std::max(line.begin, now_);
    Stand(key, &line);
  }

  // Nothing is ready: none. The same again until Spend tells what came of it.
  std::optional<Turn> Next(SteadyTime now) {
    for (const auto& [finish, key] : standing_) {
      Line& line = lines_[key];
      const std::uint64_t allowed = Allowed(line, now);
      line.stood_still |= allowed == 0;
      if (allowed == 0) continue;
      current_ = key;
      return Turn{&line.items.front().item, piece_max_, allowed};
    }
    return std::nullopt;
  }

  // So much of the turn's work was done, and `count` of its quota used; `finished`: all of it.
  void Spend(std::uint64_t work, std::uint64_t count, bool finished) {
    Line& line = lines_[current_];
    standing_.erase({line.finish, current_});
    if (std::exchange(line.stood_still, false)) line.begin = std::max(line.begin, now_);
    now_ = std::max(now_, line.begin);
    line.begin += work;
    Waiting& first = line.items.front();
    first.work -= std::min(work, first.work);
    if (line.quota_per_second > 0) line.tokens -= static_cast<double>(count);
    if (finished) {
      line.items.pop_front();
      --size_;
    }
    if (line.items.empty()) {
      Emptied(current_, line);
    } else {
      Stand(current_, &line);
    }
  }

  // Forgets what waits in the line of `key`.
  void Drop(const std::string& key) {
    const auto line = lines_.find(key);
    if (line == lines_.end() || line->second.items.empty()) return;
    standing_.erase({line->second.finish, key});
    size_ -= line->second.items.size();
    line->second.items.clear();
    Emptied(key, line->second);
  }

  std::size_t size() const { return size_; }
  // Lines remembered, with work or without.
  std::size_t lines() const { return lines_.size(); }

 private:
  struct Waiting {
    Item item;
    std::uint64_t work = 0;
  };
  struct Line {
    std::deque<Waiting> items;
    // In work served to each line that had something waiting, since the queue began: when its next
    // piece may begin, and when it is finished.
    std::uint64_t begin = 0;
    std::uint64_t finish = 0;
    bool held = false;
    bool stood_still = false;  // was passed over since its last piece
    double quota_per_second = 0;
    double tokens = 0;
    std::optional<SteadyTime> filled_at;
  };

  void Stand(const std::string& key, Line* line) {
    line->finish = line->begin + std::min(line->items.front().work, piece_max_);
    standing_.emplace(line->finish, key);
  }

  // An empty line is forgotten when its next piece could begin by now: it is as good as a new one.
  // Until then its begin is kept, so that coming back at once gains nothing.
  void Emptied(const std::string& key, const Line& line) {
    idle_.emplace(line.begin, key);
    // Nothing waits: no line is ahead of another.
    if (standing_.empty()) now_ = std::max(now_, idle_.rbegin()->first);
    while (!idle_.empty() && idle_.begin()->first <= now_) {
      const auto due = lines_.find(idle_.begin()->second);
      idle_.erase(idle_.begin());
      if (due != lines_.end() && MayBeForgotten(due->second)) lines_.erase(due);
    }
  }
  bool MayBeForgotten(const Line& line) const {
    return line.items.empty() && !line.held && line.begin <= now_ && line.quota_per_second == 0;
  }

  static std::uint64_t Allowed(Line& line, SteadyTime now) {
    if (line.held) return 0;
    if (line.quota_per_second <= 0) return UINT64_MAX;
    const double since =
        line.filled_at ? std::chrono::duration<double>(now - *line.filled_at).count() : 1;
    line.filled_at = now;
    line.tokens = std::min(line.tokens + since * line.quota_per_second, line.quota_per_second);
    return line.tokens >= 1 ? static_cast<std::uint64_t>(line.tokens) : 0;
  }

  const std::uint64_t piece_max_;
  std::map<std::string, Line> lines_;
  std::set<std::pair<std::uint64_t, std::string>> standing_;  // by finish; lines with work
  std::set<std::pair<std::uint64_t, std::string>> idle_;  // by begin; emptied, not yet forgotten
  std::uint64_t now_ = 0;  // when the piece that was begun last may begin
  std::string current_;
  std::size_t size_ = 0;
};

}  // namespace fusiongateway
