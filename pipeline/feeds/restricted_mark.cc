#include "pipeline/feeds/restricted_mark.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace fusiongateway {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsWord(char c) {
  const char lower = Lower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool IsQuote(char c) { return c == '"' || c == '\''; }

// "SF\u0042M" → "SFBM"; nothing else than ASCII is of interest.
std::string WithoutEscapes(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    const char* digits = text.data() + i + 4;
    if (text.substr(i, 4) == "\\u00" && i + 6 <= text.size() &&
        std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2 && code < 0x80) {
      plain += static_cast<char>(code);
      i += 5;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// By hand: the text may be anything, of any length. Whatever is no clear no counts.
bool IsMarkedAt(std::string_view text, std::size_t begin, std::size_t end) {
  constexpr std::string_view kBetween = " \t\r\n\"'\\[";
  constexpr std::string_view kNo = "0fFnN,}]<";  // 0, false, null, an empty text
  if (begin > 0 && (IsWord(text[begin - 1]) || text[begin - 1] == '/')) return false;
  const std::size_t sign = text.find_first_not_of(kBetween.substr(0, kBetween.size() - 1), end);
  if (sign == text.npos || (text[sign] != ':' && text[sign] != '=' && text[sign] != '>')) {
    return false;
  }
  const std::size_t value = text.find_first_not_of(kBetween, sign + 1);
  return value != text.npos && kNo.find(text[value]) == kNo.npos;
}

bool StandsAt(std::string_view text, std::size_t at, std::string_view lower_name) {
  return text.size() - at >= lower_name.size() &&
         std::equal(lower_name.begin(), lower_name.end(), text.begin() + at,
                    [](char name, char c) { return name == Lower(c); });
}

// SFBM is no word that anybody writes; "restricted" counts as a field's name only.
bool IsMark(std::string_view text, std::size_t at) {
  constexpr std::string_view kSfbm = "sfbm", kRestricted = "restricted";
  if (StandsAt(text, at, kSfbm)) return IsMarkedAt(text, at, at + kSfbm.size());
  if (!StandsAt(text, at, kRestricted)) return false;
  const std::size_t end = at + kRestricted.size();
  const bool quoted = at > 0 && IsQuote(text[at - 1]);
  const bool form = end < text.size() && (text[end] == '=' || text[end] == '>');
  return (quoted || form) && IsMarkedAt(text, at, end);
}

// Every payload comes by here, so names are sought by a letter of theirs, at memchr's speed.
std::size_t CountByLetter(std::string_view text, char letter, std::size_t place) {
  std::size_t count = 0;
  for (std::size_t at = text.find(letter); at != text.npos; at = text.find(letter, at + 1)) {
    if (at >= place && IsMark(text, at - place)) ++count;
  }
  return count;
}

}  // namespace

std::size_t CountRestrictedMarks(std::string_view payload) {
  std::string plain;
  if (payload.find("\\u00") != payload.npos) payload = plain = WithoutEscapes(payload);
  // The f of sfbm, the c of restricted.
  constexpr std::size_t kPlace = 1, kRestrictedPlace = 6;
  std::size_t count = 0;
  for (const char letter : {'f', 'F'}) count += CountByLetter(payload, letter, kPlace);
  for (const char letter : {'c', 'C'}) count += CountByLetter(payload, letter, kRestrictedPlace);
  return count;
}

}  // namespace fusiongateway
