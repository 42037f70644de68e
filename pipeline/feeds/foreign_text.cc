#include "pipeline/feeds/foreign_text.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "pipeline/feeds/personal_key.h"
#include "pipeline/feeds/utf8.h"

namespace fusiongateway {
namespace {

bool IsKeyCharacter(char32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
         (c >= 0x4E00 && c <= 0x9FFF);
}

constexpr std::size_t kEscapeBytes = 6;

// The UTF-16 unit of a "\\u4e00" that begins here; 0 if none does.
char32_t EscapedUnit(std::string_view text) {
  unsigned unit = 0;
  if (text.size() < kEscapeBytes || text[0] != '\\' || text[1] != 'u') return 0;
  const char* end = text.data() + kEscapeBytes;
  return std::from_chars(text.data() + 2, end, unit, 16).ptr == end ? unit : 0;
}

bool IsHigh(char32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }

}  // namespace

bool IsText(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) return false;
  return std::none_of(bytes.begin(), bytes.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
  });
}

std::string NoteOfBytes(std::string_view bytes) {
  std::size_t zeros[2] = {0, 0};  // at even and odd places
  for (std::size_t i = 0; i < bytes.size(); ++i) zeros[i % 2] += bytes[i] == '\0' ? 1 : 0;
  const char* looks_like = "binary";
  if (bytes.starts_with("\xFF\xFE") || zeros[1] > 2 * zeros[0]) looks_like = "UTF-16LE";
  if (bytes.starts_with("\xFE\xFF") || zeros[0] > 2 * zeros[1]) looks_like = "UTF-16BE";
  return nlohmann::json{{"notText", {{"bytes", bytes.size()}, {"looksLike", looks_like}}}}.dump();
}

std::string WithoutEscapes(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size();) {
    char32_t point = EscapedUnit(text.substr(i));
    std::size_t length = kEscapeBytes;
    if (const char32_t low = EscapedUnit(text.substr(i + std::min(length, text.size() - i)));
        IsHigh(point) && low >= 0xDC00 && low < 0xE000) {
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
      length *= 2;
    }
    // A quote or a control character is better left as it is; half a pair is nothing.
    if (point <= U' ' || point == U'"' || point == U'\\' || (point >= 0xD800 && point < 0xE000)) {
      plain += text[i++];
    } else {
      AppendUtf8(point, &plain);
      i += length;
    }
  }
  return plain;
}

std::vector<std::string_view> PersonalValues(std::string_view text) {
  constexpr std::size_t kValueBytesMax = 256;
  constexpr std::string_view kFullWidthColon = "：";
  std::vector<std::string_view> values;
  std::size_t key_begin = 0, key_end = 0;
  for (const CodePoint& point : DecodeUtf8(text)) {
    if (IsKeyCharacter(point.value)) {
      if (point.begin != key_end || key_end == 0) key_begin = point.begin;
      key_end = point.end;
      continue;
    }
    if (key_end == key_begin || point.begin != key_end) continue;
    const std::string_view key = text.substr(key_begin, key_end - key_begin);
    if (KindOfKey(key) == PersonalKey::kNone) continue;
    std::size_t at = text.find_first_not_of(" \t\r\n\"'", key_end);
    if (at == std::string_view::npos) break;
    if (text.substr(at).starts_with(kFullWidthColon)) {
      at += kFullWidthColon.size();
    } else if (text[at] == ':' || text[at] == '=' || text[at] == '>') {
      ++at;
    } else {
      continue;
    }
    at = text.find_first_not_of(" \t\r\n\"'", at);
    if (at == std::string_view::npos) break;
    const std::string_view rest = text.substr(at, kValueBytesMax);
    values.push_back(rest.substr(0, rest.find_first_of("\"',;&<}\r\n")));
  }
  return values;
}

std::string WithoutDigits(std::string_view text) {
  std::string hidden;
  for (const CodePoint& point : DecodeUtf8(text)) {
    const bool digit = (point.value >= U'0' && point.value <= U'9') ||
                       (point.value >= U'０' && point.value <= U'９');
    hidden += digit ? "#" : text.substr(point.begin, point.end - point.begin);
  }
  return hidden;
}

}  // namespace fusiongateway
