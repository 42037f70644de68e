#include "pipeline/feeds/feed_tokens.h"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace fusiongateway {
namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kHashDigits = 2 * crypto_hash_sha256_BYTES;

}  // namespace

std::string FeedTokens::Make() {
  if (sodium_init() < 0) return {};  // no random source
  std::array<unsigned char, kTokenBytes> random{};
  randombytes_buf(random.data(), random.size());
  std::array<char, 64> text{};
  sodium_bin2base64(text.data(), text.size(), random.data(), random.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return text.data();
}

std::string FeedTokens::HashOf(std::string_view token) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(token.data()),
                     token.size());
  std::array<char, kHashDigits + 1> digits{};
  sodium_bin2hex(digits.data(), digits.size(), hash.data(), hash.size());
  return digits.data();
}

bool FeedTokens::IsHash(std::string_view text) {
  return text.size() == kHashDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::optional<std::string> FeedTokens::FeedOf(std::string_view token) const {
  const std::string hash = HashOf(token);
  const std::string* found = nullptr;
  for (const auto& [known, feed_id] : feed_of_hash_) {
    if (sodium_memcmp(known.data(), hash.data(), kHashDigits) == 0) found = &feed_id;
  }
  if (found == nullptr) return std::nullopt;
  return *found;
}

}  // namespace fusiongateway
