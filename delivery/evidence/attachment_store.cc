#include "delivery/evidence/attachment_store.h"

#include <sodium.h>

#include <array>
#include <cstddef>
#include <utility>

#include "delivery/evidence/attachment_policy.h"

namespace fusiongateway {
namespace {

constexpr const char* kEnding = ".attachment";
constexpr const char* kRestrictedEnding = ".restricted";
constexpr std::string_view kPrefix = "sha256-";

bool IsName(std::string_view name) {
  return name.starts_with(kPrefix) &&
         name.size() == kPrefix.size() + 2 * std::size_t{crypto_hash_sha256_BYTES} &&
         name.substr(kPrefix.size()).find_first_not_of("0123456789abcdef") == name.npos;
}

}  // namespace

std::string ToName(const Digest& digest) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string name = digest.alg + "-";
  for (const char c : digest.value) {
    name += kHex[static_cast<unsigned char>(c) >> 4];
    name += kHex[static_cast<unsigned char>(c) & 0xF];
  }
  return name;
}

Digest Sha256Of(std::string_view bytes) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size());
  return {"sha256", std::string(hash.begin(), hash.end())};
}

AttachmentStore::AttachmentStore(std::string directory, std::uint64_t bytes_max)
    : files_(std::move(directory), bytes_max, {kEnding, kRestrictedEnding}) {}

Result<Digest> AttachmentStore::Save(std::string_view bytes, bool restricted) {
  Digest digest = Sha256Of(bytes);
  const Status written =
      files_.Write(ToName(digest) + (restricted ? kRestrictedEnding : kEnding), bytes);
  if (!written.ok()) return written;
  return digest;
}

Result<KeptAttachment> AttachmentStore::Load(const std::string& name) const {
  if (!IsName(name)) return NotFound("not the digest of an attachment");
  auto bytes = files_.Read(name + kEnding);
  if (!bytes.ok()) return NotFound("no attachment with this digest is held");
  if (ToName(Sha256Of(*bytes)) != name) return DataLoss("the attachment's file was changed");
  return KeptAttachment{std::string(MediaTypeOf(*bytes)), std::move(*bytes)};
}

void AttachmentStore::Restrict(const Digest& digest) {
  const std::string name = ToName(digest);
  if (IsName(name)) files_.Rename(name + kEnding, name + kRestrictedEnding);
}

}  // namespace fusiongateway
