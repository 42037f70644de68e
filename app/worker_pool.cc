#include "app/worker_pool.h"

namespace fusiongateway {

WorkerPool::WorkerPool(std::size_t threads, std::size_t jobs_max) : jobs_(jobs_max) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] {
      while (true) {
        auto jobs = jobs_.PopBatch(1, std::chrono::seconds{60});
        if (jobs.empty() && jobs_.closed()) return;
        for (auto& job : jobs) job();
      }
    });
  }
}

WorkerPool::~WorkerPool() { Stop(); }

void WorkerPool::Stop() {
  jobs_.Close();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace fusiongateway
