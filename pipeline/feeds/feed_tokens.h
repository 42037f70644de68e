// Tokens of publishers that come over HTTP. Only hashes are kept; a token is compared by its hash,
// in the same time whatever it is, and never stored, logged or told. A token is 256 random bits, so
// a plain hash of it is as good as a slow one. Immutable after construction; any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace fusiongateway {

class FeedTokens {
 public:
  // SHA-256 of a token, 64 lower-case hexadecimal digits -> the feed it may publish for.
  explicit FeedTokens(std::map<std::string, std::string> feed_of_hash)
      : feed_of_hash_(std::move(feed_of_hash)) {}

  std::optional<std::string> FeedOf(std::string_view token) const;

  static std::string Make();
  static std::string HashOf(std::string_view token);
  static bool IsHash(std::string_view text);

 private:
  const std::map<std::string, std::string> feed_of_hash_;
};

}  // namespace fusiongateway
