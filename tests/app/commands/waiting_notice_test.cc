#include "app/commands/waiting_notice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace fusiongateway {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// The seconds at which something is said, of so many waited in halves.
std::vector<double> SaidAt(WaitingNotice& notice, int seconds) {
  std::vector<double> said;
  for (int half = 1; half <= 2 * seconds; ++half) {
    if (!notice.Waited(milliseconds{500}).empty()) said.push_back(half / 2.0);
  }
  return said;
}

TEST(WaitingNoticeTest, IsSaidSeldomerAndSeldomerAndAtMostOnceAMinute) {
  WaitingNotice notice("tcp://h:1", "", "", "");
  EXPECT_THAT(SaidAt(notice, 190), ElementsAre(1, 2, 4, 8, 16, 32, 64, 124, 184));
}

TEST(WaitingNoticeTest, BeginsAnewOnceTheGatewayHasAnswered) {
  WaitingNotice notice("tcp://h:1", "", "", "");
  SaidAt(notice, 10);
  notice.Answered();
  EXPECT_THAT(SaidAt(notice, 3), ElementsAre(1, 2));
}

TEST(WaitingNoticeTest, AsksForWhatIsMostOftenWrong) {
  WaitingNotice notice("tcp://h:1", "事件流", "stream", "tcp://127.0.0.1:5702");
  EXPECT_THAT(notice.Waited(milliseconds{1000}),
              AllOf(HasSubstr("等待网关 tcp://h:1"), HasSubstr("is it running"),
                    HasSubstr("its stream endpoint (default tcp://127.0.0.1:5702)?")));
}

}  // namespace
}  // namespace fusiongateway
