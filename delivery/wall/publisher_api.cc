#include "delivery/wall/publisher_api.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <utility>

#include "pipeline/feeds/payload_body.h"
#include "proto/codec/codec.h"
#include "proto/codec/json_form.h"

namespace fusiongateway {
namespace {

// Seqs beyond are no seqs of anybody's.
constexpr std::uint64_t kSeqMax = std::uint64_t{1} << 62;
constexpr std::string_view kTestOutbox = "test";

struct CodeAnswer {
  std::string_view code;
  unsigned status;
  std::string_view name;
  std::string_view zh;
};
constexpr CodeAnswer kCodes[] = {
    {"UNKNOWN_FEED", 404, "no-such-feed", "没有这个接入源"},
    {"FORBIDDEN", 403, "not-this-feed", "该令牌不能用于此接入源"},
    {"FENCED", 409, "fenced", "另一个程序已接管此接入源，请停止发送并告知负责人"},
    {"FEED_IN_USE", 409, "feed-in-use", "另一个程序正在使用此接入源"},
    {"SEQ_GAP", 400, "seq-gap", "序号不连续"},
    {"SEQ_AHEAD", 400, "seq-ahead", "没有这个序号"},
    {"OUTBOX_REQUIRED", 400, "outbox-required", "缺少 outbox_id 或不合要求"},
    {"MALFORMED", 400, "malformed", "请求有误"},
    {"TOO_LARGE", 413, "too-large", "一次发送过多"},
    {"NOT_YET", 503, "not-yet", "尚未落盘，请原样重发"},
};

ApiResponse BadParameter(std::string en) {
  return ToResponse({400, "bad-parameter", "请求参数有误", std::move(en), {}});
}

ApiResponse ToProblem(const v1::Error& error) {
  const auto known =
      std::find_if(std::begin(kCodes), std::end(kCodes),
                   [&](const CodeAnswer& entry) { return entry.code == error.code(); });
  const CodeAnswer answer = known == std::end(kCodes)
                                ? CodeAnswer{{}, 503, "try-again", "暂时不可用，请稍后再试"}
                                : *known;
  Problem problem{answer.status,
                  answer.name,
                  std::string(answer.zh),
                  error.message(),
                  {{"code", error.code()}}};
  if (error.next_seq() > 0) {
    problem.members.emplace_back("nextSeq", std::to_string(error.next_seq()));
  }
  ApiResponse response = ToResponse(problem);
  if (answer.status == 503 || error.code() == "FEED_IN_USE") {
    response.headers.emplace_back("Retry-After", answer.status == 503 ? "1" : "30");
  }
  return response;
}

ApiResponse ToProblem(const v1::Busy& busy) {
  const Duration wait = FromWire(busy.retry_after());
  const auto seconds =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(wait).count());
  ApiResponse response = ToResponse({429,
                                     "busy",
                                     "网关繁忙，请稍后从 nextSeq 起重发",
                                     "this and all later seqs were not taken; send again from "
                                     "nextSeq after retryAfter",
                                     {{"code", "BUSY"},
                                      {"nextSeq", std::to_string(busy.next_seq())},
                                      {"retryAfter", std::to_string(wait.count() / 1e9) + "s"}}});
  response.headers.emplace_back("Retry-After", std::to_string(seconds));
  return response;
}

// Reads the query of one request; the first thing that is wrong stays.
class Parameters {
 public:
  explicit Parameters(const RequestTarget& target) : target_(target) {}

  // A parameter that nobody reads is a typing mistake, and "mod=test" would publish for real.
  void RefuseOthersThan(std::initializer_list<std::string_view> names) {
    for (const auto& [name, value] : target_.query) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      std::string known;
      for (const std::string_view one : names)
        known += (known.empty() ? "" : ", ") + std::string(one);
      Fail("there is no parameter \"" + name +
           "\" here; there are: " + (known.empty() ? "none" : known));
    }
  }
  std::string Text(std::string_view name) const { return target_.Query(name).value_or(""); }
  std::uint64_t Number(std::string_view name, std::uint64_t fallback) {
    const auto text = target_.Query(name);
    if (!text) return fallback;
    const auto number = ParseNumber(*text);
    if (!number || *number > kSeqMax) {
      Fail("parameter " + std::string(name) + " is not a whole number from 0 on");
    }
    return number.value_or(fallback);
  }
  // "30s" or "30".
  Duration Seconds(std::string_view name) {
    std::string text = Text(name);
    if (text.empty()) return {};
    if (text.back() == 's') text.pop_back();
    const auto number = ParseNumber(text);
    if (!number || *number > 3600)
      Fail("parameter " + std::string(name) + " is a span such as 30s");
    return std::chrono::seconds{number.value_or(0)};
  }
  bool Flag(std::string_view name) {
    const std::string text = Text(name);
    if (!text.empty() && text != "true" && text != "false") {
      Fail("parameter " + std::string(name) + " is true or false");
    }
    return text == "true";
  }
  void Fail(std::string en) {
    if (wrong_.empty()) wrong_ = std::move(en);
  }
  const std::string& wrong() const { return wrong_; }

 private:
  const RequestTarget& target_;
  std::string wrong_;
};

std::variant<ApiResponse, PublisherRequest> ReadPublish(const ApiRequest& request,
                                                        PublisherRequest&& asked) {
  Parameters parameters(request.target);
  parameters.RefuseOthersThan({"outbox_id", "first_seq", "mode", "takeover", "sent_at"});
  PublishAsk publish;
  const std::string mode = parameters.Text("mode");
  publish.test = mode == "test";
  if (!mode.empty() && !publish.test) parameters.Fail("parameter mode is test, or left out");
  publish.takeover = parameters.Flag("takeover");
  asked.outbox_id = parameters.Text("outbox_id");
  const std::uint64_t first_seq = parameters.Number("first_seq", publish.test ? 1 : 0);
  if (publish.test && asked.outbox_id.empty()) asked.outbox_id = kTestOutbox;
  if (asked.outbox_id.empty() || first_seq == 0) {
    parameters.Fail(
        "outbox_id and first_seq are needed, so that nothing is lost and nothing counts twice: "
        "outbox_id names your outbox, made once at random and kept; first_seq numbers the first "
        "payload, from 1 on without gaps. GET …/publisher?outbox_id= tells resumeAfterSeq; go on "
        "from the next one");
  }
  if (const std::string sent_at = parameters.Text("sent_at"); !sent_at.empty()) {
    const auto time = ParseRfc3339(sent_at);
    if (!time.ok()) parameters.Fail("parameter sent_at: " + time.status().message());
    if (time.ok()) ToWire(*time, publish.publish.mutable_sent_at());
  }
  if (!parameters.wrong().empty()) return BadParameter(parameters.wrong());
  const auto form = BodyFormOf(request.content_type);
  if (!form) {
    return ToResponse({415,
                       "wrong-content-type",
                       "请用 Content-Type 说明内容格式",
                       "say with Content-Type what the body is: application/x-ndjson (one payload "
                       "a line), application/json (one, or an array) or application/octet-stream "
                       "(the body is one payload); with curl -H 'Content-Type: "
                       "application/x-ndjson' and --data-binary",
                       {}});
  }
  auto payloads = PayloadsOf(*form, request.body);
  if (!payloads.ok()) {
    return ToResponse({400, "malformed", "请求内容有误", payloads.status().message(), {}});
  }
  publish.publish.set_first_seq(first_seq);
  for (std::string& payload : *payloads) publish.publish.add_payloads(std::move(payload));
  asked.asks = std::move(publish);
  return std::move(asked);
}

std::variant<ApiResponse, PublisherRequest> ReadLookUp(const ApiRequest& request,
                                                       PublisherRequest&& asked) {
  Parameters parameters(request.target);
  parameters.RefuseOthersThan({"outbox_id", "acked_through"});
  asked.outbox_id = parameters.Text("outbox_id");
  asked.asks = LookUpAsk{parameters.Number("acked_through", 0)};
  if (!parameters.wrong().empty()) return BadParameter(parameters.wrong());
  return std::move(asked);
}

std::variant<ApiResponse, PublisherRequest> ReadProbe(const ApiRequest& request,
                                                      PublisherRequest&& asked) {
  Parameters parameters(request.target);
  parameters.RefuseOthersThan({"outbox_id"});
  asked.outbox_id = parameters.Text("outbox_id");
  if (!parameters.wrong().empty()) return BadParameter(parameters.wrong());
  v1::Probe probe;
  if (const Status s = ParseWire(request.body, WireForm::kJson, &probe); !s.ok()) {
    return ToResponse({400, "malformed", "请求内容有误", s.message(), {}});
  }
  asked.asks = std::move(probe);
  return std::move(asked);
}

std::variant<ApiResponse, PublisherRequest> ReadPoll(const ApiRequest& request,
                                                     PublisherRequest&& asked) {
  Parameters parameters(request.target);
  parameters.RefuseOthersThan({"after", "wait"});
  asked.asks = PollAsk{parameters.Number("after", 0), parameters.Seconds("wait")};
  if (!parameters.wrong().empty()) return BadParameter(parameters.wrong());
  return std::move(asked);
}

struct Path {
  std::string_view name;
  std::string_view method;
  std::variant<ApiResponse, PublisherRequest> (*read)(const ApiRequest&, PublisherRequest&&);
};
constexpr Path kPaths[] = {{"reports", "POST", ReadPublish},
                           {"publisher", "GET", ReadLookUp},
                           {"probe", "POST", ReadProbe},
                           {"dispositions", "GET", ReadPoll}};

const Path* FindPath(const RequestTarget& target) {
  const auto& path = target.segments;
  if (path.size() != 5 || path[0] != "api" || path[1] != "v1" || path[2] != "feeds") return nullptr;
  const auto found = std::find_if(std::begin(kPaths), std::end(kPaths),
                                  [&](const Path& known) { return known.name == path[4]; });
  return found == std::end(kPaths) ? nullptr : found;
}

}  // namespace

bool IsPublisherPath(const RequestTarget& target) { return FindPath(target) != nullptr; }

const std::string& PublishersFeed(const RequestTarget& target) { return target.segments[3]; }

std::string_view BearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return {};
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(authorization[i])) != kScheme[i]) return {};
  }
  return authorization.substr(kScheme.size());
}

std::variant<ApiResponse, PublisherRequest> ReadPublisherRequest(const ApiRequest& request,
                                                                 const std::string& allowed_feed) {
  const Path* path = FindPath(request.target);
  if (request.method != path->method) return WrongMethod(std::string(path->method));
  PublisherRequest asked;
  asked.feed_id = PublishersFeed(request.target);
  asked.allowed_feed = allowed_feed;
  asked.client = request.client.empty() ? "HTTP" : request.client;
  return path->read(request, std::move(asked));
}

ApiResponse ToResponse(const PublisherAnswer& answer) {
  if (const auto* error = std::get_if<v1::Error>(&answer)) return ToProblem(*error);
  if (const auto* busy = std::get_if<v1::Busy>(&answer)) return ToProblem(*busy);
  ApiResponse response;
  response.body = std::visit([](const auto& told) { return ToJson(told) + "\n"; }, answer);
  return response;
}

ApiResponse TokenRequired() {
  ApiResponse response = ToResponse({401,
                                     "token-required",
                                     "需要此接入源的令牌",
                                     "send this feed's token: Authorization: Bearer TOKEN. The "
                                     "gateway's administrator makes one with fusion-gateway keygen "
                                     "--http-token FEED",
                                     {}});
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"fusion-gateway\"");
  return response;
}

ApiResponse TokenOfAnotherFeed() {
  return ToResponse(PublisherError("FORBIDDEN",
                                   "this token is for another feed; if it is yours, the feed's id "
                                   "in the address is not"));
}

}  // namespace fusiongateway
