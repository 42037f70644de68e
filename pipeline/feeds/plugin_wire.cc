#include "pipeline/feeds/plugin_wire.h"

#include <cstring>
#include <utility>

namespace fusiongateway::plugin_wire {
namespace {

void Append(std::string_view text, std::string* to) {
  const std::uint64_t size = text.size();
  to->append(reinterpret_cast<const char*>(&size), sizeof size);
  to->append(text);
}

void Append(std::uint64_t number, std::string* to) {
  to->append(reinterpret_cast<const char*>(&number), sizeof number);
}

// Reads from the front; once something does not fit, everything after is empty and not ok().
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  std::uint64_t Number() {
    std::uint64_t number = 0;
    const std::string_view bytes = Take(sizeof number);
    if (!bytes.empty()) std::memcpy(&number, bytes.data(), sizeof number);
    return number;
  }
  std::string_view Text() { return Take(Number()); }
  bool ok() const { return ok_; }
  bool AtEnd() const { return ok_ && left_.empty(); }

 private:
  std::string_view Take(std::uint64_t size) {
    if (!ok_ || size > left_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

  std::string_view left_;
  bool ok_ = true;
};

}  // namespace

std::string Encode(const Setup& setup) {
  std::string bytes;
  for (const auto* text : {&setup.path, &setup.name, &setup.config_json}) Append(*text, &bytes);
  return bytes;
}

std::optional<Setup> DecodeSetup(std::string_view bytes) {
  Reader reader(bytes);
  Setup setup;
  for (auto* text : {&setup.path, &setup.name, &setup.config_json}) *text = reader.Text();
  if (!reader.AtEnd()) return std::nullopt;
  return setup;
}

std::string Encode(const PluginOutput& output) {
  std::string bytes;
  Append(std::uint64_t{output.refusal ? 1u : 0u}, &bytes);
  if (output.refusal) {
    Append(output.refusal->code, &bytes);
    Append(output.refusal->message, &bytes);
    Append(output.refusal->field, &bytes);
  }
  Append(std::uint64_t{output.persons.size()}, &bytes);
  for (const std::string& person : output.persons) Append(person, &bytes);
  Append(std::uint64_t{output.reports.size()}, &bytes);
  for (const v1::Report& report : output.reports) Append(report.SerializeAsString(), &bytes);
  if (bytes.size() <= kFrameBytesMax) return bytes;
  PluginOutput refused;
  refused.persons = output.persons;
  refused.refusal = Refusal{
      "PLUGIN_ERROR", "the plugin made more than 64 MiB of one payload; send smaller payloads", ""};
  return Encode(refused);
}

std::optional<PluginOutput> DecodeOutput(std::string_view bytes) {
  Reader reader(bytes);
  PluginOutput output;
  if (reader.Number() != 0) {
    Refusal refusal;
    for (auto* text : {&refusal.code, &refusal.message, &refusal.field}) *text = reader.Text();
    output.refusal = std::move(refusal);
  }
  const std::uint64_t person_count = reader.Number();
  if (!reader.ok() || person_count > FeedPlugin::kPersonsMax) return std::nullopt;
  for (std::uint64_t i = 0; i < person_count; ++i) output.persons.emplace_back(reader.Text());
  const std::uint64_t report_count = reader.Number();
  if (!reader.ok() || report_count > FeedPlugin::kReportsMax) return std::nullopt;
  for (std::uint64_t i = 0; i < report_count; ++i) {
    const std::string_view report = reader.Text();
    if (report.size() > FeedPlugin::kReportBytesMax) return std::nullopt;
    const bool whole = output.reports.emplace_back().ParseFromArray(
        report.data(), static_cast<int>(report.size()));
    if (!reader.ok() || !whole) return std::nullopt;
  }
  // As of a plugin in this process: one or the other.
  if (!reader.AtEnd() || output.refusal.has_value() == !output.reports.empty()) return std::nullopt;
  return output;
}

}  // namespace fusiongateway::plugin_wire
