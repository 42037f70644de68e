// Work that waits, in one line for each key, taken so that a key which asks for little never waits
// behind another's flood.
//
// Deficit round robin: each line in turn may spend a quantum of cost. A line that was empty goes
// before those that were not, once, for one quantum ("sparse first", as fq_codel does it), so the
// delay of a key that keeps within its share is one piece of work, whatever the others do. A line
// may have a quota, cost a second with a burst of one second's worth: beyond it the line stands
// still and the others go on. A line that is held stands still until it is released.
//
// Not bounded by itself: whoever pushes knows what it has room for (size, cost). Not thread-safe;
// takes the time from its caller.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
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
    std::uint64_t cost_max = 0;
  };

  explicit FairQueue(std::uint64_t quantum) : quantum_(static_cast<std::int64_t>(quantum)) {}

  // Cost a second that `key` may spend; 0 = no limit. Kept until it is set again.
  void SetQuota(const std::string& key, std::uint64_t per_second) {
    lines_[key].quota_per_second = static_cast<double>(per_second);
  }

  // Of a line that has something waiting.
  void Hold(const std::string& key) { lines_[key].held = true; }
  void Release(const std::string& key) {
    if (const auto line = lines_.find(key); line != lines_.end()) line->second.held = false;
  }

  void Push(const std::string& key, Item item) {
    Line& line = lines_[key];
    line.items.push_back(std::move(item));
    ++size_;
    if (line.active) return;
    line.active = true;
    line.deficit = quantum_;
    new_.push_back(key);
  }

  // Nothing is ready: none. Otherwise Spend follows before anything else is called.
  std::optional<Turn> Next(SteadyTime now) {
    // Each line is looked at twice at the most: to be given its quantum, and to be taken.
    for (std::size_t looks = 2 * (new_.size() + old_.size()) + 1; looks > 0; --looks) {
      const bool from_new = !new_.empty();
      std::list<std::string>& from = from_new ? new_ : old_;
      if (from.empty()) return std::nullopt;
      Line& line = lines_[from.front()];
      if (line.items.empty()) {
        // A new line that ran dry waits one round with the old ones: coming back at once must not
        // make it new again.
        if (from_new) {
          old_.splice(old_.end(), new_, new_.begin());
        } else {
          line.active = false;
          if (line.quota_per_second == 0) lines_.erase(from.front());
          old_.pop_front();
        }
        continue;
      }
      const std::uint64_t allowed = Allowed(line, now);
      if (line.deficit <= 0 || allowed == 0) {
        if (line.deficit <= 0) line.deficit += quantum_;
        old_.splice(old_.end(), from, from.begin());
        continue;
      }
      current_ = &line;
      return Turn{&line.items.front(), std::min(static_cast<std::uint64_t>(line.deficit), allowed)};
    }
    return std::nullopt;
  }

  // `cost` of the turn's work was done; `finished`: all of it.
  void Spend(std::uint64_t cost, bool finished) {
    current_->deficit -= static_cast<std::int64_t>(cost);
    if (current_->quota_per_second > 0) current_->tokens -= static_cast<double>(cost);
    if (!finished) return;
    current_->items.pop_front();
    --size_;
  }

  // Forgets what waits in the line of `key`.
  void Drop(const std::string& key) {
    const auto line = lines_.find(key);
    if (line == lines_.end()) return;
    size_ -= line->second.items.size();
    line->second.items.clear();
  }

  std::size_t size() const { return size_; }

 private:
  struct Line {
    std::deque<Item> items;
    std::int64_t deficit = 0;
    bool active = false;  // stands in one of the lists
    bool held = false;
    double quota_per_second = 0;
    double tokens = 0;
    std::optional<SteadyTime> filled_at;
  };

  static std::uint64_t Allowed(Line& line, SteadyTime now) {
    if (line.held) return 0;
    if (line.quota_per_second <= 0) return UINT64_MAX;
    const double since =
        line.filled_at ? std::chrono::duration<double>(now - *line.filled_at).count() : 1;
    line.filled_at = now;
    line.tokens = std::min(line.tokens + since * line.quota_per_second, line.quota_per_second);
    return line.tokens >= 1 ? static_cast<std::uint64_t>(line.tokens) : 0;
  }

  const std::int64_t quantum_;
  std::map<std::string, Line> lines_;
  std::list<std::string> new_;
  std::list<std::string> old_;
  Line* current_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fusiongateway
