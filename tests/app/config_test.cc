#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string ErrorOf(const std::string& text) {
  const auto loaded = ParseConfig(text, "site.yaml");
  if (loaded.ok()) return "accepted";
  EXPECT_EQ(loaded.status().code(), StatusCode::kInvalidArgument);
  return loaded.status().message();
}

TEST(ConfigTest, TheExampleNamesEveryKeyWithTheCodesDefault) {
  const auto example = LoadConfig(FG_SOURCE_DIR "/config/example.yaml");
  ASSERT_TRUE(example.ok()) << example.status().message();
  EXPECT_THAT(example->defaulted, IsEmpty()) << "keys the example does not show";

  // The same with nothing but what is required: every value is the code's own default.
  const auto bare = ParseConfig(
      "gateway_id: gateway-1\n"
      "sites: [{site_id: '410200007', points: [{device_id: 410200007002G0001QT001}]}]\n"
      "feeds: [{feed_id: hazmat, plugin: hazmat}]\n"
      "cameras: [{camera_id: tank-101, url: 'rtsp://127.0.0.1:8554/tank-101'}]\n",
      FG_SOURCE_DIR "/config/bare.yaml");
  ASSERT_TRUE(bare.ok()) << bare.status().message();
  const Config& a = example->config;
  const Config& b = bare->config;
  EXPECT_EQ(a.state_dir, b.state_dir);
  EXPECT_EQ(a.tables_dir, b.tables_dir);
  EXPECT_EQ(a.plugin_dir, b.plugin_dir);
  EXPECT_TRUE(a.publishers == b.publishers);
  EXPECT_TRUE(a.consumers == b.consumers);
  EXPECT_TRUE(a.wall == b.wall);
  EXPECT_TRUE(a.fusion == b.fusion);
  EXPECT_TRUE(a.evidence == b.evidence);
  EXPECT_TRUE(a.dead_letters == b.dead_letters);
  EXPECT_TRUE(EngineConfigOf(a) == EngineConfigOf(b));
  EXPECT_TRUE(a.sites == b.sites);
  const FeedConfig& fa = a.feeds[0].feed;
  const FeedConfig& fb = b.feeds[0].feed;
  EXPECT_EQ(fa.plugin_path, fb.plugin_path);
  EXPECT_EQ(fa.encoding, fb.encoding);
  EXPECT_EQ(fa.isolated, fb.isolated);
  EXPECT_EQ(fa.decode_timeout, fb.decode_timeout);
  EXPECT_EQ(fa.default_crs, fb.default_crs);
  EXPECT_EQ(fa.time_zone_offset, fb.time_zone_offset);
  EXPECT_EQ(fa.default_district, fb.default_district);
  EXPECT_EQ(fa.position_uncertainty_m, fb.position_uncertainty_m);
  EXPECT_EQ(fa.clock_error_max, fb.clock_error_max);
  EXPECT_EQ(fa.delay_max, fb.delay_max);
  EXPECT_EQ(fa.unsynchronised_bound, fb.unsynchronised_bound);
  EXPECT_EQ(fa.future_max, fb.future_max);
  EXPECT_EQ(fa.past_max, fb.past_max);
  EXPECT_EQ(a.feeds[0].quota_payloads_per_s, b.feeds[0].quota_payloads_per_s);
  EXPECT_EQ(a.feeds[0].http_tokens_sha256, b.feeds[0].http_tokens_sha256);
  const CameraConfig& ca = a.cameras[0].camera;
  const CameraConfig& cb = b.cameras[0].camera;
  EXPECT_EQ(ca.user, cb.user);
  EXPECT_EQ(ca.password, cb.password);
  EXPECT_EQ(ca.transport, cb.transport);
  EXPECT_EQ(ca.clock_error_max, cb.clock_error_max);
  EXPECT_EQ(ca.path_delay_max, cb.path_delay_max);
  EXPECT_EQ(ca.unsynchronised_bound, cb.unsynchronised_bound);
  EXPECT_EQ(ca.ring_seconds, cb.ring_seconds);
  EXPECT_EQ(ca.ring_bytes, cb.ring_bytes);
  EXPECT_EQ(ca.stall_after, cb.stall_after);
  EXPECT_EQ(ca.latency, cb.latency);
}

TEST(ConfigTest, TheDemoIsAccepted) {
  const auto demo = LoadConfig(FG_SOURCE_DIR "/config/demo.yaml");
  ASSERT_TRUE(demo.ok()) << demo.status().message();
  EXPECT_GE(demo->config.cameras.size(), 6u);
}

TEST(ConfigTest, AnUnknownKeyIsRefusedWithItsLine) {
  EXPECT_THAT(ErrorOf("gateway_id: a\nwall:\n  prot: 80\n"),
              HasSubstr("site.yaml:3: unknown key \"wall.prot\""));
}

TEST(ConfigTest, AWrongTypeIsRefusedWithItsLineAndWhatIsExpected) {
  EXPECT_THAT(ErrorOf("gateway_id: a\nwall:\n  port: many\n"),
              HasSubstr("site.yaml:3: \"wall.port\" must be a whole number"));
  EXPECT_THAT(ErrorOf("gateway_id: a\nfusion: {windows: {tower: six}}\n"),
              HasSubstr("must be a time span such as"));
  EXPECT_THAT(ErrorOf("gateway_id: a\nfeeds: 7\n"), HasSubstr("\"feeds\" must be a list"));
}

TEST(ConfigTest, ADecodeTimeoutThatNobodyWouldWaitForIsRefused) {
  const std::string feed = "gateway_id: a\nfeeds:\n  - {feed_id: x, plugin: grid, decode_timeout: ";
  EXPECT_EQ(ErrorOf(feed + "60s}\n"), "accepted");
  EXPECT_THAT(ErrorOf(feed + "61s}\n"), HasSubstr("at least 1ms and at most 60s"));
}

TEST(ConfigTest, AllThatIsWrongIsToldAtOnceEachWithItsLine) {
  EXPECT_EQ(ErrorOf("gateway_id: a\n"
                    "wall: {prot: 80}\n"
                    "sites:\n"
                    "  - site_id: s\n"
                    "    radius_m: -3\n"
                    "  - {name: nameless}\n"
                    "feeds:\n"
                    "  - {feed_id: x, plugin: grid, position_uncertainty_m: -1}\n"
                    "  - {feed_id: x, plugin: grid}\n"
                    "cameras:\n"
                    "  - camera_id: c\n"
                    "    url: http://h/c\n"
                    "    site_id: elsewhere\n"
                    "    range_m: far\n"
                    "colour: red\n"),
            "site.yaml:2: unknown key \"wall.prot\"; config/example.yaml lists all there are\n"
            "site.yaml:5: \"sites[0].radius_m\" must be at least 0\n"
            "site.yaml:6: \"sites[1].site_id\" is missing\n"
            "site.yaml:8: \"feeds[0].position_uncertainty_m\" must be at least 0\n"
            "site.yaml:9: feed_id \"x\" is used twice; it stands first in line 8\n"
            "site.yaml:12: camera \"c\": the url must begin with rtsp:// or rtsps://; nothing else "
            "is pulled\n"
            "site.yaml:13: camera \"c\" stands on site \"elsewhere\", which is not among sites\n"
            "site.yaml:14: \"cameras[0].range_m\" must be a number\n"
            "site.yaml:15: unknown key \"colour\"; config/example.yaml lists all there are");
}

TEST(ConfigTest, AFolderAndAnEmptyFileAreSaidToBeThat) {
  const auto folder = LoadConfig(FG_SOURCE_DIR "/config");
  ASSERT_FALSE(folder.ok());
  EXPECT_THAT(folder.status().message(), HasSubstr("is a folder"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("site.yaml: is empty"));
  EXPECT_THAT(ErrorOf("# nothing yet\n"), HasSubstr("site.yaml: is empty"));
  EXPECT_THAT(ErrorOf("just words\n"), HasSubstr("site.yaml:1: a configuration must be a mapping"));
}

TEST(ConfigTest, BrokenYamlIsRefusedWithItsLine) {
  EXPECT_THAT(ErrorOf("gateway_id: a\nwall: [\n"), HasSubstr("not valid YAML"));
}

TEST(ConfigTest, AMissingRequiredKeyIsNamed) {
  EXPECT_THAT(ErrorOf("wall: {}\n"), HasSubstr("\"gateway_id\" is missing"));
  EXPECT_THAT(ErrorOf("gateway_id: a\nfeeds: [{feed_id: x}]\n"),
              HasSubstr("\"feeds[0].plugin\" is missing"));
}

TEST(ConfigTest, NothingButLoopbackListensWithoutCredentials) {
  for (const char* open :
       {"publishers: {endpoint: 'tcp://0.0.0.0:5701'}", "publishers: {endpoint: 'tcp://*:5701'}",
        "consumers: {endpoint: 'tcp://192.168.1.5:5702'}",
        "publishers: {endpoint: 'tcp://127.0.0.1:5701;0.0.0.0:5701'}",
        "publishers: {endpoint: 'tcp://127.0.0.1.evil.example:5701'}",
        "consumers: {broadcast_endpoint: 'tcp://[::]:5703'}"}) {
    EXPECT_THAT(ErrorOf("gateway_id: a\n" + std::string(open) + "\n"),
                HasSubstr("has no credentials"))
        << open;
  }
  EXPECT_THAT(ErrorOf("gateway_id: a\nwall: {address: 0.0.0.0}\n"), HasSubstr("no accounts yet"));
  EXPECT_EQ(ErrorOf("gateway_id: a\nfeeds: [{feed_id: grid, plugin: grid}]\n"
                    "publishers: {endpoint: 'tcp://0.0.0.0:5701',"
                    " curve: {secret_key_file: k, keys: {abc: grid}}}\n"),
            "accepted");
}

TEST(ConfigTest, IdsUsedTwiceAndSitesThatDoNotExistAreRefused) {
  EXPECT_THAT(ErrorOf("gateway_id: a\nfeeds: [{feed_id: x, plugin: grid},{feed_id: x, plugin: "
                      "grid}]\n"),
              HasSubstr("\"x\" is used twice"));
  EXPECT_THAT(ErrorOf("gateway_id: a\ncameras: [{camera_id: c, url: 'rtsp://h/c', site_id: s}]\n"),
              HasSubstr("which is not among sites"));
}

TEST(ConfigTest, WhatWouldOnlyShowLaterIsRefusedNow) {
  EXPECT_THAT(ErrorOf("gateway_id: a\nfusion: {windows: {sensor: -5s}}\n"),
              HasSubstr("must be a time span"));
  EXPECT_THAT(ErrorOf("gateway_id: 'a/../b'\n"), HasSubstr("letters, digits"));
  EXPECT_THAT(ErrorOf("gateway_id: a\npublishers: {window_bytes: 1000}\n"),
              HasSubstr("busy for ever"));
  EXPECT_THAT(ErrorOf("gateway_id: a\ncameras: [{camera_id: c, url: 'rtsp://u:p@h/c'}]\n"),
              HasSubstr("must not carry user and password"));
}

TEST(ConfigTest, ASiteTellsItsPointsTheirLimitsAndItsHazardLevel) {
  const auto loaded = ParseConfig(
      "gateway_id: a\n"
      "sites:\n"
      "  - site_id: s\n"
      "    hazard_r: 62.5\n"
      "    device_ids: [d]\n"
      "    points:\n"
      "      - {device_id: q1, name: T-101, medium: chlorine, unit: ppm, high: 1, high_high: 3.5}\n"
      "      - {device_id: d}\n"
      "feeds: [{feed_id: old, plugin: police110, encoding: GB18030}]\n",
      "site.yaml");
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  const EngineConfig::Site& site = loaded->config.sites[0];
  EXPECT_EQ(site.hazard_level, 2u);
  EXPECT_EQ(site.device_ids, (std::vector<std::string>{"d", "q1"})) << "a point is a device";
  EXPECT_EQ(site.points[0].name, "T-101");
  EXPECT_EQ(site.points[0].high_high, 3.5);
  EXPECT_FALSE(site.points[0].low);
  EXPECT_EQ(EngineConfigOf(loaded->config).sites[0].device_ids, site.device_ids);
  EXPECT_EQ(loaded->config.feeds[0].feed.encoding, TextEncoding::kGb18030);
}

TEST(ConfigTest, TheHazardLevelFollowsFromRUnlessItIsGiven) {
  const auto level = [](const std::string& keys) {
    const auto loaded = ParseConfig("gateway_id: a\nsites: [{site_id: s, " + keys + "}]\n", "f");
    return loaded.ok() ? static_cast<int>(loaded->config.sites[0].hazard_level) : -1;
  };
  EXPECT_EQ(level("hazard_r: 100"), 1);
  EXPECT_EQ(level("hazard_r: 99.9"), 2);
  EXPECT_EQ(level("hazard_r: 50"), 2);
  EXPECT_EQ(level("hazard_r: 10"), 3);
  EXPECT_EQ(level("hazard_r: 9.9"), 4);
  EXPECT_EQ(level("hazard_r: 0"), 0);
  EXPECT_EQ(level("hazard_r: 9.9, hazard_level: 1"), 1);
  EXPECT_EQ(level("hazard_level: 5"), -1);
}

TEST(ConfigTest, LimitsThatCannotBeAreRefused) {
  const auto error = [](const std::string& point) {
    return ErrorOf("gateway_id: a\nsites: [{site_id: s, points: [" + point + "]}]\n");
  };
  EXPECT_THAT(error("{device_id: q, high: 3, high_high: 1}"), HasSubstr("must grow"));
  EXPECT_THAT(error("{device_id: q, low: 3, high_high: 3}"), HasSubstr("must grow"));
  EXPECT_THAT(error("{device_id: q, high: much}"), HasSubstr("must be a number, or none"));
  EXPECT_THAT(error("{device_id: q, higher: 1}"), HasSubstr("unknown key"));
  EXPECT_THAT(error("{device_id: q}, {device_id: q}"), HasSubstr("\"q\" is used twice"));
}

TEST(ConfigTest, AFeedsTokensAreHashesAndEachIsForOneFeed) {
  const std::string hash(64, 'a');
  const auto feeds = [](const std::string& first, const std::string& second) {
    return ErrorOf("gateway_id: a\nfeeds: [{feed_id: x, plugin: grid, http_tokens_sha256: ['" +
                   first + "']}, {feed_id: y, plugin: grid, http_tokens_sha256: ['" + second +
                   "']}]\n");
  };
  EXPECT_EQ(feeds(hash, std::string(64, 'b')), "accepted");
  EXPECT_THAT(feeds(hash, hash), HasSubstr("a token is for one feed"));
  const std::string token = "Zm9yZ2V0IG1lIG5vdCwgYnV0IGRvIG5vdCB0ZWxsIG1l";
  EXPECT_THAT(feeds(token, hash), HasSubstr("never a token"));
  EXPECT_THAT(feeds(token, hash), ::testing::Not(HasSubstr(token))) << "errors tell no secrets";
}

TEST(ConfigTest, RelativePathsAreTakenFromTheFilesFolder) {
  const auto loaded = ParseConfig("gateway_id: a\nstate_dir: s\n", "/etc/fg/site.yaml");
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->config.state_dir, "/etc/fg/s");
}

TEST(ConfigTest, TimeSpansNeedAUnit) {
  EXPECT_EQ(*ParseDuration("200ms"), std::chrono::milliseconds{200});
  EXPECT_EQ(*ParseDuration("1.5h"), std::chrono::minutes{90});
  for (const char* wrong : {"", "10", "s", "10 s", "10sec", "1e400s", "nans"}) {
    EXPECT_FALSE(ParseDuration(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace fusiongateway
