// What the name of a field says of its value, whichever system named it: idCard, SFZH, BJRZJHM,
// mobile_no, 联系电话 …
//
// Pure; any thread. A name is read by its last words ("contactPhone", "contact_phone_no"; pinyin
// codes by their ending), so that gridNo, telemetry, cameraName or JJDBH say nothing.
#pragma once

#include <cstdint>
#include <string_view>

namespace fusiongateway {

enum class PersonalKey : std::uint8_t {
  kNone,
  kName,      // of a person, perhaps with a title or a number
  kNumber,    // a telephone number, of any form
  kIdentity,  // an identity document's number
};

PersonalKey KindOfKey(std::string_view key);

// The field holds an id or code of a system that is kept as it is.
bool IsIdKey(std::string_view key);

}  // namespace fusiongateway
