#include "fusion/correlate/geometry.h"

#include <GeographicLib/Geodesic.hpp>
#include <algorithm>
#include <cmath>

namespace fusiongateway {
namespace {

const GeographicLib::Geodesic& Earth() { return GeographicLib::Geodesic::WGS84(); }

constexpr double kMetresPerDegreeMin = 110'574;    // of latitude, at the equator: the shortest
constexpr double kRadians = 0.017453292519943295;  // per degree

}  // namespace

bool IsOnEarth(const Position& p) {
  return std::isfinite(p.latitude) && std::isfinite(p.longitude) && std::abs(p.latitude) <= 90 &&
         std::abs(p.longitude) <= 180 && std::isfinite(p.uncertainty_m) && p.uncertainty_m >= 0;
}

double DistanceM(const Position& from, const Position& to) {
  double distance = 0;
  Earth().Inverse(from.latitude, from.longitude, to.latitude, to.longitude, distance);
  return distance;
}

double AzimuthDeg(const Position& from, const Position& to) {
  double azimuth = 0;
  double azimuth_at_end = 0;
  Earth().Inverse(from.latitude, from.longitude, to.latitude, to.longitude, azimuth,
                  azimuth_at_end);
  return azimuth < 0 ? azimuth + 360 : azimuth;
}

Position Destination(const Position& from, double azimuth_deg, double distance_m) {
  Position to = from;
  Earth().Direct(from.latitude, from.longitude, azimuth_deg, distance_m, to.latitude, to.longitude);
  return to;
}

double AngleBetweenDeg(double a, double b) {
  const double difference = std::fmod(std::abs(a - b), 360.0);
  return std::min(difference, 360.0 - difference);
}

bool IsSurelyFartherThan(const Position& a, const Position& b, double distance_m) {
  if (std::abs(a.latitude - b.latitude) * kMetresPerDegreeMin > distance_m) return true;
  const double parallel = std::cos(std::max(std::abs(a.latitude), std::abs(b.latitude)) * kRadians);
  const double east_west = AngleBetweenDeg(a.longitude, b.longitude);
  // One part in a hundred for what the geodesic cuts off the parallel; near the poles and across
  // the globe the bound says nothing.
  return east_west < 1 && east_west * parallel * kMetresPerDegreeMin * 0.99 > distance_m;
}

}  // namespace fusiongateway
