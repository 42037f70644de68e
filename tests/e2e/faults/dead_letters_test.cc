// Rejected payloads are listed, and submitted again through the running gateway: each at most once.
#include <gmock/gmock.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "app/commands/wall_client.h"
#include "proto/codec/codec.h"
#include "tests/e2e/faults/payloads.h"
#include "tests/e2e/faults/raw_publisher.h"
#include "tests/e2e/faults/stream_reader.h"
#include "tests/support/gateway_process.h"

namespace fusiongateway::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DeadLetters : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = GatewayProcess::Start({});
    ASSERT_TRUE(started.ok()) << started.status().message();
    gateway_ = std::move(*started);
    publisher_ = std::make_unique<RawPublisher>(gateway_->endpoints().publishers, "hazmat", "box");
    ASSERT_FALSE(publisher_->Hello().session().empty());
    wall_ = gateway_->endpoints().wall;
    store_ = gateway_->state_dir() + "/journal.db";
  }

  // `dead-letters VERB WHERE …`; its exit status, what it said in said_.
  int Run(std::vector<std::string> words) {
    words.insert(words.begin(), "dead-letters");
    const ProgramResult result = RunProgram(words);
    said_ = result.output;
    return result.exit_status;
  }
  std::string Write(const std::string& name, const std::string& text) {
    const auto path = gateway_->folder() / name;
    std::ofstream(path) << text;
    return path.string();
  }

  std::unique_ptr<GatewayProcess> gateway_;
  std::unique_ptr<RawPublisher> publisher_;
  std::string wall_;
  std::string store_;
  std::string said_;
};

TEST_F(DeadLetters, AreListedAndShownMaskedFromTheFileInUseAndOverHttp) {
  publisher_->Publish(
      1, {R"({"dataType":"poem","note":"call 13912345678"})", Alarm("good"), R"({"alarmId":"x"})"});
  ASSERT_TRUE(publisher_->AwaitAck(3));
  for (const std::string& where : {store_, wall_}) {
    SCOPED_TRACE(where);
    ASSERT_EQ(Run({"list", where, "--feed", "hazmat"}), 0) << said_;
    EXPECT_THAT(said_, HasSubstr("UNKNOWN_TYPE (dataType)"));
    EXPECT_THAT(said_, HasSubstr("MISSING_FIELD (dataType)"));
    EXPECT_THAT(said_, HasSubstr("2 dead letters"));
    ASSERT_EQ(Run({"list", where, "--feed", "hazmat", "--code", "UNKNOWN_TYPE", "--json"}), 0);
    EXPECT_THAT(said_, Not(HasSubstr("MISSING_FIELD")));
    ASSERT_EQ(Run({"show", where, "--feed", "hazmat", "1"}), 0) << said_;
    EXPECT_THAT(said_, HasSubstr("call 139****5678"));
    EXPECT_THAT(said_, Not(HasSubstr("13912345678")));
  }
  EXPECT_EQ(Run({"show", store_, "99"}), 1);
}

TEST_F(DeadLetters, AnEditedPayloadIsTakenOnceAndMarked) {
  publisher_->Publish(1, {R"({"dataType":"alarmm","alarmId":"A-9"})"});
  ASSERT_TRUE(publisher_->AwaitAck(1));
  const std::vector<std::string> resubmit = {"resubmit", wall_, "--feed", "hazmat", "1"};
  EXPECT_EQ(Run(resubmit), 1) << "as it was it is refused again";
  EXPECT_THAT(said_, HasSubstr("refused again: UNKNOWN_TYPE"));

  std::vector<std::string> edited = resubmit;
  edited.insert(edited.end(), {"--payload", Write("edited.json", Alarm("A-9"))});
  ASSERT_EQ(Run(edited), 0) << said_;
  EXPECT_THAT(said_, HasSubstr("taken: 1 report(s)"));
  EXPECT_EQ(Run(edited), 1) << "never twice";
  EXPECT_THAT(said_, HasSubstr("dealt with before"));

  StreamReader reader(gateway_->endpoints().consumers);
  publisher_->Publish(2, {Alarm("after")});
  ASSERT_TRUE(publisher_->AwaitAck(2)) << "its publisher's session was not disturbed";
  ASSERT_TRUE(reader.ReadUntilReport("after"));
  EXPECT_EQ(reader.CountReports("A-9"), 1);
  ASSERT_EQ(Run({"list", store_, "--all", "--json"}), 0);
  EXPECT_THAT(said_,
              HasSubstr("\"receivedAt\":\"" +
                        FormatRfc3339(FromWire(reader.FindReport("A-9")->received_at())) + "\""))
      << "taken as of its first arrival";

  gateway_->Kill();
  ASSERT_TRUE(gateway_->Restart().ok());
  ASSERT_EQ(Run({"list", store_, "--all"}), 0);
  EXPECT_THAT(said_, HasSubstr("[TAKEN]"));
  ASSERT_EQ(Run({"list", store_}), 0);
  EXPECT_THAT(said_, HasSubstr("0 dead letters"));
}

// What is submitted again after the kill bears another id: the stream shows which of the two was
// taken.
TEST_F(DeadLetters, AKillInBetweenLosesNoneThatWasAnsweredAndTakesNoneTwice) {
  constexpr int kLetters = 300;
  publisher_->Publish(1, std::vector<std::string>(kLetters, R"({"dataType":"poem"})"));
  ASSERT_TRUE(publisher_->AwaitAck(kLetters));
  const auto submit = [this](int id, const std::string& alarm_id) {
    const auto answer = AskWall(
        wall_, "POST", "/api/v1/feeds/hazmat/dead-letters/" + std::to_string(id) + "/resubmit",
        R"({"payload":)" + Alarm(alarm_id) + "}");
    return answer.ok() ? answer->status : 0;
  };
  std::vector<bool> answered(kLetters + 1, false);
  std::atomic<int> done{0};
  std::thread submitter([&] {
    for (int id = 1; id <= kLetters; ++id) {
      const int status = submit(id, "first-" + std::to_string(id));
      if (status != 200) break;
      answered[static_cast<std::size_t>(id)] = true;
      ++done;
    }
  });
  EXPECT_TRUE(Eventually([&] { return done > 20; }));
  gateway_->SendKill();
  submitter.join();
  gateway_->Kill();
  ASSERT_LT(done, kLetters) << "killed too late to show anything";

  ASSERT_TRUE(gateway_->Restart().ok());
  for (int id = 1; id <= kLetters; ++id) {
    const int status = submit(id, "again-" + std::to_string(id));
    const bool before = answered[static_cast<std::size_t>(id)];
    EXPECT_TRUE(before ? status == 409 : status == 200 || status == 409) << id << ": " << status;
  }
  StreamReader reader(gateway_->endpoints().consumers);
  ASSERT_TRUE(reader.ReadUntilReport("again-" + std::to_string(kLetters)));
  for (int id = 1; id <= kLetters; ++id) {
    const int first = reader.CountReports("first-" + std::to_string(id));
    const int again = reader.CountReports("again-" + std::to_string(id));
    EXPECT_EQ(first + again, 1) << id;
    if (answered[static_cast<std::size_t>(id)]) {
      EXPECT_EQ(first, 1) << id;
    }
  }
}

TEST_F(DeadLetters, AllOfOneCodeAreDealtWithAtOnce) {
  std::vector<std::string> payloads;
  for (int i = 0; i < 20; ++i) payloads.push_back(R"({"dataType":"poem"})");
  payloads.push_back("rubbish");
  publisher_->Publish(1, payloads);
  ASSERT_TRUE(publisher_->AwaitAck(21));
  EXPECT_EQ(Run({"resubmit", wall_, "--feed", "hazmat", "--code", "UNKNOWN_TYPE"}), 1);
  EXPECT_THAT(said_, HasSubstr("0 dealt with, 20 not"));
  EXPECT_EQ(Run({"drop", wall_, "--feed", "hazmat", "--code", "UNKNOWN_TYPE"}), 0) << said_;
  ASSERT_EQ(Run({"list", wall_, "--feed", "hazmat"}), 0);
  EXPECT_THAT(said_, HasSubstr("1 dead letters"));
  EXPECT_THAT(said_, HasSubstr("MALFORMED"));
  EXPECT_EQ(gateway_->Metric("dead_letters"), 21);
}

TEST_F(DeadLetters, ASecretOneIsListedOverHttpWithoutItsText) {
  publisher_->Publish(1, {R"({"dataType":"机密内容","SFBM":"1"})"});
  ASSERT_TRUE(publisher_->AwaitAck(1));
  for (const char* path : {"", "/1"}) {
    const HttpAnswer answer =
        gateway_->Get(std::string("/api/v1/feeds/hazmat/dead-letters") + path);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr("\"restricted\":true"));
    EXPECT_THAT(answer.body, Not(HasSubstr("机密内容")));
  }
  EXPECT_EQ(Run({"resubmit", wall_, "--feed", "hazmat", "1"}), 1);
  EXPECT_THAT(said_, HasSubstr("UNKNOWN_TYPE"));
  EXPECT_THAT(said_, Not(HasSubstr("机密内容")));
  ASSERT_EQ(Run({"show", store_, "1"}), 0);
  EXPECT_THAT(said_, HasSubstr("机密内容")) << "who may read the file may read it";
}

TEST_F(DeadLetters, BadUsageIsSaid) {
  EXPECT_EQ(Run({"resubmit", store_, "--feed", "hazmat", "1"}), 2);
  EXPECT_THAT(said_, HasSubstr("only a running gateway"));
  EXPECT_EQ(Run({"resubmit", wall_, "--feed", "hazmat"}), 2);
  EXPECT_EQ(Run({"list", wall_}), 2);
  EXPECT_EQ(Run({"resubmit", wall_, "--feed", "hazmat", "7"}), 1);
  EXPECT_THAT(said_, HasSubstr("there is no dead letter 7"));
  EXPECT_EQ(Run({"resubmit", wall_, "--feed", "none", "7"}), 1);
  EXPECT_EQ(Run({"list", "http://127.0.0.1:1", "--feed", "hazmat"}), 1);
  EXPECT_THAT(said_, HasSubstr("is the gateway running there?"));
}

}  // namespace
}  // namespace fusiongateway::testing
