// One row of the journal: a run of log entries or records as one blob, with a checksum that tells a
// damaged one from a whole one. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fusion/base/status.h"

namespace google::protobuf {
class MessageLite;
}

namespace fusiongateway {

// A run of entries or records whose first has position or seq `first`.
struct SegmentRow {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::string bytes;
};

// Against decay of the medium, not against people.
std::int64_t SegmentChecksum(std::string_view bytes);

// kDataLoss when the bytes are not what was written. `where` names the row in the error.
Status ParseSegment(std::string_view bytes, std::int64_t checksum, const std::string& where,
                    google::protobuf::MessageLite* segment);

}  // namespace fusiongateway
