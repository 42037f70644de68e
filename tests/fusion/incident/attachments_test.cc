// What comes of the pictures and clips that reports link: wished for once, noted in the evidence.
#include <gtest/gtest.h>

#include "tests/fusion/support/timeline.h"

namespace fusiongateway::testing {
namespace {

constexpr const char* kUrl = "http://nvr/1.jpg";

EngineConfig Fetching() {
  EngineConfig config = DemoConfig();
  config.fetch_attachments = true;
  return config;
}

Report Smoke(const std::string& id, std::string_view clock, const std::string& url = kUrl) {
  Report report = TowerSmoke(id, clock, FromSite(500, 0));
  report.attachments.push_back({"snapshot", url, "", 0, std::nullopt});
  return report;
}

AttachmentFetched Kept(const AttachmentWanted& wish, char byte = 'd') {
  AttachmentFetched fetched{wish.feed_id, wish.report_id, {wish.attachment, ""}};
  fetched.fetched.attachment.media_type = "image/jpeg";
  fetched.fetched.attachment.size_bytes = 7;
  fetched.fetched.attachment.digest = Digest{"sha256", std::string(32, byte)};
  return fetched;
}

TEST(Attachments, NothingIsWishedForWhereFetchingIsOff) {
  Timeline city;
  EXPECT_TRUE(city.Arrives(Smoke("t1", "10:00:00")).attachments_wanted.empty());
  EXPECT_TRUE(city.engine().PendingAttachments().empty());
}

TEST(Attachments, TheDigestStandsInTheEvidenceAndInItsNextRevisions) {
  Timeline city(Fetching());
  const auto wanted = city.Arrives(Smoke("t1", "10:00:00")).attachments_wanted;
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].attachment.url, kUrl);
  EXPECT_TRUE(city.IncidentOf("t1")->evidence[0].attachments.empty());

  const auto revision = city.IncidentOf("t1")->revision;
  const EngineOutput told = city.Log(BeijingTime("10:00:02"), Kept(wanted[0]));
  const IncidentPtr incident = city.IncidentOf("t1");
  EXPECT_EQ(incident->revision, revision + 1);
  EXPECT_EQ(incident->change.what, "attachments");
  ASSERT_EQ(incident->evidence[0].attachments.size(), 1u);
  EXPECT_EQ(incident->evidence[0].attachments[0], Kept(wanted[0]).fetched);
  EXPECT_TRUE(city.engine().PendingAttachments().empty());

  Report again = Smoke("t1", "10:01:00");
  again.severity = Severity::kExtreme;
  EXPECT_TRUE(city.Arrives(again).attachments_wanted.empty());
  EXPECT_EQ(city.IncidentOf("t1")->evidence[0].attachments.size(), 1u);
}

TEST(Attachments, AnAnswerTwiceOrForWhatNobodyAskedChangesNothing) {
  Timeline city(Fetching());
  const auto wanted = city.Arrives(Smoke("t1", "10:00:00")).attachments_wanted;
  ASSERT_EQ(wanted.size(), 1u);
  AttachmentWanted other = wanted[0];
  other.report_id = "t9";
  EXPECT_TRUE(city.Log(BeijingTime("10:00:02"), Kept(other)).live.empty());
  EXPECT_EQ(city.Log(BeijingTime("10:00:02"), Kept(wanted[0])).live.size(), 1u);
  EXPECT_TRUE(city.Log(BeijingTime("10:00:03"), Kept(wanted[0], 'e')).live.empty());
}

TEST(Attachments, ADuplicateWishesForNothingAndAnotherUrlIsAnotherWish) {
  Timeline city(Fetching());
  const Report smoke = Smoke("t1", "10:00:00");
  EXPECT_EQ(city.Arrives(smoke).attachments_wanted.size(), 1u);
  EXPECT_TRUE(city.Arrives(smoke).attachments_wanted.empty());
  const auto wanted = city.Arrives(Smoke("t1", "10:01:00", "http://nvr/2.jpg")).attachments_wanted;
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].attachment.url, "http://nvr/2.jpg");
  for (int i = 0; i < 20; ++i) {
    Report sweep = Smoke("t1", "10:02:00", "http://nvr/s" + std::to_string(i));
    sweep.summary = std::to_string(i);
    city.Arrives(sweep);
  }
  EXPECT_EQ(city.engine().PendingAttachments().size(), 8u);
}

TEST(Attachments, WhyThereIsNoneIsToldToo) {
  Timeline city(Fetching());
  const auto wanted = city.Arrives(Smoke("t1", "10:00:00")).attachments_wanted;
  ASSERT_EQ(wanted.size(), 1u);
  city.Log(BeijingTime("10:00:02"),
           AttachmentFetched{wanted[0].feed_id, "t1", {wanted[0].attachment, "HTTP_404"}});
  const IncidentPtr incident = city.IncidentOf("t1");
  ASSERT_EQ(incident->evidence[0].attachments.size(), 1u);
  EXPECT_EQ(incident->evidence[0].attachments[0].failure, "HTTP_404");
  EXPECT_EQ(incident->change.note, "snapshot: HTTP_404");
}

TEST(Attachments, WhatWasNotAnsweredIsKnownAfterAReplay) {
  Timeline city(Fetching());
  city.Arrives(Smoke("t1", "10:00:00"));
  const auto wanted = city.Arrives(Smoke("t2", "10:00:01")).attachments_wanted;
  city.Log(BeijingTime("10:00:03"), Kept(wanted.at(0)));
  Engine engine;
  EngineOutput all;
  for (const LogEntry& entry : city.log()) engine.Apply(entry, &all);
  EXPECT_EQ(Dump(all), Dump(city.all()));
  const auto pending = engine.PendingAttachments();
  ASSERT_EQ(pending.size(), 1u);
  EXPECT_EQ(pending[0].report_id, "t1");
}

TEST(Attachments, WhatBecomesSecretTakesItsPictureAlong) {
  Timeline city(Fetching());
  const auto wanted = city.Arrives(Smoke("t1", "10:00:00")).attachments_wanted;
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_FALSE(wanted[0].restricted);
  city.Log(BeijingTime("10:00:02"), Kept(wanted[0]));
  Report secret = Smoke("t1", "10:01:00");
  secret.restricted = true;
  secret.attachments.push_back({"clip", "http://nvr/1.mp4", "", 0, std::nullopt});
  const auto more = city.Arrives(secret).attachments_wanted;
  ASSERT_EQ(more.size(), 1u);
  EXPECT_TRUE(more[0].restricted);
  const IncidentPtr incident = city.IncidentOf("t1");
  ASSERT_TRUE(incident->restricted);
  ASSERT_EQ(incident->evidence.size(), 1u);
  EXPECT_EQ(incident->evidence[0].attachments.size(), 1u);
}

}  // namespace
}  // namespace fusiongateway::testing
