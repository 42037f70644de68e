#include "delivery/wall/http_message.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace fusiongateway {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsText(const std::string& bytes) {
  for (const char c : bytes) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  }
  try {
    nlohmann::json(bytes).dump();  // throws on bad UTF-8
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

Result<std::string> PercentDecode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return InvalidArgument("broken escape in the request's target");
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (!IsText(decoded)) return InvalidArgument("the request's target is not UTF-8 text");
  return decoded;
}

Status ParseQuery(std::string_view text, RequestTarget* target) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    auto name = PercentDecode(pair.substr(0, equals));
    if (!name.ok()) return name.status();
    auto value = PercentDecode(equals == pair.npos ? "" : pair.substr(equals + 1));
    if (!value.ok()) return value.status();
    if (target->Query(*name)) return InvalidArgument("parameter \"" + *name + "\" is given twice");
    target->query.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

}  // namespace

std::string RequestTarget::Path() const {
  std::string path;
  for (const std::string& segment : segments) path += "/" + segment;
  return path.empty() ? "/" : path;
}

std::optional<std::string> RequestTarget::Query(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Result<RequestTarget> ParseTarget(std::string_view target) {
  if (target.empty() || target[0] != '/') {
    return InvalidArgument("the request's target must be an absolute path");
  }
  const std::size_t question = target.find('?');
  std::string_view path = target.substr(1, question == target.npos ? target.npos : question - 1);
  RequestTarget parsed;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    auto segment = PercentDecode(path.substr(0, slash));
    if (!segment.ok()) return segment.status();
    parsed.segments.push_back(std::move(*segment));
    if (slash == path.npos) break;
    path.remove_prefix(slash + 1);
    if (path.empty()) parsed.segments.emplace_back();  // "/a/" is not "/a"
  }
  if (question != target.npos) {
    if (Status s = ParseQuery(target.substr(question + 1), &parsed); !s.ok()) return s;
  }
  return parsed;
}

ApiResponse ToResponse(const Problem& problem) {
  nlohmann::ordered_json json;
  json["type"] = "urn:fusion-gateway:problem:" + std::string(problem.name);
  json["title"] = problem.zh;
  json["status"] = problem.status;
  json["detail"] =
      (problem.detail_zh.empty() ? problem.zh : problem.detail_zh) + " / " + problem.en;
  for (const auto& [name, value] : problem.members) json[name] = value;
  ApiResponse response;
  response.status = problem.status;
  response.content_type = "application/problem+json";
  response.body = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return response;
}

ApiResponse WrongMethod(const std::string& allowed) {
  ApiResponse response = ToResponse({405,
                                     "method-not-allowed",
                                     "此地址不接受该方法",
                                     "this path does not take that method",
                                     {{"allow", allowed}}});
  response.headers.emplace_back("Allow", allowed);
  return response;
}

ApiResponse NotJson() {
  return ToResponse({415,
                     "not-json",
                     "请求内容必须是 application/json",
                     "the body must be application/json",
                     {}});
}

ApiResponse FromStatus(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
      return ToResponse({400, "invalid", "请求有误", status.message(), {}});
    case StatusCode::kNotFound:
      return ToResponse({404, "not-found", "没有找到", status.message(), {}});
    case StatusCode::kOutOfRange:
      return ToResponse({410, "out-of-range", "已超出保存范围", status.message(), {}});
    case StatusCode::kFailedPrecondition:
      return ToResponse({409, "not-possible-now", "目前不能执行", status.message(), {}});
    case StatusCode::kPermissionDenied:
      return ToResponse({403, "not-permitted", "没有权限", status.message(), {}});
    case StatusCode::kResourceExhausted:
    case StatusCode::kUnavailable: {
      ApiResponse response =
          ToResponse({503, "try-again", "暂时不可用，请稍后再试", status.message(), {}});
      response.headers.emplace_back("Retry-After", "1");
      return response;
    }
    default:
      return ToResponse({500, "internal", "网关内部错误", status.message(), {}});
  }
}

std::string JsonString(std::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

}  // namespace fusiongateway
