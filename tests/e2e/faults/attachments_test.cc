// What an alarm links is fetched after its commit, by the program itself: also after a kill, never
// from a host that is not listed, never in the way of an ack.
#include <gtest/gtest.h>

#include <atomic>

#include "delivery/evidence/attachment_store.h"
#include "tests/e2e/faults/payloads.h"
#include "tests/e2e/faults/raw_publisher.h"
#include "tests/e2e/faults/stream_reader.h"
#include "tests/support/gateway_process.h"
#include "tests/support/http_site.h"

namespace fusiongateway::testing {
namespace {

const std::string kJpeg = "\xFF\xD8\xFF the picture";

class Attachments : public ::testing::Test {
 protected:
  void Start(const std::string& host) {
    GatewayOptions options;
    options.feeds =
        "  - {feed_id: box, plugin: report, default_crs: WGS84, default_district: \"410202\"}\n";
    options.extra_yaml = "evidence:\n  attachments:\n    hosts: [\"" + host + "\"]\n";
    auto started = GatewayProcess::Start(options);
    ASSERT_TRUE(started.ok()) << started.status().message();
    gateway_ = std::move(*started);
    Connect();
  }
  void Connect() {
    publisher_ = std::make_unique<RawPublisher>(gateway_->endpoints().publishers, "box", "outbox");
    ASSERT_FALSE(publisher_->Hello().session().empty());
  }
  static std::string Alarm(const std::string& id, const std::string& url,
                           const std::string& more = "") {
    return R"({"reportId":")" + id + R"(","kind":"GRID_REPORT","action":"START",)" +
           R"("severity":"MODERATE","summary":"smoke","occurredAt":"2026-01-01T00:00:00Z",)" +
           R"("position":{"latitude":34.8,"longitude":114.3,"uncertaintyM":10},)" + more +
           R"("attachments":[{"role":"photo","url":")" + url + R"("}]})";
  }
  // What the newest revision says of the report's attachment; none within ten seconds: empty.
  v1::FetchedAttachment Told(const std::string& id) {
    StreamReader reader(gateway_->endpoints().consumers);
    v1::FetchedAttachment told;
    reader.ReadUntil([&] {
      for (const v1::StreamRecord& record : reader.records()) {
        for (const auto& evidence : record.incident().evidence()) {
          if (evidence.report_id() == id && evidence.attachments_size() > 0) {
            told = evidence.attachments(0);
            return true;
          }
        }
      }
      return false;
    });
    return told;
  }
  static std::string Path(const Digest& digest) { return "/api/v1/attachments/" + ToName(digest); }

  std::unique_ptr<GatewayProcess> gateway_;
  std::unique_ptr<RawPublisher> publisher_;
};

TEST_F(Attachments, APictureIsFetchedOnceAndAnsweredByItsDigest) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) { peer.Ok(kJpeg); });
  Start(site.host());
  publisher_->Publish(1, {Alarm("a", site.Url("/a.jpg")), Alarm("a", site.Url("/a.jpg"))});
  ASSERT_TRUE(publisher_->AwaitAck(2));
  const auto told = Told("a");
  EXPECT_EQ(told.failure(), "");
  EXPECT_EQ(told.attachment().digest().value(), Sha256Of(kJpeg).value);
  const HttpAnswer answer = gateway_->Get(Path(Sha256Of(kJpeg)));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, kJpeg);
  EXPECT_EQ(site.connections(), 1);
  EXPECT_EQ(gateway_->Metric("attachments_fetched_total"), 1);
}

TEST_F(Attachments, AStallingServerHoldsNoAckUpAndAKillLosesNoWish) {
  std::atomic<bool> stalls{true};
  HttpSite site([&](const std::string&, HttpSite::Peer& peer) {
    if (stalls) return peer.WaitForEnd();
    peer.Ok(kJpeg);
  });
  Start(site.host());
  publisher_->Publish(1, {Alarm("a", site.Url("/a.jpg"))});
  ASSERT_TRUE(publisher_->AwaitAck(1));
  ASSERT_TRUE(Eventually([&] { return site.connections() > 0; }));
  gateway_->Kill();
  stalls = false;
  ASSERT_TRUE(gateway_->Restart().ok());
  EXPECT_EQ(Told("a").attachment().digest().value(), Sha256Of(kJpeg).value);
  EXPECT_EQ(gateway_->Get(Path(Sha256Of(kJpeg))).body, kJpeg);
}

TEST_F(Attachments, AHostThatIsNotListedSeesNoConnectionAndTheReaderIsTold) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) { peer.Ok(kJpeg); });
  Start("nvr-1.example");
  publisher_->Publish(1, {Alarm("a", site.Url("/a.jpg"))});
  ASSERT_TRUE(publisher_->AwaitAck(1));
  EXPECT_EQ(Told("a").failure(), "NOT_ALLOWED");
  EXPECT_EQ(site.connections(), 0);
}

TEST_F(Attachments, ATestSessionFetchesNothing) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) { peer.Ok(kJpeg); });
  Start(site.host());
  v1::PublisherMessage message;
  message.mutable_hello()->set_feed_id("box");
  message.mutable_hello()->set_protocol(1);
  message.mutable_hello()->set_outbox_id("trial");
  message.mutable_hello()->set_mode("test");
  RawPublisher tester(gateway_->endpoints().publishers, "box", "trial");
  tester.SendBytes(message.SerializeAsString());
  const auto welcome = tester.Receive();
  ASSERT_TRUE(welcome && welcome->has_welcome());
  message.mutable_publish()->set_session(welcome->welcome().session());
  message.mutable_publish()->set_first_seq(1);
  message.mutable_publish()->add_payloads(Alarm("t", site.Url("/t.jpg")));
  tester.SendBytes(message.SerializeAsString());
  const auto result = tester.Receive();
  ASSERT_TRUE(result && result->has_test_result());
  ASSERT_EQ(result->test_result().reports_size(), 1);
  EXPECT_EQ(result->test_result().reports(0).attachments_size(), 1);

  // What was wished for before this one would have been asked for by the time it is told.
  publisher_->Publish(1, {Alarm("a", site.Url("/a.jpg"))});
  ASSERT_TRUE(publisher_->AwaitAck(1));
  EXPECT_EQ(Told("a").failure(), "");
  EXPECT_EQ(site.connections(), 1);
  EXPECT_EQ(gateway_->Metric("attachments_fetched_total"), 1);
}

TEST_F(Attachments, ThePictureOfAReportThatBecomesRestrictedIsAnsweredToNobody) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) { peer.Ok(kJpeg); });
  Start(site.host());
  publisher_->Publish(1, {Alarm("a", site.Url("/a.jpg"))});
  ASSERT_TRUE(publisher_->AwaitAck(1));
  ASSERT_TRUE(Eventually([&] { return gateway_->Get(Path(Sha256Of(kJpeg))).status == 200; }));
  publisher_->Publish(2, {Alarm("a", site.Url("/a.jpg"), R"("restricted":true,)")});
  ASSERT_TRUE(publisher_->AwaitAck(2));
  EXPECT_TRUE(Eventually([&] { return gateway_->Get(Path(Sha256Of(kJpeg))).status == 404; }));
  EXPECT_EQ(gateway_->Metric("attachments"), 1);
  gateway_->Kill();
  ASSERT_TRUE(gateway_->Restart().ok());
  EXPECT_EQ(gateway_->Get(Path(Sha256Of(kJpeg))).status, 404);
}

}  // namespace
}  // namespace fusiongateway::testing
