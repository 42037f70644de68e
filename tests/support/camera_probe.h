// CameraProbe: a viewer of one demo camera that tells, for each decoded picture, the time in its
// pixels and the time that the server's sender reports give it. For tests of cameras and of
// whatever serves their video on.
//
// Used by one thread; GStreamer's own threads end with it. Pictures that nobody takes are held up
// to a bound of 64, then the oldest go.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "fusion/base/time.h"

namespace fusiongateway::testing {

enum class RtspTransport { kTcp, kUdp };

struct ProbedPicture {
  std::optional<UtcTime> pixels;         // the decoded time pattern; none when it cannot be read
  std::optional<UtcTime> sender_report;  // none before the first sender report
};

class CameraProbe {
 public:
  CameraProbe(const std::string& url, RtspTransport transport);
  ~CameraProbe();
  CameraProbe(const CameraProbe&) = delete;
  CameraProbe& operator=(const CameraProbe&) = delete;

  // The next picture; none when none came in time or the stream is over (see error()).
  std::optional<ProbedPicture> Next(std::chrono::milliseconds timeout = std::chrono::seconds(10));

  // What GStreamer reported against the stream; empty while all is well.
  std::string error() const;

 private:
  struct Pipeline;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace fusiongateway::testing
