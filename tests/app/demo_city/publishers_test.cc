#include "app/demo_city/publishers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "app/demo_city/city.h"
#include "app/system_clock.h"
#include "tests/clients/peer_gateway.h"
#include "tests/clients/temp_folder.h"
#include "tests/support/patience.h"

namespace fusiongateway::demo_city {
namespace {

using fusiongateway::testing::Eventually;

using client::PublisherPeer;
using client::TempFolder;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Json = nlohmann::json;

constexpr double kPace = 160;  // the scenario in one second

class PublishersTest : public ::testing::Test {
 protected:
  PublishersTest() { EXPECT_TRUE(truth_.Open(truth_file_).ok()); }

  PublishersOptions Options(std::string endpoint) {
    PublishersOptions options;
    options.gateway = std::move(endpoint);
    options.state_folder = folder_.Path("outboxes");
    return options;
  }
  // Lines of the ground truth.
  std::vector<Json> Truth() const {
    std::vector<Json> lines;
    std::ifstream in(truth_file_);
    for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
    return lines;
  }

  TempFolder folder_;
  const std::string truth_file_ = folder_.Path("truth.jsonl");
  const SystemClock clock_;
  ScenarioClock scenario_{kPace};
  GroundTruth truth_;
};

TEST_F(PublishersTest, ScenarioIsPlayedAtItsPaceAndEveryTrueEventArrivesOnce) {
  PublisherPeer gateway;
  const UtcTime zero = clock_.UtcNow() + milliseconds(300);
  scenario_.Begin(zero);
  CityPublishers publishers(clock_, scenario_, truth_, Options(gateway.endpoint()));
  ASSERT_TRUE(publishers.Start().ok());
  ASSERT_TRUE(Eventually([&] { return publishers.scenario_over(); }));
  ASSERT_TRUE(publishers.Flush(seconds(10)).ok());
  publishers.Stop();

  std::set<std::string> taken;
  std::size_t taken_count = 0;
  for (const auto& [id, payloads] : gateway.taken) {
    for (const std::string& payload : payloads) {
      ++taken_count;
      taken.insert(payload);
    }
  }
  EXPECT_EQ(taken.size(), taken_count);
  const std::vector<Json> lines = Truth();
  // One line an event, one for the incident.
  EXPECT_EQ(lines.size(), taken_count + 1);
  std::vector<double> offsets;
  for (const Json& line : lines) {
    if (line["incident"] != kChlorineIncident || !line.contains("trueTime")) continue;
    const Duration since = *ParseRfc3339(line["trueTime"].get<std::string>()) - zero;
    offsets.push_back(std::chrono::duration<double>(since).count() * kPace);
  }
  ASSERT_EQ(offsets.size(), 5u);
  const std::vector<double> told{0, 70, 120, 120, 160};
  for (std::size_t i = 0; i < told.size(); ++i) {
    EXPECT_GE(offsets[i], told[i]);
    EXPECT_LT(offsets[i], told[i] + 5 * kPace) << "late by more than 5 s of real time";
  }
  EXPECT_EQ(publishers.dropped_count(), 0u);
}

TEST_F(PublishersTest, GroundTruthNamesTheIncidentItsReportsAndCameras) {
  std::vector<CityEvent> events;
  for (const ScenarioStep& step : ChlorineScenario()) {
    events.push_back(step.happen(clock_.UtcNow() + step.offset));
  }
  truth_.WriteChlorineIncident(events);
  const std::vector<Json> lines = Truth();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["classCode"], "12D02");
  EXPECT_EQ(lines[0]["reports"].size(), 5u);
  EXPECT_EQ(lines[0]["reports"][0]["reportId"], events[0].report_id);
  EXPECT_EQ(lines[0]["cameras"], Json({kTankCameraId, kGateCameraId, kTowerCameraId}));
}

TEST_F(PublishersTest, WhatHappensWithoutAGatewayIsDeliveredByTheNextRun) {
  PublisherPeer gateway;
  const std::string endpoint = gateway.endpoint();
  gateway.Stop();
  scenario_.Begin(clock_.UtcNow());
  std::uint64_t happened = 0;
  PublishersOptions options = Options(endpoint);
  options.scenario_only = true;
  {
    CityPublishers publishers(clock_, scenario_, truth_, options);
    ASSERT_TRUE(publishers.Start().ok());
    ASSERT_TRUE(Eventually([&] { return publishers.scenario_over(); }));
    happened = publishers.happened_count();
  }
  EXPECT_EQ(happened, 5u);
  gateway.Start();
  const ScenarioClock quiet;
  CityPublishers publishers(clock_, quiet, truth_, options);
  ASSERT_TRUE(publishers.Start().ok());
  ASSERT_TRUE(publishers.Flush(seconds(10)).ok());
  std::lock_guard lock(gateway.mutex());
  std::size_t taken = 0;
  for (const auto& [id, payloads] : gateway.taken) taken += payloads.size();
  EXPECT_EQ(taken, 5u);
}

TEST_F(PublishersTest, ASecondRunGoesOnInItsOutboxesAndPlaysTheScenarioAnewUnderNewIds) {
  PublisherPeer gateway;
  PublishersOptions options = Options(gateway.endpoint());
  options.scenario_only = true;
  for (int run = 0; run < 2; ++run) {
    ScenarioClock scenario(kPace);
    scenario.Begin(clock_.UtcNow());
    CityPublishers publishers(clock_, scenario, truth_, options);
    ASSERT_TRUE(publishers.Start().ok());
    ASSERT_TRUE(Eventually([&] { return publishers.scenario_over(); }));
    ASSERT_TRUE(publishers.Flush(seconds(10)).ok());
  }
  std::set<std::string> reports;
  for (const Json& line : Truth()) {
    if (line.contains("reportId")) reports.insert(line["reportId"].get<std::string>());
  }
  EXPECT_EQ(reports.size(), 10u);
  std::lock_guard lock(gateway.mutex());
  EXPECT_EQ(gateway.taken.size(), kFeeds.size()) << "one outbox a feed, in both runs";
  std::set<std::string> taken;
  std::size_t taken_count = 0;
  for (const auto& [id, payloads] : gateway.taken) {
    taken.insert(payloads.begin(), payloads.end());
    taken_count += payloads.size();
  }
  EXPECT_EQ(taken_count, 10u) << "five of each run";
  EXPECT_EQ(taken.size(), 10u) << "none twice";
}

TEST_F(PublishersTest, TruthThatCannotBeWrittenIsRefused) {
  GroundTruth truth;
  EXPECT_FALSE(truth.Open(folder_.Path("no/such/folder/truth.jsonl")).ok());
}

}  // namespace
}  // namespace fusiongateway::demo_city
