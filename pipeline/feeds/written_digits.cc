#include "pipeline/feeds/written_digits.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace fusiongateway {
namespace {

// Where the ten digits of a script begin, in order.
constexpr std::array<char32_t, 37> kZeros = {
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66,
    0x0CE6, 0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810,
    0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0,
    0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0};

struct Run {
  char32_t first;
  char32_t last;
  char digit;  // of the first
};
// Circled, bracketed, with a full stop, raised, lowered.
constexpr std::array kMarks = {
    Run{0x2460, 0x2468, '1'}, Run{0x2474, 0x247C, '1'}, Run{0x2488, 0x2490, '1'},
    Run{0x24EA, 0x24EA, '0'}, Run{0x24F5, 0x24FD, '1'}, Run{0x24FF, 0x24FF, '0'},
    Run{0x2776, 0x277E, '1'}, Run{0x2780, 0x2788, '1'}, Run{0x278A, 0x2792, '1'},
    Run{0x2070, 0x2070, '0'}, Run{0x2074, 0x2079, '4'}, Run{0x2080, 0x2089, '0'},
    Run{0x00B9, 0x00B9, '1'}, Run{0x00B2, 0x00B3, '2'}, Run{0x3220, 0x3228, '1'},
    Run{0x3280, 0x3288, '1'}};

struct Word {
  char32_t word;
  char digit;
};
constexpr std::array kWords = {
    Word{U'〇', '0'}, Word{U'零', '0'}, Word{U'○', '0'},  Word{U'一', '1'}, Word{U'幺', '1'},
    Word{U'壹', '1'}, Word{U'二', '2'}, Word{U'贰', '2'}, Word{U'两', '2'}, Word{U'三', '3'},
    Word{U'叁', '3'}, Word{U'四', '4'}, Word{U'肆', '4'}, Word{U'五', '5'}, Word{U'伍', '5'},
    Word{U'六', '6'}, Word{U'陆', '6'}, Word{U'七', '7'}, Word{U'柒', '7'}, Word{U'八', '8'},
    Word{U'捌', '8'}, Word{U'九', '9'}, Word{U'玖', '9'}};

std::optional<char> DecimalOf(char32_t c) {
  if (c >= 0x1D7CE && c <= 0x1D7FF) return static_cast<char>('0' + (c - 0x1D7CE) % 10);
  const auto zero = std::upper_bound(kZeros.begin(), kZeros.end(), c);
  if (zero == kZeros.begin() || c - *(zero - 1) > 9) return std::nullopt;
  return static_cast<char>('0' + (c - *(zero - 1)));
}

std::optional<char> OtherDigitOf(char32_t c) {
  for (const Word& word : kWords) {
    if (word.word == c) return word.digit;
  }
  for (const Run& run : kMarks) {
    if (c >= run.first && c <= run.last) return static_cast<char>(run.digit + (c - run.first));
  }
  return std::nullopt;
}

bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// What the bytes from `at` would be if they are UTF-8; 0 for what begins no character.
char32_t PointAt(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
  if (length == 0 || at + length > text.size()) return 0;
  char32_t point = lead & (0xFF >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) point = point << 6 | (byte(i) & 0x3F);
  return point;
}

}  // namespace

std::optional<char> DigitOf(char32_t c, DigitForms forms) {
  if (c >= U'0' && c <= U'9') return static_cast<char>(c);
  if (c < 0x80) return std::nullopt;
  if (const auto digit = DecimalOf(c)) return digit;
  return forms == DigitForms::kAny ? OtherDigitOf(c) : std::nullopt;
}

bool HoldsFewerDigits(std::string_view text, int min) {
  int count = 0;
  for (std::size_t i = 0; i < text.size() && count < min; ++i) {
    const char c = text[i];
    const bool digit =
        IsAscii(c) ? c >= '0' && c <= '9' : DigitOf(PointAt(text, i), DigitForms::kAny).has_value();
    count += digit ? 1 : 0;
  }
  return count < min;
}

bool HoldsOtherDigits(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!IsAscii(text[i]) && OtherDigitOf(PointAt(text, i))) return true;
  }
  return false;
}

}  // namespace fusiongateway
