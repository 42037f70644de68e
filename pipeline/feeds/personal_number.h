// Telephone and identity numbers in running text, found by form.
//
// Pure; any thread. Digits may be of any script, and grouped as people write them: by spaces, line
// ends, hyphens; by slashes, commas and the like where the groups have a number's own sizes.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/feeds/written_digits.h"

namespace fusiongateway {

// A text with fewer holds no number of a person: a local telephone has seven.
inline constexpr int kPersonalDigitsMin = 7;

inline constexpr std::string_view kMaskedIdentity = "[证件号]";

struct PersonalNumber {
  // Its bytes in the text.
  std::size_t begin = 0;
  std::size_t end = 0;
  // What stands there instead.
  std::string masked;
};

// In order, not overlapping. `declared`: digits that the payload says are personal, whatever their
// form. `received`: when the payload came. With DigitForms::kAny the words of a sentence are digits
// too; what stands beside one ("三13812345678") is then missed, so such a search comes second.
std::vector<PersonalNumber> FindPersonalNumbers(std::string_view text,
                                                const std::vector<std::string>& declared,
                                                std::chrono::sys_days received,
                                                DigitForms forms = DigitForms::kDecimal);

// Eleven ASCII digits that are a mobile number's.
bool IsMobileNumber(std::string_view digits);

// What stands instead of a number that is known to be personal: 138****5678, [证件号] for one as
// long as an identity number's.
std::string MaskedNumber(std::string_view digits);

// The runs of digits in a text about a person that are as long as a telephone or identity number;
// no dates and times.
std::vector<std::string> NumbersIn(std::string_view text);

// The digits of a text that is nothing but a number as people write it ("+86 138-1234-5678"; an
// identity number keeps its final X); "" for any other text.
std::string DigitsOfNumber(std::string_view text, DigitForms forms = DigitForms::kDecimal);

}  // namespace fusiongateway
