#include "app/commands/watch.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <sstream>

#include "tests/clients/peer_gateway.h"

namespace fusiongateway {
namespace {

using testing::HasSubstr;
using testing::Not;

class WatchTest : public testing::Test {
 protected:
  WatchOptions Options(std::uint64_t count) {
    WatchOptions options;
    options.endpoint = gateway_.endpoint();
    options.count = count;
    return options;
  }
  int Run(const WatchOptions& options) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = RunWatch(options);
    std::fflush(stdout);
    said_ = testing::internal::GetCapturedStderr();
    std::istringstream out(testing::internal::GetCapturedStdout());
    lines_.clear();
    for (std::string line; std::getline(out, line);) lines_.push_back(line);
    return status;
  }

  client::ConsumerPeer gateway_;
  std::vector<std::string> lines_;
  std::string said_;
};

TEST_F(WatchTest, JsonIsOneRecordALineAndEndsAtCount) {
  gateway_.Append(10);
  WatchOptions options = Options(4);
  options.json = true;
  EXPECT_EQ(Run(options), 0);
  ASSERT_EQ(lines_.size(), 4u);
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    v1::StreamRecord record;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(lines_[i], &record).ok()) << lines_[i];
    EXPECT_EQ(record.seq(), i + 1);
  }
}

TEST_F(WatchTest, AfterSkipsWhatWasSeen) {
  gateway_.Append(10);
  WatchOptions options = Options(1);
  options.json = true;
  options.after_seq = 7;
  EXPECT_EQ(Run(options), 0);
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_THAT(lines_[0], HasSubstr("\"seq\":\"8\""));
}

TEST_F(WatchTest, PlaceThatIsGoneIsSaidOnStandardError) {
  gateway_.Append(10);
  gateway_.oldest_seq = 5;
  WatchOptions options = Options(6);
  options.after_seq = 1;
  EXPECT_EQ(Run(options), 0);
  EXPECT_EQ(lines_.size(), 6u);
  EXPECT_THAT(said_, HasSubstr("the oldest is 5"));
}

TEST_F(WatchTest, AnotherJournalIsSaidAndReadFromItsBeginning) {
  gateway_.Append(3);
  WatchOptions options = Options(3);
  options.after_seq = 2;
  options.journal_id = "another";
  EXPECT_EQ(Run(options), 0);
  EXPECT_EQ(lines_.size(), 3u);
  EXPECT_THAT(said_, HasSubstr("another journal"));
}

TEST_F(WatchTest, PlaceAheadOfTheStreamFailsWithTheGatewaysReason) {
  gateway_.Append(3);
  WatchOptions options = Options(1);
  options.after_seq = 100;
  EXPECT_EQ(Run(options), 1);
  EXPECT_THAT(said_, HasSubstr("SEQ_AHEAD"));
}

TEST_F(WatchTest, UnknownStreamIsBadUsage) {
  WatchOptions options = Options(1);
  options.stream = "lively";
  EXPECT_EQ(Run(options), 2);
  EXPECT_THAT(said_, HasSubstr("live and settled"));
}

TEST_F(WatchTest, CommandLineFillsTheOptions) {
  CLI::App app;
  WatchOptions options;
  BindWatch(&app, &options);
  app.parse("--stream settled --after 12 --count 3 --json --bodies incident,report");
  EXPECT_EQ(options.stream, "settled");
  EXPECT_EQ(options.after_seq, 12u);
  EXPECT_EQ(options.count, 3u);
  EXPECT_TRUE(options.json);
  EXPECT_THAT(options.bodies, testing::ElementsAre("incident", "report"));
}

}  // namespace
}  // namespace fusiongateway
