// What can be said of a rejected payload that is not the JSON it should be: broken JSON, XML, a
// form, another encoding, no text at all. For the masking of dead letters.
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fusiongateway {

// Not UTF-16 and not binary; perhaps with bytes that are not UTF-8.
bool IsText(std::string_view bytes);

// All that is kept of bytes that are no text, {"notText": {"bytes": 22, "looksLike": "UTF-16LE"}}:
// their digits could be anybody's in a form that nothing here recognises, and a digest of so few
// could be searched for.
std::string NoteOfBytes(std::string_view bytes);

// "\u0031" → "1", "\u5f20" → "张": what is escaped in a document nobody can parse.
std::string WithoutEscapes(std::string_view text);

// The values in a document nobody can parse that follow a person's key: `"BJRMC": "张三"`,
// `phone=…`, `<phone>…`, `联系人：张三`.
std::vector<std::string_view> PersonalValues(std::string_view text);

// Every digit as #.
std::string WithoutDigits(std::string_view text);

}  // namespace fusiongateway
