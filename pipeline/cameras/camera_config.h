// What one camera is told to be: where it is, how it is pulled, what is known of its clock, and how
// much of its recent past is held. Plain data; CameraSystem::Create refuses what cannot be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "fusion/base/time.h"

namespace fusiongateway {

enum class CameraTransport : std::uint8_t {
  kAuto = 0,  // UDP, and TCP when no packet comes through
  kTcp = 1,
  kUdp = 2,
};

struct CameraConfig {
  // Unique; letters, digits, '.', '_' and '-' (it is the first part of every frame_id), at most
  // 128.
  std::string camera_id;
  // rtsp:// or rtsps://, without user and password: those stand below and are never logged.
  std::string url;
  std::string user;
  std::string password;
  CameraTransport transport = CameraTransport::kAuto;

  // Declared bound of |camera clock - gateway clock|, encoder delay that the camera leaves out of
  // its sender reports included. Absent: nothing is known, and the arrival alone bounds the time.
  std::optional<Duration> clock_error_max;
  // Longest plausible time from capture to arrival of an undisturbed frame: encoder,
  // network and the load of both ends.
  Duration path_delay_max = std::chrono::milliseconds{200};
  // Half-width of UNSYNCHRONISED stamps.
  Duration unsynchronised_bound = std::chrono::seconds{2};

  // The ring holds at least this much media time ...
  Duration ring_seconds = std::chrono::seconds{30};
  // ... unless that needs more than this.
  std::size_t ring_bytes = std::size_t{64} << 20;
  // Media time that stands still for so long is a stall: the session is closed and opened again.
  Duration stall_after = std::chrono::seconds{5};
  // How long a missing packet is waited for (reordering on UDP). Frames are not delayed by it
  // unless one is missing.
  Duration latency = std::chrono::milliseconds{200};
};

}  // namespace fusiongateway
