// What names a person or lets somebody in within an address: e-mail, and the account in a URL.
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace fusiongateway {

inline constexpr std::string_view kMaskedMail = "[邮箱]";

// "wang.fang@example.com" → [邮箱]; "rtsp://admin:secret@10.0.0.8/1" → rtsp://***@10.0.0.8/1.
std::string MaskAddresses(std::string_view text);

}  // namespace fusiongateway
