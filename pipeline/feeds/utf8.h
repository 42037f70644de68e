// UTF-8, code point by code point. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fusiongateway {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

struct CodePoint {
  char32_t value = 0;
  // Its bytes in the text.
  std::size_t begin = 0;
  std::size_t end = 0;
};

// A byte that begins no valid sequence is one kReplacementCharacter.
std::vector<CodePoint> DecodeUtf8(std::string_view text);
void AppendUtf8(char32_t code_point, std::string* to);
// The text, with what is not UTF-8 replaced.
std::string ValidUtf8(std::string_view text);
bool IsUtf8(std::string_view text);
// Shows nothing between the characters around it: zero-width, direction marks, control characters.
bool IsInvisible(char32_t code_point);
// The longest beginning of at most `bytes_max` bytes that ends between code points.
std::string_view Truncated(std::string_view text, std::size_t bytes_max);

}  // namespace fusiongateway
