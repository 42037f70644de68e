#include "app/commands/doctor.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>
#include <utility>

#include "app/commands/payload_notes.h"
#include "app/commands/payload_trace.h"
#include "app/config.h"
#include "app/config_check.h"
#include "app/gateway.h"
#include "app/system_clock.h"
#include "pipeline/feeds/utf8.h"
#include "proto/codec/codec.h"
#include "proto/codec/json_form.h"

namespace fusiongateway {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kTaken = 0;
constexpr int kSomeRefused = 1;
constexpr int kUsage = 2;
constexpr std::size_t kInputBytesMax = 64 << 20;
constexpr std::size_t kValueBytesShown = 72;

struct Sample {
  std::string payload;
  std::string place;  // "alarms.ndjson:3", "alarms.json[2]"
};

// Without a configuration the feed's name may be anything: it is no plugin then.
Status CheckPluginThere(const FeedConfig& feed, const std::string& plugin_dir) {
  const std::string missing = NoSuchPlugin(feed.plugin, plugin_dir);
  if (missing.empty()) return {};
  return InvalidArgument(missing +
                         "; for a feed of your configuration give --config CONFIG (the demo's is "
                         "config/demo.yaml), or say --plugin with one of those");
}

// The one feed that is asked for: others' plugins need not load for it.
Result<Config> FeedOnly(const DoctorOptions& options) {
  if (options.config.empty()) {
    Config config;
    FeedSection section;
    section.feed.feed_id = options.feed_id.empty() ? options.plugin : options.feed_id;
    section.feed.plugin = options.plugin.empty() ? options.feed_id : options.plugin;
    if (section.feed.plugin.empty()) {
      return InvalidArgument(
          "say which feed (--feed ID with --config CONFIG) or plugin (--plugin)");
    }
    config.feeds = {section};
    return config;
  }
  auto loaded = LoadConfig(options.config);
  if (!loaded.ok()) return loaded.status();
  Config config = std::move(loaded->config);
  std::string known;
  std::vector<FeedSection> asked;
  for (const FeedSection& section : config.feeds) {
    known += (known.empty() ? "" : ", ") + section.feed.feed_id;
    if (section.feed.feed_id == options.feed_id) asked.push_back(section);
  }
  if (asked.empty()) {
    return InvalidArgument(options.config + ": has no feed \"" + options.feed_id +
                           "\"; say --feed with one of: " + known);
  }
  config.feeds = std::move(asked);
  return config;
}

Result<std::string> ReadInput(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return NotFound(path + ": cannot be read");
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (text.size() > kInputBytesMax) return OutOfRange(path + ": over 64 MiB; give a few samples");
  return text;
}

bool IsBlank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// One payload a line, unless the whole is one JSON document over several lines, or an array.
std::vector<Sample> Split(const std::string& text, const std::string& name) {
  std::vector<Sample> lines;
  std::istringstream in(text);
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (!IsBlank(line)) lines.push_back({line, name + ":" + std::to_string(number)});
  }
  const bool one_array = lines.size() == 1 && text.find_first_not_of(" \t\r\n") == text.find('[');
  if (lines.size() < 2 && !one_array) return lines;
  const Json whole = Json::parse(text, nullptr, false);
  if (whole.is_object()) return {{text, name}};
  if (!whole.is_array()) return lines;
  std::vector<Sample> elements;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    elements.push_back({whole[i].dump(-1, ' ', false, Json::error_handler_t::replace),
                        name + "[" + std::to_string(i) + "]"});
  }
  return elements;
}

std::string Short(const std::string& text) {
  const std::string_view shown = Truncated(text, kValueBytesShown);
  return std::string(shown) + (shown.size() < text.size() ? "…" : "");
}

std::string_view RoleName(FieldTrace::Role role) {
  switch (role) {
    case FieldTrace::Role::kUsed:
      return "used";
    case FieldTrace::Role::kRequired:
      return "required";
    case FieldTrace::Role::kUnknown:
      return "unknown";
    case FieldTrace::Role::kNoEffect:
      break;
  }
  return "noEffect";
}

std::string_view LevelName(PayloadNote::Level level) {
  switch (level) {
    case PayloadNote::Level::kProblem:
      return "problem";
    case PayloadNote::Level::kAdvice:
      return "advice";
    case PayloadNote::Level::kFact:
      break;
  }
  return "fact";
}

// One payload and all that is to be said of it.
struct Examination {
  Sample sample;
  DecodeOutcome outcome;
  PayloadTrace trace;
  std::vector<PayloadNote> refusal_notes;
  std::vector<std::vector<PayloadNote>> report_notes;  // one list a report
};

Examination Examine(FeedDecoder& decoder, Sample sample, const NoteContext& context) {
  Examination found;
  found.outcome = decoder.Decode(sample.payload, {context.received_at, std::nullopt, false, true});
  found.trace = TracePayload(decoder, sample.payload, context.received_at, found.outcome);
  if (found.outcome.refusal) {
    found.refusal_notes = RefusalNotes(*found.outcome.refusal, found.trace, context);
  }
  for (std::size_t i = 0; i < found.outcome.reports.size(); ++i) {
    found.report_notes.push_back(ReportNotes(found.outcome.reports[i], i, found.trace, context));
  }
  found.sample = std::move(sample);
  return found;
}

// ---- for people

void PrintNotes(const std::vector<PayloadNote>& notes, PayloadNote::Level level, const char* mark) {
  for (const PayloadNote& note : notes) {
    if (note.level != level) continue;
    fmt::print("    {} {} {} · {}\n", mark, note.code, note.zh, note.en);
  }
}

void PrintNotes(const std::vector<PayloadNote>& notes) {
  PrintNotes(notes, PayloadNote::Level::kProblem, "!");
  PrintNotes(notes, PayloadNote::Level::kFact, "·");
  PrintNotes(notes, PayloadNote::Level::kAdvice, "+");
}

std::string BecameText(const FieldTrace& field, std::size_t report_count) {
  if (field.role == FieldTrace::Role::kUnknown) return "插件不认识，原样保留 unknown, kept";
  std::string text;
  for (const ReportField& became : field.became) {
    if (!text.empty()) text += "; ";
    if (report_count > 1) text += "#" + std::to_string(became.report + 1) + " ";
    text += became.path + "=" + Short(became.value);
  }
  if (text.empty() && field.role == FieldTrace::Role::kNoEffect)
    text = "没有它也一样 the same without it";
  if (field.role == FieldTrace::Role::kRequired)
    text = "必填 required" + (text.empty() ? "" : "; " + text);
  return text;
}

void PrintFields(const PayloadTrace& trace, bool refused, std::size_t report_count) {
  if (trace.fields.empty()) return;
  fmt::print("  字段 field = 值 value → 结果 what it became\n");
  for (const FieldTrace& field : trace.fields) {
    fmt::print("    {:<16} = {}{}", field.path, Short(field.value),
               field.masked ? " (已屏蔽 masked)" : "");
    if (!refused) fmt::print("\n    {:<16} → {}", "", BecameText(field, report_count));
    fmt::print("\n");
  }
  if (trace.not_traced > 0) {
    fmt::print("    … 另有 {} 个字段未列出 · {} more fields are not listed\n", trace.not_traced,
               trace.not_traced);
  }
}

void PrintReport(const Report& report, std::size_t number, const FeedConfig& config) {
  fmt::print("  报告 report #{}: {} {}  {}\n", number, ToString(report.kind), report.report_id,
             report.summary);
  if (report.occurred_at) {
    fmt::print("    occurredAt {}  aligned {} ±{} {}\n",
               LocalTime(*report.occurred_at, config.time_zone_offset),
               LocalTime(report.aligned.utc, config.time_zone_offset),
               SpanText(report.aligned.uncertainty), ToString(report.aligned.source));
  }
}

void Print(const Examination& found, const FeedConfig& config) {
  const auto& refusal = found.outcome.refusal;
  if (refusal) {
    fmt::print("{}: 拒收 refused {} {}{}\n", found.sample.place, refusal->code, refusal->message,
               refusal->field.empty() ? "" : " (" + refusal->field + ")");
  } else {
    fmt::print("{}: 接受 accepted, {} 个报告 report(s)\n", found.sample.place,
               found.outcome.reports.size());
  }
  PrintNotes(found.refusal_notes);
  PrintFields(found.trace, refusal.has_value(), found.outcome.reports.size());
  for (std::size_t i = 0; i < found.outcome.reports.size(); ++i) {
    PrintReport(found.outcome.reports[i], i + 1, config);
    PrintNotes(found.report_notes[i]);
  }
  fmt::print("\n");
}

// ---- for machines

Json NotesJson(const std::vector<PayloadNote>& notes) {
  Json json = Json::array();
  for (const PayloadNote& note : notes) {
    json.push_back(
        {{"level", LevelName(note.level)}, {"code", note.code}, {"zh", note.zh}, {"en", note.en}});
  }
  return json;
}

Json FieldJson(const FieldTrace& field) {
  Json json = {{"path", field.path},
               {"value", Json::parse(field.value, nullptr, false)},
               {"masked", field.masked},
               {"role", RoleName(field.role)},
               {"became", Json::array()}};
  if (json["value"].is_discarded()) json["value"] = field.value;
  for (const ReportField& became : field.became) {
    json["became"].push_back(
        {{"report", became.report}, {"path", became.path}, {"value", became.value}});
  }
  return json;
}

void PrintJson(const Examination& found) {
  Json json = {{"payload", found.sample.place}, {"accepted", !found.outcome.refusal}};
  if (const auto& refusal = found.outcome.refusal) {
    json["rejection"] = {
        {"code", refusal->code}, {"message", refusal->message}, {"field", refusal->field}};
    json["notes"] = NotesJson(found.refusal_notes);
  }
  json["fields"] = Json::array();
  for (const FieldTrace& field : found.trace.fields) json["fields"].push_back(FieldJson(field));
  if (found.trace.not_traced > 0) json["fieldsNotTraced"] = found.trace.not_traced;
  json["reports"] = Json::array();
  for (std::size_t i = 0; i < found.outcome.reports.size(); ++i) {
    v1::Report wire;
    ToWire(found.outcome.reports[i], &wire);
    json["reports"].push_back({{"report", Json::parse(ToJson(wire), nullptr, false)},
                               {"notes", NotesJson(found.report_notes[i])}});
  }
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

int Refuse(const Status& status) {
  fmt::print(stderr, "doctor: {}\n", status.message());
  return kUsage;
}

}  // namespace

void BindDoctor(CLI::App* command, DoctorOptions* options) {
  command->add_option("--feed", options->feed_id, "The feed, as in the configuration");
  command->add_option("--config", options->config,
                      "The gateway's configuration; default: a feed with every default, no sites");
  command->add_option("--plugin", options->plugin,
                      "Without --config: the plugin; default: the one of the feed's name");
  command->add_option("--at", options->at, "When the samples arrived, RFC 3339; default: now");
  command->add_flag("--json", options->json, "One line of JSON a payload");
  command
      ->add_option("file", options->input,
                   "One payload a line, one JSON document, or an array of payloads; - is standard "
                   "input")
      ->required();
}

int RunDoctor(const DoctorOptions& options) {
  auto config = FeedOnly(options);
  if (!config.ok()) return Refuse(config.status());
  const ProgramFiles files = ProgramFiles::BesideProgram();
  if (options.config.empty()) {
    const Status there = CheckPluginThere(config->feeds.front().feed, files.plugin_dir);
    if (!there.ok()) return Refuse(there);
  }
  const SystemClock clock;
  auto decoders = MakeDecoders(*config, files, clock);
  if (!decoders.ok()) return Refuse(decoders.status());
  const auto tables =
      CodeTables::Read(config->tables_dir.empty() ? files.tables_dir : config->tables_dir);
  if (!tables.ok()) return Refuse(tables.status());
  const auto at = options.at.empty() ? Result<UtcTime>(clock.UtcNow()) : ParseRfc3339(options.at);
  if (!at.ok()) return Refuse(InvalidArgument("--at: " + at.status().message()));
  const auto text = ReadInput(options.input);
  if (!text.ok()) return Refuse(text.status());
  auto samples = Split(*text, options.input == "-" ? "stdin" : options.input);
  if (samples.empty()) return Refuse(InvalidArgument(options.input + ": holds no payload"));

  const FeedConfig& feed = config->feeds.front().feed;
  const auto table_names = nlohmann::json::parse(tables->json(), nullptr, false);
  const NoteContext context{feed, table_names, *at, !config->sites.empty()};
  FeedDecoder& decoder = *decoders->at(feed.feed_id);
  std::size_t refused = 0;
  for (Sample& sample : samples) {
    const Examination found = Examine(decoder, std::move(sample), context);
    if (found.outcome.refusal) ++refused;
    options.json ? PrintJson(found) : Print(found, feed);
  }
  if (!options.json) {
    fmt::print("{} 条接受，{} 条拒收 · {} accepted, {} refused\n", samples.size() - refused,
               refused, samples.size() - refused, refused);
  }
  return refused == 0 ? kTaken : kSomeRefused;
}

}  // namespace fusiongateway
