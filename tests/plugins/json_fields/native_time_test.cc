#include "plugins/json_fields/native_time.h"

#include <gtest/gtest.h>

namespace fusiongateway::plugin {
namespace {

constexpr Duration kBeijing = std::chrono::hours{8};

TEST(NativeTime, EveryWayOfWritingOneInstantMeansThatInstant) {
  const UtcTime ten = *ParseRfc3339("2026-11-23T10:00:00+08:00");
  const struct {
    const char* text;
    Duration resolution;
  } cases[] = {
      {"20261123100000", std::chrono::seconds{1}},
      {"20261123100000000", std::chrono::milliseconds{1}},
      {"202611231000", std::chrono::minutes{1}},
      {"2026-11-23 10:00:00", std::chrono::seconds{1}},
      {"2026-11-23T10:00:00", std::chrono::seconds{1}},
      {"2026-11-23T02:00:00Z", std::chrono::seconds{1}},
      {"2026-11-23T03:00:00+01:00", std::chrono::seconds{1}},
      {"2026-11-23T02:00:00.000Z", std::chrono::milliseconds{1}},
      {"1795399200000", std::chrono::milliseconds{1}},
      {" 20261123100000 ", std::chrono::seconds{1}},
  };
  for (const auto& c : cases) {
    const auto time = ParseNativeTime(c.text, kBeijing);
    ASSERT_TRUE(time.ok()) << c.text << ": " << time.status().message();
    EXPECT_EQ(time->utc, ten) << c.text;
    EXPECT_EQ(time->resolution, c.resolution) << c.text;
  }
}

TEST(NativeTime, WhatIsNoTimeAndWhatIsNoSuchTimeAreToldApart) {
  for (const char* text : {"", "yesterday", "2026", "20261123", "2026-11-23", "10:00:00",
                           "2026-11-23T10:00:00 Beijing"}) {
    EXPECT_EQ(ParseNativeTime(text, kBeijing).status().code(), StatusCode::kInvalidArgument)
        << text;
  }
  for (const char* text : {"20261323100000", "20260230100000", "20261123250000", "00001123100000",
                           "2026-13-23 10:00:00", "99991123100000"}) {
    EXPECT_EQ(ParseNativeTime(text, kBeijing).status().code(), StatusCode::kOutOfRange) << text;
  }
}

TEST(NativeTime, NumbersThatAreNoTimeAreRefused) {
  for (const double number : {-1.0, 1e18, 0.0 / 0.0}) {
    EXPECT_FALSE(FromEpochMilliseconds(number).ok()) << number;
  }
}

}  // namespace
}  // namespace fusiongateway::plugin
