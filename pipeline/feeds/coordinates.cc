#include "pipeline/feeds/coordinates.h"

#include <cmath>
#include <numbers>

namespace fusiongateway {
namespace {

constexpr double kPi = std::numbers::pi;
// Krasovsky 1940, which GCJ-02's formula is written on.
constexpr double kSemiMajorAxisM = 6378245.0;
constexpr double kEccentricitySquared = 0.00669342162296594323;
constexpr double kBd09Pi = kPi * 3000.0 / 180.0;

struct Degrees {
  double latitude = 0;
  double longitude = 0;
};

bool IsShifted(const Degrees& at) {
  return at.longitude > 72.004 && at.longitude < 137.8347 && at.latitude > 0.8293 &&
         at.latitude < 55.8271;
}

double ShortWaves(double x) {
  return (20.0 * std::sin(6.0 * x * kPi) + 20.0 * std::sin(2.0 * x * kPi)) * 2.0 / 3.0;
}

// How far north the formula moves a place x degrees east of 105 E and y degrees north of 35 N, in
// its own units.
double ShiftNorth(double x, double y) {
  return -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * std::sqrt(std::abs(x)) +
         ShortWaves(x) + (20.0 * std::sin(y * kPi) + 40.0 * std::sin(y / 3.0 * kPi)) * 2.0 / 3.0 +
         (160.0 * std::sin(y / 12.0 * kPi) + 320.0 * std::sin(y * kPi / 30.0)) * 2.0 / 3.0;
}

double ShiftEast(double x, double y) {
  return 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * std::sqrt(std::abs(x)) +
         ShortWaves(x) + (20.0 * std::sin(x * kPi) + 40.0 * std::sin(x / 3.0 * kPi)) * 2.0 / 3.0 +
         (150.0 * std::sin(x / 12.0 * kPi) + 300.0 * std::sin(x / 30.0 * kPi)) * 2.0 / 3.0;
}

Degrees WgsToGcj(const Degrees& wgs) {
  if (!IsShifted(wgs)) return wgs;
  const double x = wgs.longitude - 105.0;
  const double y = wgs.latitude - 35.0;
  const double latitude = wgs.latitude / 180.0 * kPi;
  const double sine = std::sin(latitude);
  const double magic = 1 - kEccentricitySquared * sine * sine;
  const double root = std::sqrt(magic);
  const double north = ShiftNorth(x, y) * 180.0 /
                       (kSemiMajorAxisM * (1 - kEccentricitySquared) / (magic * root) * kPi);
  const double east = ShiftEast(x, y) * 180.0 / (kSemiMajorAxisM / root * std::cos(latitude) * kPi);
  return {wgs.latitude + north, wgs.longitude + east};
}

Degrees GcjToBd(const Degrees& gcj) {
  const double radius =
      std::hypot(gcj.longitude, gcj.latitude) + 0.00002 * std::sin(gcj.latitude * kBd09Pi);
  const double angle =
      std::atan2(gcj.latitude, gcj.longitude) + 0.000003 * std::cos(gcj.longitude * kBd09Pi);
  return {radius * std::sin(angle) + 0.006, radius * std::cos(angle) + 0.0065};
}

// The shift changes slowly with place, so putting the forward error back converges at once; ten
// rounds leave less than a millimetre.
template <class Forward>
Degrees Invert(const Degrees& shifted, Forward forward) {
  Degrees guess = shifted;
  for (int round = 0; round < 10; ++round) {
    const Degrees there = forward(guess);
    guess.latitude += shifted.latitude - there.latitude;
    guess.longitude += shifted.longitude - there.longitude;
  }
  return guess;
}

}  // namespace

Position ToWgs84(Position position) {
  Degrees at{position.latitude, position.longitude};
  if (IsShifted(at) && position.original_crs == CoordinateSystem::kBd09) at = Invert(at, GcjToBd);
  if (IsShifted(at) && (position.original_crs == CoordinateSystem::kGcj02 ||
                        position.original_crs == CoordinateSystem::kBd09)) {
    at = Invert(at, WgsToGcj);
  }
  position.latitude = at.latitude;
  position.longitude = at.longitude;
  return position;
}

Position FromWgs84(Position position, CoordinateSystem to) {
  Degrees at{position.latitude, position.longitude};
  if (IsShifted(at)) {
    if (to == CoordinateSystem::kGcj02 || to == CoordinateSystem::kBd09) at = WgsToGcj(at);
    if (to == CoordinateSystem::kBd09) at = GcjToBd(at);
  }
  position.latitude = at.latitude;
  position.longitude = at.longitude;
  position.original_crs = to;
  return position;
}

}  // namespace fusiongateway
