// The gateway's counters as Prometheus text. Names end in their unit or in _total; labels are feed
// and camera ids and names of threads, never anything a payload says.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/fusion_loop.h"
#include "delivery/evidence/attachment_fetcher.h"
#include "delivery/evidence/kept_files.h"
#include "delivery/journal/journal.h"
#include "delivery/stream/stream_server.h"
#include "delivery/wall/wall_server.h"
#include "pipeline/cameras/camera_system.h"
#include "pipeline/feeds/ingress.h"

namespace fusiongateway {

struct MetricsInput {
  IngressCounters ingress;
  FusionLoopCounters fusion;
  JournalStatistics journal;
  SeqRange live;
  SeqRange settled;
  StreamCounters stream;
  WallStatistics wall;
  std::vector<CameraCounters> cameras;
  DecodeCounters decoder;
  KeptFilesStatistics stills;
  std::uint64_t stills_not_kept = 0;
  KeptFilesStatistics attachments;
  AttachmentFetcherCounters attachment_fetches;
  HostClock host_clock;
  std::size_t incidents_open = 0;
  std::map<std::string, bool> threads_running;  // by name
  std::uint64_t tables_reloaded = 0;
  std::uint64_t tables_refused = 0;
};

std::string MetricsText(const MetricsInput& input);

}  // namespace fusiongateway
