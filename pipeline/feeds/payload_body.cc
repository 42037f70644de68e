#include "pipeline/feeds/payload_body.h"

#include <algorithm>
#include <cctype>

#include "pipeline/feeds/utf8.h"
#include "proto/codec/json_form.h"

namespace fusiongateway {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view Trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

std::vector<std::string> Lines(std::string_view body) {
  std::vector<std::string> lines;
  while (!body.empty()) {
    std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(line.size() + 1, body.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!Trimmed(line).empty()) lines.emplace_back(line);
  }
  return lines;
}

Result<std::vector<std::string>> JsonPayloads(std::string_view body) {
  const std::string_view value = Trimmed(body);
  if (!IsUtf8(value)) {
    return InvalidArgument(
        "application/json is UTF-8, and this is not; send the bytes of another encoding as "
        "application/x-ndjson or application/octet-stream");
  }
  if (value.empty()) return std::vector<std::string>{};
  if (value.front() != '[') return std::vector<std::string>{std::string(value)};
  return ParsePayloads(value);
}

}  // namespace

std::optional<BodyForm> BodyFormOf(std::string_view content_type) {
  std::string type(Trimmed(content_type.substr(0, content_type.find(';'))));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (type == "application/x-ndjson") return BodyForm::kLines;
  if (type == "application/json") return BodyForm::kJson;
  if (type == "application/octet-stream") return BodyForm::kWhole;
  return std::nullopt;
}

Result<std::vector<std::string>> PayloadsOf(BodyForm form, std::string_view body) {
  switch (form) {
    case BodyForm::kLines:
      return Lines(body);
    case BodyForm::kJson:
      return JsonPayloads(body);
    case BodyForm::kWhole:
      break;
  }
  if (body.empty()) return std::vector<std::string>{};
  return std::vector<std::string>{std::string(body)};
}

}  // namespace fusiongateway
