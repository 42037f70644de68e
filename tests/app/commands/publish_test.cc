#include "app/commands/publish.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/clients/peer_gateway.h"
#include "tests/clients/temp_folder.h"

namespace fusiongateway {
namespace {

using client::PublisherPeer;
using client::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class PublishTest : public testing::Test {
 protected:
  PublishTest() { setenv("XDG_STATE_HOME", folder_.Path("state").c_str(), 1); }

  void Write(const std::string& text) { std::ofstream(file_) << text; }
  PublishOptions Options() {
    PublishOptions options;
    options.feed_id = "grid";
    options.endpoint = gateway_.endpoint();
    options.input = file_;
    options.patience = std::chrono::milliseconds(100);
    return options;
  }
  // Runs the command; its standard error is kept in said_.
  int Run(const PublishOptions& options) {
    testing::internal::CaptureStderr();
    const int status = RunPublish(options);
    said_ = testing::internal::GetCapturedStderr();
    return status;
  }
  std::vector<std::string> Taken() {
    std::lock_guard lock(gateway_.mutex());
    std::vector<std::string> all;
    for (const auto& [id, payloads] : gateway_.taken) {
      all.insert(all.end(), payloads.begin(), payloads.end());
    }
    return all;
  }

  TempFolder folder_;
  const std::string file_ = folder_.Path("events.ndjson");
  PublisherPeer gateway_;
  std::string said_;
};

TEST_F(PublishTest, EveryLineIsTakenOnceAndBlankOnesAreNoPayloads) {
  Write("{\"a\":1}\n\n{\"a\":2}\r\n{\"a\":3}");
  EXPECT_EQ(Run(Options()), 0) << said_;
  EXPECT_THAT(Taken(), ElementsAre("{\"a\":1}", "{\"a\":2}", "{\"a\":3}"));
  EXPECT_THAT(said_, HasSubstr("3 sent, 0 rejected"));
}

TEST_F(PublishTest, RepeatedRunSendsNothingTwice) {
  Write("one\ntwo\n");
  EXPECT_EQ(Run(Options()), 0);
  EXPECT_EQ(Run(Options()), 0);
  EXPECT_THAT(Taken(), ElementsAre("one", "two"));
  EXPECT_THAT(said_, HasSubstr("the first 2 lines were sent by an earlier run"));
}

TEST_F(PublishTest, GrownFileGoesOnAfterItsLastLine) {
  Write("one\ntwo");
  EXPECT_EQ(Run(Options()), 0);
  Write("one\ntwo\nbad three\n");
  EXPECT_EQ(Run(Options()), 1);
  EXPECT_THAT(Taken(), ElementsAre("one", "two", "bad three"));
  EXPECT_THAT(said_, HasSubstr("events.ndjson:3: MALFORMED"));
}

TEST_F(PublishTest, OtherContentOfTheSameNameIsSentWhole) {
  Write("one\ntwo\n");
  EXPECT_EQ(Run(Options()), 0);
  Write("1\n2\n3\n");
  EXPECT_EQ(Run(Options()), 0);
  EXPECT_THAT(Taken(), ElementsAre("one", "two", "1", "2", "3"));
}

TEST_F(PublishTest, AgainSendsTheWholeFile) {
  Write("one\n");
  EXPECT_EQ(Run(Options()), 0);
  PublishOptions options = Options();
  options.again = true;
  EXPECT_EQ(Run(options), 0);
  EXPECT_THAT(Taken(), ElementsAre("one", "one"));
}

TEST_F(PublishTest, RejectionNamesLineCodeMessageAndFieldAndFails) {
  Write("good\nbad\nfine\n");
  EXPECT_EQ(Run(Options()), 1);
  EXPECT_THAT(said_, HasSubstr("events.ndjson:2: MALFORMED not readable (eventId)"));
  EXPECT_EQ(Taken().size(), 3u);
}

TEST_F(PublishTest, LineThatIsTooLargeIsRejectedHereAndTheRestIsSent) {
  Write("one\n" + std::string(800'000, 'x') + "\nthree\n");
  EXPECT_EQ(Run(Options()), 1);
  EXPECT_THAT(said_, HasSubstr("events.ndjson:2: TOO_LARGE"));
  EXPECT_THAT(Taken(), ElementsAre("one", "three"));
}

TEST_F(PublishTest, WithoutAGatewayItGivesUpAndTheNextRunDelivers) {
  Write("one\ntwo\n");
  gateway_.Stop();
  EXPECT_EQ(Run(Options()), 1);
  EXPECT_THAT(said_, HasSubstr("2 stay in the outbox"));
  gateway_.Start();
  EXPECT_EQ(Run(Options()), 0) << said_;
  EXPECT_THAT(Taken(), ElementsAre("one", "two"));
}

TEST_F(PublishTest, RefusedFeedFailsWithTheGatewaysReason) {
  Write("one\n");
  gateway_.refuse_hello = "UNKNOWN_FEED";
  PublishOptions options = Options();
  options.patience = std::chrono::seconds(30);
  EXPECT_EQ(Run(options), 1);
  EXPECT_THAT(said_, HasSubstr("UNKNOWN_FEED"));
  EXPECT_THAT(said_, HasSubstr("correct --feed"));
  EXPECT_THAT(said_, Not(HasSubstr("run the same command again")));
}

TEST_F(PublishTest, AnOutboxOfARunThatSentNothingIsRemovedAndAnOlderOneIsKept) {
  Write("one\n");
  PublishOptions options = Options();
  options.outbox_file = folder_.Path("own.outbox");
  gateway_.refuse_hello = "UNKNOWN_FEED";
  EXPECT_EQ(Run(options), 1);
  EXPECT_THAT(said_, HasSubstr("nothing is kept"));
  EXPECT_FALSE(std::filesystem::exists(options.outbox_file));
  EXPECT_FALSE(std::filesystem::exists(options.outbox_file + "-wal"));

  gateway_.refuse_hello = "";
  gateway_.Stop();
  EXPECT_EQ(Run(options), 1);
  gateway_.refuse_hello = "FORBIDDEN";
  gateway_.Start();
  EXPECT_EQ(Run(options), 1);
  EXPECT_THAT(said_, HasSubstr("1 stay in the outbox " + options.outbox_file));
  EXPECT_TRUE(std::filesystem::exists(options.outbox_file));
}

TEST_F(PublishTest, JsonOverSeveralLinesIsToldApartFromBadPayloads) {
  Write("{\n  \"bad\": 1\n}\n");
  gateway_.reject_text = "{";
  EXPECT_EQ(Run(Options()), 1);
  EXPECT_THAT(said_, HasSubstr("one payload a line (NDJSON)"));
  Write("{\"text\": \"bad: one bracket { in a text\"}\n");
  gateway_.reject_text = "bad";
  EXPECT_EQ(Run(Options()), 1);
  EXPECT_THAT(said_, Not(HasSubstr("NDJSON")));
}

TEST_F(PublishTest, MissingFileAndBadKeysAreSaid) {
  PublishOptions options = Options();
  options.input = folder_.Path("none");
  EXPECT_EQ(Run(options), 1);
  EXPECT_THAT(said_, HasSubstr("cannot be read"));
  options = Options();
  Write("public_key: abc\n");
  options.key_file = file_;
  EXPECT_EQ(Run(options), 2);
  EXPECT_THAT(said_, HasSubstr("public_key is missing"));
}

TEST_F(PublishTest, CommandLineFillsTheOptions) {
  CLI::App app;
  PublishOptions options;
  BindPublish(&app, &options);
  app.parse("--feed hazmat --endpoint tcp://10.0.0.1:5701 --json --outbox o.db alarms.ndjson");
  EXPECT_EQ(options.feed_id, "hazmat");
  EXPECT_EQ(options.endpoint, "tcp://10.0.0.1:5701");
  EXPECT_TRUE(options.json);
  EXPECT_EQ(options.outbox_file, "o.db");
  EXPECT_EQ(options.input, "alarms.ndjson");
}

}  // namespace
}  // namespace fusiongateway
