// A queue with a bound, from many producers to one consumer: the edge enqueues, the loop decides.
//
// TryPush never waits: a full queue says so and the caller counts the drop or slows its peer.
// TryReserve keeps a place for an item that is dear to make; the PushReserved that must follow
// always finds it. PopBatch waits at most `wait`. Close wakes the consumer; what was queued is
// still popped. All members may be called from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace fusiongateway {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  // False, and `item` untouched, when full or closed.
  bool TryPush(T&& item) {
    {
      std::lock_guard lock(mutex_);
      if (closed_ || items_.size() + reserved_ >= capacity_) return false;
      items_.push_back(std::move(item));
    }
    ready_.notify_one();
    return true;
  }

  // False when full or closed.
  bool TryReserve() {
    std::lock_guard lock(mutex_);
    if (closed_ || items_.size() + reserved_ >= capacity_) return false;
    ++reserved_;
    return true;
  }
  // Takes the place of one TryReserve. An item that comes after Close is still popped.
  void PushReserved(T&& item) {
    {
      std::lock_guard lock(mutex_);
      --reserved_;
      items_.push_back(std::move(item));
    }
    ready_.notify_one();
  }

  // Up to `max` items in order, as soon as there is one; none after `wait` or when closed and
  // empty.
  std::vector<T> PopBatch(std::size_t max, std::chrono::nanoseconds wait) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, wait, [this] { return closed_ || !items_.empty(); });
    std::vector<T> batch;
    while (!items_.empty() && batch.size() < max) {
      batch.push_back(std::move(items_.front()));
      items_.pop_front();
    }
    return batch;
  }

  void Close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }

  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }
  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return items_.size();
  }
  std::size_t capacity() const { return capacity_; }

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<T> items_;
  std::size_t reserved_ = 0;
  bool closed_ = false;
};

}  // namespace fusiongateway
