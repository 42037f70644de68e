// CameraServer: the simulated city's cameras on one RTSP server (H.264 over RTP; UDP and TCP).
//
// Every picture carries its true capture time as text and as the pattern of time_pattern.h; the
// same instant is what the picture's RTP time means by the server's RTCP sender reports. A camera
// encodes once however many watch it, and not at all while nobody does.
//
// Threads: one runs the RTSP server, one per running camera makes its pictures, and GStreamer has
// its own. All are gone after Stop(). The methods may be called from any one thread at a time,
// never from a callback of GStreamer. `clock` must be the machine's own (sender reports are made
// from it) and, like `scenario`, outlive the server.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/demo_city/scenario_clock.h"
#include "fusion/base/time.h"

namespace fusiongateway::demo_city {

struct CameraServerOptions {
  std::string address = "127.0.0.1";
  // Where recorded clips are looked for, in this order, before Debian's opencv-doc.
  std::vector<std::filesystem::path> clip_folders;
  std::uint64_t seed = 1;
};

struct CameraStats {
  bool running = false;               // started and not stopped
  bool encoding = false;              // somebody watches
  std::uint64_t encodes_started = 0;  // encoders made, ever
  std::uint64_t frames_captured = 0;  // pictures stamped and given to the encoder
  std::uint64_t frames_dropped = 0;   // stamped while the encoder was behind, and not encoded
  std::uint64_t pictures_missed = 0;  // the source had none in time
};

class CameraServer {
 public:
  CameraServer(const Clock& clock, const ScenarioClock& scenario, CameraServerOptions options = {});
  ~CameraServer();
  CameraServer(const CameraServer&) = delete;
  CameraServer& operator=(const CameraServer&) = delete;

  // Serves all cameras on `port` (0 takes a free one) and returns the port. kUnavailable when the
  // port cannot be had, kFailedPrecondition when started already.
  Result<std::uint16_t> Start(std::uint16_t port = 0);
  // Cuts every viewer and ends every thread. May be followed by Start().
  void Stop();

  // Takes one camera away, as if its power failed: its viewers are cut, a new one gets 404.
  Status StopCamera(std::string_view id);
  // Brings it back. A camera that runs is left as it is.
  Status StartCamera(std::string_view id);

  Result<CameraStats> Stats(std::string_view id) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusiongateway::demo_city
