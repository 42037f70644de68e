// The streams' server over real sockets and a real journal.
#include "delivery/stream/stream_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>
#include <zmq.hpp>
#include <zmq_addon.hpp>

#include "app/system_clock.h"
#include "clients/cpp/stream_consumer.h"
#include "tests/delivery/journal/journal_samples.h"
#include "tests/support/patience.h"

namespace fusiongateway {
namespace {

using fusiongateway::testing::Eventually;

constexpr std::chrono::seconds kPatience{20};

class StreamServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto journal = OpenSqliteJournal(folder_.File("journal.sqlite"), SampleOptions());
    ASSERT_TRUE(journal.ok()) << journal.status().message();
    journal_ = std::move(*journal);
    options_.consumers_endpoint = options_.broadcast_endpoint = "tcp://127.0.0.1:*";
    options_.limits.heartbeat_interval = std::chrono::milliseconds(100);
  }
  void TearDown() override { server_.reset(); }

  void Start() {
    ConsumerProtocol::Sources sources{
        .journal = *journal_,
        .open_incidents =
            [this] {
              if (broken_) throw std::runtime_error("the view is broken");
              return OpenIncidents{};
            },
        .restricted_incident = [](const std::string&) { return false; }};
    server_.emplace(options_, std::move(sources), &clock_);
    const Status status = server_->Start();
    ASSERT_TRUE(status.ok()) << status.message();
  }

  void Commit(std::size_t reports) {
    const Status status = journal_->Commit(log_.NextBatch(reports));
    ASSERT_TRUE(status.ok()) << status.message();
    if (server_) server_->Notify();
  }

  zmq::socket_t Consumer() {
    zmq::socket_t socket(context_, zmq::socket_type::dealer);
    Prepare(socket);
    socket.connect(server_->consumers_endpoint());
    return socket;
  }
  static void Prepare(zmq::socket_t& socket) {
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::rcvtimeo,
               static_cast<int>(std::chrono::milliseconds(kPatience).count()));
  }
  static void Say(zmq::socket_t& socket, const std::string& json) {
    socket.send(zmq::buffer(json), zmq::send_flags::none);
  }
  static v1::StreamMessage Hear(zmq::socket_t& socket) {
    zmq::message_t bytes;
    v1::StreamMessage message;
    if (!socket.recv(bytes)) return message;
    const Status status =
        ParseWire(bytes.to_string_view(), DetectWireForm(bytes.to_string_view()), &message);
    EXPECT_TRUE(status.ok()) << status.message();
    return message;
  }

  SystemClock clock_;
  TemporaryFolder folder_;
  std::unique_ptr<Journal> journal_;
  SampleLog log_{"first"};
  StreamServerOptions options_;
  std::atomic<bool> broken_{false};
  std::optional<StreamServer> server_;
  zmq::context_t context_;
};

TEST_F(StreamServerTest, AConsumerGetsWhatIsThereAndWhatIsCommittedLater) {
  Commit(3);
  Start();
  zmq::socket_t consumer = Consumer();
  Say(consumer, R"({"subscribe": {"stream": "live"}})");
  std::uint64_t through = 0;
  for (int round = 0; round < 5; ++round) {
    while (through < log_.position() * 2) {
      const auto records = Hear(consumer).records();
      ASSERT_EQ(records.from_seq(), through + 1);
      through = records.through_seq();
    }
    Commit(2);
  }
}

TEST_F(StreamServerTest, AConsumerThatComesBackGoesOnWhereItStood) {
  Commit(4);
  Start();
  {
    zmq::socket_t consumer = Consumer();
    Say(consumer, R"({"subscribe": {"stream": "settled", "window": 3}})");
    EXPECT_EQ(Hear(consumer).records().through_seq(), 3u);
  }
  zmq::socket_t again = Consumer();
  Say(again, R"({"subscribe": {"stream": "settled", "afterSeq": 3, "journalId": ")" +
                 journal_->journal_id() + "\"}}");
  const auto records = Hear(again).records();
  EXPECT_EQ(records.from_seq(), 4u);
  EXPECT_EQ(records.records(0).seq(), 4u);
}

TEST_F(StreamServerTest, OneThatStopsReadingHoldsUpNobody) {
  options_.limits.records_per_message = 4;
  Commit(300);
  Start();
  zmq::socket_t stuck = Consumer();
  stuck.set(zmq::sockopt::rcvhwm, 1);
  Say(stuck, R"({"subscribe": {"stream": "live", "window": 65536}})");
  zmq::socket_t lively = Consumer();
  Say(lively, R"({"subscribe": {"stream": "live", "window": 100}})");
  std::uint64_t through = 0;
  while (through < 600) {
    const auto records = Hear(lively).records();
    ASSERT_EQ(records.from_seq(), through + 1);
    through = records.through_seq();
    Say(lively, "{\"consumed\": {\"throughSeq\": " + std::to_string(through) + "}}");
  }
}

TEST_F(StreamServerTest, AVanishedConsumerIsDropped) {
  Start();
  {
    zmq::socket_t consumer = Consumer();
    Say(consumer, R"({"subscribe": {"stream": "live"}})");
    Hear(consumer);
    EXPECT_TRUE(Eventually([&] { return server_->counters().consumers.consumers == 1; }));
  }
  EXPECT_TRUE(Eventually([&] { return server_->counters().consumers.consumers == 0; }));
  EXPECT_EQ(server_->counters().consumers.dropped_gone, 1u);
}

TEST_F(StreamServerTest, BadMessagesAreAnsweredAndTheNextGoodOneIsServed) {
  Commit(1);
  Start();
  zmq::socket_t consumer = Consumer();
  Say(consumer, "{nonsense");
  EXPECT_EQ(Hear(consumer).error().code(), "MALFORMED");
  consumer.send(zmq::str_buffer("two"), zmq::send_flags::sndmore);
  consumer.send(zmq::str_buffer("frames"), zmq::send_flags::none);
  EXPECT_EQ(Hear(consumer).error().code(), "MALFORMED");
  Say(consumer, "{" + std::string(100000, ' ') + "}");
  EXPECT_EQ(Hear(consumer).error().code(), "TOO_LARGE");
  Say(consumer, R"({"subscribe": {"stream": "live"}})");
  EXPECT_EQ(Hear(consumer).records().through_seq(), 2u);
}

TEST_F(StreamServerTest, BroadcastTopicsNameDistrictAndBodyAndTheSeqBefore) {
  Commit(1);
  Start();
  zmq::socket_t subscriber(context_, zmq::socket_type::sub);
  Prepare(subscriber);
  subscriber.set(zmq::sockopt::subscribe, "live/410203/report");
  subscriber.connect(server_->broadcast_endpoint());
  // A subscription takes a moment to arrive: commit until something comes through.
  std::vector<zmq::message_t> frames;
  ASSERT_TRUE(Eventually([&] {
    Commit(3);
    frames.clear();
    return zmq::recv_multipart(subscriber, std::back_inserter(frames), zmq::recv_flags::dontwait)
        .has_value();
  }));
  std::string prev;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(frames.size(), 3u);
    EXPECT_EQ(frames[0].to_string(), "live/410203/report");
    v1::StreamRecord record;
    ASSERT_TRUE(record.ParseFromArray(frames[1].data(), static_cast<int>(frames[1].size())));
    EXPECT_EQ(record.report().district_code(), "410203");
    if (i > 0) {
      EXPECT_EQ(frames[2].to_string(), prev);
    }
    prev = std::to_string(record.seq());
    Commit(3);
    frames.clear();
    ASSERT_TRUE(zmq::recv_multipart(subscriber, std::back_inserter(frames)).has_value());
  }
}

TEST_F(StreamServerTest, RestrictedRecordsAreNeverBroadcast) {
  Start();
  zmq::socket_t subscriber(context_, zmq::socket_type::sub);
  Prepare(subscriber);
  subscriber.set(zmq::sockopt::subscribe, "");
  subscriber.connect(server_->broadcast_endpoint());
  std::vector<zmq::message_t> frames;
  ASSERT_TRUE(Eventually([&] {
    JournalBatch batch = log_.NextBatch(2);
    for (auto& record : batch.live) {
      const auto* report = std::get_if<ReportPtr>(&record.body);
      if (report == nullptr) continue;
      auto secret = std::make_shared<Report>(**report);
      secret->restricted = true;
      record.body = ReportPtr(secret);
    }
    EXPECT_TRUE(journal_->Commit(batch).ok());
    server_->Notify();
    frames.clear();
    return zmq::recv_multipart(subscriber, std::back_inserter(frames), zmq::recv_flags::dontwait)
        .has_value();
  }));
  do {
    EXPECT_THAT(frames[0].to_string(), ::testing::EndsWith("/incident"));
    frames.clear();
  } while (zmq::recv_multipart(subscriber, std::back_inserter(frames), zmq::recv_flags::dontwait)
               .has_value());
}

// The library that integrators use, over a server that goes away and comes back.
TEST_F(StreamServerTest, TheClientLibraryReadsOnThroughARestartOfTheServer) {
  Commit(50);
  Start();
  client::ConsumerOptions reading;
  reading.endpoint = options_.consumers_endpoint = server_->consumers_endpoint();
  reading.window = 16;
  auto consumer = client::StreamConsumer::Open(reading);
  ASSERT_TRUE(consumer.ok()) << consumer.status().message();
  std::uint64_t seen = 0;
  const auto read_through = [&](std::uint64_t through) {
    return Eventually([&] {
      const auto event = (*consumer)->Next(std::chrono::milliseconds(100));
      if (event.kind == client::StreamEvent::Kind::kRecords) {
        for (const auto& record : event.records->records()) EXPECT_EQ(record.seq(), ++seen);
      }
      return seen >= through;
    });
  };
  EXPECT_TRUE(read_through(60));
  server_.reset();
  Commit(10);
  Start();
  EXPECT_TRUE(read_through(120));
  EXPECT_EQ((*consumer)->journal_id(), journal_->journal_id());
}

struct KeyPair {
  KeyPair() { zmq_curve_keypair(public_key, secret_key); }
  char public_key[41];
  char secret_key[41];
};

TEST_F(StreamServerTest, WithCurveOnlyKnownKeysAreServedAndTheirRoleCounts) {
  const KeyPair gateway, ordinary, trusted, stranger;
  options_.curve_secret_key = gateway.secret_key;
  options_.curve_role_of_key = {{ordinary.public_key, "wall"},
                                {trusted.public_key, std::string(kRestrictedReaderRole)}};
  JournalBatch batch = log_.NextBatch(1);
  auto secret = std::make_shared<Report>(*std::get<ReportPtr>(batch.live[0].body));
  secret->restricted = true;
  batch.live[0].body = ReportPtr(secret);
  ASSERT_TRUE(journal_->Commit(batch).ok());
  Start();
  const auto records_for = [&](const KeyPair& key, int patience_ms) {
    zmq::socket_t socket(context_, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::rcvtimeo, patience_ms);
    socket.set(zmq::sockopt::curve_serverkey, gateway.public_key);
    socket.set(zmq::sockopt::curve_publickey, key.public_key);
    socket.set(zmq::sockopt::curve_secretkey, key.secret_key);
    socket.connect(server_->consumers_endpoint());
    Say(socket, R"({"subscribe": {"stream": "live"}})");
    zmq::message_t bytes;
    if (!socket.recv(bytes)) return -1;
    v1::StreamMessage message;
    EXPECT_TRUE(ParseWire(bytes.to_string_view(), WireForm::kJson, &message).ok());
    return message.records().records_size();
  };
  EXPECT_EQ(records_for(ordinary, 20000), 1);
  EXPECT_EQ(records_for(trusted, 20000), 2);
  EXPECT_EQ(records_for(stranger, 300), -1);
  EXPECT_TRUE(Eventually([&] { return server_->counters().keys_refused > 0; }));
}

TEST_F(StreamServerTest, AThreadThatEndedSaysWhy) {
  Start();
  EXPECT_TRUE(server_->thread_status().ok());
  broken_ = true;
  zmq::socket_t consumer = Consumer();
  Say(consumer, R"({"subscribe": {"stream": "live", "snapshot": true}})");
  EXPECT_TRUE(Eventually([&] { return !server_->thread_status().ok(); }));
  EXPECT_EQ(server_->thread_status().message(), "the view is broken");
}

TEST_F(StreamServerTest, AnEndpointInUseIsNamed) {
  Start();
  StreamServerOptions options = options_;
  options.consumers_endpoint = server_->consumers_endpoint();
  StreamServer second(options,
                      {.journal = *journal_,
                       .open_incidents = [] { return OpenIncidents{}; },
                       .restricted_incident = [](const std::string&) { return false; }},
                      &clock_);
  const Status status = second.Start();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), ::testing::HasSubstr(options.consumers_endpoint));
}

}  // namespace
}  // namespace fusiongateway
