#include "delivery/wall/wall_api.h"

#include <algorithm>
#include <cstdio>

#include "delivery/restricted.h"
#include "delivery/wall/dead_letter_api.h"
#include "proto/codec/codec.h"
#include "proto/codec/json_form.h"

namespace fusiongateway {
namespace {

constexpr std::size_t kIncidentsMax = 500;
constexpr std::size_t kEvidencePageMax = 500;
constexpr std::size_t kActionIdBytesMax = 64;
constexpr std::size_t kActionBytesMax = 64;
constexpr std::size_t kReasonBytesMax = 1024;

ApiResponse Json(std::string body) {
  ApiResponse response;
  response.body = std::move(body);
  return response;
}

ApiResponse Bad(std::string_view name, std::string zh, std::string en) {
  return ToResponse({400, name, std::move(zh), std::move(en), {}});
}

ApiResponse BadNumber(std::string_view parameter) {
  return Bad("bad-parameter", std::string("参数 ") + std::string(parameter) + " 不是非负整数",
             "parameter " + std::string(parameter) + " is not a whole number from 0 on");
}

ApiResponse NoSuchPath() {
  return ToResponse({404, "no-such-path", "没有这个地址", "there is nothing at this path", {}});
}

ApiResponse NoSuchIncident() {
  return ToResponse({404,
                     "no-such-incident",
                     "没有这个事件，现有事件见 /api/v1/incidents",
                     "no such incident; /api/v1/incidents?closed=1 lists those there are",
                     {}});
}

// An action that the engine refused, in its own words ("中文 / English").
ApiResponse Refused(Problem problem, const std::string& message) {
  constexpr std::string_view kBetween = " / ";
  const std::size_t between = message.find(kBetween);
  if (between == message.npos) {
    problem.en = message;
  } else {
    problem.detail_zh = message.substr(0, between);
    problem.en = message.substr(between + kBetween.size());
  }
  return ToResponse(problem);
}

ApiResponse BadAction(const std::string& message) {
  return Refused({400, "bad-action", "操作内容有误", {}, {}}, message);
}

// The incident is no longer what the operator saw, or is not in a state for the action.
ApiResponse Conflict(const OperatorAction& action, const v1::Incident& now,
                     const std::string& message) {
  const std::string revision = std::to_string(now.revision());
  if (action.expected_revision != 0 && action.expected_revision != now.revision()) {
    return Refused({409,
                    "stale-revision",
                    "事件已经变化，请看过最新内容后再操作",
                    {},
                    {{"revision", revision}}},
                   message);
  }
  return Refused({409,
                  "not-in-this-state",
                  "事件当前状态下不能执行此操作",
                  {},
                  {{"revision", revision}, {"state", v1::IncidentState_Name(now.state())}}},
                 message);
}

// A parameter that may be absent; none and *bad set when it is there and no number.
std::uint64_t NumberOr(const RequestTarget& target, std::string_view name, std::uint64_t fallback,
                       bool* bad) {
  const auto text = target.Query(name);
  if (!text) return fallback;
  const auto number = ParseNumber(*text);
  if (!number) *bad = true;
  return number.value_or(fallback);
}

std::string Quoted(UtcTime time) { return JsonString(FormatRfc3339(time)); }

std::string SecondsText(Duration duration) {
  char text[40];
  std::snprintf(text, sizeof text, "%lld.%09lld",
                static_cast<long long>(duration.count() / 1'000'000'000),
                static_cast<long long>(duration.count() % 1'000'000'000));
  return text;
}

// Ids come from the configuration; whatever stands in them, a header stays one line of ASCII.
std::string HeaderText(const std::string& text) {
  std::string safe = text;
  std::replace_if(
      safe.begin(), safe.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return safe;
}

std::string CameraJson(const CameraFacts& facts, const CameraStatus* status,
                       const std::optional<HeldRange>& held) {
  std::string json = "{\"cameraId\":" + JsonString(facts.camera_id) +
                     ",\"name\":" + JsonString(facts.name) + ",\"role\":" + JsonString(facts.role) +
                     ",\"siteId\":" + JsonString(facts.site_id);
  if (facts.position) {
    v1::Position position;
    ToWire(*facts.position, &position);
    json += ",\"position\":" + ToJson(position);
  }
  if (status != nullptr) {
    v1::CameraStatus wire;
    ToWire(*status, &wire);
    json += ",\"status\":" + ToJson(wire);
  }
  if (held) {
    json += ",\"held\":{\"oldest\":" + Quoted(held->oldest) +
            ",\"newest\":" + Quoted(held->newest) + "}";
  }
  return json + "}";
}

ApiResponse ToPicture(const Snapshot& snapshot, bool by_frame) {
  const Stamp& captured = snapshot.frame.captured;
  ApiResponse response;
  response.content_type = "image/jpeg";
  response.body = snapshot.jpeg;
  response.headers = {
      {"Captured-At", FormatRfc3339(captured.utc)},
      {"Captured-Uncertainty", SecondsText(captured.uncertainty)},
      {"Clock-Source", std::string(ToString(captured.source))},
      {"Clock-Epoch", std::to_string(captured.epoch)},
      {"Frame-Id", HeaderText(snapshot.frame.frame_id)},
      // A frame never changes; what is nearest to an instant does while the ring moves.
      {"Cache-Control", by_frame ? "private, max-age=3600, immutable" : "no-store"}};
  return response;
}

Result<OperatorAction> ParseAction(const std::string& incident_id, const std::string& body) {
  v1::OperatorAction wire;
  if (Status s = ParseWire(body, WireForm::kJson, &wire); !s.ok()) return s;
  if (!wire.incident_id().empty() && wire.incident_id() != incident_id) {
    return InvalidArgument("incidentId is not the incident of the path");
  }
  if (wire.action_id().empty() || wire.action_id().size() > kActionIdBytesMax) {
    return InvalidArgument("actionId must have 1 to 64 bytes, a new one for each new action");
  }
  if (wire.action().empty()) return InvalidArgument("action is missing");
  if (wire.action().size() > kActionBytesMax) return InvalidArgument("there is no such action");
  if (!v1::Grade_IsValid(wire.grade())) {
    return InvalidArgument("grade is none of GRADE_I, GRADE_II, GRADE_III, GRADE_IV");
  }
  if (wire.reason().size() > kReasonBytesMax) {
    return InvalidArgument("reason is longer than 1024 bytes");
  }
  OperatorAction action;
  action.action_id = wire.action_id();
  action.incident_id = incident_id;
  action.action = wire.action();
  action.actor = "local";  // whoever sits at this machine, until there are accounts
  action.reason = wire.reason();
  action.expected_revision = wire.expected_revision();
  action.grade = static_cast<Grade>(wire.grade());
  return action;
}

ApiResponse ActionDone(const ActionResult& result, const Result<v1::Incident>& now) {
  std::string json = "{\"actionId\":" + JsonString(result.action_id) + ",\"revision\":\"" +
                     std::to_string(result.revision) + "\"";
  if (now.ok()) json += ",\"incident\":" + ToJson(*now);
  return Json(json + "}\n");
}

}  // namespace

std::optional<StreamId> ParseStreamName(std::string_view name) {
  for (const StreamId stream : {StreamId::kLive, StreamId::kSettled}) {
    if (name == ToString(stream)) return stream;
  }
  return std::nullopt;
}

v1::Snapshot VisibleSnapshot(const WallBackend& backend, StreamId stream, bool include_closed) {
  v1::Snapshot snapshot;
  snapshot.set_journal_id(backend.journal().journal_id());
  // Before the incidents are read: they may be newer than this seq says, never older.
  snapshot.set_through_seq(backend.IncidentsThrough(stream));
  for (v1::Incident& incident : backend.Incidents(include_closed, kIncidentsMax)) {
    if (!incident.restricted()) *snapshot.add_incidents() = std::move(incident);
  }
  return snapshot;
}

bool IsVisible(const WallBackend& backend, const v1::StreamRecord& record) {
  return !IsRestricted(record, [&backend](const std::string& incident_id) {
    const auto incident = backend.FindIncident(incident_id);
    return !incident.ok() || incident->restricted();
  });
}

namespace {

// One page of a stream as the range that was scanned, less what may not be seen.
Result<v1::Records> VisibleRecords(const WallBackend& backend, StreamId stream,
                                   std::uint64_t after_seq, std::size_t max) {
  auto read = backend.journal().ReadRecords(stream, after_seq, max);
  if (!read.ok()) return read.status();
  v1::Records records;
  records.set_journal_id(backend.journal().journal_id());
  records.set_from_seq(after_seq + 1);
  records.set_through_seq(read->empty() ? after_seq : read->back()->seq());
  for (const WireRecordPtr& record : *read) {
    if (IsVisible(backend, *record)) *records.add_records() = *record;
  }
  return records;
}

}  // namespace

bool WallApi::Owns(const RequestTarget& target) {
  const auto& path = target.segments;
  if (path.empty()) return false;
  return path[0] == "api" || path[0] == "metrics" || path[0] == "healthz" || path[0] == "readyz";
}

bool WallApi::IsSnapshot(const RequestTarget& target) {
  const auto& path = target.segments;
  return path.size() == 5 && path[2] == "cameras" && path[4] == "snapshot";
}

bool WallApi::IsAttachment(const RequestTarget& target) {
  const auto& path = target.segments;
  return path.size() == 4 && path[2] == "attachments";
}

ApiResponse WallApi::Answer(const ApiRequest& request) const {
  const std::vector<std::string>& path = request.target.segments;
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  if (path.size() == 5 && path[0] == "api" && path[1] == "v1" && path[2] == "incidents" &&
      path[4] == "actions") {
    return request.method == "POST" ? Act(path[3], request) : WrongMethod("POST");
  }
  if (OwnsDeadLetters(request.target)) return AnswerDeadLetters(backend_, request);
  if (!is_get) return WrongMethod("GET, HEAD");
  if (path.size() == 1 && path[0] == "healthz") return {200, "text/plain", "ok\n", {}};
  if (path.size() == 1 && path[0] == "readyz") return Ready();
  if (path.size() == 1 && path[0] == "metrics") {
    return {200, "text/plain; version=0.0.4; charset=utf-8", backend_.MetricsText(), {}};
  }
  if (path.size() < 3 || path[0] != "api" || path[1] != "v1") return NoSuchPath();
  const std::string& collection = path[2];
  if (path.size() == 3) {
    if (collection == "incidents") return Incidents(request);
    if (collection == "cameras") return Cameras();
    if (collection == "feeds") return Feeds();
    if (collection == "records") return Records(request);
  }
  if (collection == "incidents" && path.size() == 4) return Incident(path[3]);
  if (collection == "incidents" && path.size() == 5 && path[4] == "evidence") {
    return Evidence(path[3], request);
  }
  if (IsAttachment(request.target)) return Attachment(path[3]);
  if (IsSnapshot(request.target)) return Snapshot(path[3], request);
  return NoSuchPath();
}

Result<v1::Incident> WallApi::Visible(const std::string& incident_id) const {
  auto incident = backend_.FindIncident(incident_id);
  if (!incident.ok() || incident->restricted()) return NotFound("no such incident");
  return incident;
}

ApiResponse WallApi::Incidents(const ApiRequest& request) const {
  const bool closed = request.target.Query("closed").value_or("0") == "1";
  return Json(ToJson(VisibleSnapshot(backend_, StreamId::kLive, closed)) + "\n");
}

ApiResponse WallApi::Incident(const std::string& incident_id) const {
  const auto incident = Visible(incident_id);
  return incident.ok() ? Json(ToJson(incident.value()) + "\n") : NoSuchIncident();
}

ApiResponse WallApi::Evidence(const std::string& incident_id, const ApiRequest& request) const {
  bool bad = false;
  const std::uint64_t after = NumberOr(request.target, "after", 0, &bad);
  const std::uint64_t max = NumberOr(request.target, "max", 100, &bad);
  if (bad) return BadNumber("after / max");
  const auto incident = Visible(incident_id);
  if (!incident.ok()) return NoSuchIncident();
  auto page = backend_.EvidencePage(incident_id, after,
                                    std::clamp<std::uint64_t>(max, 1, kEvidencePageMax));
  if (!page.ok()) return FromStatus(page.status());
  std::string json = "{\"incidentId\":" + JsonString(incident_id) + ",\"evidenceCount\":\"" +
                     std::to_string(incident.value().evidence_count()) + "\",\"after\":\"" +
                     std::to_string(after) + "\",\"evidence\":[";
  for (std::size_t i = 0; i < page->size(); ++i) {
    json += (i == 0 ? "" : ",") + ToJson((*page)[i]);
  }
  return Json(json + "]}\n");
}

ApiResponse WallApi::Act(const std::string& incident_id, const ApiRequest& request) const {
  if (!request.content_type.starts_with("application/json")) return NotJson();
  auto action = ParseAction(incident_id, request.body);
  if (!action.ok()) return BadAction(action.status().message());
  const auto incident = Visible(incident_id);
  if (!incident.ok()) return NoSuchIncident();
  const auto result = backend_.Act(*action);
  const Status status = result.ok() ? Status(result->code, result->message) : result.status();
  const auto now = Visible(incident_id);
  if (status.ok()) return ActionDone(*result, now);
  if (!now.ok() || status.code() == StatusCode::kNotFound) return NoSuchIncident();
  if (status.code() == StatusCode::kInvalidArgument) return BadAction(status.message());
  if (status.code() != StatusCode::kFailedPrecondition) return FromStatus(status);
  return Conflict(*action, *now, status.message());
}

// A foreign server's bytes: of a type that the gateway found in them, never run, never framed.
ApiResponse WallApi::Attachment(const std::string& digest) const {
  auto kept = backend_.FindAttachment(digest);
  if (kept.status().code() == StatusCode::kNotFound) {
    return ToResponse({404,
                       "no-such-attachment",
                       "没有这个附件，或已不再保存",
                       "no such attachment, or it is not held any more",
                       {}});
  }
  if (!kept.ok()) return FromStatus(kept.status());
  ApiResponse response;
  response.content_type = std::move(kept->media_type);
  response.body = std::move(kept->bytes);
  response.headers = {{"Content-Disposition", "inline; filename=\"" + digest + "\""},
                      {"Cache-Control", "private, max-age=3600, immutable"}};
  return response;
}

ApiResponse WallApi::Cameras() const {
  const std::vector<CameraStatus> states = backend_.frames().Cameras();
  std::string json;
  for (const CameraFacts& facts : backend_.CameraList()) {
    const auto status = std::find_if(states.begin(), states.end(), [&](const CameraStatus& state) {
      return state.camera_id == facts.camera_id;
    });
    const auto held = backend_.frames().Held(facts.camera_id);
    json += json.empty() ? "" : ",";
    json += CameraJson(facts, status == states.end() ? nullptr : &*status,
                       held.ok() ? held.value() : std::nullopt);
  }
  return Json("{\"cameras\":[" + json + "]}\n");
}

ApiResponse WallApi::Feeds() const {
  std::string json;
  for (const v1::FeedStatus& feed : backend_.Feeds()) {
    json += (json.empty() ? "" : ",") + ToJson(feed);
  }
  return Json("{\"feeds\":[" + json + "]}\n");
}

ApiResponse WallApi::Records(const ApiRequest& request) const {
  const auto stream = ParseStreamName(request.target.Query("stream").value_or("live"));
  if (!stream)
    return Bad("bad-parameter", "stream 只能是 live 或 settled", "stream must be live or settled");
  bool bad = false;
  const std::uint64_t after = NumberOr(request.target, "after", 0, &bad);
  const std::uint64_t max = NumberOr(request.target, "max", 200, &bad);
  if (bad) return BadNumber("after / max");
  const std::uint64_t newest = backend_.journal().range(*stream).newest;
  if (after > newest) {
    return ToResponse(
        {400,
         "seq-ahead",
         "after 大于最新序号：日志已更换，或序号属于别的网关；请从 /api/v1/incidents 重新开始",
         "after is beyond the newest record: the journal was replaced, or the seq is "
         "another gateway's; begin again from /api/v1/incidents",
         {{"newestSeq", std::to_string(newest)}}});
  }
  auto records = VisibleRecords(backend_, *stream, after,
                                std::clamp<std::uint64_t>(max, 1, options_.page_records_max));
  if (records.ok()) return Json(ToJson(*records) + "\n");
  if (records.status().code() != StatusCode::kOutOfRange) return FromStatus(records.status());
  return ToResponse({410,
                     "out-of-range",
                     "该序号之后的记录已不再保存",
                     records.status().message(),
                     {{"oldestSeq", std::to_string(backend_.journal().range(*stream).oldest)}}});
}

ApiResponse WallApi::Snapshot(const std::string& camera_id, const ApiRequest& request) const {
  const auto at_text = request.target.Query("at");
  const std::string frame_id = request.target.Query("frame").value_or("");
  if (at_text && !frame_id.empty()) {
    return Bad("bad-parameter", "at 与 frame 只能给一个", "give either at or frame, not both");
  }
  if (!frame_id.empty() && !frame_id.starts_with(camera_id + "/")) {
    return Bad("bad-parameter", "该帧不属于此摄像机", "that frame is not of this camera");
  }
  std::optional<UtcTime> at;
  if (at_text) {
    const auto parsed = ParseRfc3339(*at_text);
    if (!parsed.ok()) {
      return Bad("bad-parameter", "at 不是 RFC 3339 时间", "at: " + parsed.status().message());
    }
    at = parsed.value();
  }
  const auto picture = backend_.frames().Decode(camera_id, at, frame_id, options_.snapshot_timeout);
  if (picture.ok()) return ToPicture(picture.value(), !frame_id.empty());
  return SnapshotFailed(camera_id, at, picture.status());
}

ApiResponse WallApi::SnapshotFailed(const std::string& camera_id, std::optional<UtcTime> at,
                                    const Status& why) const {
  const auto held = backend_.frames().Held(camera_id);
  if (!held.ok() && held.status().code() == StatusCode::kNotFound) {
    return ToResponse({404, "no-such-camera", "没有这台摄像机", "no such camera", {}});
  }
  if (!held.ok()) return FromStatus(held.status());
  if (!held.value()) {
    return ToResponse(
        {404, "no-picture", "此摄像机还没有画面", "no picture of this camera is held yet", {}});
  }
  const HeldRange& range = **held;
  const bool not_reached = at && *at > range.newest;
  const bool outside =
      why.code() == StatusCode::kOutOfRange || why.code() == StatusCode::kNotFound || not_reached;
  if (!outside) return FromStatus(why);
  ApiResponse response = ToResponse(
      {404,
       "picture-not-held",
       "该时刻的画面不在保存范围内",
       "that moment lies outside what is held",
       {{"oldest", FormatRfc3339(range.oldest)}, {"newest", FormatRfc3339(range.newest)}}});
  if (not_reached) response.headers.emplace_back("Retry-After", "1");
  return response;
}

ApiResponse WallApi::Ready() const {
  const std::string why = backend_.NotReadyBecause();
  if (why.empty()) return {200, "text/plain", "ready\n", {}};
  return ToResponse({503, "not-ready", "网关尚未就绪", why, {}});
}

}  // namespace fusiongateway
