// What it costs to make Reports of a native payload, by how far it gets:
//   parse      nlohmann's reader alone, the reference: nothing that builds a tree can be quicker
//   plugin     the plugin over the C ABI: reading, fields, the report out and in again
//   decode     all of it: the plugin, then the normaliser and the masking
// items_per_second is payloads; values_per_second, values of collections.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "pipeline/feeds/feed_decoder.h"
#include "pipeline/feeds/plugin_host.h"

namespace fusiongateway {
namespace {

constexpr UtcTime kArrival{std::chrono::seconds{1'795'399'210}};

FeedConfig Feed(const std::string& plugin) {
  FeedConfig config;
  config.feed_id = plugin;
  config.plugin = plugin;
  config.plugin_dir = FG_FEED_PLUGIN_DIR;
  return config;
}

// `count` points, as a site table and as one collection of their values.
std::string QuotaId(std::size_t n) {
  char id[32];
  std::snprintf(id, sizeof id, "410200007002G%04uWD%03u", static_cast<unsigned>(n / 1000 % 10'000),
                static_cast<unsigned>(n % 1000));
  return id;
}

std::vector<EngineConfig::Site> Sites(std::size_t count) {
  EngineConfig::Site site;
  site.site_id = "410200007";
  site.district_code = "410202";
  for (std::size_t i = 0; i < count; ++i) {
    EngineConfig::Point& point = site.points.emplace_back();
    point.device_id = QuotaId(i);
    point.unit = "℃";
    point.high = 35;
    point.high_high = 45;
  }
  return {site};
}

std::string Collection(std::size_t count) {
  std::string json = R"({"dataType":"energy_data","enterpriseId":"410200007","gatewayId":"GW1",)"
                     R"("collectTime":"20261123100000","isConnectDataSource":"true","datas":[)";
  for (std::size_t i = 0; i < count; ++i) {
    json += std::string(i > 0 ? "," : "") + R"({"quotaId":")" + QuotaId(i) + R"(","value":)" +
            std::to_string(20 + i % 10) + ".25}";
  }
  return json + "]}";
}

constexpr char kCall[] =
    R"({"type":"call","JJDBH":"410200202611231000001","XZQHDM":"410202","JJLX":"01","JQLYFS":"01",)"
    R"("BJSJ":"20261123100000","JJSJ":"20261123100005","BJDH":"13812345678","BJRMC":"张三",)"
    R"("LXDH":"13812345678","BJDZ":"某小区","JQDZ":"龙亭区东环路","FXDWJD":114.312943,)"
    R"("FXDWWD":34.796206,"CRS":"GCJ02","JQLBDM":"800200","JQDJDM":"04",)"
    R"("BJNR":"张三称闻到刺鼻气味，请回电 138 1234 5678","YWWXWZ":"1","YWBZXL":"0","SFSWHCL":"0",)"
    R"("BKRS":0,"SSRS":2,"SWRS":0,"SFBM":"0"})";

struct Load {
  std::string plugin;
  std::string payload;
  std::size_t values = 0;
};

// Argument: 0 = a 110 call, else a collection of so many values.
Load LoadOf(const benchmark::State& state) {
  const auto values = static_cast<std::size_t>(state.range(0));
  return values == 0 ? Load{"police110", kCall, 0} : Load{"hazmat", Collection(values), values};
}

void SetCounters(const Load& load, benchmark::State& state) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(load.payload.size()));
  if (load.values > 0) {
    state.counters["values_per_second"] = benchmark::Counter(
        static_cast<double>(load.values) * static_cast<double>(state.iterations()),
        benchmark::Counter::kIsRate);
  }
}

std::unique_ptr<FeedDecoder> MakeDecoder(const Load& load, std::shared_ptr<FeedPlugin>* plugin) {
  const auto tables = CodeTables::Read(FG_TABLES_DIR);
  auto decoder = FeedDecoder::Create(Feed(load.plugin), Sites(load.values), *tables);
  auto made = FeedDecoder::MakeTables(Feed(load.plugin), Sites(load.values), *tables);
  if (!decoder.ok() || !made.ok()) {
    std::fprintf(stderr, "decode_bench: %s\n", decoder.status().message().c_str());
    std::exit(1);
  }
  *plugin = made->plugin;
  return std::move(*decoder);
}

void Parse(benchmark::State& state) {
  const Load load = LoadOf(state);
  for (auto _ : state) benchmark::DoNotOptimize(nlohmann::json::parse(load.payload));
  SetCounters(load, state);
}

void Plugin(benchmark::State& state) {
  const Load load = LoadOf(state);
  std::shared_ptr<FeedPlugin> plugin;
  const auto decoder = MakeDecoder(load, &plugin);
  for (auto _ : state) {
    const PluginOutput output = plugin->Decode(load.payload);
    if (output.reports.size() != 1) state.SkipWithError("not taken");
  }
  SetCounters(load, state);
}

void Decode(benchmark::State& state) {
  const Load load = LoadOf(state);
  std::shared_ptr<FeedPlugin> plugin;
  const auto decoder = MakeDecoder(load, &plugin);
  const DecodeContext context{kArrival, std::nullopt};
  for (auto _ : state) {
    const DecodeOutcome outcome = decoder->Decode(load.payload, context);
    if (outcome.reports.size() != 1) state.SkipWithError("not taken");
  }
  SetCounters(load, state);
}

BENCHMARK(Parse)->Arg(0)->Arg(8)->Arg(1000)->Arg(10'000);
BENCHMARK(Plugin)->Arg(0)->Arg(8)->Arg(1000)->Arg(10'000);
BENCHMARK(Decode)->Arg(0)->Arg(8)->Arg(1000)->Arg(10'000);

}  // namespace
}  // namespace fusiongateway

BENCHMARK_MAIN();
