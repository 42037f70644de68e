// Text of older systems to UTF-8. GB 18030 holds GBK and GB 2312, so these are read too.
//
// By the C library's iconv. Not thread-safe: one instance per thread. Nothing is refused here; what
// is not GB 18030 is pointed at.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fusion/base/status.h"

namespace fusiongateway {

class Gb18030 {
 public:
  struct Converted {
    // With U+FFFD for every byte that is part of no character.
    std::string text;
    // The first of those.
    std::optional<std::size_t> malformed_at;
  };

  // kUnavailable: the system has no such conversion.
  static Result<std::unique_ptr<Gb18030>> Open();
  ~Gb18030();
  Gb18030(const Gb18030&) = delete;
  Gb18030& operator=(const Gb18030&) = delete;

  Converted ToUtf8(std::string_view text);

 private:
  explicit Gb18030(void* conversion) : conversion_(conversion) {}
  void* const conversion_;  // iconv_t
};

}  // namespace fusiongateway
