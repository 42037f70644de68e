// What the gateway's configuration says of one feed. Plain values; the defaults are the documented
// ones.
#pragma once

#include <string>
#include <vector>

#include "fusion/base/time.h"
#include "fusion/model/report.h"

namespace fusiongateway {

// What a feed's payloads are written in.
enum class TextEncoding { kUtf8, kGb18030 };

struct FeedConfig {
  std::string feed_id;
  // Which decoder reads its payloads: "police110", "sky_guard", "hazmat", "grid", "report", or the
  // name of a module of your own.
  std::string plugin;
  // The module's file; empty: <plugin_dir>/<plugin>.so.
  std::string plugin_path;
  std::string plugin_dir;
  // The plugin runs in a process of its own: one that crashes or hangs harms no other feed.
  bool isolated = false;
  // How long an isolated plugin may take for one payload before its process is killed.
  Duration decode_timeout = std::chrono::seconds{1};

  // Turned into UTF-8 before the plugin sees it.
  TextEncoding encoding = TextEncoding::kUtf8;
  // What a coordinate without `crs` is in.
  CoordinateSystem default_crs = CoordinateSystem::kGcj02;
  // What a time without an offset is in: Beijing.
  Duration time_zone_offset = std::chrono::hours{8};
  // GB/T 2260 code where neither the payload nor its site has one; empty: "000000".
  std::string default_district;
  // Radius that a position without one of its own is taken to be right within.
  double position_uncertainty_m = 50;

  // Declared bound of the source's clock: used where nothing better is measured.
  Duration clock_error_max = std::chrono::seconds{5};
  // Longest from the moment a report tells to its arrival, for one that is sent at once. What
  // always comes later than this and clock_error_max is taken for a slow clock.
  Duration delay_max = std::chrono::seconds{5};
  // Half-width for a report without a usable time.
  Duration unsynchronised_bound = std::chrono::minutes{5};
  // A time further ahead of arrival than this is flagged FUTURE_TIME.
  Duration future_max = std::chrono::seconds{60};
  // A time further behind arrival than this is flagged PAST_TIME.
  Duration past_max = std::chrono::hours{24};

  // Drills that are declared; a drill flag without one of these is treated as real and flagged.
  std::vector<std::string> drill_ids;
};

}  // namespace fusiongateway
