// Fuzz target: one payload of one feed through its plugin, the normaliser and the masking. Built
// once for each plugin (FG_FUZZ_PLUGIN); "gb18030" is police110 with payloads in GB 18030.
//
// Holds to: nothing falls over; a payload is taken or refused and never both; what is taken can be
// written as JSON and crosses the wire unchanged; times, places and bounds are usable.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "pipeline/feeds/feed_decoder.h"
#include "pipeline/feeds/utf8.h"
#include "proto/codec/codec.h"
#include "proto/codec/json_form.h"
#include "tests/fuzz/require.h"

namespace fusiongateway {
namespace {

std::vector<EngineConfig::Site> Sites() {
  EngineConfig::Site site;
  site.site_id = "410200007";
  site.district_code = "410202";
  site.medium = "chlorine";
  site.hazard_level = 2;
  site.points.resize(2);
  site.points[0].device_id = "410200007002G0001QT001";
  site.points[1].device_id = "410200007002G0001YW001";
  site.points[1].low = 0.5;
  site.points[1].high = 3.6;
  return {site};
}

std::unique_ptr<FeedDecoder> MakeDecoder() {
  FeedConfig config;
  config.feed_id = "fuzz";
  config.plugin = FG_FUZZ_PLUGIN;
  config.plugin_dir = FG_FEED_PLUGIN_DIR;
  config.drill_ids = {"drill-1"};
  if (config.plugin == "gb18030") {
    config.plugin = "police110";
    config.encoding = TextEncoding::kGb18030;
  }
  const auto tables = CodeTables::Read(FG_TABLES_DIR);
  fuzz::Require(tables.ok(), "the tables cannot be read");
  auto decoder = FeedDecoder::Create(config, Sites(), *tables);
  if (!decoder.ok()) fuzz::Fail(decoder.status().message());
  return std::move(*decoder);
}

void CheckReport(const Report& report) {
  fuzz::Require(!report.report_id.empty(), "a report without id");
  fuzz::Require(report.feed_id == "fuzz", "the feed is the gateway's to set");
  fuzz::Require(report.aligned.uncertainty >= Duration{}, "a negative bound");
  fuzz::Require(report.aligned.source != ClockSource::kUnspecified, "a time from nowhere");
  fuzz::Require(report.district_code.size() == 6, "a district code is six digits");
  if (report.position) {
    fuzz::Require(std::abs(report.position->latitude) <= 90.1, "off the earth");
    fuzz::Require(std::isfinite(report.position->longitude), "off the earth");
    fuzz::Require(report.position->uncertainty_m >= 0, "a negative radius");
  }
  v1::Report wire;
  ToWire(report, &wire);
  fuzz::Require(FromWire(wire) == report, "the report does not cross the wire unchanged");
  const std::string json = ToJson(wire);
  v1::Report again;
  fuzz::Require(ParseWire(json, WireForm::kJson, &again).ok(), "its JSON cannot be read");
}

}  // namespace
}  // namespace fusiongateway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fusiongateway;
  fuzz::QuietProtobuf();
  static const std::unique_ptr<FeedDecoder> decoder = MakeDecoder();
  const DecodeContext context{UtcTime{std::chrono::seconds{1'790'000'000}}, std::nullopt};
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  const DecodeOutcome outcome = decoder->Decode(payload, context);
  fuzz::Require(outcome.reports.empty() == outcome.refusal.has_value(), "both or neither");
  for (const Report& report : outcome.reports) CheckReport(report);
  if (outcome.refusal) {
    fuzz::Require(!outcome.refusal->code.empty() && !outcome.refusal->message.empty(),
                  "a refusal that does not say why");
    fuzz::Require(outcome.refusal->code != "PLUGIN_ERROR", "the plugin broke its contract");
    fuzz::Require(ValidUtf8(outcome.masked_payload) == outcome.masked_payload,
                  "a dead letter that is not UTF-8");
    fuzz::Require(ValidUtf8(outcome.refusal->message) == outcome.refusal->message,
                  "a message that is not UTF-8");
  }
  return 0;
}
