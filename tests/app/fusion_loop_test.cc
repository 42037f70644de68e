// The fusion loop with its real engine and journal; what it would tell is kept here.
#include "app/fusion_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>
#include <thread>

#include "proto/codec/codec.h"
#include "tests/delivery/journal/journal_samples.h"
#include "tests/fusion/support/timeline.h"

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kIncident = "kf-20261123-1";

class FusionLoopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = OpenSqliteJournal(folder_.File("journal.db"),
                                    JournalOptions{.gateway_id = "kf", .clock = clock_});
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    journal_ = std::move(*opened);
    loop_ = std::make_unique<FusionLoop>(
        journal_.get(), &clock_, testing::DemoConfig(), 100,
        FusionLoopCallbacks{[this](const CommittedThrough&) { committed_.release(); },
                            [](const std::string&) {}, [this] { room_made_.release(); },
                            [](const std::vector<FrameWanted>&) {}, [](const EngineOutput&) {},
                            [](const Status&) {}});
    ASSERT_TRUE(loop_->Recover().ok());
    loop_->Start();
    IngressBatch batch{"hazmat", "outbox-1", clock_.UtcNow(), {}};
    batch.items.emplace_back().seq = 1;
    batch.items[0].reports.push_back(
        std::make_shared<const Report>(testing::GasAlarm("alarm-1", "10:00:00", "H", 1.2)));
    ASSERT_TRUE(loop_->Reserve(batch.items.size()));
    loop_->Take(std::move(batch));
    committed_.acquire();
  }
  void TearDown() override { loop_->Stop(); }

  ActionResult Act(std::string id, std::string what, std::string reason = "",
                   std::string incident = kIncident, std::uint64_t expected = 0) {
    OperatorAction action;
    action.action_id = std::move(id);
    action.incident_id = std::move(incident);
    action.action = std::move(what);
    action.reason = std::move(reason);
    action.expected_revision = expected;
    const auto result = loop_->Act(action, std::chrono::seconds(20));
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.ok() ? *result : ActionResult{};
  }
  std::vector<OperatorAction> LoggedActions() const {
    std::vector<OperatorAction> actions;
    const Status read = journal_->ReadLog(1, [&actions](const LogEntry& entry) {
      if (const auto* action = std::get_if<OperatorAction>(&entry.body)) actions.push_back(*action);
      return true;
    });
    EXPECT_TRUE(read.ok()) << read.message();
    return actions;
  }
  // Every record of `live` as text.
  std::string LiveText() const {
    const auto records = journal_->ReadRecords(StreamId::kLive, 0, 1000);
    EXPECT_TRUE(records.ok());
    std::string text;
    for (const auto& record : *records) text += record->DebugString();
    return text;
  }

  TemporaryFolder folder_;
  SimulatedClock clock_{testing::BeijingTime("10:00:01")};
  std::unique_ptr<Journal> journal_;
  std::counting_semaphore<> committed_{0};
  std::counting_semaphore<> room_made_{0};
  std::unique_ptr<FusionLoop> loop_;
};

TEST_F(FusionLoopTest, WhoFoundNoRoomIsToldWhenThereIsSome) {
  constexpr std::size_t kMost = 64;
  ASSERT_TRUE(loop_->Reserve(kMost));
  EXPECT_FALSE(loop_->Reserve(kMost));
  IngressBatch batch{"hazmat", "outbox-1", clock_.UtcNow(), {}};
  for (std::size_t i = 0; i < kMost; ++i) batch.items.emplace_back().seq = 2 + i;
  loop_->Take(std::move(batch));
  // It may also be told before there is enough.
  do room_made_.acquire();
  while (!loop_->Reserve(kMost));
}

TEST_F(FusionLoopTest, RefusedActionsLeaveNothingInTheLogAndOnTheStream) {
  const std::uint64_t newest = journal_->range(StreamId::kLive).newest;
  for (int i = 0; i < 100; ++i) {
    const std::string id = std::to_string(i);
    EXPECT_EQ(Act("stale" + id, "close", "", kIncident, 77).code, StatusCode::kFailedPrecondition);
    EXPECT_EQ(Act("nowhere" + id, "close", "", "kf-20261123-99").code, StatusCode::kNotFound);
    EXPECT_EQ(Act("unknown" + id, "explode").code, StatusCode::kInvalidArgument);
  }
  EXPECT_THAT(LoggedActions(), SizeIs(0));
  EXPECT_EQ(journal_->range(StreamId::kLive).newest, newest);
  EXPECT_EQ(loop_->counters().actions_refused, 300u);
}

TEST_F(FusionLoopTest, ADoneActionIsAnsweredAgainAndARefusedOneIsTriedAgain) {
  EXPECT_EQ(Act("a", "accept", "", kIncident, 77).code, StatusCode::kFailedPrecondition);
  const ActionResult first = Act("a", "accept");
  EXPECT_EQ(first.code, StatusCode::kOk);
  EXPECT_EQ(Act("b", "close").code, StatusCode::kOk);
  const ActionResult again = Act("a", "accept");
  EXPECT_EQ(again.code, StatusCode::kOk);
  EXPECT_EQ(again.revision, first.revision);
  EXPECT_THAT(LoggedActions(), SizeIs(2));
}

TEST_F(FusionLoopTest, OfManyWhoSubmitALetterAtOnceOneIsTakenAndTheOthersAreToldSo) {
  IngressBatch batch{"hazmat", "outbox-1", clock_.UtcNow(), {}};
  batch.items.emplace_back().seq = 2;
  batch.items[0].refusal = Refusal{"UNKNOWN_TYPE", "", "dataType"};
  ASSERT_TRUE(loop_->Reserve(batch.items.size()));
  loop_->Take(std::move(batch));
  committed_.acquire();

  constexpr int kWriters = 8;
  std::atomic<int> taken{0};
  std::atomic<int> too_late{0};
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      LetterSubmission submission{"hazmat", 1, false, {}, std::nullopt};
      submission.reports.push_back(std::make_shared<const Report>(
          testing::GasAlarm("letter-" + std::to_string(i), "10:00:00", "H", 1.2)));
      const auto result = loop_->Submit(std::move(submission), std::chrono::seconds(20));
      if (result.ok() && result->state == DeadLetter::State::kTaken) ++taken;
      if (result.status().code() == StatusCode::kFailedPrecondition) ++too_late;
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(too_late, kWriters - 1);
  const std::string live = LiveText();
  int on_stream = 0;
  for (int i = 0; i < kWriters; ++i) {
    on_stream += live.find("report_id: \"letter-" + std::to_string(i) + "\"") != live.npos ? 1 : 0;
  }
  EXPECT_EQ(on_stream, 1);
  EXPECT_EQ(loop_->Submit({"hazmat", 1, true, {}, std::nullopt}, std::chrono::seconds(20))
                .status()
                .code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(loop_->Submit({"hazmat", 2, true, {}, std::nullopt}, std::chrono::seconds(20))
                .status()
                .code(),
            StatusCode::kNotFound);
}

TEST_F(FusionLoopTest, PhonesAndIdNumbersThatAnOperatorTypesAreMaskedEverywhere) {
  ASSERT_EQ(Act("a", "close", "回电13937812345，身份证410202198503121234，扬尘").code,
            StatusCode::kOk);
  const auto logged = LoggedActions();
  ASSERT_THAT(logged, SizeIs(1));
  EXPECT_EQ(logged[0].reason, "回电139****2345，身份证[证件号]，扬尘");
  const std::string live = LiveText();
  EXPECT_THAT(live, HasSubstr("139****2345"));
  EXPECT_THAT(live, Not(HasSubstr("13937812345")));
  EXPECT_THAT(live, Not(HasSubstr("410202198503121234")));
}

}  // namespace
}  // namespace fusiongateway
