#include "pipeline/feeds/coordinates.h"

#include <gtest/gtest.h>

#include <cmath>

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

// Published example: the Tian'anmen flagpole as Baidu's own converter gives it.
TEST(Coordinates, AgreeWithAPublishedPair) {
  const Position wgs{39.90734, 116.39109, 0, CoordinateSystem::kWgs84};
  const Position bd = FromWgs84(wgs, CoordinateSystem::kBd09);
  EXPECT_NEAR(bd.latitude, 39.91505, 5e-4);
  EXPECT_NEAR(bd.longitude, 116.40371, 5e-4);
}

TEST(Coordinates, ThereAndBackIsTheSamePlaceAllOverTheCountry) {
  for (const auto crs : {CoordinateSystem::kGcj02, CoordinateSystem::kBd09}) {
    for (double latitude = 18.5; latitude < 53; latitude += 1.7) {
      for (double longitude = 74.5; longitude < 134; longitude += 2.3) {
        const Position wgs{latitude, longitude, 0, CoordinateSystem::kWgs84};
        const Position there = FromWgs84(wgs, crs);
        EXPECT_GT(Metres(there, wgs), 50) << "the shift is felt everywhere";
        EXPECT_LT(Metres(ToWgs84(there), wgs), 0.01) << latitude << " " << longitude;
      }
    }
  }
}

TEST(Coordinates, NothingIsShiftedElsewhereOrInWgs84) {
  const Position london{51.5, -0.12, 0, CoordinateSystem::kGcj02};
  EXPECT_EQ(ToWgs84(london), london);
  const Position kaifeng{34.8, 114.3, 0, CoordinateSystem::kWgs84};
  EXPECT_EQ(ToWgs84(kaifeng), kaifeng);
}

}  // namespace
}  // namespace fusiongateway
