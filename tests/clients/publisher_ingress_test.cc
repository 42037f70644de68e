// The client library against the gateway's own publishers' socket and plugins; only the journal is
// stood in for, by a sink that keeps what it was offered across restarts of the socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <mutex>
#include <stdexcept>
#include <zmq.hpp>

#include "clients/cpp/publisher.h"
#include "clients/cpp/system_time.h"
#include "pipeline/feeds/ingress.h"
#include "tests/clients/temp_folder.h"
#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string GridEvent(int number) {
  return R"({"eventId":"E)" + std::to_string(number) +
         R"(","reportTime":"2026-11-23T10:00:00+08:00","category":"环境","description":"x",)"
         R"("lon":114.3,"lat":34.8,"crs":"WGS84","state":"reported"})";
}

// Commits at once, on the ingress thread's own post box.
class MemorySink final : public IngressSink {
 public:
  bool Reserve(std::size_t) override {
    std::lock_guard lock(mutex_);
    if (refusals_left_ == 0) return true;
    --refusals_left_;
    return false;
  }
  void Take(IngressBatch&& batch) override {
    std::lock_guard lock(mutex_);
    CommittedThrough committed{batch.feed_id, batch.outbox_id, 0, {}};
    OutboxState& state = outboxes_[batch.outbox_id];
    for (const IngressItem& item : batch.items) {
      for (const ReportPtr& report : item.reports) ids_.push_back(report->report_id);
      if (item.refusal) {
        v1::Rejection rejection;
        rejection.set_seq(item.seq);
        rejection.set_code(item.refusal->code);
        rejection.set_field(item.refusal->field);
        state.rejections.push_back(rejection);
        committed.rejections.push_back(rejection);
      }
      state.through_seq = committed.through_seq = item.seq;
    }
    ingress_->Committed(std::move(committed));
  }
  void FeedChanged(const FeedStatus&) override {}
  void DispositionsAcked(const std::string&, std::uint64_t) override {}
  std::string journal_id() const override { return "journal-1"; }
  Result<OutboxState> LookUpOutbox(const std::string&, const std::string& outbox_id,
                                   std::uint64_t acked_through, std::size_t) override {
    std::lock_guard lock(mutex_);
    if (broken_) throw std::runtime_error("the journal's reader is broken");
    OutboxState state = outboxes_[outbox_id];
    std::erase_if(state.rejections, [&](const auto& r) { return r.seq() <= acked_through; });
    return state;
  }
  Result<std::vector<v1::Disposition>> Dispositions(const std::string&, std::uint64_t,
                                                    std::size_t) override {
    return std::vector<v1::Disposition>{};
  }
  Result<std::uint64_t> DispositionsAckedThrough(const std::string&) override {
    return std::uint64_t{0};
  }

  void SetIngress(Ingress* ingress) { ingress_ = ingress; }
  void RefuseNext(int count) {
    std::lock_guard lock(mutex_);
    refusals_left_ = count;
  }
  void Break() {
    std::lock_guard lock(mutex_);
    broken_ = true;
  }
  std::vector<std::string> ids() const {
    std::lock_guard lock(mutex_);
    return ids_;
  }

 private:
  mutable std::mutex mutex_;
  Ingress* ingress_ = nullptr;
  int refusals_left_ = 0;
  bool broken_ = false;
  std::map<std::string, OutboxState> outboxes_;
  std::vector<std::string> ids_;
};

class PublisherIngressTest : public testing::Test {
 protected:
  PublisherIngressTest() { StartIngress("tcp://127.0.0.1:*"); }
  ~PublisherIngressTest() override { ingress_->Stop(); }

  void StartIngress(const std::string& endpoint) {
    IngressOptions options;
    options.endpoint = endpoint;
    options.limits.window_payloads = 50;
    options.limits.batch_max = 20;
    options.limits.window_bytes = 8000;
    PublisherProtocol::Decoders decoders;
    decoders["grid"] = MakeDecoder(TestFeed("grid"));
    ingress_ = std::make_unique<Ingress>(options, std::move(decoders), &SystemClock(), &sink_,
                                         "run" + std::to_string(++runs_));
    sink_.SetIngress(ingress_.get());
    // The old socket of a restart may hold the port for a moment.
    Status started = ingress_->Start();
    for (int i = 0; i < 100 && !started.ok(); ++i) {
      std::this_thread::sleep_for(milliseconds(20));
      started = ingress_->Start();
    }
    ASSERT_TRUE(started.ok()) << started.message();
  }
  void RestartIngress() {
    const std::string endpoint = ingress_->endpoint();
    ingress_->Stop();
    ingress_.reset();
    StartIngress(endpoint);
  }
  std::unique_ptr<Publisher> Open(MessageForm form) {
    PublisherOptions options;
    options.endpoint = ingress_->endpoint();
    options.feed_id = "grid";
    options.outbox_path = folder_.Path("grid.outbox");
    options.form = form;
    options.retry_min = milliseconds(20);
    auto publisher = Publisher::Open(options, {.on_rejection = [this](const RejectedPayload& r) {
                                       std::lock_guard lock(mutex_);
                                       rejected_.push_back(r.label);
                                     }});
    EXPECT_TRUE(publisher.ok());
    return publisher.ok() ? std::move(*publisher) : nullptr;
  }
  static std::vector<std::string> Ids(int count) {
    std::vector<std::string> ids;
    for (int i = 1; i <= count; ++i) ids.push_back("E" + std::to_string(i));
    return ids;
  }

  TempFolder folder_;
  MemorySink sink_;
  std::unique_ptr<Ingress> ingress_;
  int runs_ = 0;
  std::mutex mutex_;
  std::vector<std::string> rejected_;
};

TEST_F(PublisherIngressTest, PayloadsBecomeReportsOnceAndInOrderInBothForms) {
  for (const MessageForm form : {MessageForm::kProtobuf, MessageForm::kJson}) {
    auto publisher = Open(form);
    const int first = form == MessageForm::kProtobuf ? 1 : 201;
    for (int i = first; i < first + 200; ++i) ASSERT_TRUE(publisher->Publish(GridEvent(i)).ok());
    ASSERT_TRUE(publisher->Flush(seconds(20)).ok());
    // Within the credit the gateway never has to refuse.
    EXPECT_EQ(publisher->stats().busy, 0u);
  }
  EXPECT_EQ(sink_.ids(), Ids(400));
}

TEST_F(PublisherIngressTest, RejectedPayloadIsToldByLabelAndTheRestIsTaken) {
  auto publisher = Open(MessageForm::kProtobuf);
  const std::vector<OutboxPayload> payloads{
      {GridEvent(1), "f:1"}, {"{not json", "f:2"}, {GridEvent(2), "f:3"}};
  ASSERT_TRUE(publisher->PublishBatch(payloads).ok());
  ASSERT_TRUE(publisher->Flush(seconds(20)).ok());
  EXPECT_EQ(sink_.ids(), Ids(2));
  std::lock_guard lock(mutex_);
  EXPECT_THAT(rejected_, testing::ElementsAre("f:2"));
}

TEST_F(PublisherIngressTest, RestartsOfTheSocketLoseAndRepeatNothing) {
  auto publisher = Open(MessageForm::kProtobuf);
  int number = 0;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 60; ++i) ASSERT_TRUE(publisher->Publish(GridEvent(++number)).ok());
    RestartIngress();
  }
  ASSERT_TRUE(publisher->Flush(seconds(30)).ok());
  EXPECT_EQ(sink_.ids(), Ids(number));
}

TEST_F(PublisherIngressTest, AGatewayWithoutRoomTakesAllOnceThereIs) {
  sink_.RefuseNext(3);
  auto publisher = Open(MessageForm::kProtobuf);
  for (int i = 1; i <= 100; ++i) ASSERT_TRUE(publisher->Publish(GridEvent(i)).ok());
  ASSERT_TRUE(publisher->Flush(seconds(20)).ok());
  EXPECT_EQ(sink_.ids(), Ids(100));
}

TEST_F(PublisherIngressTest, AnExchangeIsAnsweredAfterItsCommitAndInAnyCaseAtTheEnd) {
  const auto ask = [this](PublisherRequest request) {
    auto promise = std::make_shared<std::promise<PublisherAnswer>>();
    auto answer = promise->get_future();
    ingress_->Exchange(std::move(request),
                       [promise](PublisherAnswer told) { promise->set_value(std::move(told)); });
    return answer;
  };
  PublisherRequest request;
  request.feed_id = request.allowed_feed = "grid";
  request.outbox_id = "box-1";
  PublishAsk publish;
  publish.publish.set_first_seq(1);
  publish.publish.add_payloads(GridEvent(1));
  publish.publish.add_payloads("{not json");
  request.asks = publish;
  const PublisherAnswer taken = ask(request).get();
  ASSERT_TRUE(std::holds_alternative<v1::PublishAnswer>(taken)) << taken.index();
  EXPECT_EQ(std::get<v1::PublishAnswer>(taken).through_seq(), 2u);
  EXPECT_EQ(std::get<v1::PublishAnswer>(taken).rejections(0).seq(), 2u);
  EXPECT_EQ(sink_.ids(), Ids(1));

  request.asks = PollAsk{0, seconds(30)};
  auto waits = ask(request);
  for (int i = 0; i < 1000 && ingress_->counters().exchanges.waiting == 0; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  ingress_->Stop();
  EXPECT_EQ(std::get<v1::Error>(waits.get()).code(), "UNAVAILABLE");
  EXPECT_EQ(std::get<v1::Error>(ask(request).get()).code(), "UNAVAILABLE");
}

TEST_F(PublisherIngressTest, AConnectionThatNamesItselfLikeAnExchangeIsNotHeard) {
  zmq::context_t context;
  zmq::socket_t socket(context, zmq::socket_type::dealer);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::routing_id, std::string(kExchangePeer) + "4:grid:box-1");
  socket.connect(ingress_->endpoint());
  const std::string hello = R"({"hello":{"feedId":"grid","protocol":1,"outboxId":"box-1"}})";
  socket.send(zmq::buffer(hello));
  for (int i = 0; i < 1000 && ingress_->counters().odd_frames == 0; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(ingress_->counters().odd_frames, 1u);
  EXPECT_EQ(ingress_->counters().protocol.messages, 0u);
}

TEST_F(PublisherIngressTest, AThreadThatEndedSaysWhy) {
  EXPECT_TRUE(ingress_->thread_status().ok());
  sink_.Break();
  auto publisher = Open(MessageForm::kProtobuf);
  for (int i = 0; i < 1000 && ingress_->thread_status().ok(); ++i) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_EQ(ingress_->thread_status().message(), "the journal's reader is broken");
}

}  // namespace
}  // namespace fusiongateway::client
