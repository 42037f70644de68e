// Stills on disk: one JPEG with its frame's id and stamp a file, readable when the camera's ring
// has long moved on. Bounded by bytes: the oldest go first. Those that only restricted incidents
// refer to are kept apart and never loaded: frame ids can be guessed, and there is nobody yet who
// may see them.
//
// Thread-safe. Kills and full disks are as of KeptFiles. A damaged file is kDataLoss.
#pragma once

#include <cstdint>
#include <string>

#include "delivery/evidence/kept_files.h"
#include "fusion/base/status.h"
#include "pipeline/cameras/frame_store.h"

namespace fusiongateway {

class StillStore {
 public:
  StillStore(std::string directory, std::uint64_t bytes_max);

  // Makes the directory, or takes stock of what is in it.
  Status Open() { return files_.Open(); }
  // Saving a frame again is a no-op.
  Status Save(const Snapshot& still, bool restricted);
  bool Holds(const std::string& frame_id, bool restricted) const;
  // kNotFound if it is not held, or held as restricted only.
  Result<Snapshot> Load(const std::string& frame_id) const;

  KeptFilesStatistics statistics() const { return files_.statistics(); }

 private:
  Result<Snapshot> Read(const std::string& name) const;

  KeptFiles files_;
};

}  // namespace fusiongateway
