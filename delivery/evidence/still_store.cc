#include "delivery/evidence/still_store.h"

#include <optional>
#include <utility>

#include "proto/codec/codec.h"

namespace fusiongateway {
namespace {

// A file is this line, the frame's FrameMark in protobuf as its length (four bytes, little endian)
// and bytes, then the JPEG.
constexpr std::string_view kMagic = "fusion-gateway still 1\n";
constexpr std::size_t kMarkBytesMax = 4096;
constexpr std::string_view kEnding = ".still";
// Another one, so that no frame_id names such a file.
constexpr std::string_view kRestrictedEnding = ".restricted";

// "<camera_id>/<session>/<sequence>" as a file name; none if it is not such an id.
std::optional<std::string> FileName(std::string_view frame_id, bool restricted) {
  std::string name;
  int slashes = 0;
  for (const char c : frame_id) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    if (!plain && c != '/') return std::nullopt;
    slashes += c == '/' ? 1 : 0;
    name += c == '/' ? '~' : c;
  }
  if (slashes != 2 || name.size() > 200) return std::nullopt;
  return name + std::string(restricted ? kRestrictedEnding : kEnding);
}

std::string Encode(const Snapshot& still) {
  v1::FrameMark mark;
  mark.set_camera_id(still.frame.camera_id);
  mark.set_frame_id(still.frame.frame_id);
  ToWire(still.frame.captured, mark.mutable_captured());
  mark.set_keyframe(still.frame.keyframe);
  const std::string bytes = mark.SerializeAsString();
  std::string file(kMagic);
  for (int shift = 0; shift < 32; shift += 8) {
    file += static_cast<char>(bytes.size() >> shift & 0xff);
  }
  return file + bytes + still.jpeg;
}

Result<Snapshot> Decode(const std::string& file) {
  const Status damaged = DataLoss("the still's file is damaged");
  std::size_t at = kMagic.size();
  if (!file.starts_with(kMagic) || file.size() < at + 4) return damaged;
  std::size_t length = 0;
  for (int shift = 0; shift < 32; shift += 8) {
    length |= static_cast<std::size_t>(static_cast<unsigned char>(file[at++])) << shift;
  }
  v1::FrameMark mark;
  if (length > kMarkBytesMax || file.size() <= at + length ||
      !mark.ParseFromArray(file.data() + at, static_cast<int>(length))) {
    return damaged;
  }
  Snapshot still;
  still.frame = {mark.frame_id(), mark.camera_id(), FromWire(mark.captured()), mark.keyframe()};
  still.jpeg = file.substr(at + length);
  return still;
}

}  // namespace

StillStore::StillStore(std::string directory, std::uint64_t bytes_max)
    : files_(std::move(directory), bytes_max,
             {std::string(kEnding), std::string(kRestrictedEnding)}) {}

Status StillStore::Save(const Snapshot& still, bool restricted) {
  const auto name = FileName(still.frame.frame_id, restricted);
  if (!name) return InvalidArgument("not a frame_id: " + still.frame.frame_id.substr(0, 200));
  if (Read(*name).ok()) return {};
  return files_.Write(*name, Encode(still));
}

bool StillStore::Holds(const std::string& frame_id, bool restricted) const {
  const auto name = FileName(frame_id, restricted);
  return name && Read(*name).ok();
}

Result<Snapshot> StillStore::Load(const std::string& frame_id) const {
  const auto name = FileName(frame_id, false);
  if (!name) return NotFound("not a frame_id");
  return Read(*name);
}

Result<Snapshot> StillStore::Read(const std::string& name) const {
  const auto file = files_.Read(name);
  if (!file.ok()) return NotFound("no still of this frame is held");
  return Decode(*file);
}

}  // namespace fusiongateway
