// Distances and directions on the WGS-84 ellipsoid. Pure functions.
#pragma once

#include "fusion/model/report.h"

namespace fusiongateway {

// Finite, and within the ranges of latitude and longitude.
bool IsOnEarth(const Position& position);

// Along the geodesic, metres.
double DistanceM(const Position& from, const Position& to);
// Degrees clockwise from true north, 0 <= azimuth < 360.
double AzimuthDeg(const Position& from, const Position& to);
// The place `distance_m` from `from` in the direction `azimuth_deg`.
Position Destination(const Position& from, double azimuth_deg, double distance_m);
// The smaller angle between two directions, 0 .. 180.
double AngleBetweenDeg(double a, double b);

// A cheap lower bound of the distance, for discarding what is far away.
bool IsSurelyFartherThan(const Position& a, const Position& b, double distance_m);

}  // namespace fusiongateway
