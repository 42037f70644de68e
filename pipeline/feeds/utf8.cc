#include "pipeline/feeds/utf8.h"

namespace fusiongateway {
namespace {

// The code point at `at`, and its length; length 1 and the replacement if it is not valid.
std::pair<char32_t, std::size_t> Next(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xF0 && first < 0xF5   ? 4
                             : first >= 0xE0 && first < 0xF0 ? 3
                             : first >= 0xC2 && first < 0xE0 ? 2
                                                             : 0;
  if (length == 0 || at + length > text.size()) return {kReplacementCharacter, 1};
  char32_t value = first & (0xFF >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return {kReplacementCharacter, 1};
    value = (value << 6) | (byte(at + i) & 0x3F);
  }
  const char32_t smallest = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
  const bool surrogate = value >= 0xD800 && value < 0xE000;
  if (value < smallest || value > 0x10FFFF || surrogate) return {kReplacementCharacter, 1};
  return {value, length};
}

}  // namespace

std::vector<CodePoint> DecodeUtf8(std::string_view text) {
  std::vector<CodePoint> points;
  points.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto [value, length] = Next(text, at);
    points.push_back({value, at, at + length});
    at += length;
  }
  return points;
}

void AppendUtf8(char32_t c, std::string* to) {
  const auto put = [to](char32_t byte) { to->push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

std::string ValidUtf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  for (const CodePoint& point : DecodeUtf8(text)) AppendUtf8(point.value, &valid);
  return valid;
}

bool IsUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto [value, length] = Next(text, at);
    if (value == kReplacementCharacter && length == 1) return false;
    at += length;
  }
  return true;
}

bool IsInvisible(char32_t c) {
  const auto within = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  const bool control = within(0, 0x1F) || within(0x7F, 0x9F);
  if (control) return c != U'\t' && c != U'\n' && c != U'\r';
  return c == 0xAD || within(0x200B, 0x200F) || within(0x202A, 0x202E) || within(0x2060, 0x206F) ||
         within(0xFE00, 0xFE0F) || c == 0xFEFF;
}

std::string_view Truncated(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace fusiongateway
