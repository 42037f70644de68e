#include "delivery/evidence/attachment_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace fusiongateway {
namespace {

namespace fs = std::filesystem;

const std::string kJpeg = "\xFF\xD8\xFF the picture";
// printf '\xff\xd8\xff the picture' | sha256sum
const std::string kJpegName =
    "sha256-1b72d3fd5e39e7cc86c815199a15943b99b46363a18ecb4bbb306e281ac7f8ca";

class AttachmentStoreTest : public ::testing::Test {
 protected:
  AttachmentStoreTest() {
    std::string pattern = (fs::temp_directory_path() / "attachments-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~AttachmentStoreTest() override { fs::remove_all(directory_); }

  std::string directory_;
};

TEST_F(AttachmentStoreTest, WhatIsKeptComesBackByItsDigestAfterARestart) {
  {
    AttachmentStore store(directory_, 1 << 20);
    ASSERT_TRUE(store.Open().ok());
    const auto digest = store.Save(kJpeg, false);
    ASSERT_TRUE(digest.ok());
    EXPECT_EQ(ToName(*digest), kJpegName);
  }
  std::ofstream(directory_ + "/sha256-00.attachment.part") << "half";
  AttachmentStore store(directory_, 1 << 20);
  ASSERT_TRUE(store.Open().ok());
  const auto kept = store.Load(kJpegName);
  ASSERT_TRUE(kept.ok()) << kept.status().message();
  EXPECT_EQ(kept->bytes, kJpeg);
  EXPECT_EQ(kept->media_type, "image/jpeg");
  EXPECT_FALSE(fs::exists(directory_ + "/sha256-00.attachment.part"));
}

TEST_F(AttachmentStoreTest, TheSamePictureIsKeptOnceAndItsAgeRenewed) {
  AttachmentStore store(directory_, 2500);
  ASSERT_TRUE(store.Open().ok());
  const std::string first = "\xFF\xD8\xFF" + std::string(1000, '1');
  const std::string second = "\xFF\xD8\xFF" + std::string(1000, '2');
  const auto first_digest = store.Save(first, false);
  const auto second_digest = store.Save(second, false);
  ASSERT_TRUE(store.Save(first, false).ok());
  EXPECT_EQ(store.statistics().files, 2u);
  ASSERT_TRUE(store.Save("\xFF\xD8\xFF" + std::string(1000, '3'), false).ok());
  EXPECT_TRUE(store.Load(ToName(*first_digest)).ok());
  EXPECT_EQ(store.Load(ToName(*second_digest)).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(store.statistics().dropped_oldest, 1u);
}

TEST_F(AttachmentStoreTest, WhatIsOrBecomesRestrictedIsKeptAndNotLoaded) {
  AttachmentStore store(directory_, 1 << 20);
  ASSERT_TRUE(store.Open().ok());
  const auto restricted = store.Save("\xFF\xD8\xFF secret", true);
  ASSERT_TRUE(restricted.ok());
  EXPECT_EQ(store.Load(ToName(*restricted)).status().code(), StatusCode::kNotFound);

  const auto digest = store.Save(kJpeg, false);
  ASSERT_TRUE(store.Load(kJpegName).ok());
  store.Restrict(*digest);
  store.Restrict(*digest);
  EXPECT_EQ(store.Load(kJpegName).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(store.statistics().files, 2u);
  EXPECT_TRUE(fs::exists(directory_ + "/" + kJpegName + ".restricted"));
}

TEST_F(AttachmentStoreTest, AChangedFileIsDataLoss) {
  AttachmentStore store(directory_, 1 << 20);
  ASSERT_TRUE(store.Open().ok());
  ASSERT_TRUE(store.Save(kJpeg, false).ok());
  std::ofstream(directory_ + "/" + kJpegName + ".attachment") << kJpeg << "!";
  EXPECT_EQ(store.Load(kJpegName).status().code(), StatusCode::kDataLoss);
}

TEST_F(AttachmentStoreTest, ANameThatIsNoDigestReachesNoFile) {
  AttachmentStore store(directory_ + "/kept", 1 << 20);
  ASSERT_TRUE(store.Open().ok());
  std::ofstream(directory_ + "/other.attachment") << kJpeg;
  for (const char* name : {"", "../other", "sha256-", "sha256-../other", "md5-00"}) {
    EXPECT_EQ(store.Load(name).status().code(), StatusCode::kNotFound) << name;
  }
  EXPECT_EQ(store.Load("sha256-" + std::string(64, 'A')).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace fusiongateway
