// Compressed video as it is handed on inside the gateway: never decoded here, only in the worker.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace fusiongateway {

enum class VideoCodec : std::uint8_t { kH264 = 1, kH265 = 2 };
// "h264" | "h265": the wire name.
constexpr std::string_view ToString(VideoCodec codec) {
  return codec == VideoCodec::kH265 ? "h265" : "h264";
}

// One access unit in byte-stream form. `owner` keeps `bytes` alive.
struct CodedFrame {
  std::shared_ptr<const void> owner;
  std::span<const std::uint8_t> bytes;
};

// A key frame and what follows it in decoding order; the last one is the picture wanted.
struct CodedSequence {
  VideoCodec codec = VideoCodec::kH264;
  std::vector<CodedFrame> frames;
};

}  // namespace fusiongateway
