// Telephone and identity numbers in running text, found by form.
//
// Pure; any thread. Digits may be full-width, and grouped by spaces or hyphens as people write
// them.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fusiongateway {

inline constexpr std::string_view kMaskedIdentity = "[证件号]";

struct PersonalNumber {
  // Its bytes in the text.
  std::size_t begin = 0;
  std::size_t end = 0;
  // What stands there instead.
  std::string masked;
};

// In order, not overlapping. `declared`: digits that the payload says are personal, whatever their
// form. `received`: when the payload came.
std::vector<PersonalNumber> FindPersonalNumbers(std::string_view text,
                                                const std::vector<std::string>& declared,
                                                std::chrono::sys_days received);

// What stands instead of a number that is known to be personal: 138****5678, [证件号] for one as
// long as an identity number's.
std::string MaskedNumber(std::string_view digits);

// The runs of digits in a text about a person that are as long as a telephone or identity number;
// no dates and times.
std::vector<std::string> NumbersIn(std::string_view text);

// The digits of a text that is nothing but a number as people write it ("+86 138-1234-5678"; an
// identity number keeps its final X); "" for any other text.
std::string DigitsOfNumber(std::string_view text);

}  // namespace fusiongateway
