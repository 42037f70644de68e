// Pictures and clips that alarms linked, on disk by their content: one file each, named by its
// SHA-256, so that a picture that is sent with every sweep is kept once. Bounded by bytes, the
// oldest go first. Those of restricted reports are kept apart and never loaded.
//
// Thread-safe. Kills and full disks are as of KeptFiles. What was changed on disk is kDataLoss: the
// bytes are hashed again whenever they are loaded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "delivery/evidence/kept_files.h"
#include "fusion/base/status.h"
#include "fusion/model/report.h"

namespace fusiongateway {

struct KeptAttachment {
  std::string media_type;
  std::string bytes;
};

// "sha256-<hex>": how a digest is written in an address.
std::string ToName(const Digest& digest);
Digest Sha256Of(std::string_view bytes);

class AttachmentStore {
 public:
  AttachmentStore(std::string directory, std::uint64_t bytes_max);

  Status Open() { return files_.Open(); }
  Result<Digest> Save(std::string_view bytes, bool restricted);
  // By ToName. kNotFound if it is not held, not any more, or held as restricted only.
  Result<KeptAttachment> Load(const std::string& name) const;
  // It became secret: no longer loaded.
  void Restrict(const Digest& digest);

  KeptFilesStatistics statistics() const { return files_.statistics(); }

 private:
  KeptFiles files_;
};

}  // namespace fusiongateway
