// The digits that a text may write a number in. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

namespace fusiongateway {

enum class DigitForms {
  // The decimal digits of every script in Unicode: ASCII, full-width, Arabic-Indic, mathematical …
  kDecimal,
  // Also what stands for a digit and is a word or a mark by itself: 一 (幺), 壹, ①, ².
  kAny,
};

// '0' .. '9'.
std::optional<char> DigitOf(char32_t code_point, DigitForms forms);

// Whether a text holds fewer than `min` digits of any form, without reading it into code points.
bool HoldsFewerDigits(std::string_view text, int min);
// Whether it holds one that only DigitForms::kAny knows.
bool HoldsOtherDigits(std::string_view text);

}  // namespace fusiongateway
