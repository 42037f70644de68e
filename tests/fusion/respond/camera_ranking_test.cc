#include "fusion/respond/camera_ranking.h"

#include <gmock/gmock.h>

#include "tests/fusion/support/timeline.h"

namespace fusiongateway::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CameraRanking : public ::testing::Test {
 protected:
  std::vector<std::string> Rank(const Incident& incident, const std::set<std::string>& named = {}) {
    std::vector<std::string> ids;
    for (const IncidentCamera& camera : RankCameras(incident, named, City(config_))) {
      EXPECT_EQ(camera.rank, ids.size() + 1);
      ids.push_back(camera.camera_id);
    }
    return ids;
  }
  std::shared_ptr<EngineConfig> config_ = std::make_shared<EngineConfig>(DemoConfig());
};

TEST_F(CameraRanking, TheSiteComesFirstTankBeforeGateThenWhoCanSeeIt) {
  Incident incident;
  incident.site_id = kSiteId;
  incident.position = FromSite(0, 0);
  EXPECT_THAT(Rank(incident), ElementsAre("tank-101", "gate-1", kTowerId));
}

TEST_F(CameraRanking, ACameraTheEvidenceNamesComesEvenFromOutOfRange) {
  Incident incident;
  incident.position = FromSite(-3500, -4500);
  EXPECT_THAT(Rank(incident, {kTowerId}), ElementsAre(kTowerId));
}

TEST_F(CameraRanking, WithoutAPlaceOnlyNamedCamerasAreKnown) {
  EXPECT_THAT(Rank(Incident{}), IsEmpty());
  EXPECT_THAT(Rank(Incident{}, {"street-1"}), ElementsAre("street-1"));
}

TEST_F(CameraRanking, SaysWhyInWords) {
  Incident incident;
  incident.site_id = kSiteId;
  incident.position = FromSite(0, 0);
  const auto ranked = RankCameras(incident, {}, City(config_));
  EXPECT_EQ(ranked.at(0).why, "同一企业 410200007 · 储罐 · 34 米");
  EXPECT_THAT(ranked.at(2).why, HasSubstr("铁塔 · 1200 米"));
}

TEST_F(CameraRanking, IsBounded) {
  for (int i = 0; i < 100; ++i) {
    config_->cameras.push_back(
        {"extra-" + std::to_string(i), "", "street", "", FromSite(50, 50), 300});
  }
  Incident incident;
  incident.position = FromSite(0, 0);
  EXPECT_THAT(Rank(incident), SizeIs(kCamerasMax));
}

}  // namespace
}  // namespace fusiongateway::testing
