#include "app/config.h"

#include <arpa/inet.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "app/config_section.h"
#include "delivery/evidence/attachment_policy.h"
#include "pipeline/feeds/feed_tokens.h"

namespace fusiongateway {
namespace {

// Beyond it, what a source stamps has no use for correlation anyway.
constexpr Duration kDelayMax = std::chrono::hours{24};
constexpr Duration kDecodeTimeoutMax = std::chrono::minutes{1};

void ReadPosition(Section& section, Position* position) {
  const auto read = [&](const char* key, double* degrees, double most) {
    section.Read(key, degrees);
    if (std::abs(*degrees) > most) section.Fail(key, std::string(key) + " must be WGS-84 degrees");
  };
  read("latitude", &position->latitude, 90);
  read("longitude", &position->longitude, 180);
  position->original_crs = CoordinateSystem::kWgs84;
}

void ReadCurve(Section curve, CurveConfig* config) {
  curve.Read("secret_key_file", &config->secret_key_file);
  curve.Read("keys", &config->keys);
  curve.RefuseUnknownKeys();
}

// Anything beyond loopback needs credentials.
void CheckAccess(const Section& section, const char* key, const std::string& endpoint,
                 const CurveConfig& curve) {
  if (IsLoopbackEndpoint(endpoint)) return;
  if (!curve.secret_key_file.empty() && !curve.keys.empty()) return;
  section.Fail(key, section.Name(key) + " \"" + endpoint +
                        "\" is reachable from other machines and has no credentials: set curve."
                        "secret_key_file (fusion-gateway keygen) and curve.keys, or listen on "
                        "127.0.0.1");
}

void ReadPublishers(Section section, PublishersConfig* config) {
  section.Read("endpoint", &config->endpoint);
  ReadCurve(section.Child("curve"), &config->curve);
  CheckAccess(section, "endpoint", config->endpoint, config->curve);
  section.Read("window_payloads", &config->window_payloads);
  section.Read("window_bytes", &config->window_bytes);
  section.Read("waiting_bytes_max", &config->waiting_bytes_max);
  section.ReadAtLeast("batch_max", &config->batch_max, 1);
  section.Read("session_timeout", &config->session_timeout);
  if (config->window_payloads < config->batch_max) {
    section.Fail("window_payloads",
                 "publishers.window_payloads must be at least batch_max, or a publisher would be "
                 "told busy for ever");
  }
  if (config->window_bytes < PublisherLimits{}.message_bytes_max) {
    section.Fail("window_bytes", "publishers.window_bytes must be at least " +
                                     std::to_string(PublisherLimits{}.message_bytes_max) +
                                     " (one message), or a publisher would be told busy for ever");
  }
  section.RefuseUnknownKeys();
}

// After the feeds are read.
void CheckKeyOwners(Section curve, const CurveConfig& config, const Ids& feeds) {
  for (const auto& [key, feed] : config.keys) {
    if (feeds.Has(feed)) continue;
    curve.Fail("keys", "publishers.curve.keys binds a key to feed \"" + feed +
                           "\", which is not among feeds");
  }
}

void ReadConsumers(Section section, ConsumersConfig* config) {
  section.Read("endpoint", &config->endpoint);
  section.Read("broadcast_endpoint", &config->broadcast_endpoint);
  ReadCurve(section.Child("curve"), &config->curve);
  CheckAccess(section, "endpoint", config->endpoint, config->curve);
  CheckAccess(section, "broadcast_endpoint", config->broadcast_endpoint, config->curve);
  section.RefuseUnknownKeys();
}

void ReadWall(Section section, WallConfig* config) {
  section.Read("address", &config->address);
  section.Read("port", &config->port);
  section.Read("web_root", &config->web_root);
  section.Read("host_names", &config->host_names);
  section.ReadAtLeast("worker_threads", &config->worker_threads, 1);
  if (config->address != "127.0.0.1" && config->address != "::1") {
    section.Fail("address", "wall.address \"" + config->address +
                                "\" is reachable from other machines, and the wall has no accounts "
                                "yet: listen on 127.0.0.1");
  }
  section.RefuseUnknownKeys();
}

void ReadFusion(Section section, FusionConfig* config) {
  Section windows = section.Child("windows");
  windows.Read("sensor", &config->windows.sensor);
  windows.Read("tower", &config->windows.tower);
  windows.Read("police_before", &config->windows.police_before);
  windows.Read("police_after", &config->windows.police_after);
  windows.Read("grid", &config->windows.grid);
  windows.Read("video", &config->windows.video);
  windows.ReadAtLeast("distance_m", &config->windows.distance_m, 0);
  windows.ReadAtLeast("odour_distance_m", &config->windows.odour_distance_m, 0);
  windows.Read("expire_after", &config->windows.expire_after);
  windows.Read("future_max", &config->windows.future_max);
  windows.RefuseUnknownKeys();
  section.ReadAtLeast("accept_sources", &config->accept_sources, 1);
  section.Read("drill_ids", &config->drill_ids);
  section.Read("queue_payloads_max", &config->queue_payloads_max);
  section.Read("frame_wait_max", &config->frame_wait_max);
  section.RefuseUnknownKeys();
}

void ReadTokens(Section& section, FeedSection* config, std::set<std::string>* taken) {
  const char* key = "http_tokens_sha256";
  const std::string feed = "feed \"" + config->feed.feed_id + "\": ";
  section.Read(key, &config->http_tokens_sha256);
  for (const std::string& hash : config->http_tokens_sha256) {
    if (!FeedTokens::IsHash(hash)) {
      section.Fail(key, feed +
                            "http_tokens_sha256 holds hashes, 64 digits 0-9 a-f each, never a "
                            "token: fusion-gateway keygen --http-token FEED prints both");
    } else if (!taken->insert(hash).second) {
      section.Fail(key,
                   feed + "a hash in http_tokens_sha256 is used twice: a token is for one feed");
    }
  }
}

FeedSection ReadFeed(Section& section, Ids* ids, std::set<std::string>* tokens) {
  FeedSection config;
  FeedConfig& feed = config.feed;
  section.Require("feed_id", &feed.feed_id);
  ids->Take(section, "feed_id", feed.feed_id);
  section.Require("plugin", &feed.plugin);
  section.Read("plugin_path", &feed.plugin_path);
  section.Read("isolated", &feed.isolated);
  section.Read("decode_timeout", &feed.decode_timeout);
  section.Read("encoding", &feed.encoding);
  section.Read("default_crs", &feed.default_crs);
  section.Read("time_zone_offset", &feed.time_zone_offset);
  section.Read("default_district", &feed.default_district);
  section.ReadAtLeast("position_uncertainty_m", &feed.position_uncertainty_m, 0);
  section.Read("clock_error_max", &feed.clock_error_max);
  section.Read("delay_max", &feed.delay_max);
  section.Read("unsynchronised_bound", &feed.unsynchronised_bound);
  section.Read("future_max", &feed.future_max);
  section.Read("past_max", &feed.past_max);
  section.Read("lateness_max", &config.engine.lateness_max);
  section.Read("idle_after", &config.engine.idle_after);
  section.Read("quota_payloads_per_s", &config.quota_payloads_per_s);
  ReadTokens(section, &config, tokens);
  config.engine.feed_id = feed.feed_id;
  if (feed.decode_timeout < std::chrono::milliseconds{1} ||
      feed.decode_timeout > kDecodeTimeoutMax) {
    section.Fail("decode_timeout", "decode_timeout must be at least 1ms and at most 60s");
  }
  if (feed.delay_max <= Duration{} || feed.delay_max > kDelayMax) {
    section.Fail(
        "delay_max",
        "feed \"" + feed.feed_id +
            "\": delay_max must be more than 0 and at most 24h: what reports take from the "
            "moment they tell to their arrival");
  }
  section.RefuseUnknownKeys();
  return config;
}

void CheckUrl(const Section& section, const CameraConfig& camera) {
  if (camera.url.empty()) return;
  if (!camera.url.starts_with("rtsp://") && !camera.url.starts_with("rtsps://")) {
    section.Fail("url", "camera \"" + camera.camera_id +
                            "\": the url must begin with rtsp:// or rtsps://; nothing else is "
                            "pulled");
  }
  if (camera.url.find('@') != std::string::npos) {
    section.Fail("url", "camera \"" + camera.camera_id +
                            "\": the url must not carry user and password; set user and password "
                            "instead");
  }
}

CameraSection ReadCamera(Section& section, Ids* ids, const Ids& sites) {
  CameraSection config;
  CameraConfig& camera = config.camera;
  section.Require("camera_id", &camera.camera_id);
  ids->Take(section, "camera_id", camera.camera_id);
  section.Require("url", &camera.url);
  CheckUrl(section, camera);
  section.Read("user", &camera.user);
  section.Read("password", &camera.password);
  section.Read("transport", &camera.transport);
  section.Read("clock_error_max", &camera.clock_error_max);
  section.Read("path_delay_max", &camera.path_delay_max);
  section.Read("unsynchronised_bound", &camera.unsynchronised_bound);
  section.Read("ring_seconds", &camera.ring_seconds);
  section.Read("ring_bytes", &camera.ring_bytes);
  section.Read("stall_after", &camera.stall_after);
  section.Read("latency", &camera.latency);
  config.engine.camera_id = camera.camera_id;
  section.Read("name", &config.engine.name);
  section.Read("role", &config.engine.role);
  section.Read("site_id", &config.engine.site_id);
  if (!config.engine.site_id.empty() && !sites.Has(config.engine.site_id)) {
    section.Fail("site_id", "camera \"" + camera.camera_id + "\" stands on site \"" +
                                config.engine.site_id + "\", which is not among sites");
  }
  section.ReadAtLeast("range_m", &config.engine.range_m, 0);
  ReadPosition(section, &config.engine.position);
  section.RefuseUnknownKeys();
  return config;
}

EngineConfig::Point ReadPoint(Section& section, Ids* ids) {
  EngineConfig::Point point;
  section.Require("device_id", &point.device_id);
  ids->Take(section, "device_id", point.device_id);
  section.Read("name", &point.name);
  section.Read("medium", &point.medium);
  section.Read("unit", &point.unit);
  section.Read("indicator", &point.indicator);
  const std::pair<const char*, std::optional<double>*> kLimits[] = {
      {"low_low", &point.low_low},
      {"low", &point.low},
      {"high", &point.high},
      {"high_high", &point.high_high}};
  std::optional<double> below;
  for (const auto& [key, limit] : kLimits) {
    section.Read(key, limit);
    if (below && *limit && **limit <= *below) {
      section.Fail(
          key, "limits of \"" + point.device_id + "\" must grow: low_low < low < high < high_high");
    }
    if (*limit) below = *limit;
  }
  section.ReadAtLeast("hysteresis", &point.hysteresis, 0);
  section.RefuseUnknownKeys();
  return point;
}

// R of a major hazard source (GB 18218).
std::uint32_t HazardLevelOf(double r) {
  if (!(r > 0)) return 0;
  return r >= 100 ? 1 : r >= 50 ? 2 : r >= 10 ? 3 : 4;
}

void ReadHazard(Section& section, EngineConfig::Site* site) {
  double r = 0;
  section.ReadAtLeast("hazard_r", &r, 0);
  section.Read("hazard_level", &site->hazard_level);
  if (site->hazard_level > 4) {
    section.Fail("hazard_level", "hazard_level is 1 (一级) to 4, or 0 for what hazard_r gives");
  }
  if (site->hazard_level == 0) site->hazard_level = HazardLevelOf(r);
}

EngineConfig::Site ReadSite(Section& section, Ids* ids, Ids* points) {
  EngineConfig::Site site;
  section.Require("site_id", &site.site_id);
  ids->Take(section, "site_id", site.site_id);
  section.Read("name", &site.name);
  section.Read("district_code", &site.district_code);
  section.Read("medium", &site.medium);
  section.ReadAtLeast("radius_m", &site.radius_m, 0);
  section.Read("device_ids", &site.device_ids);
  ReadHazard(section, &site);
  // A point belongs to its site whatever its id says.
  for (Section& point : section.List("points")) {
    site.points.push_back(ReadPoint(point, points));
    const std::string& id = site.points.back().device_id;
    if (std::find(site.device_ids.begin(), site.device_ids.end(), id) == site.device_ids.end()) {
      site.device_ids.push_back(id);
    }
  }
  ReadPosition(section, &site.position);
  section.RefuseUnknownKeys();
  return site;
}

void CheckGatewayId(const Section& root, const std::string& id) {
  // A missing one was told already.
  const bool plain_id = std::all_of(id.begin(), id.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (!plain_id || id.size() > 64) {
    root.Fail("gateway_id",
              "gateway_id is part of every incident's id: 1 to 64 letters, digits, '-', '_', '.'");
  }
}

void ReadAttachments(Section attachments, EvidenceConfig* config) {
  attachments.Read("hosts", &config->attachment_hosts);
  attachments.Read("bytes_max", &config->attachments_bytes_max);
  attachments.Read("ca_file", &config->attachments_ca_file);
  const auto policy = AttachmentPolicy::Make(config->attachment_hosts);
  if (!policy.ok()) {
    attachments.Fail("hosts",
                     "\"" + attachments.Name("hosts") + "\": " + policy.status().message());
  }
  attachments.RefuseUnknownKeys();
}

void ReadAll(Section& root, Config* config) {
  root.Require("gateway_id", &config->gateway_id);
  CheckGatewayId(root, config->gateway_id);
  root.Read("state_dir", &config->state_dir);
  root.Read("tables_dir", &config->tables_dir);
  root.Read("plugin_dir", &config->plugin_dir);
  ReadPublishers(root.Child("publishers"), &config->publishers);
  ReadConsumers(root.Child("consumers"), &config->consumers);
  ReadWall(root.Child("wall"), &config->wall);
  ReadFusion(root.Child("fusion"), &config->fusion);
  Section evidence = root.Child("evidence");
  evidence.Read("stills_bytes_max", &config->evidence.stills_bytes_max);
  ReadAttachments(evidence.Child("attachments"), &config->evidence);
  evidence.RefuseUnknownKeys();
  Section dead_letters = root.Child("dead_letters");
  dead_letters.Read("count_max", &config->dead_letters.count_max);
  dead_letters.Read("bytes_max", &config->dead_letters.bytes_max);
  dead_letters.RefuseUnknownKeys();
  Ids sites, points, feeds, cameras;
  for (Section& site : root.List("sites")) {
    config->sites.push_back(ReadSite(site, &sites, &points));
  }
  std::set<std::string> tokens;
  for (Section& feed : root.List("feeds")) {
    config->feeds.push_back(ReadFeed(feed, &feeds, &tokens));
  }
  for (Section& camera : root.List("cameras")) {
    config->cameras.push_back(ReadCamera(camera, &cameras, sites));
  }
  CheckKeyOwners(root.Child("publishers").Child("curve"), config->publishers.curve, feeds);
  root.RefuseUnknownKeys();
}

void MakeAbsolute(std::string* path, const std::filesystem::path& base) {
  if (!path->empty() && std::filesystem::path(*path).is_relative()) {
    *path = (base / *path).lexically_normal().string();
  }
}

}  // namespace

Result<Duration> ParseDuration(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  const std::pair<const char*, double> kUnits[] = {{"ns", 1},     {"us", 1e3},   {"ms", 1e6},
                                                   {"s", 1e9},    {"min", 6e10}, {"h", 3.6e12},
                                                   {"d", 8.64e13}};
  for (const auto& [name, nanoseconds] : kUnits) {
    if (error == std::errc{} && unit == name && std::isfinite(number) &&
        std::abs(number * nanoseconds) < 9e18) {
      return Duration{static_cast<std::int64_t>(std::llround(number * nanoseconds))};
    }
  }
  return InvalidArgument("\"" + text + "\" is not a time span; write 200ms, 10s, 15min or 1h");
}

bool IsLoopbackEndpoint(const std::string& endpoint) {
  if (endpoint.starts_with("inproc://")) return true;
  // libzmq takes several addresses, and a source address, in one endpoint.
  if (endpoint.find_first_of(";, ") != std::string::npos) return false;
  if (endpoint.starts_with("ipc://")) return true;
  const std::string prefix = "tcp://";
  const std::size_t colon = endpoint.rfind(':');
  if (!endpoint.starts_with(prefix) || colon == std::string::npos || colon < prefix.size()) {
    return false;
  }
  const std::string host = endpoint.substr(prefix.size(), colon - prefix.size());
  if (host == "localhost" || host == "[::1]") return true;
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

Result<LoadedConfig> ParseConfig(const std::string& text, const std::string& path) {
  Findings findings{path, {}, {}, {}};
  LoadedConfig loaded;
  Config& config = loaded.config;
  try {
    const YAML::Node whole = YAML::Load(text);
    if (whole.IsNull()) {
      return InvalidArgument(path +
                             ": is empty; config/example.yaml shows what a configuration holds");
    }
    Section root(whole, "", &findings);
    ReadAll(root, &config);
  } catch (const YAML::Exception& error) {
    findings.Error(error.mark, "not valid YAML: " + error.msg);
  }
  if (Status status = findings.status(); !status.ok()) return status;
  const auto base = std::filesystem::path(path).parent_path();
  for (std::string* file :
       {&config.state_dir, &config.tables_dir, &config.plugin_dir, &config.wall.web_root,
        &config.publishers.curve.secret_key_file, &config.consumers.curve.secret_key_file,
        &config.evidence.attachments_ca_file}) {
    MakeAbsolute(file, base);
  }
  for (FeedSection& feed : config.feeds) {
    feed.feed.plugin_dir = config.plugin_dir;
    feed.feed.drill_ids = config.fusion.drill_ids;
    MakeAbsolute(&feed.feed.plugin_path, base);
  }
  loaded.defaulted = std::move(findings.defaulted);
  loaded.lines = std::move(findings.lines);
  return loaded;
}

Result<LoadedConfig> LoadConfig(const std::string& path) {
  std::error_code none;
  if (std::filesystem::is_directory(path, none)) {
    return InvalidArgument(path + ": is a folder; give the configuration file in it");
  }
  std::ifstream file(path);
  if (!file) return NotFound(path + ": cannot be read; does it exist?");
  std::ostringstream text;
  text << file.rdbuf();
  return ParseConfig(text.str(), path);
}

EngineConfig EngineConfigOf(const Config& config) {
  EngineConfig engine;
  engine.gateway_id = config.gateway_id;
  for (const auto& feed : config.feeds) engine.feeds.push_back(feed.engine);
  for (const auto& camera : config.cameras) engine.cameras.push_back(camera.engine);
  engine.sites = config.sites;
  engine.windows = config.fusion.windows;
  engine.accept_sources = config.fusion.accept_sources;
  engine.drill_ids = config.fusion.drill_ids;
  engine.fetch_attachments = !config.evidence.attachment_hosts.empty();
  return engine;
}

}  // namespace fusiongateway
