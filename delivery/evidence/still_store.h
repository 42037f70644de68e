// Stills on disk: one JPEG with its frame's id and stamp a file, readable when the camera's ring
// has long moved on. Bounded by bytes: the oldest go first. Those that only restricted incidents
// refer to are kept apart and never loaded: frame ids can be guessed, and there is nobody yet who
// may see them. Files and directory are readable by their owner only.
//
// Thread-safe. A still is written beside and renamed, so that a kill leaves the whole file or none.
// A full disk is kResourceExhausted and costs that still only. A damaged file is kDataLoss.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "fusion/base/status.h"
#include "pipeline/cameras/frame_store.h"

namespace fusiongateway {

struct StillStoreStatistics {
  std::uint64_t stills = 0;
  std::uint64_t bytes = 0;
  std::uint64_t saved = 0;
  std::uint64_t failed = 0;
  std::uint64_t dropped_oldest = 0;
};

class StillStore {
 public:
  StillStore(std::string directory, std::uint64_t bytes_max);

  // Makes the directory, or takes stock of what is in it.
  Status Open();
  // Saving a frame again is a no-op.
  Status Save(const Snapshot& still, bool restricted);
  bool Holds(const std::string& frame_id, bool restricted) const;
  // kNotFound if it is not held, or held as restricted only.
  Result<Snapshot> Load(const std::string& frame_id) const;

  StillStoreStatistics statistics() const;

 private:
  Result<Snapshot> Read(const std::string& name) const;
  void Admit(const std::string& name, std::uint64_t bytes);

  const std::string directory_;
  const std::uint64_t bytes_max_;
  mutable std::mutex mutex_;
  std::deque<std::string> names_;  // oldest first
  std::unordered_map<std::string, std::uint64_t> bytes_of_;
  StillStoreStatistics statistics_;
};

}  // namespace fusiongateway
