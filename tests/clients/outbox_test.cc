#include "clients/cpp/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/clients/temp_folder.h"

namespace fusiongateway::client {
namespace {

using testing::HasSubstr;

class OutboxTest : public testing::Test {
 protected:
  std::unique_ptr<Outbox> Open(OutboxLimits limits = {}) {
    auto outbox = Outbox::Open(path_, "grid", limits);
    EXPECT_TRUE(outbox.ok()) << outbox.status().message();
    return outbox.ok() ? std::move(*outbox) : nullptr;
  }
  static Result<std::uint64_t> Append(Outbox& outbox, const std::string& payload) {
    const OutboxPayload one{payload, ""};
    return outbox.Append({&one, 1}, nullptr);
  }

  TempFolder folder_;
  const std::string path_ = folder_.Path("sub/grid.outbox");
};

TEST_F(OutboxTest, FilesAndFoldersAreTheirOwnersAlone) {
  const auto mode = [](const std::string& path) {
    struct stat found {};
    EXPECT_EQ(stat(path.c_str(), &found), 0) << path;
    return found.st_mode & 0777;
  };
  auto outbox = Open();
  ASSERT_TRUE(Append(*outbox, "a").ok());
  EXPECT_EQ(mode(path_), 0600u);
  EXPECT_EQ(mode(path_ + "-wal"), 0600u);
  EXPECT_EQ(mode(folder_.Path("sub")), 0700u);
  // One that an earlier version made.
  outbox.reset();
  ASSERT_EQ(chmod(path_.c_str(), 0644), 0);
  outbox = Open();
  ASSERT_TRUE(Append(*outbox, "b").ok());
  EXPECT_EQ(mode(path_), 0600u);
  EXPECT_EQ(mode(path_ + "-wal"), 0600u);
}

TEST_F(OutboxTest, SeqsGoOnAcrossReopeningEvenWhenAllIsAcked) {
  std::string id;
  {
    auto outbox = Open();
    id = outbox->id();
    EXPECT_EQ(id.size(), 32u);
    EXPECT_EQ(*Append(*outbox, "a"), 1u);
    EXPECT_EQ(*Append(*outbox, "b"), 2u);
    ASSERT_TRUE(outbox->Acknowledge(2).ok());
    EXPECT_EQ(outbox->payload_count(), 0u);
  }
  auto outbox = Open();
  EXPECT_EQ(outbox->id(), id);
  EXPECT_EQ(outbox->acked_through(), 2u);
  EXPECT_EQ(*Append(*outbox, "c"), 3u);
}

TEST_F(OutboxTest, HellosAreCountedAcrossReopeningAndRenewal) {
  EXPECT_EQ(*Open()->CountHello(), 1u);
  auto outbox = Open();
  EXPECT_EQ(*outbox->CountHello(), 2u);
  ASSERT_TRUE(outbox->Renew().ok());
  EXPECT_EQ(*outbox->CountHello(), 3u);
}

TEST_F(OutboxTest, NothingOfACallThatDoesNotFitIsTaken) {
  auto outbox = Open({.payloads = 10, .bytes = 5});
  const std::vector<OutboxPayload> payloads{{"abc", ""}, {"def", ""}};
  const Bookmark mark{"m", "1"};
  EXPECT_EQ(outbox->Append(payloads, &mark).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(outbox->payload_count(), 0u);
  EXPECT_EQ(*outbox->ReadBookmark("m"), "");
  EXPECT_EQ(*Append(*outbox, "abc"), 1u);
  EXPECT_EQ(outbox->byte_count(), 3u);
}

TEST_F(OutboxTest, ReadIsBoundedByCountAndBytesButGivesAtLeastOne) {
  auto outbox = Open();
  for (const char* payload : {"aaaa", "bbbb", "cccc"}) ASSERT_TRUE(Append(*outbox, payload).ok());
  EXPECT_EQ(outbox->Read(0, 2, 100)->size(), 2u);
  EXPECT_EQ(outbox->Read(0, 9, 8)->size(), 2u);
  EXPECT_EQ(outbox->Read(1, 9, 1)->size(), 1u);
  EXPECT_EQ(outbox->Read(1, 9, 1)->front().seq, 2u);
  EXPECT_TRUE(outbox->Read(3, 9, 100)->empty());
}

TEST_F(OutboxTest, AckOfWhatWasNeverGivenOutIsRefused) {
  auto outbox = Open();
  ASSERT_TRUE(Append(*outbox, "a").ok());
  EXPECT_EQ(outbox->Acknowledge(2).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(outbox->payload_count(), 1u);
}

TEST_F(OutboxTest, RenewNumbersWhatWaitsFromOneUnderANewId) {
  auto outbox = Open();
  const std::string id = outbox->id();
  for (const char* payload : {"a", "b", "c", "d"}) ASSERT_TRUE(Append(*outbox, payload).ok());
  ASSERT_TRUE(outbox->Acknowledge(2).ok());
  EXPECT_EQ(*outbox->Renew(), 2u);
  EXPECT_NE(outbox->id(), id);
  EXPECT_EQ(outbox->acked_through(), 0u);
  EXPECT_EQ(outbox->last_seq(), 2u);
  EXPECT_EQ(outbox->totals().given_out, 4u);
  EXPECT_EQ(outbox->totals().acked, 2u) << "who waits for a payload is not misled by its new seq";
  const auto items = *outbox->Read(0, 9, 100);
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].seq, 1u);
  EXPECT_EQ(items[0].payload, "c");
  EXPECT_EQ(items[1].payload, "d");
}

TEST_F(OutboxTest, AnotherFeedsOutboxIsRefused) {
  Open();
  EXPECT_THAT(Outbox::Open(path_, "hazmat", {}).status().message(), HasSubstr("\"grid\""));
}

TEST_F(OutboxTest, SecondOwnerIsRefused) {
  auto outbox = Open();
  EXPECT_THAT(Outbox::Open(path_, "grid", {}).status().message(), HasSubstr("in use"));
}

TEST_F(OutboxTest, DamagedFileIsRefusedAndNamed) {
  const std::string path = folder_.Path("broken.outbox");
  std::ofstream(path) << std::string(5000, 'x');
  const Status status = Outbox::Open(path, "grid", {}).status();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr(path));
}

TEST_F(OutboxTest, WhatAppendReturnedSurvivesBeingKilled) {
  int told[2];
  ASSERT_EQ(pipe(told), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto outbox = Outbox::Open(path_, "grid", {});
    for (int i = 0; outbox.ok(); ++i) {
      const OutboxPayload one{"p" + std::to_string(i), ""};
      auto seq = (*outbox)->Append({&one, 1}, nullptr);
      if (!seq.ok() || write(told[1], &*seq, sizeof *seq) < 0) break;
    }
    _exit(1);
  }
  close(told[1]);
  std::uint64_t last_told = 0;
  std::uint64_t seq = 0;
  while (last_told < 50 && read(told[0], &seq, sizeof seq) == sizeof seq) last_told = seq;
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  while (read(told[0], &seq, sizeof seq) == sizeof seq) last_told = seq;
  close(told[0]);
  ASSERT_GE(last_told, 50u);
  auto outbox = Open();
  EXPECT_GE(outbox->last_seq(), last_told);
  EXPECT_EQ(outbox->payload_count(), outbox->last_seq());
}

}  // namespace
}  // namespace fusiongateway::client
