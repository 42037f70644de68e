#include "delivery/journal/checkpointer.h"

#include <spdlog/spdlog.h>
#include <sqlite3.h>

#include <utility>

namespace fusiongateway {

Checkpointer::Checkpointer(sqlite::Connection connection, std::mutex& writer_mutex,
                           std::uint64_t checkpoint_bytes, std::uint64_t wal_bytes_max)
    : connection_(std::move(connection)),
      writer_mutex_(writer_mutex),
      checkpoint_bytes_(checkpoint_bytes),
      wal_bytes_max_(wal_bytes_max),
      thread_([this] { Run(); }) {}

Checkpointer::~Checkpointer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Checkpointer::Committed(std::uint64_t wal_bytes) {
  {
    const std::lock_guard lock(mutex_);
    wal_bytes_ = wal_bytes;
    if (wal_bytes < checkpoint_bytes_) return;
  }
  wake_.notify_one();
}

void Checkpointer::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || wal_bytes_ >= checkpoint_bytes_; });
    if (stopping_) return;
    const std::uint64_t wal_bytes = std::exchange(wal_bytes_, 0);
    lock.unlock();
    const auto checkpoint = [this] {
      return sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                       nullptr, nullptr);
    };
    int code = checkpoint();
    if (wal_bytes > wal_bytes_max_) {
      const std::lock_guard writer(writer_mutex_);
      code = checkpoint();
    }
    // The log stays and the next commit asks again: nothing is lost, the file only grows.
    const bool fails = code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY;
    if (fails && !std::exchange(failing_, fails)) {
      spdlog::warn("journal: checkpoint failed: {}", sqlite3_errmsg(connection_.handle()));
    }
    failing_ = fails;
    lock.lock();
  }
}

}  // namespace fusiongateway
