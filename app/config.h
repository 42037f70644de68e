// The gateway's configuration: one YAML file, read once, checked whole. Every default stands here
// in the structs; config/example.yaml shows each key with its default, and a test holds the two
// equal.
//
// Refused, with file:line and what to do, all of them at once, one a line: unknown keys, wrong
// types, values out of range, ids used twice, sites or cameras that are referred to and do not
// exist, and anything beyond loopback that would listen without credentials. What only the
// program's plugins and tables can tell is config_check.h's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fusion/base/status.h"
#include "fusion/model/engine_config.h"
#include "pipeline/cameras/camera_config.h"
#include "pipeline/feeds/feed_config.h"
#include "pipeline/feeds/publisher_protocol.h"

namespace fusiongateway {

// CURVE on one socket. `keys` binds each client's public key (Z85) to a feed id (publishers) or a
// role (consumers).
struct CurveConfig {
  std::string secret_key_file;  // empty = no CURVE: loopback only
  std::map<std::string, std::string> keys;
  friend bool operator==(const CurveConfig&, const CurveConfig&) = default;
};

struct PublishersConfig {
  std::string endpoint = "tcp://127.0.0.1:5701";
  CurveConfig curve;
  std::uint64_t window_payloads = PublisherLimits{}.window_payloads;
  std::uint64_t window_bytes = PublisherLimits{}.window_bytes;
  std::uint64_t waiting_bytes_max = PublisherLimits{}.waiting_bytes_max;
  std::uint32_t batch_max = PublisherLimits{}.batch_max;
  Duration session_timeout = PublisherLimits{}.session_timeout;
  friend bool operator==(const PublishersConfig&, const PublishersConfig&) = default;
};

struct ConsumersConfig {
  std::string endpoint = "tcp://127.0.0.1:5702";
  std::string broadcast_endpoint = "tcp://127.0.0.1:5703";
  CurveConfig curve;
  friend bool operator==(const ConsumersConfig&, const ConsumersConfig&) = default;
};

struct WallConfig {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;
  std::string web_root;  // empty = the page beside the program
  std::vector<std::string> host_names;
  std::uint32_t worker_threads = 4;
  friend bool operator==(const WallConfig&, const WallConfig&) = default;
};

struct FusionConfig {
  // Feeds' and windows' figures go to the engine; see EngineConfig.
  EngineConfig::Windows windows;
  std::uint32_t accept_sources = 2;
  std::vector<std::string> drill_ids;
  // Payloads decoded and waiting for the fusion loop.
  std::uint32_t queue_payloads_max = 1024;
  // How long a frame near an evidence's time is waited for.
  Duration frame_wait_max = std::chrono::seconds{10};
  friend bool operator==(const FusionConfig&, const FusionConfig&) = default;
};

struct EvidenceConfig {
  // Stills of frames that evidence refers to, on disk under state_dir; the oldest go first.
  std::uint64_t stills_bytes_max = std::uint64_t{1} << 30;
  // Pictures and clips that alarms link. No host: none are fetched.
  std::vector<std::string> attachment_hosts;
  std::uint64_t attachments_bytes_max = std::uint64_t{4} << 30;
  std::string attachments_ca_file;  // empty = the system's authorities
  friend bool operator==(const EvidenceConfig&, const EvidenceConfig&) = default;
};

struct DeadLettersConfig {
  // Rejected payloads kept; beyond either the oldest go.
  std::uint64_t count_max = 100'000;
  std::uint64_t bytes_max = std::uint64_t{256} << 20;
  friend bool operator==(const DeadLettersConfig&, const DeadLettersConfig&) = default;
};

struct FeedSection {
  FeedConfig feed;
  EngineConfig::Feed engine;  // feed_id is the same
  // Payloads a second that are decoded; 0 = no limit.
  std::uint32_t quota_payloads_per_s = 0;
  // SHA-256 of each token that may publish for it over HTTP; empty = not over HTTP.
  std::vector<std::string> http_tokens_sha256;
};

struct CameraSection {
  CameraConfig camera;
  EngineConfig::Camera engine;  // camera_id is the same
};

struct Config {
  std::string gateway_id;
  std::string state_dir = "state";
  std::string tables_dir;  // empty = the tables beside the program
  std::string plugin_dir;  // empty = the feed plugins beside the program
  PublishersConfig publishers;
  ConsumersConfig consumers;
  WallConfig wall;
  FusionConfig fusion;
  EvidenceConfig evidence;
  DeadLettersConfig dead_letters;
  std::vector<FeedSection> feeds;
  std::vector<CameraSection> cameras;
  std::vector<EngineConfig::Site> sites;
};

struct LoadedConfig {
  Config config;
  // Keys that the file leaves to their defaults ("feeds[0].clock_error_max").
  std::vector<std::string> defaulted;
  // The line of each value that the file gives, by the same names.
  std::map<std::string, int> lines;
};

// Relative paths in the file are taken from the file's own folder.
Result<LoadedConfig> LoadConfig(const std::string& path);
Result<LoadedConfig> ParseConfig(const std::string& text, const std::string& path);

// The engine's part of it.
EngineConfig EngineConfigOf(const Config& config);

// "10s", "200ms", "15min", "1h"; refuses everything else.
Result<Duration> ParseDuration(const std::string& text);

// "tcp://127.0.0.1:5701" and ipc:// are loopback; "tcp://*:…" is not.
bool IsLoopbackEndpoint(const std::string& endpoint);

}  // namespace fusiongateway
