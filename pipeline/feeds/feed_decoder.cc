#include "pipeline/feeds/feed_decoder.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "pipeline/feeds/gas_limits.h"
#include "pipeline/feeds/gb18030.h"
#include "pipeline/feeds/masking.h"
#include "pipeline/feeds/normaliser.h"
#include "pipeline/feeds/plugin_host.h"
#include "pipeline/feeds/plugin_lane.h"
#include "pipeline/feeds/restricted_mark.h"
#include "proto/codec/codec.h"

namespace fusiongateway {
namespace {

using Json = nlohmann::json;

std::string CrsName(CoordinateSystem crs) {
  return v1::CoordinateSystem_Name(static_cast<v1::CoordinateSystem>(crs));
}

// What the plugin's create() gets (plugins/abi/feed_plugin.h).
Json PointJson(const EngineConfig::Point& point) {
  Json limits = Json::object();
  const std::pair<const char*, std::optional<double>> kLimits[] = {
      {"LL", point.low_low}, {"L", point.low}, {"H", point.high}, {"HH", point.high_high}};
  for (const auto& [name, limit] : kLimits) {
    if (limit) limits[name] = *limit;
  }
  return {{"quotaId", point.device_id}, {"name", point.name},           {"medium", point.medium},
          {"unit", point.unit},         {"indicator", point.indicator}, {"limits", limits}};
}

std::string PluginConfigJson(const FeedConfig& config, const std::vector<EngineConfig::Site>& sites,
                             const CodeTables& tables) {
  Json json;
  json["feedId"] = config.feed_id;
  json["defaultCrs"] = CrsName(config.default_crs);
  json["timeZoneOffsetMinutes"] =
      std::chrono::duration_cast<std::chrono::minutes>(config.time_zone_offset).count();
  json["tables"] = Json::parse(tables.json(), nullptr, false);
  json["sites"] = Json::array();
  for (const auto& site : sites) {
    json["sites"].push_back({{"siteId", site.site_id},
                             {"name", site.name},
                             {"districtCode", site.district_code},
                             {"medium", site.medium},
                             {"hazardLevel", site.hazard_level},
                             {"deviceIds", site.device_ids},
                             {"points", Json::array()}});
    for (const auto& point : site.points) {
      json["sites"].back()["points"].push_back(PointJson(point));
    }
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool HasUnknownCode(const v1::Report& report) {
  return std::any_of(report.flags().begin(), report.flags().end(),
                     [](const std::string& flag) { return flag.starts_with("UNKNOWN_CODE:"); });
}

}  // namespace

// Payloads that an isolated plugin is at.
struct Lot {
  std::vector<std::string> payloads;  // in UTF-8, as far as that went
  std::vector<std::optional<Refusal>> unreadable;
  DecodeContext context;
};

struct FeedDecoder::Impl {
  std::shared_ptr<FeedPlugin> plugin;
  const bool isolated;
  const Clock* const clock;  // null: not isolated
  Normaliser normaliser;
  DeviceClocks clocks;
  std::optional<std::string> clock_finding;
  std::unique_ptr<Gb18030> gb18030;  // null: payloads are UTF-8
  FeedDecoderCounters counters;
  std::optional<Lot> lot;
  std::optional<FeedTables> next_tables;  // came while a lot was under way
  std::unique_ptr<PluginLane> lane;       // stops before what it uses

  // To UTF-8; the refusal is for what is not the encoding it should be.
  std::optional<Refusal> Convert(std::string* payload) const {
    if (!gb18030) return std::nullopt;
    auto utf8 = gb18030->ToUtf8(*payload);
    *payload = std::move(utf8.text);
    if (!utf8.malformed_at) return std::nullopt;
    return Refusal{"MALFORMED",
                   "byte " + std::to_string(*utf8.malformed_at) +
                       " of the payload begins no GB18030 character; the feed is configured with "
                       "encoding: GB18030",
                   ""};
  }

  DecodeOutcome Finish(PluginOutput output, std::string_view payload,
                       const DecodeContext& context) {
    Masker masker(context.received_at);
    for (const std::string& person : output.persons) masker.Declare(person);
    auto refusal = Take(&output, context, &masker);
    if (!refusal) KeepSecrecy(payload, &output.reports);
    if (auto finding = clocks.TakeFinding()) clock_finding = masker.Text(*finding);
    if (refusal) return Refuse(std::move(*refusal), payload, &masker);
    DecodeOutcome outcome;
    outcome.reports.reserve(output.reports.size());
    for (const v1::Report& report : output.reports) {
      if (HasUnknownCode(report)) ++counters.unknown_code_count;
      outcome.reports.push_back(FromWire(report));
    }
    return outcome;
  }

  void EndLot() {
    lot.reset();
    if (auto tables = std::exchange(next_tables, std::nullopt)) UseTables(std::move(*tables));
  }

  void UseTables(FeedTables tables) {
    lane.reset();
    plugin = std::move(tables.plugin);
    normaliser.TakeTables(std::move(tables.codes));
  }

  std::optional<Refusal> Take(PluginOutput* output, const DecodeContext& context, Masker* masker) {
    if (output->refusal) return output->refusal;
    const auto align = [&](ReportTime time) {
      time.clock_doubted = time.clock_id.empty() && context.publisher_clock_doubted;
      return context.trial ? clocks.AlignOnly(time, context.publisher_clock)
                           : clocks.AlignAndLearn(time, context.publisher_clock);
    };
    for (v1::Report& report : output->reports) {
      auto refusal = normaliser.Normalise(context.received_at, align, masker, &report);
      if (refusal) return refusal;
    }
    return std::nullopt;
  }

  // A mark that the plugin did not read ("sfbm") is one all the same. Which element of a payload it
  // stands in is not known here, so all of them are secret.
  static void KeepSecrecy(std::string_view payload, std::vector<v1::Report>* reports) {
    const auto restricted = static_cast<std::size_t>(std::count_if(
        reports->begin(), reports->end(), [](const v1::Report& r) { return r.restricted(); }));
    if (CountRestrictedMarks(payload) <= restricted) return;
    for (v1::Report& report : *reports) report.set_restricted(true);
  }

  // A mark that masking has lost (of two fields of one name the last is kept) is put before it.
  static std::string MaskedPayload(std::string_view payload, Masker* masker) {
    std::string masked = masker->Json(payload);
    if (!LooksRestricted(payload) || LooksRestricted(masked)) return masked;
    return "{\"restricted\":true,\"payload\":" + masked + "}";
  }

  DecodeOutcome Refuse(Refusal refusal, std::string_view payload, Masker* masker) {
    if (refusal.code == "PLUGIN_ERROR") ++counters.plugin_error_count;
    DecodeOutcome outcome;
    outcome.masked_payload = MaskedPayload(payload, masker);
    refusal.message = masker->Text(refusal.message);
    refusal.field = masker->Text(refusal.field);
    outcome.refusal = std::move(refusal);
    return outcome;
  }
};

Result<FeedTables> FeedDecoder::MakeTables(const FeedConfig& config,
                                           const std::vector<EngineConfig::Site>& sites,
                                           const CodeTables& tables,
                                           const PluginProcessOptions& processes) {
  const std::string path = config.plugin_path.empty()
                               ? config.plugin_dir + "/" + config.plugin + ".so"
                               : config.plugin_path;
  const auto known_sites = WithGasLimits(sites, tables);
  if (!known_sites.ok()) return known_sites.status();
  const std::string plugin_config = PluginConfigJson(config, *known_sites, tables);
  auto plugin = config.isolated ? PluginProcess::Start(path, config.plugin, plugin_config,
                                                       config.decode_timeout, processes)
                                : FeedPlugin::Load(path, config.plugin, plugin_config);
  if (!plugin.ok()) return plugin.status();
  return FeedTables{std::move(*plugin), tables};
}

Result<std::unique_ptr<FeedDecoder>> FeedDecoder::Create(
    const FeedConfig& config, const std::vector<EngineConfig::Site>& sites,
    const CodeTables& tables, const PluginProcessOptions& processes) {
  auto made = MakeTables(config, sites, tables, processes);
  if (!made.ok()) return made.status();
  std::unique_ptr<Gb18030> gb18030;
  if (config.encoding == TextEncoding::kGb18030) {
    auto opened = Gb18030::Open();
    if (!opened.ok()) return opened.status();
    gb18030 = std::move(*opened);
  }
  return std::unique_ptr<FeedDecoder>(
      new FeedDecoder(std::unique_ptr<Impl>(new Impl{std::move(made->plugin),
                                                     config.isolated,
                                                     processes.clock,
                                                     Normaliser(config, sites, tables),
                                                     DeviceClocks(config),
                                                     std::nullopt,
                                                     std::move(gb18030),
                                                     {},
                                                     std::nullopt,
                                                     std::nullopt,
                                                     nullptr})));
}

void FeedDecoder::TakeTables(FeedTables tables) {
  if (impl_->lot) {
    impl_->next_tables = std::move(tables);
    CutLot();
  } else {
    impl_->UseTables(std::move(tables));
  }
}

FeedDecoder::FeedDecoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FeedDecoder::~FeedDecoder() = default;

DecodeOutcome FeedDecoder::Decode(std::string_view payload, const DecodeContext& context) {
  if (!impl_->gb18030) return impl_->Finish(impl_->plugin->Decode(payload), payload, context);
  std::string converted(payload);
  PluginOutput output;
  output.refusal = impl_->Convert(&converted);
  if (!output.refusal) output = impl_->plugin->Decode(converted);
  return impl_->Finish(std::move(output), converted, context);
}

bool FeedDecoder::isolated() const { return impl_->isolated; }
bool FeedDecoder::begun() const { return impl_->lot.has_value(); }
bool FeedDecoder::answered() const { return begun() && impl_->lane->answered(); }
std::size_t FeedDecoder::answered_count() const { return impl_->lane->count(); }
void FeedDecoder::CutLot() { impl_->lane->Cut(); }

void FeedDecoder::Begin(std::vector<std::string> payloads, const DecodeContext& context,
                        const std::function<void()>& wake) {
  Lot lot{std::move(payloads), {}, context};
  std::vector<std::string> readable;
  for (std::string& payload : lot.payloads) {
    lot.unreadable.push_back(impl_->Convert(&payload));
    // What cannot be read takes its place as an empty payload, so that outputs and payloads pair.
    readable.push_back(lot.unreadable.back() ? std::string() : payload);
  }
  impl_->lot = std::move(lot);
  if (!impl_->lane) impl_->lane = std::make_unique<PluginLane>(impl_->plugin, *impl_->clock, wake);
  impl_->lane->Ask(std::move(readable));
}

std::vector<DecodeOutcome> FeedDecoder::Finish() {
  std::vector<PluginOutput> outputs = impl_->lane->Take();
  Lot& lot = *impl_->lot;
  std::vector<DecodeOutcome> outcomes;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    PluginOutput output = std::move(outputs[i]);
    if (lot.unreadable[i]) output = {{}, std::move(lot.unreadable[i]), {}};
    outcomes.push_back(impl_->Finish(std::move(output), lot.payloads[i], lot.context));
  }
  impl_->EndLot();
  return outcomes;
}

void FeedDecoder::DropLot() {
  impl_->lane->Take();
  impl_->EndLot();
}

PluginProcessCounters FeedDecoder::process_counters() const {
  return impl_->plugin->process_counters();
}

void FeedDecoder::Recall(const v1::Report& report) {
  impl_->clocks.Recall(ReportTimeOf(report, FromWire(report.received_at())));
}

std::optional<std::string> FeedDecoder::TakeClockFinding() {
  return std::exchange(impl_->clock_finding, std::nullopt);
}

std::string FeedDecoder::Masked(std::string_view payload, UtcTime received_at) {
  std::string converted;
  if (impl_->gb18030) {
    converted = impl_->gb18030->ToUtf8(payload).text;
    payload = converted;
  }
  Masker masker(received_at);
  for (const std::string& person : impl_->plugin->Decode(payload).persons) masker.Declare(person);
  return Impl::MaskedPayload(payload, &masker);
}

FeedDecoderCounters FeedDecoder::counters() const {
  FeedDecoderCounters counters = impl_->counters;
  counters.clocks = impl_->clocks.counters();
  return counters;
}

}  // namespace fusiongateway
