// A publisher that sends rubbish is told what is wrong with each payload; the rest of its batch and
// all other publishers go on.
#include <gmock/gmock.h>

#include "tests/e2e/faults/payloads.h"
#include "tests/e2e/faults/raw_publisher.h"
#include "tests/e2e/faults/stream_reader.h"
#include "tests/support/gateway_process.h"

namespace fusiongateway::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kTwoFeeds[] =
    "  - {feed_id: hazmat, plugin: hazmat, default_crs: WGS84, lateness_max: 1s, idle_after: 1s}\n"
    "  - {feed_id: other, plugin: hazmat, default_crs: WGS84, lateness_max: 1s, idle_after: 1s}\n";
constexpr char kPhone[] = "13912345678";
constexpr char kMaskedPhone[] = "139****5678";
constexpr std::size_t kMegabyte = 1u << 20;

class BadPayloads : public ::testing::Test {
 protected:
  void SetUp() override {
    GatewayOptions options;
    options.feeds = kTwoFeeds;
    auto started = GatewayProcess::Start(options);
    ASSERT_TRUE(started.ok()) << started.status().message();
    gateway_ = std::move(*started);
    publisher_ =
        std::make_unique<RawPublisher>(gateway_->endpoints().publishers, "hazmat", "outbox-1");
    ASSERT_FALSE(publisher_->Hello().session().empty()) << publisher_->last_error().message();
    reader_ = std::make_unique<StreamReader>(gateway_->endpoints().consumers);
  }

  void ExpectRejected(std::uint64_t seq, const std::string& code, const std::string& field) {
    SCOPED_TRACE("seq " + std::to_string(seq));
    const auto found = publisher_->rejections().find(seq);
    ASSERT_NE(found, publisher_->rejections().end());
    EXPECT_EQ(found->second.code(), code);
    EXPECT_EQ(found->second.field(), field);
    EXPECT_THAT(found->second.message(), Not(IsEmpty()));
  }

  // The report is there once, also after something later.
  void ExpectOnStreamOnce(const std::vector<std::string>& report_ids, const std::string& last) {
    ASSERT_TRUE(reader_->ReadUntilReport(last));
    for (const auto& id : report_ids) EXPECT_EQ(reader_->CountReports(id), 1) << id;
    EXPECT_THAT(reader_->broken(), IsEmpty());
  }

  std::unique_ptr<GatewayProcess> gateway_;
  std::unique_ptr<RawPublisher> publisher_;
  std::unique_ptr<StreamReader> reader_;
};

TEST_F(BadPayloads, EachIsRejectedWithCodeAndFieldAndTheRestOfTheBatchIsThereOnce) {
  const std::vector<std::string> batch = {
      Alarm("good-1"),
      R"({"dataType":"alarm","alarmId":"broken )" + std::string(kPhone),
      R"({"dataType":"energy_data","enterpriseId":"410200007","gatewayId":"GW1",)"
      R"("collectTime":"20261123100000","isConnectDataSource":true,)"
      R"("datas":[{"quotaId":"410200007002G0001YW001","value":"high"}]})",
      R"({"alarmId":"nameless"})",
      Alarm("future", std::chrono::hours{2}),
      Alarm("unknown-field", {}, R"(,"dutyPhone":")" + std::string(kPhone) + R"(")"),
      Alarm("good-2")};
  publisher_->Publish(1, batch);
  ASSERT_TRUE(publisher_->AwaitAck(7)) << publisher_->last_error().message();

  EXPECT_EQ(publisher_->rejections().size(), 3u);
  ExpectRejected(2, "MALFORMED", "");
  ExpectRejected(3, "WRONG_TYPE", "datas[0].value");
  ExpectRejected(4, "MISSING_FIELD", "dataType");

  // The same batch again changes nothing.
  publisher_->Publish(1, batch);
  publisher_->Publish(8, {Alarm("good-3")});
  ASSERT_TRUE(publisher_->AwaitAck(8)) << publisher_->last_error().message();
  ExpectOnStreamOnce({"good-1", "future", "unknown-field", "good-2", "good-3"}, "good-3");
  EXPECT_EQ(reader_->CountReports("nameless"), 0);
  EXPECT_EQ(gateway_->Metric("publisher_rejections_total"), 3);

  EXPECT_THAT(reader_->FindReport("future")->flags(), Contains("FUTURE_TIME"));
  EXPECT_THAT(reader_->FindReport("good-1")->flags(), Not(Contains("FUTURE_TIME")));
  const std::string& unknown = reader_->FindReport("unknown-field")->unknown_fields_json();
  EXPECT_THAT(unknown, HasSubstr("dutyPhone"));
  EXPECT_THAT(unknown, HasSubstr(kMaskedPhone));
  EXPECT_THAT(unknown, Not(HasSubstr(kPhone)));
}

TEST_F(BadPayloads, ATimeInTheFutureNeverHoldsTheSettledStreamBackNorRunsItAhead) {
  client::ConsumerOptions settled;
  settled.endpoint = gateway_->endpoints().consumers;
  settled.stream = "settled";
  StreamReader reader(settled);
  publisher_->Publish(1, {Alarm("future", std::chrono::hours{2}), Alarm("now")});
  ASSERT_TRUE(publisher_->AwaitAck(2));
  ASSERT_TRUE(reader.ReadUntilReport("now", std::chrono::seconds{25}));
  EXPECT_THAT(reader.FindReport("now")->flags(), IsEmpty());
  for (const auto& record : reader.records()) {
    EXPECT_FALSE(record.report().report_id() == "now" && record.late());
  }
}

TEST_F(BadPayloads, RejectionsAreToldAgainAfterAReconnectAndKeptMaskedOnDisk) {
  publisher_->Publish(1, {R"({"note":"call )" + std::string(kPhone) + R"("})", Alarm("good-1")});
  ASSERT_TRUE(publisher_->AwaitAck(2));
  publisher_->ForgetRejections();
  gateway_->Kill();
  ASSERT_TRUE(gateway_->Restart().ok());
  publisher_ =
      std::make_unique<RawPublisher>(gateway_->endpoints().publishers, "hazmat", "outbox-1");
  EXPECT_EQ(publisher_->Hello(0).resume_after_seq(), 2u);
  ASSERT_TRUE(publisher_->AwaitAck(2));
  ExpectRejected(1, "MISSING_FIELD", "dataType");

  ASSERT_EQ(gateway_->Terminate(), 0);
  const std::string disk = gateway_->StateOnDisk();
  EXPECT_THAT(disk, HasSubstr(kMaskedPhone));
  EXPECT_EQ(disk.find(kPhone), std::string::npos);
  EXPECT_THAT(gateway_->Output(), Not(HasSubstr(kPhone)));
}

TEST_F(BadPayloads, RejectionsAreCountedByFeedAlsoAfterARestart) {
  publisher_->Publish(1, {"{oops", Alarm("good-1"), R"({"dataType":"poem"})"});
  ASSERT_TRUE(publisher_->AwaitAck(3));
  RawPublisher other(gateway_->endpoints().publishers, "other", "outbox-2");
  other.Hello();
  other.Publish(1, {Alarm("good-2")});
  ASSERT_TRUE(other.AwaitAck(1));

  const auto expect_counted = [this] {
    const std::string feeds = gateway_->Get("/api/v1/feeds").body;
    const auto hazmat = feeds.find("\"feedId\":\"hazmat\"");
    const auto rest = feeds.find("\"feedId\":\"other\"");
    ASSERT_LT(hazmat, rest) << feeds;
    EXPECT_THAT(feeds.substr(hazmat, rest - hazmat), HasSubstr("\"rejected\":\"2\""));
    EXPECT_THAT(feeds.substr(hazmat, rest - hazmat), HasSubstr("\"accepted\":\"1\""));
    EXPECT_THAT(feeds.substr(rest), Not(HasSubstr("rejected")));
    EXPECT_EQ(gateway_->Metric("feed_payloads_rejected_total{feed=\"hazmat\"}"), 2);
  };
  expect_counted();
  gateway_->Kill();
  ASSERT_TRUE(gateway_->Restart().ok());
  expect_counted();
  // The stream's readers are told with the feed's next change of state.
  const auto told = [this] {
    for (const auto& record : reader_->records()) {
      if (record.feed().feed_id() == "hazmat" && record.feed().rejected() == 2) return true;
    }
    return false;
  };
  RawPublisher again(gateway_->endpoints().publishers, "hazmat", "outbox-1");
  again.Hello(3);
  again.Publish(4, {Alarm("good-3")});
  ASSERT_TRUE(again.AwaitAck(4));
  ASSERT_TRUE(reader_->ReadUntilReport("good-3"));
  EXPECT_TRUE(told());
}

TEST_F(BadPayloads, AJsonErrorNeverEndsTheSession) {
  const std::string publish = R"({"publish":{"session":")" + publisher_->session();
  publisher_->SendBytes(R"({"publish":{"session":)");
  EXPECT_EQ(publisher_->AwaitError(), "MALFORMED");
  EXPECT_THAT(publisher_->last_error().message(), Not(IsEmpty()));
  publisher_->SendBytes(publish + R"(","firstSeq":"one","payloads":[{}]}})");
  EXPECT_EQ(publisher_->AwaitError(), "MALFORMED");
  publisher_->SendBytes(publish + R"(","firstSeq":1,"payloads":[{"dataType":"poem"},)" +
                        Alarm("good-1") + "," + Alarm("good-2") + "]}}");
  ASSERT_TRUE(publisher_->AwaitAck(3)) << publisher_->last_error().message();
  ExpectRejected(1, "UNKNOWN_TYPE", "dataType");
  ExpectOnStreamOnce({"good-1", "good-2"}, "good-2");
  EXPECT_EQ(gateway_->Metric("publisher_malformed_total"), 2);
}

TEST_F(BadPayloads, TwoMegabytesAreRefusedAndTheSessionGoesOn) {
  publisher_->Publish(
      1, {Alarm("too-large", {}, R"(,"x":")" + std::string(2 * kMegabyte, 'x') + "\"")});
  EXPECT_EQ(publisher_->AwaitError(), "TOO_LARGE");
  EXPECT_THAT(publisher_->last_error().message(), HasSubstr("1048576"));
  publisher_->Publish(1, {Alarm("good-1")});
  ASSERT_TRUE(publisher_->AwaitAck(1)) << publisher_->last_error().message();
  ExpectOnStreamOnce({"good-1"}, "good-1");
  EXPECT_EQ(reader_->CountReports("too-large"), 0);
  EXPECT_EQ(gateway_->Metric("publisher_too_large_total"), 1);
  EXPECT_EQ(gateway_->Metric("publisher_connections_closed_total"), 0);
}

TEST_F(BadPayloads, TwentyMegabytesCloseThatConnectionAloneAndAreCounted) {
  RawPublisher bystander(gateway_->endpoints().publishers, "other", "outbox-2");
  const v1::Welcome welcome = bystander.Hello();
  ASSERT_FALSE(welcome.session().empty());
  ASSERT_EQ(gateway_->Metric("publisher_connections_closed_total"), 0);

  publisher_->Publish(1, {std::string(20 * kMegabyte, 'x')});
  ASSERT_TRUE(
      Eventually([&] { return gateway_->Metric("publisher_connections_closed_total") >= 1; }));
  bystander.Publish(1, {Alarm("bystander-1")});
  EXPECT_TRUE(bystander.AwaitAck(1)) << bystander.last_error().message();

  // The socket reconnects by itself, under a new identity: it has to say hello again.
  publisher_->Heartbeat();
  EXPECT_EQ(publisher_->AwaitError(), "HELLO_REQUIRED");
  ASSERT_EQ(publisher_->Hello().resume_after_seq(), 0u);
  publisher_->Publish(1, {Alarm("good-1")});
  ASSERT_TRUE(publisher_->AwaitAck(1)) << publisher_->last_error().message();
  ExpectOnStreamOnce({"bystander-1", "good-1"}, "good-1");
  EXPECT_EQ(gateway_->Metric("publisher_connections_closed_total"), 1);
  EXPECT_EQ(gateway_->Metric("publisher_payloads_total"), 2) << "nothing of it was read";
}

}  // namespace
}  // namespace fusiongateway::testing
