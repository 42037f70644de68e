#include "pipeline/analysis/decode_worker.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "app/system_clock.h"
#include "tests/pipeline/analysis/coded_clip.h"
#include "tests/support/patience.h"

namespace fusiongateway {
namespace {

using fusiongateway::testing::Eventually;

using std::chrono::milliseconds;
using std::chrono::seconds;

class DecodeWorkerTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(worker.Start().ok()); }

  SystemClock clock;
  DecodeWorker worker{WORKER_PROGRAM, clock};
};

CodedSequence Upto(const CodedSequence& clip, std::size_t last) {
  return {clip.codec, {clip.frames.begin(), clip.frames.begin() + static_cast<long>(last) + 1}};
}

TEST_F(DecodeWorkerTest, GivesExactlyTheFrameAskedFor) {
  for (const ClipForm& form :
       {ClipForm{}, ClipForm{.b_frames = 3}, ClipForm{.codec = VideoCodec::kH265}}) {
    std::vector<int> shown_as;
    const CodedSequence clip = MakeClip(form, 20, &shown_as);
    ASSERT_EQ(clip.frames.size(), 20u);
    ASSERT_EQ(form.b_frames > 0, !std::is_sorted(shown_as.begin(), shown_as.end()));
    for (std::size_t i = 0; i < clip.frames.size(); ++i) {
      const auto picture = worker.Decode(Upto(clip, i), seconds{10});
      ASSERT_TRUE(picture.ok()) << picture.status().message();
      EXPECT_EQ(picture->width, 320u);
      EXPECT_EQ(picture->height, 240u);
      EXPECT_NEAR(MeanGrey(picture->jpeg), GreyOf(shown_as[i]), 3) << "coded frame " << i;
    }
  }
  EXPECT_EQ(worker.Counters().answered, 60u);
  EXPECT_EQ(worker.Counters().worker_starts, 1u);
}

TEST_F(DecodeWorkerTest, KillingTheIdleWorkerCostsNothingButATry) {
  const CodedSequence clip = MakeClip({}, 5);
  ASSERT_TRUE(worker.Decode(clip, seconds{10}).ok());
  for (int round = 0; round < 3; ++round) {
    const int victim = worker.ProcessId();
    ASSERT_GT(victim, 0);
    kill(victim, SIGKILL);
    ASSERT_TRUE(Eventually([&] { return worker.ProcessId() != victim; }));
    const auto before = std::chrono::steady_clock::now();
    const auto picture = worker.Decode(clip, seconds{10});
    EXPECT_TRUE(picture.ok()) << picture.status().message();
    EXPECT_LT(std::chrono::steady_clock::now() - before, seconds{5});
  }
}

TEST_F(DecodeWorkerTest, KillingTheWorkerOnARequestCostsThatRequestAndTheNextOneWorks) {
  const CodedSequence clip = MakeClip({.width = 1920, .height = 1080}, 60);
  ASSERT_TRUE(worker.Decode(Upto(clip, 0), seconds{20}).ok());
  Result<DecodedPicture> cut = Internal("not asked yet");
  std::thread asker([&] { cut = worker.Decode(clip, seconds{20}); });
  ASSERT_TRUE(Eventually([&] { return worker.Counters().requests == 2; }));
  std::this_thread::sleep_for(milliseconds{30});  // into the decoding, which takes much longer
  kill(worker.ProcessId(), SIGKILL);
  asker.join();
  EXPECT_EQ(cut.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(worker.Counters().worker_lost, 1u);
  const auto next = worker.Decode(Upto(clip, 3), seconds{20});
  EXPECT_TRUE(next.ok()) << next.status().message();
}

TEST_F(DecodeWorkerTest, HostileBytesCostTheirRequestAndNothingElse) {
  std::mt19937 random{11};
  const CodedSequence clip = MakeClip({}, 8);
  for (int round = 0; round < 40; ++round) {
    CodedSequence hostile{round % 2 ? VideoCodec::kH265 : VideoCodec::kH264, {}};
    for (const CodedFrame& frame : clip.frames) {
      auto bytes =
          std::make_shared<std::vector<std::uint8_t>>(frame.bytes.begin(), frame.bytes.end());
      for (int hit = 0; hit < round * 4; ++hit) (*bytes)[random() % bytes->size()] = random() & 255;
      hostile.frames.push_back({bytes, {bytes->data(), bytes->size()}});
    }
    const auto picture = worker.Decode(hostile, seconds{10});
    if (!picture.ok()) {
      EXPECT_NE(picture.status().code(), StatusCode::kInternal) << picture.status().message();
    }
  }
  EXPECT_TRUE(worker.Decode(clip, seconds{10}).ok());
}

TEST_F(DecodeWorkerTest, NoPictureInTheBytesIsDataLossAndNotASilence) {
  auto noise = std::make_shared<std::vector<std::uint8_t>>(5000, std::uint8_t{0xAB});
  const auto picture = worker.Decode({VideoCodec::kH264, {{noise, *noise}}}, seconds{10});
  EXPECT_EQ(picture.status().code(), StatusCode::kDataLoss) << picture.status().message();
  EXPECT_EQ(worker.Counters().undecodable, 1u);
}

TEST_F(DecodeWorkerTest, AWorkerThatDoesNotAnswerInTimeIsReplaced) {
  const CodedSequence clip = MakeClip({}, 5);
  ASSERT_TRUE(worker.Decode(clip, seconds{10}).ok());
  const int first = worker.ProcessId();
  kill(first, SIGSTOP);
  const auto late = worker.Decode(clip, milliseconds{300});
  EXPECT_EQ(late.status().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(worker.Decode(clip, seconds{10}).ok());
  EXPECT_NE(worker.ProcessId(), first);
  EXPECT_EQ(worker.Counters().timed_out, 1u);
}

TEST_F(DecodeWorkerTest, MoreRequestsThanTheQueueHoldsAreRefusedAtOnce) {
  const CodedSequence clip = MakeClip({}, 5);
  ASSERT_TRUE(worker.Decode(clip, seconds{10}).ok());
  kill(worker.ProcessId(), SIGSTOP);
  std::vector<std::thread> askers;
  for (std::size_t i = 0; i < DecodeWorker::kQueueMax + 8; ++i) {
    askers.emplace_back([&] { (void)worker.Decode(clip, seconds{1}); });
  }
  for (std::thread& asker : askers) asker.join();
  EXPECT_GE(worker.Counters().refused_busy, 7u);
  EXPECT_TRUE(worker.Decode(clip, seconds{10}).ok());
}

TEST_F(DecodeWorkerTest, TooMuchForOnePictureIsRefusedBeforeTheWorkerSeesIt) {
  auto byte = std::make_shared<std::vector<std::uint8_t>>(1);
  CodedSequence long_one{VideoCodec::kH264, std::vector<CodedFrame>(9000, {byte, *byte})};
  EXPECT_EQ(worker.Decode(long_one, seconds{1}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(worker.Decode({}, seconds{1}).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(DecodeWorkerTest, TheWorkerHoldsNothingOfOursAndMayGainNothing) {
  ASSERT_TRUE(worker.Decode(MakeClip({}, 1), seconds{10}).ok());
  std::ifstream status("/proc/" + std::to_string(worker.ProcessId()) + "/status");
  const std::string text{std::istreambuf_iterator<char>(status), {}};
  EXPECT_NE(text.find("NoNewPrivs:\t1"), std::string::npos);
}

TEST_F(DecodeWorkerTest, StopEndsTheWorkerProcess) {
  ASSERT_TRUE(worker.Decode(MakeClip({}, 1), seconds{10}).ok());
  const int child = worker.ProcessId();
  worker.Stop();
  EXPECT_NE(kill(child, 0), 0);
  EXPECT_EQ(worker.Decode(MakeClip({}, 1), seconds{1}).status().code(), StatusCode::kUnavailable);
}

TEST(DecodeWorkerStartTest, TheWorkerDiesWithAGatewayThatIsKilled) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t gateway = fork();
  ASSERT_GE(gateway, 0);
  if (gateway == 0) {
    SystemClock clock;
    DecodeWorker worker(WORKER_PROGRAM, clock);
    if (!worker.Start().ok()) _exit(1);
    int child = 0;
    while ((child = worker.ProcessId()) == 0) std::this_thread::sleep_for(milliseconds{10});
    if (write(pipe_ends[1], &child, sizeof child) != sizeof child) _exit(1);
    pause();
    _exit(0);
  }
  int child = 0;
  ASSERT_EQ(read(pipe_ends[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  ASSERT_EQ(kill(child, 0), 0);
  kill(gateway, SIGKILL);
  waitpid(gateway, nullptr, 0);
  const auto gone = [child] {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string pid, name, state;
    return !(stat >> pid >> name >> state) || state == "Z";
  };
  for (int i = 0; i < 500 && !gone(); ++i) std::this_thread::sleep_for(milliseconds{10});
  EXPECT_TRUE(gone());
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST(DecodeWorkerStartTest, AMissingProgramIsNamed) {
  SystemClock clock;
  DecodeWorker worker("/nonexistent/fusion-gateway-worker", clock);
  const Status status = worker.Start();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.message().find("/nonexistent/fusion-gateway-worker"), std::string::npos);
}

}  // namespace
}  // namespace fusiongateway
