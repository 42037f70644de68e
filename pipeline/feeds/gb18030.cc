#include "pipeline/feeds/gb18030.h"

#include <iconv.h>

#include <cerrno>

#include "pipeline/feeds/utf8.h"

namespace fusiongateway {

Result<std::unique_ptr<Gb18030>> Gb18030::Open() {
  const iconv_t conversion = iconv_open("UTF-8", "GB18030");
  if (conversion == reinterpret_cast<iconv_t>(-1)) {
    return Unavailable(
        "this system cannot read GB18030: glibc's gconv module GB18030.so is missing; install the "
        "whole of libc6");
  }
  return std::unique_ptr<Gb18030>(new Gb18030(conversion));
}

Gb18030::~Gb18030() { iconv_close(conversion_); }

Gb18030::Converted Gb18030::ToUtf8(std::string_view text) {
  Converted converted;
  // iconv does not write to its input; its type is older than const.
  char* from = const_cast<char*>(text.data());
  std::size_t from_left = text.size();
  iconv(conversion_, nullptr, nullptr, nullptr, nullptr);
  while (from_left > 0) {
    char chunk[16 << 10];
    char* to = chunk;
    std::size_t to_left = sizeof chunk;
    const std::size_t result = iconv(conversion_, &from, &from_left, &to, &to_left);
    const int error = result == static_cast<std::size_t>(-1) ? errno : 0;
    converted.text.append(chunk, to);
    if (error == 0 || error == E2BIG) continue;
    // No character begins here (EILSEQ), or the text ends within one (EINVAL).
    if (!converted.malformed_at) converted.malformed_at = text.size() - from_left;
    AppendUtf8(kReplacementCharacter, &converted.text);
    ++from;
    --from_left;
  }
  return converted;
}

}  // namespace fusiongateway
