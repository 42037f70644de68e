// Whether a thread still does its work, and if not, why: a thread that ends unnoticed leaves a
// gateway that looks well. The thread runs its body through Run; any thread may ask.
#pragma once

#include <exception>
#include <mutex>
#include <utility>

#include "fusion/base/status.h"

namespace fusiongateway {

class ThreadWatch {
 public:
  // Runs `body`, which returns OK when it was told to end and otherwise why it cannot go on. An
  // exception is a reason too. Returns what it will say from now on.
  template <typename Body>
  Status Run(const Body& body) {
    Status ended;
    try {
      ended = body();
    } catch (const std::exception& error) {
      ended = Internal(error.what());
    }
    std::lock_guard lock(mutex_);
    if (status_.ok()) status_ = std::move(ended);  // the first reason stays
    return status_;
  }

  // OK while the body runs, and when it ended because it was told to.
  Status status() const {
    std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  mutable std::mutex mutex_;
  Status status_;
};

}  // namespace fusiongateway
