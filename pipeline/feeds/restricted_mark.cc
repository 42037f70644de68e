#include "pipeline/feeds/restricted_mark.h"

namespace fusiongateway {

bool LooksRestricted(std::string_view payload) {
  // By hand: the text may be anything, of any length. Whatever is no clear no counts.
  constexpr std::string_view kBetween = " \t\r\n:\"";
  constexpr std::string_view kNo = "0fFn,}";  // 0, false, null, an empty text
  for (const std::string_view name : {"\"SFBM\"", "\"restricted\""}) {
    for (std::size_t at = payload.find(name); at != payload.npos; at = payload.find(name, at + 1)) {
      const std::size_t value = payload.find_first_not_of(kBetween, at + name.size());
      if (value != payload.npos && kNo.find(payload[value]) == kNo.npos) return true;
    }
  }
  return false;
}

}  // namespace fusiongateway
