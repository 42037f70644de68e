#include "delivery/journal/segment.h"

#include <google/protobuf/message_lite.h>
#include <sodium/crypto_shorthash.h>

#include <array>

namespace fusiongateway {

std::int64_t SegmentChecksum(std::string_view bytes) {
  // SipHash under a fixed key: a 64-bit sum at memory speed. Part of the format.
  static constexpr std::array<unsigned char, crypto_shorthash_KEYBYTES> kKey = {
      'f', 'u', 's', 'i', 'o', 'n', ' ', 'g', 'a', 't', 'e', 'w', 'a', 'y', ' ', '1'};
  std::array<unsigned char, crypto_shorthash_BYTES> sum{};
  crypto_shorthash(sum.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                   kKey.data());
  std::uint64_t value = 0;
  for (std::size_t i = sum.size(); i > 0; --i) value = value << 8 | sum[i - 1];
  return static_cast<std::int64_t>(value);
}

Status ParseSegment(std::string_view bytes, std::int64_t checksum, const std::string& where,
                    google::protobuf::MessageLite* segment) {
  if (SegmentChecksum(bytes) == checksum &&
      segment->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return {};
  }
  return DataLoss("journal: " + where + " is damaged on disk: check the disk, restore a backup");
}

}  // namespace fusiongateway
