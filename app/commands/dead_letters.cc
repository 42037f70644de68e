#include "app/commands/dead_letters.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "app/commands/wall_client.h"
#include "app/system_clock.h"
#include "delivery/journal/sqlite_journal.h"
#include "delivery/wall/dead_letter_api.h"

namespace fusiongateway {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr std::size_t kPage = 500;

int Fail(int status, const std::string& message) {
  fmt::print(stderr, "dead-letters: {}\n", message);
  return status;
}

bool IsWall(const std::string& where) { return where.starts_with("http://"); }

std::string TextOf(const Json& letter, const char* key) {
  const auto found = letter.find(key);
  return found != letter.end() && found->is_string() ? found->get<std::string>() : "";
}

std::uint64_t IdOf(const Json& letter) {
  return std::strtoull(TextOf(letter, "id").c_str(), nullptr, 10);
}

// ---- where letters come from: the API's JSON, or the file's own

// Who may read the file may read what is secret in it.
Json FromFile(const DeadLetter& letter, bool with_payload) {
  return Json::parse(ToJson(letter, {.payload = with_payload, .restricted_text = true}));
}

class Letters {
 public:
  explicit Letters(const DeadLettersOptions& options) : options_(options) {}

  // The page after `after_id`; empty at the end.
  Result<std::vector<Json>> Page(std::uint64_t after_id);
  Result<Json> Show(std::uint64_t id);

 private:
  Result<std::vector<DeadLetter>> FromStore(DeadLetterQuery query);
  Result<Json> Get(const std::string& rest);
  Status NoGateway() const { return Unavailable(options_.where + ": this is no gateway's answer"); }

  const DeadLettersOptions& options_;
  const SystemClock clock_;
  std::unique_ptr<Journal> store_;
};

std::string LettersPath(const DeadLettersOptions& options) {
  return "/api/v1/feeds/" + PathSegment(options.feed_id) + "/dead-letters";
}

// What a problem answer says, for people.
std::string ProblemText(const WallAnswer& answer) {
  const Json problem = Json::parse(answer.body, nullptr, false);
  if (!problem.is_object()) return "HTTP " + std::to_string(answer.status);
  for (const char* key : {"detail", "title"}) {
    if (const std::string text = TextOf(problem, key); !text.empty()) return text;
  }
  return "HTTP " + std::to_string(answer.status);
}

Result<Json> Letters::Get(const std::string& rest) {
  auto answer = AskWall(options_.where, "GET", LettersPath(options_) + rest);
  if (!answer.ok()) return answer.status();
  if (answer->status != 200) return NotFound(ProblemText(*answer));
  Json json = Json::parse(answer->body, nullptr, false);
  if (!json.is_object()) return NoGateway();
  return json;
}

Result<std::vector<DeadLetter>> Letters::FromStore(DeadLetterQuery query) {
  if (!store_) {
    auto opened =
        OpenSqliteJournal(options_.where, {.gateway_id = "", .clock = clock_, .read_only = true});
    if (!opened.ok()) return opened.status();
    store_ = std::move(*opened);
  }
  return store_->DeadLetters(query);
}

Result<std::vector<Json>> Letters::Page(std::uint64_t after_id) {
  std::vector<Json> page;
  if (IsWall(options_.where)) {
    auto json = Get("?max=" + std::to_string(kPage) + "&after=" + std::to_string(after_id) +
                    "&code=" + PathSegment(options_.code) + (options_.all ? "&all=1" : ""));
    if (!json.ok()) return json.status();
    const auto found = json->find("deadLetters");
    if (found == json->end() || !found->is_array()) return NoGateway();
    for (Json& letter : *found) {
      // In the order of their ids, or it would never end.
      if (!letter.is_object() || IdOf(letter) <= after_id) return NoGateway();
      after_id = IdOf(letter);
      page.push_back(std::move(letter));
    }
    return page;
  }
  const auto letters = FromStore({.after_id = after_id,
                                  .feed_id = options_.feed_id,
                                  .code = options_.code,
                                  .dealt_with_too = options_.all,
                                  .max = kPage});
  if (!letters.ok()) return letters.status();
  for (const DeadLetter& letter : *letters) page.push_back(FromFile(letter, false));
  return page;
}

Result<Json> Letters::Show(std::uint64_t id) {
  if (IsWall(options_.where)) return Get("/" + std::to_string(id));
  const auto letters =
      FromStore({.id = id, .feed_id = options_.feed_id, .dealt_with_too = true, .max = 1});
  if (!letters.ok()) return letters.status();
  if (letters->empty()) return NotFound("there is no dead letter " + std::to_string(id));
  return FromFile(letters->front(), true);
}

void PrintLine(const Json& letter) {
  const std::string field = TextOf(letter, "field");
  const std::string note = TextOf(letter, "note");
  const auto restricted = letter.find("restricted");
  const bool hidden =
      restricted != letter.end() && *restricted == true && !letter.contains("message");
  fmt::print("{:>6} {} {} {}{} {}{}{}\n", TextOf(letter, "id"), TextOf(letter, "receivedAt"),
             TextOf(letter, "feedId"), TextOf(letter, "code"),
             field.empty() ? "" : " (" + field + ")",
             hidden ? "[涉密 restricted]" : TextOf(letter, "message"),
             TextOf(letter, "state") == "OPEN" ? "" : " [" + TextOf(letter, "state") + "]",
             note.empty() ? "" : " — " + note);
}

int List(const DeadLettersOptions& options) {
  Letters letters(options);
  std::size_t count = 0;
  for (std::uint64_t after = 0;;) {
    const auto page = letters.Page(after);
    if (!page.ok()) return Fail(kFailed, page.status().message());
    if (page->empty()) break;
    for (const Json& letter : *page) {
      options.json ? fmt::print("{}\n", letter.dump()) : PrintLine(letter);
    }
    count += page->size();
    after = IdOf(page->back());
  }
  if (!options.json) {
    fmt::print("{} 封死信 · {} dead letters{}\n", count, count,
               options.all ? "" : " not dealt with");
  }
  return kDone;
}

int Show(const DeadLettersOptions& options) {
  Letters letters(options);
  for (const std::uint64_t id : options.ids) {
    const auto letter = letters.Show(id);
    if (!letter.ok()) return Fail(kFailed, letter.status().message());
    if (options.json) {
      fmt::print("{}\n", letter->dump());
      continue;
    }
    PrintLine(*letter);
    fmt::print("{}\n", TextOf(*letter, "payload"));
  }
  return kDone;
}

// ---- dealing with them

Result<std::string> ReadPayload(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (path != "-" && !file) return NotFound(path + ": cannot be read");
  std::istream& in = path == "-" ? std::cin : file;
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

// False: it is open as before.
bool DealWith(DeadLettersVerb verb, const DeadLettersOptions& options, std::uint64_t id,
              const std::string& body) {
  const char* action = verb == DeadLettersVerb::kDrop ? "/drop" : "/resubmit";
  const auto answer = AskWall(options.where, "POST",
                              LettersPath(options) + "/" + std::to_string(id) + action, body);
  if (!answer.ok()) {
    Fail(kFailed, answer.status().message());
    return false;
  }
  const Json result = Json::parse(answer->body, nullptr, false);
  const bool done = answer->status == 200 && result.is_object();
  fmt::print(done ? stdout : stderr, "{:>6} {}\n", id,
             done ? TextOf(result, "note") : ProblemText(*answer));
  return done;
}

int DealWithAll(DeadLettersVerb verb, const DeadLettersOptions& options, const std::string& body) {
  std::vector<std::uint64_t> ids = options.ids;
  Letters letters(options);
  for (std::uint64_t after = 0; options.ids.empty();) {
    const auto page = letters.Page(after);
    if (!page.ok()) return Fail(kFailed, page.status().message());
    if (page->empty()) break;
    for (const Json& letter : *page) ids.push_back(IdOf(letter));
    after = ids.back();
  }
  std::size_t left = 0;
  for (const std::uint64_t id : ids) {
    if (!DealWith(verb, options, id, body)) ++left;
  }
  fmt::print(stderr, "{} 封已处理，{} 封未处理 · {} dealt with, {} not\n", ids.size() - left, left,
             ids.size() - left, left);
  return left == 0 ? kDone : kFailed;
}

int Deal(DeadLettersVerb verb, const DeadLettersOptions& options) {
  if (!IsWall(options.where)) {
    return Fail(kUsage, "only a running gateway can do that: give its wall, http://127.0.0.1:8080");
  }
  if (options.ids.empty() && options.code.empty()) {
    return Fail(kUsage, "say which: their ids, or --code CODE for all of the feed with that code");
  }
  if (!options.ids.empty() && !options.code.empty()) {
    return Fail(kUsage, "give either ids or --code, not both");
  }
  std::string body;
  if (!options.payload_file.empty()) {
    if (options.ids.size() != 1) {
      return Fail(kUsage, "--payload takes the place of one letter: give its id alone");
    }
    const auto payload = ReadPayload(options.payload_file);
    if (!payload.ok()) return Fail(kUsage, payload.status().message());
    try {
      body = Json{{"payload", *payload}}.dump();
    } catch (const Json::type_error&) {
      return Fail(kUsage, options.payload_file + ": must be UTF-8, whatever the feed's encoding");
    }
  }
  return DealWithAll(verb, options, body);
}

}  // namespace

void BindDeadLetters(CLI::App* command, DeadLettersVerb verb, DeadLettersOptions* options) {
  const bool reads = verb == DeadLettersVerb::kList || verb == DeadLettersVerb::kShow;
  command
      ->add_option("where", options->where,
                   reads ? "The wall's address (http://…), or the journal's file"
                         : "The wall's address (http://…) of the running gateway")
      ->required();
  auto* feed = command->add_option("--feed", options->feed_id, "The feed");
  if (!reads) feed->required();
  if (verb != DeadLettersVerb::kShow) {
    command->add_option("--code", options->code, "Those rejected with this code");
  }
  if (verb == DeadLettersVerb::kList) {
    command->add_flag("--all", options->all, "Also those that were taken or dropped");
  } else {
    auto* ids = command->add_option("id", options->ids, "Ids, as list shows them");
    if (verb == DeadLettersVerb::kShow) ids->required();
  }
  if (verb == DeadLettersVerb::kResubmit) {
    command->add_option(
        "--payload", options->payload_file,
        "A file (UTF-8) with the payload to submit instead: what is kept is masked");
  }
  if (reads) command->add_flag("--json", options->json, "One line of JSON a letter");
}

int RunDeadLetters(DeadLettersVerb verb, const DeadLettersOptions& options) {
  if (IsWall(options.where) && options.feed_id.empty()) {
    return Fail(kUsage, "over HTTP the feed must be named: --feed ID");
  }
  switch (verb) {
    case DeadLettersVerb::kList:
      return List(options);
    case DeadLettersVerb::kShow:
      return Show(options);
    case DeadLettersVerb::kResubmit:
    case DeadLettersVerb::kDrop:
      break;
  }
  return Deal(verb, options);
}

}  // namespace fusiongateway
