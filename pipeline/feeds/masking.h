// Privacy at the door: telephone numbers, names and identity numbers leave every text of a payload
// before anything else sees it.
//
// Telephones (mobile and with an area code, also with +86, grouped, in digits of any script or in
// words) become 138****5678, identity numbers [证件号], names that the payload itself declares 张*,
// e-mail addresses [邮箱], the account in a URL ***@. Ids
// are told apart by the field they stand in and by form: an identity number carries a plausible
// birth date and a real region, so that call numbers, quota ids and 20-digit camera ids stay as
// they are. Fields whose name says that they hold a person's name or number (personal_key.h) are
// masked whatever form their value has.
//
// One instance per payload; no threading. Nothing is refused: what cannot be read as JSON is masked
// as text; text with bytes that are not UTF-8 loses every digit; of what is no such text at all
// (UTF-16, binary) only its length and what it looks like are kept.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "fusion/base/time.h"
#include "fusiongateway/v1/report.pb.h"
#include "pipeline/feeds/written_digits.h"

namespace fusiongateway {

class Masker {
 public:
  // A number that bears the date of these days is a ticket's and not a person's.
  explicit Masker(UtcTime received_at);

  // Something the payload declares: a person's name, a telephone of any form, an identity number.
  void Declare(std::string_view person);

  std::string Text(std::string_view text) const;
  // Every key and scalar of a JSON text, ids in their known fields apart, as in Mask; as text if it
  // is not JSON. Names and numbers in fields known to hold them are taken as declared.
  std::string Json(std::string_view json);
  // Every text of the report. Ids stay as they are; of a field for ids, what has not the form of
  // one (letters, digits, - _ : . / @; at most 128) is a text, and so is a mobile number as a code.
  void Mask(v1::Report* report);

 private:
  struct Name {
    std::vector<char32_t> letters;
  };

  std::string MaskNames(std::string_view text) const;
  std::string MaskNumbers(std::string_view text) const;
  std::string MaskNumbers(std::string_view text, DigitForms forms) const;
  void DeclareNumber(const std::string& digits);
  void DeclareName(std::vector<char32_t> letters);
  struct TextFields;
  static TextFields TextFieldsOf(const google::protobuf::Descriptor* descriptor);
  struct Change {
    std::string text;
    std::string masked;
  };
  void MaskMessage(const TextFields& fields, google::protobuf::Message* message,
                   std::vector<Change>* changes);
  std::string Summary(std::string summary, std::vector<Change> changes) const;
  std::string UnreadableText(std::string_view text);

  std::chrono::sys_days received_;
  std::vector<Name> names_;
  std::vector<std::string> numbers_;
};

}  // namespace fusiongateway
