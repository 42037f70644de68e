#include "delivery/evidence/still_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace fusiongateway {
namespace {

namespace fs = std::filesystem;

class StillStoreTest : public ::testing::Test {
 protected:
  StillStoreTest() {
    std::string pattern = (fs::temp_directory_path() / "stills-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~StillStoreTest() override { fs::remove_all(directory_); }

  static Snapshot Still(const std::string& frame_id, std::size_t bytes = 1000) {
    Snapshot still;
    still.frame = {frame_id, "tank-1",
                   Stamp{UtcTime{std::chrono::seconds{1'790'000'000}},
                         std::chrono::milliseconds{21}, ClockSource::kSenderReport, 3},
                   true};
    still.jpeg = std::string(bytes, 'j');
    return still;
  }

  std::string directory_;
};

TEST_F(StillStoreTest, StillsAreTheirOwnersAlone) {
  fs::permissions(directory_, fs::perms(0755));
  StillStore store(directory_, 1 << 20);
  ASSERT_TRUE(store.Open().ok());
  ASSERT_TRUE(store.Save(Still("tank-1/1700000000000000/7"), false).ok());
  EXPECT_EQ(fs::status(directory_).permissions(), fs::perms(0700));
  for (const auto& still : fs::directory_iterator(directory_)) {
    EXPECT_EQ(still.status().permissions(), fs::perms(0600)) << still.path();
  }
}

TEST_F(StillStoreTest, AStillComesBackWithItsStampAfterARestart) {
  {
    StillStore store(directory_, 1 << 20);
    ASSERT_TRUE(store.Open().ok());
    ASSERT_TRUE(store.Save(Still("tank-1/1700000000000000/7"), false).ok());
  }
  StillStore store(directory_, 1 << 20);
  ASSERT_TRUE(store.Open().ok());
  const auto still = store.Load("tank-1/1700000000000000/7");
  ASSERT_TRUE(still.ok()) << still.status().message();
  EXPECT_EQ(still->frame.captured, Still("").frame.captured);
  EXPECT_EQ(still->frame.camera_id, "tank-1");
  EXPECT_EQ(still->jpeg, std::string(1000, 'j'));
  EXPECT_EQ(store.statistics().files, 1u);
}

TEST_F(StillStoreTest, TheOldestGoFirstWhenTheBoundIsReached) {
  StillStore store(directory_, 3500);
  ASSERT_TRUE(store.Open().ok());
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(store.Save(Still("tank-1/1/" + std::to_string(i)), false).ok());
  }
  EXPECT_EQ(store.Load("tank-1/1/1").status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(store.Load("tank-1/1/4").ok());
  EXPECT_LE(store.statistics().bytes, 3500u);
  EXPECT_EQ(store.statistics().dropped_oldest, 1u);
}

TEST_F(StillStoreTest, AnIdThatIsNoFrameIdReachesNoFile) {
  StillStore store(directory_, 1 << 20);
  ASSERT_TRUE(store.Open().ok());
  for (const char* id : {"", "../../etc/passwd", "a/b", "a/b/c/d", "a/1/\n", "a/1/2%00"}) {
    EXPECT_FALSE(store.Load(id).ok()) << id;
    EXPECT_FALSE(store.Save(Still(id), false).ok()) << id;
  }
}

TEST_F(StillStoreTest, ADamagedFileIsDataLossAndAHalfWrittenOneIsSweptAway) {
  std::ofstream(directory_ + "/tank-1~1~1.still") << "fusion-gateway still 1\n\xff\xff";
  std::ofstream(directory_ + "/tank-1~1~2.still.part") << "half";
  StillStore store(directory_, 1 << 20);
  ASSERT_TRUE(store.Open().ok());
  EXPECT_EQ(store.Load("tank-1/1/1").status().code(), StatusCode::kDataLoss);
  EXPECT_FALSE(fs::exists(directory_ + "/tank-1~1~2.still.part"));
}

}  // namespace
}  // namespace fusiongateway
