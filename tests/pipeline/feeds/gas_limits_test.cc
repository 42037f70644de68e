#include "pipeline/feeds/gas_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;

CodeTables Tables(const std::string& gas_limits) {
  const auto tables = CodeTables::FromTexts({{"hazmat", R"({"gas_limits":)" + gas_limits + "}"}});
  EXPECT_TRUE(tables.ok());
  return *tables;
}

constexpr char kChlorine[] = R"([{"media":["chlorine"],"unit":"ppm","H":1,"HH":3}])";

// The point after the gas table has been applied to it, on a chlorine site.
EngineConfig::Point Filled(EngineConfig::Point point, const std::string& gas_limits = kChlorine) {
  EngineConfig::Site site;
  site.medium = "chlorine";
  site.points = {std::move(point)};
  const auto sites = WithGasLimits({site}, Tables(gas_limits));
  EXPECT_TRUE(sites.ok()) << sites.status().message();
  return (*sites)[0].points[0];
}

EngineConfig::Point GasPoint() {
  EngineConfig::Point point;
  point.device_id = "410200007002G0001QT001";
  return point;
}

TEST(GasLimits, AGasPointWithoutLimitsGetsThoseOfItsSitesMedium) {
  const EngineConfig::Point filled = Filled(GasPoint());
  EXPECT_EQ(filled.high, 1);
  EXPECT_EQ(filled.high_high, 3);
  EXPECT_FALSE(filled.low);
  EXPECT_EQ(filled.unit, "ppm");
}

TEST(GasLimits, APointsOwnWordGoesFirst) {
  EngineConfig::Point limited = GasPoint();
  limited.high = 0.5;
  EXPECT_EQ(Filled(limited), limited);
  EngineConfig::Point other_unit = GasPoint();
  other_unit.unit = "mg/m3";
  EXPECT_EQ(Filled(other_unit), other_unit) << "1 ppm is not 1 mg/m3";
  EngineConfig::Point other_medium = GasPoint();
  other_medium.medium = "ammonia";
  EXPECT_EQ(Filled(other_medium), other_medium);
}

TEST(GasLimits, OnlyPointsThatMeasureGasGetThem) {
  EngineConfig::Point level = GasPoint();
  level.device_id = "410200007002G0001YW001";
  EXPECT_EQ(Filled(level), level);
  level.indicator = "QT";
  EXPECT_EQ(Filled(level).high, 1) << "the site table says that it does";
}

TEST(GasLimits, ATableOfAnotherFormIsRefusedNamingThePlace) {
  for (const char* gases :
       {R"({})", R"([7])", R"([{"media":["chlorine"],"unit":"ppm"}])",
        R"([{"media":"chlorine","unit":"ppm","H":1}])", R"([{"media":[1],"unit":"ppm","H":1}])",
        R"([{"media":["chlorine"],"H":1}])",
        R"([{"media":["chlorine"],"unit":"ppm","H":"one"}])"}) {
    const auto sites = WithGasLimits({}, Tables(gases));
    ASSERT_FALSE(sites.ok()) << gases;
    EXPECT_THAT(sites.status().message(), HasSubstr("table \"hazmat\": gas_limits"));
  }
}

TEST(GasLimits, WithoutATableNothingChanges) {
  EngineConfig::Site site;
  site.points = {GasPoint()};
  EXPECT_EQ(*WithGasLimits({site}, CodeTables()), std::vector{site});
}

}  // namespace
}  // namespace fusiongateway
