// Fuzz target: GB 18030 to UTF-8. Whatever comes in, UTF-8 comes out, ASCII stays as it is, and the
// byte pointed at is in the text.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/feeds/gb18030.h"
#include "pipeline/feeds/utf8.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fusiongateway;
  static const auto gb18030 = [] {
    auto opened = Gb18030::Open();
    fuzz::Require(opened.ok(), "the system cannot read GB18030");
    return std::move(*opened);
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto converted = gb18030->ToUtf8(text);
  fuzz::Require(ValidUtf8(converted.text) == converted.text, "not UTF-8");
  fuzz::Require(!converted.malformed_at || *converted.malformed_at < size, "points outside");
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
  if (ascii) fuzz::Require(converted.text == text && !converted.malformed_at, "ASCII was changed");
  fuzz::Require(gb18030->ToUtf8(text).text == converted.text, "something was carried over");
  return 0;
}
