// A request and a response as the API sees them: no sockets, no Boost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fusion/base/status.h"

namespace fusiongateway {

// A request's target, percent-decoded: "/api/v1/cameras/a%2Fb?at=x" is {"api","v1","cameras","a/b"}
// and {"at","x"}. A "+" stays a "+": times carry it.
struct RequestTarget {
  std::vector<std::string> segments;
  std::vector<std::pair<std::string, std::string>> query;

  // "/" and the segments joined by "/".
  std::string Path() const;
  // None if it is not there.
  std::optional<std::string> Query(std::string_view name) const;
};

// Refused: anything but an absolute path, broken escapes, bytes that are no text (control bytes,
// bad UTF-8), a parameter that is given twice.
Result<RequestTarget> ParseTarget(std::string_view target);

struct ApiRequest {
  std::string method;
  RequestTarget target;
  std::string content_type;
  std::string body;
  std::string client;  // what the program that asks calls itself
};

struct ApiResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// RFC 9457. `name` is the problem's stable identity, told as "urn:fusion-gateway:problem:<name>";
// people read `zh` and `en`.
struct Problem {
  unsigned status = 500;
  std::string_view name;
  std::string zh;
  std::string en;
  // Further members, strings all.
  std::vector<std::pair<std::string, std::string>> members;
  // What `zh`, which names the kind of problem, does not say of this one; empty = nothing.
  std::string detail_zh = {};
};
ApiResponse ToResponse(const Problem& problem);

// A path that takes only the methods `allowed` ("GET, HEAD").
ApiResponse WrongMethod(const std::string& allowed);
// A body that should be JSON and does not say so. A form or a plain-text post needs no permission
// of this server to cross origins; JSON does.
ApiResponse NotJson();
// What a failure is to the caller when nothing more particular is known.
ApiResponse FromStatus(const Status& status);

// `text` as a JSON string, quotes and all. Bytes that are not UTF-8 become U+FFFD.
std::string JsonString(std::string_view text);

// The decimal number that `text` is; none if it is not one.
std::optional<std::uint64_t> ParseNumber(std::string_view text);

}  // namespace fusiongateway
