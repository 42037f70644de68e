#include "pipeline/feeds/coordinates.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <cstdint>

namespace fusiongateway {
namespace {

double Metres(const Position& a, const Position& b) {
  constexpr double kMetresPerDegree = 111'320;
  return std::hypot(
      (a.latitude - b.latitude) * kMetresPerDegree,
      (a.longitude - b.longitude) * kMetresPerDegree * std::cos(a.latitude * 3.14159265 / 180));
}

// domain.md, scenario 5: one gate, told in both systems.
TEST(Coordinates, TheGateOfScenarioFiveIsOnePlace) {
  const Position wgs{34.7971, 114.3071, 0, CoordinateSystem::kWgs84};
  const Position gcj{34.796206, 114.312943, 0, CoordinateSystem::kGcj02};
  EXPECT_NEAR(Metres(wgs, gcj), 543, 3) << "unconverted";
  EXPECT_LT(Metres(ToWgs84(gcj), wgs), 0.5);
  EXPECT_EQ(ToWgs84(gcj).original_crs, CoordinateSystem::kGcj02);
}

Position In(CoordinateSystem crs, double longitude, double latitude) {
  return {latitude, longitude, 0, crs};
}

// The values that the formulas' published implementations give for one place in Beijing.
TEST(Coordinates, AgreeWithThePublishedPairs) {
  const double longitude = 116.404, latitude = 39.915;
  const Position gcj =
      FromWgs84(In(CoordinateSystem::kWgs84, longitude, latitude), CoordinateSystem::kGcj02);
  EXPECT_NEAR(gcj.longitude, 116.41024449916938, 1e-9);
  EXPECT_NEAR(gcj.latitude, 39.91640428150164, 1e-9);
  const Position bd = FromWgs84(ToWgs84(In(CoordinateSystem::kGcj02, longitude, latitude)),
                                CoordinateSystem::kBd09);
  EXPECT_NEAR(bd.longitude, 116.41036949371029, 1e-8);
  EXPECT_NEAR(bd.latitude, 39.92133699351021, 1e-8);
  const Position gcj_of_bd = FromWgs84(ToWgs84(In(CoordinateSystem::kBd09, longitude, latitude)),
                                       CoordinateSystem::kGcj02);
  EXPECT_LT(Metres(gcj_of_bd, In(CoordinateSystem::kGcj02, 116.39762729119315, 39.90865673957631)),
            1)
      << "the published inverse is itself an approximation";
}

TEST(Coordinates, TheForwardWayOfScenarioFive) {
  const Position gcj =
      FromWgs84(In(CoordinateSystem::kWgs84, 114.3071, 34.7971), CoordinateSystem::kGcj02);
  EXPECT_NEAR(gcj.longitude, 114.312943, 1e-6);
  EXPECT_NEAR(gcj.latitude, 34.796206, 1e-6);
}

// Degrees in [low, high] with six decimals.
rc::Gen<double> Degrees(double low, double high) {
  return rc::gen::map(
      rc::gen::inRange(static_cast<std::int64_t>(low * 1e6), static_cast<std::int64_t>(high * 1e6)),
      [](std::int64_t millionths) { return static_cast<double>(millionths) / 1e6; });
}

TEST(Coordinates, ThereAndBackIsTheSamePlaceAllOverTheCountry) {
  EXPECT_TRUE(rc::check([] {
    const Position wgs = In(CoordinateSystem::kWgs84, *Degrees(73.5, 135.1), *Degrees(3.5, 53.6));
    const auto crs = *rc::gen::element(CoordinateSystem::kGcj02, CoordinateSystem::kBd09);
    const Position there = FromWgs84(wgs, crs);
    RC_ASSERT(Metres(there, wgs) > 10);
    RC_ASSERT(Metres(there, wgs) < 2000);
    RC_ASSERT(Metres(ToWgs84(there), wgs) < 0.01);
  }));
}

TEST(Coordinates, NothingIsShiftedAbroad) {
  EXPECT_TRUE(rc::check([] {
    const bool west_or_east = *rc::gen::arbitrary<bool>();
    const double longitude = west_or_east ? *rc::gen::oneOf(Degrees(-180, 72), Degrees(137.9, 180))
                                          : *Degrees(-180, 180);
    const double latitude =
        west_or_east ? *Degrees(-90, 90) : *rc::gen::oneOf(Degrees(-90, 0.8), Degrees(55.9, 90));
    const auto crs = *rc::gen::element(CoordinateSystem::kGcj02, CoordinateSystem::kBd09);
    const Position abroad = In(crs, longitude, latitude);
    RC_ASSERT(ToWgs84(abroad) == abroad);
  }));
}

TEST(Coordinates, NothingIsShiftedElsewhereOrInWgs84) {
  const Position london{51.5, -0.12, 0, CoordinateSystem::kGcj02};
  EXPECT_EQ(ToWgs84(london), london);
  const Position kaifeng{34.8, 114.3, 0, CoordinateSystem::kWgs84};
  EXPECT_EQ(ToWgs84(kaifeng), kaifeng);
}

}  // namespace
}  // namespace fusiongateway
