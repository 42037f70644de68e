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

TEST(Secrecy, FeedbackAndDispatchOfASecretCallAreSecretWithoutSayingSo) {
  Secrecy secrecy;
  EXPECT_TRUE(secrecy.Covers(Document("J1", "J1", "", true)));
  EXPECT_TRUE(secrecy.Covers(Document("F1", "J1")));
  EXPECT_TRUE(secrecy.Covers(Document("P1", "J1")));
  EXPECT_FALSE(secrecy.Covers(Document("F2", "J2")));
}

TEST(Secrecy, AnUpdateWithoutTheMarkDoesNotLiftIt) {
  Secrecy secrecy;
  EXPECT_TRUE(secrecy.Covers(Document("J1", "J1", "", true)));
  EXPECT_TRUE(secrecy.Covers(Document("J1", "J1", "", false)));
}

TEST(Secrecy, ACallLinkedToASecretOneIsSecretAndSoAreItsOwnDocuments) {
  Secrecy secrecy;
  EXPECT_TRUE(secrecy.Covers(Document("J1", "J1", "", true)));
  EXPECT_TRUE(secrecy.Covers(Document("J2", "J2", "J1")));
  EXPECT_TRUE(secrecy.Covers(Document("F2", "J2")));
}

TEST(Secrecy, AnotherFeedsCallOfTheSameNumberIsNot) {
  Secrecy secrecy;
  EXPECT_TRUE(secrecy.Covers(Document("J1", "J1", "", true)));
  Report other = Document("J1", "J1");
  other.feed_id = "other";
  EXPECT_FALSE(secrecy.Covers(other));
}

}  // namespace
}  // namespace fusiongateway
