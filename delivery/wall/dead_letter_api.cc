#include "delivery/wall/dead_letter_api.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "pipeline/feeds/restricted_mark.h"

namespace fusiongateway {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLettersPageMax = 1000;

ApiResponse Failed(const Status& status) {
  switch (status.code()) {
    case StatusCode::kNotFound:
      return ToResponse({404, "no-such-letter", "没有这封死信", status.message(), {}});
    case StatusCode::kFailedPrecondition:
      return ToResponse({409, "dealt-with", "该死信已处理", status.message(), {}});
    default:
      return FromStatus(status);
  }
}

ApiResponse Bad(std::string zh, std::string en) {
  return ToResponse({400, "bad-parameter", std::move(zh), std::move(en), {}});
}

ApiResponse Body(std::string text) {
  ApiResponse response;
  response.body = std::move(text) + "\n";
  return response;
}

ApiResponse List(WallBackend& backend, const std::string& feed_id, const RequestTarget& target) {
  DeadLetterQuery query;
  query.feed_id = feed_id;
  query.code = target.Query("code").value_or("");
  query.dealt_with_too = target.Query("all").value_or("0") == "1";
  const auto after = ParseNumber(target.Query("after").value_or("0"));
  const auto max = ParseNumber(target.Query("max").value_or("100"));
  if (!after || !max) {
    return Bad("after、max 须为非负整数", "after and max must be whole numbers from 0 on");
  }
  query.after_id = *after;
  query.max = std::clamp<std::uint64_t>(*max, 1, kLettersPageMax);
  const auto letters = backend.journal().DeadLetters(query);
  if (!letters.ok()) return Failed(letters.status());
  std::string json;
  for (const DeadLetter& letter : *letters) {
    json += (json.empty() ? "" : ",") + ToJson(letter, {});
  }
  return Body("{\"deadLetters\":[" + json + "]}");
}

ApiResponse Show(WallBackend& backend, const std::string& feed_id, std::uint64_t id) {
  const auto letters = backend.journal().DeadLetters(
      {.id = id, .feed_id = feed_id, .dealt_with_too = true, .max = 1});
  if (!letters.ok()) return Failed(letters.status());
  if (letters->empty()) return Failed(NotFound("this feed has no such dead letter"));
  return Body(ToJson(letters->front(), {.payload = true}));
}

// The edited payload of a request, if it brings one: a JSON value, written anew, or the text that
// a string holds, which keeps every digit.
Result<std::optional<std::string>> EditedPayload(const std::string& body) {
  if (body.empty()) return std::optional<std::string>();
  // Writing a document recurses.
  constexpr int kNestingMax = 64;
  bool too_deep = false;
  const auto bounded = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kNestingMax;
    return !too_deep;
  };
  const Json request = Json::parse(body, bounded, false);
  if (too_deep) return InvalidArgument("the body nests deeper than 64 levels");
  if (!request.is_object()) return InvalidArgument("the body must be a JSON object");
  const auto payload = request.find("payload");
  if (payload == request.end()) return std::optional<std::string>();
  return std::optional(payload->is_string() ? payload->get<std::string>() : payload->dump());
}

ApiResponse Dealt(const Result<LetterResult>& result) {
  if (!result.ok()) return Failed(result.status());
  if (result->state == DeadLetter::State::kOpen) {
    return ToResponse({422, "refused-again", "再次被拒收", result->note, {}});
  }
  const Json json = {{"id", std::to_string(result->id)},
                     {"state", ToString(result->state)},
                     {"note", result->note}};
  return Body(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

std::string_view ToString(DeadLetter::State state) {
  switch (state) {
    case DeadLetter::State::kTaken:
      return "TAKEN";
    case DeadLetter::State::kDropped:
      return "DROPPED";
    case DeadLetter::State::kOpen:
      break;
  }
  return "OPEN";
}

std::string ToJson(const DeadLetter& letter, LetterView view) {
  const bool restricted = LooksRestricted(letter.masked_payload);
  const bool with_text = !restricted || view.restricted_text;
  Json json = {{"id", std::to_string(letter.id)},
               {"feedId", letter.feed_id},
               {"outboxId", letter.outbox_id},
               {"seq", std::to_string(letter.seq)},
               {"receivedAt", FormatRfc3339(letter.received_at)},
               {"code", letter.code},
               {"field", letter.field},
               {"payloadBytes", letter.masked_payload.size()},
               {"state", ToString(letter.state)}};
  if (restricted) json["restricted"] = true;
  if (with_text) json["message"] = letter.message;
  if (letter.dealt_at != UtcTime{}) {
    json["dealtAt"] = FormatRfc3339(letter.dealt_at);
    if (with_text) json["note"] = letter.note;
  }
  if (with_text && view.payload) json["payload"] = letter.masked_payload;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool OwnsDeadLetters(const RequestTarget& target) {
  const auto& path = target.segments;
  return path.size() >= 5 && path.size() <= 7 && path[0] == "api" && path[1] == "v1" &&
         path[2] == "feeds" && path[4] == "dead-letters";
}

ApiResponse AnswerDeadLetters(WallBackend& backend, const ApiRequest& request) {
  const auto& path = request.target.segments;
  const std::string& feed_id = path[3];
  const bool is_post = path.size() == 7;
  if (is_post ? request.method != "POST" : request.method != "GET" && request.method != "HEAD") {
    return WrongMethod(is_post ? "POST" : "GET, HEAD");
  }
  if (path.size() == 5) return List(backend, feed_id, request.target);
  const auto id = ParseNumber(path[5]);
  if (!id || *id == 0) return Bad("死信编号须为正整数", "a dead letter's id is a whole number");
  if (path.size() == 6) return Show(backend, feed_id, *id);
  if (!request.content_type.starts_with("application/json")) return NotJson();
  if (path[6] == "drop") return Dealt(backend.DropLetter(feed_id, *id));
  if (path[6] != "resubmit") {
    return ToResponse({404, "no-such-path", "没有这个地址", "there is nothing at this path", {}});
  }
  const auto payload = EditedPayload(request.body);
  if (!payload.ok()) return Bad("请求内容有误", payload.status().message());
  return Dealt(backend.SubmitLetter(feed_id, *id, *payload));
}

}  // namespace fusiongateway
