// A fixed number of threads that run jobs in order of arrival. The queue is bounded: Submit says
// false at once when it is full. Stop runs what was taken and joins.
#pragma once

#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "fusion/base/bounded_queue.h"

namespace fusiongateway {

class WorkerPool {
 public:
  WorkerPool(std::size_t threads, std::size_t jobs_max);
  ~WorkerPool();

  bool Submit(std::function<void()> job) { return jobs_.TryPush(std::move(job)); }
  void Stop();

 private:
  BoundedQueue<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
};

}  // namespace fusiongateway
