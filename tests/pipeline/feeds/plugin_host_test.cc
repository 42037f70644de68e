#include "pipeline/feeds/plugin_host.h"

#include <nlohmann/json.hpp>

#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<FeedDecoder> Misbehaving(const std::string& feed_id = "odd") {
  FeedConfig config;
  config.feed_id = feed_id;
  config.plugin = "misbehaving";
  config.plugin_path = MISBEHAVING_PLUGIN;
  auto decoder = FeedDecoder::Create(config, {}, CodeTables());
  return decoder.ok() ? std::move(*decoder) : nullptr;
}

TEST(PluginHost, APluginThatBreaksItsContractIsARefusalAndCounted) {
  auto decoder = Misbehaving();
  ASSERT_TRUE(decoder);
  std::uint64_t errors = 0;
  for (const char* payload : {"nothing", "garbage", "flood"}) {
    const auto outcome = decoder->Decode(payload, {TestArrival(), std::nullopt});
    ASSERT_TRUE(outcome.refusal) << payload;
    EXPECT_EQ(outcome.refusal->code, "PLUGIN_ERROR");
    EXPECT_TRUE(outcome.reports.empty());
    EXPECT_EQ(decoder->counters().plugin_error_count, ++errors);
  }
  EXPECT_FALSE(decoder->Decode("report", {TestArrival(), std::nullopt}).refusal)
      << "and it is used again";
}

TEST(PluginHost, ARefusalOutweighsReportsAndTheFirstOneIsTold) {
  auto decoder = Misbehaving();
  ASSERT_TRUE(decoder);
  const auto outcome = decoder->Decode("refuse twice", {TestArrival(), std::nullopt});
  EXPECT_TRUE(outcome.reports.empty());
  ASSERT_TRUE(outcome.refusal);
  EXPECT_EQ(outcome.refusal->field, "a");
}

TEST(PluginHost, WhatCannotBeLoadedSaysWhyAndWhatToDo) {
  const auto error = [](const std::string& path, const std::string& name) {
    const auto plugin = FeedPlugin::Load(path, name, "{}");
    return plugin.ok() ? std::string("loaded") : plugin.status().message();
  };
  EXPECT_THAT(error("/nowhere/x.so", "x"), HasSubstr("plugin directory"));
  EXPECT_THAT(error(MISBEHAVING_PLUGIN, "grid"), HasSubstr("asks for \"grid\""));
  EXPECT_THAT(error(OTHER_ABI_PLUGIN, ""), HasSubstr("ABI 99"));
  EXPECT_THAT(error(NO_PLUGIN, ""), HasSubstr("no feed plugin"));
  EXPECT_EQ(Misbehaving("unwanted"), nullptr);
}

TEST(PluginHost, AllPluginsLiveTogetherInOneProcess) {
  std::vector<std::unique_ptr<FeedDecoder>> decoders;
  for (const char* plugin :
       {"police110", "sky_guard", "hazmat", "grid", "report", "example_c", "report"}) {
    decoders.push_back(MakeDecoder(TestFeed(plugin)));
    EXPECT_TRUE(decoders.back()) << plugin;
  }
}

TEST(CodeTables, WrongFilesAreRefusedByName) {
  const auto tables = CodeTables::FromTexts({{"grid", "[1"}});
  ASSERT_FALSE(tables.ok());
  EXPECT_THAT(tables.status().message(), HasSubstr("grid.json"));
  EXPECT_FALSE(CodeTables::Read("/nowhere").ok());
}

TEST(CodeTables, EveryRuleOfTheShippedTablesGivesAClassThatExists) {
  const auto tables = CodeTables::Read(FG_TABLES_DIR);
  ASSERT_TRUE(tables.ok()) << tables.status().message();
  EXPECT_FALSE(tables->KnowsClass("99Z99"));
  std::size_t class_count = 0;
  for (const auto& table : nlohmann::json::parse(tables->json())) {
    if (!table.contains("rules")) continue;
    for (const auto& rule : table["rules"]) {
      if (!rule.contains("class")) continue;
      EXPECT_TRUE(tables->KnowsClass(rule["class"].get<std::string>())) << rule;
      ++class_count;
    }
  }
  EXPECT_GT(class_count, 30u);
}

TEST(CodeTables, ATableThatAPluginCannotReadStopsItAtStart) {
  const auto tables = CodeTables::FromTexts({{"grid", R"({"rules":[{"severity":"AWFUL"}]})"}});
  ASSERT_TRUE(tables.ok());
  const auto decoder = FeedDecoder::Create(TestFeed("grid"), {}, *tables);
  ASSERT_FALSE(decoder.ok());
  EXPECT_THAT(decoder.status().message(), HasSubstr("rules[0].severity"));
}

}  // namespace
}  // namespace fusiongateway
