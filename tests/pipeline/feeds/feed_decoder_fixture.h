// A FeedDecoder on the modules of this build and the code tables of this tree.
//
// One thread. Asserts that the plugin loads; nothing is refused.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "pipeline/feeds/feed_decoder.h"

namespace fusiongateway {

// 2026-11-23T02:00:10Z: ten seconds after ten o'clock in Beijing.
inline UtcTime TestArrival() { return *ParseRfc3339("2026-11-23T10:00:10+08:00"); }

inline UtcTime Time(const std::string& text) {
  const auto time = ParseRfc3339(text);
  EXPECT_TRUE(time.ok()) << text;
  return time.ok() ? *time : UtcTime{};
}

inline FeedConfig TestFeed(const std::string& plugin) {
  FeedConfig config;
  config.feed_id = plugin + "-1";
  config.plugin = plugin;
  config.plugin_dir = FG_FEED_PLUGIN_DIR;
  config.default_district = "410202";
  config.drill_ids = {"drill-2026-11"};
  return config;
}

inline EngineConfig::Point TestPoint(const std::string& id, const std::string& name,
                                     const std::string& medium, const std::string& unit) {
  EngineConfig::Point point;
  point.device_id = id;
  point.name = name;
  point.medium = medium;
  point.unit = unit;
  return point;
}

inline std::vector<EngineConfig::Site> TestSites() {
  EngineConfig::Site site;
  site.site_id = "chlorine-works";
  site.name = "氯碱厂";
  site.district_code = "410212";
  site.medium = "chlorine";
  site.device_ids = {"410200007", "410200007002G0001QT001", "41020000001310000001"};
  site.hazard_level = 2;
  site.points = {TestPoint("410200007002G0001QT001", "T-101 罐区", "", ""),
                 TestPoint("410200007002G0001QT002", "锅炉房", "methane", "%LEL"),
                 TestPoint("410200007002G0001QT003", "仓库", "methane", "mg/m3"),
                 TestPoint("410200007002G0001YW001", "T-101", "", "m"),
                 TestPoint("pump-7", "七号泵", "", "MPa")};
  EngineConfig::Point& level = site.points[3];
  level.low_low = 0.3;
  level.low = 0.5;
  level.high = 3.6;
  level.high_high = 4;
  EngineConfig::Point& pump = site.points[4];
  pump.indicator = "YL";
  pump.high = 1.2;
  pump.high_high = 1.4;
  return {site};
}

inline std::unique_ptr<FeedDecoder> MakeDecoder(const FeedConfig& config) {
  const auto tables = CodeTables::Read(FG_TABLES_DIR);
  EXPECT_TRUE(tables.ok()) << tables.status().message();
  auto decoder = FeedDecoder::Create(config, TestSites(), *tables);
  EXPECT_TRUE(decoder.ok()) << decoder.status().message();
  return decoder.ok() ? std::move(*decoder) : nullptr;
}

inline DecodeOutcome DecodeWith(const std::string& plugin, const std::string& payload) {
  auto decoder = MakeDecoder(TestFeed(plugin));
  if (!decoder) return {};
  return decoder->Decode(payload, {TestArrival(), std::nullopt});
}

// The only report of a payload that is expected to be taken.
inline Report DecodeOne(const std::string& plugin, const std::string& payload) {
  DecodeOutcome outcome = DecodeWith(plugin, payload);
  if (outcome.refusal) {
    ADD_FAILURE() << outcome.refusal->code << " " << outcome.refusal->field << ": "
                  << outcome.refusal->message;
  }
  EXPECT_EQ(outcome.reports.size(), 1u);
  return outcome.reports.empty() ? Report{} : outcome.reports.front();
}

// "CODE field" of a payload that is expected to be refused.
inline std::string RefusalOf(const std::string& plugin, const std::string& payload) {
  const DecodeOutcome outcome = DecodeWith(plugin, payload);
  EXPECT_TRUE(outcome.reports.empty());
  if (!outcome.refusal) return "taken";
  EXPECT_GT(outcome.refusal->message.size(), 20u) << "a refusal says what to do";
  return outcome.refusal->code + " " + outcome.refusal->field;
}

}  // namespace fusiongateway
