// What gateway and decode worker say to each other over their socket pair: fixed headers in the
// host's own byte order (both ends are one build on one machine), then the bytes they announce.
// Neither end trusts the other's lengths: everything beyond these limits ends the conversation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fusiongateway::worker_protocol {

inline constexpr std::uint32_t kMagic = 0x46475731;  // "FGW1"
inline constexpr std::uint32_t kFrameCountMax = 8192;
inline constexpr std::uint64_t kSequenceBytesMax = std::uint64_t{256} << 20;
inline constexpr std::uint64_t kPictureBytesMax = std::uint64_t{32} << 20;
inline constexpr std::uint32_t kSideMax = 16384;

// Followed by frame_count sizes (uint64), then the frames' bytes.
struct Request {
  std::uint32_t magic = kMagic;
  std::uint32_t codec = 0;  // VideoCodec
  std::uint64_t id = 0;
  std::uint32_t frame_count = 0;
  std::uint32_t reserved = 0;
};

enum class Outcome : std::uint32_t { kPicture = 1, kUndecodable = 2 };

// Followed by `bytes` bytes: a JPEG, or a sentence saying why there is none.
struct Reply {
  std::uint32_t magic = kMagic;
  std::uint32_t outcome = 0;  // Outcome
  std::uint64_t id = 0;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint64_t bytes = 0;
};

}  // namespace fusiongateway::worker_protocol
