#include "fusion/sequence/secrecy.h"

#include <gtest/gtest.h>

namespace fusiongateway {
namespace {

Report Document(const std::string& report_id, const std::string& call_id,
                const std::string& main_call_id = "", bool restricted = false) {
  Report report;
  report.feed_id = "police110";
  report.report_id = report_id;
  report.restricted = restricted;
  PoliceCallDetail detail;
  detail.call_id = call_id;
  detail.main_call_id = main_call_id;
  report.detail = detail;
  return report;
}

bool Covers(Secrecy& secrecy, const Report& report) {
  std::vector<std::string> learned;
  return secrecy.Covers(report, &learned);
}

TEST(Secrecy, FeedbackAndDispatchOfASecretCallAreSecretWithoutSayingSo) {
  Secrecy secrecy;
  EXPECT_TRUE(Covers(secrecy, Document("J1", "J1", "", true)));
  EXPECT_TRUE(Covers(secrecy, Document("F1", "J1")));
  EXPECT_TRUE(Covers(secrecy, Document("P1", "J1")));
  EXPECT_FALSE(Covers(secrecy, Document("F2", "J2")));
}

TEST(Secrecy, AnUpdateWithoutTheMarkDoesNotLiftIt) {
  Secrecy secrecy;
  EXPECT_TRUE(Covers(secrecy, Document("J1", "J1", "", true)));
  EXPECT_TRUE(Covers(secrecy, Document("J1", "J1", "", false)));
}

TEST(Secrecy, ACallLinkedToASecretOneIsSecretAndSoAreItsOwnDocuments) {
  Secrecy secrecy;
  EXPECT_TRUE(Covers(secrecy, Document("J1", "J1", "", true)));
  EXPECT_TRUE(Covers(secrecy, Document("J2", "J2", "J1")));
  EXPECT_TRUE(Covers(secrecy, Document("F2", "J2")));
}

TEST(Secrecy, AnotherFeedsCallOfTheSameNumberIsNot) {
  Secrecy secrecy;
  EXPECT_TRUE(Covers(secrecy, Document("J1", "J1", "", true)));
  Report other = Document("J1", "J1");
  other.feed_id = "other";
  EXPECT_FALSE(Covers(secrecy, other));
}

TEST(Secrecy, SaysWhichCallsItHasLearnedAreSecretAndOnlyOnce) {
  Secrecy secrecy;
  std::vector<std::string> learned;
  EXPECT_TRUE(secrecy.Covers(Document("F1", "J1", "", true), &learned));
  EXPECT_EQ(learned, (std::vector<std::string>{"police110/F1", "police110/J1"}));
  learned.clear();
  EXPECT_TRUE(secrecy.Covers(Document("J2", "J2", "J1"), &learned));
  EXPECT_EQ(learned, (std::vector<std::string>{"police110/J2"}));
  EXPECT_TRUE(secrecy.Knows(Document("P2", "J2")));
  learned.clear();
  EXPECT_FALSE(secrecy.Covers(Document("J3", "J3"), &learned));
  EXPECT_TRUE(learned.empty());
}

}  // namespace
}  // namespace fusiongateway
