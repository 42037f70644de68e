// Publishing over HTTP as the wall's server does it: who is let in, what is asked of the protocol,
// what its answers are to the publisher. The protocol's own part is tested with it.
#include <gmock/gmock.h>

#include <future>
#include <mutex>
#include <semaphore>
#include <vector>

#include "tests/delivery/wall/wall_fixture.h"

namespace fusiongateway::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const char kReports[] = "/api/v1/feeds/grid/reports?outbox_id=a&first_seq=7";

class WallPublishers : public WallFixture {
 protected:
  WallPublishers() {
    backend_.SetToken("grids-token", "grid");
    backend_.SetToken("others-token", "other");
    backend_.OnExchange([this](PublisherRequest request, PublisherAnswered answered) {
      {
        std::lock_guard lock(mutex_);
        asked_.push_back(std::move(request));
      }
      answered(answer_);
    });
    v1::PublishAnswer taken;
    taken.set_through_seq(8);
    taken.set_journal_id("journal-1");
    taken.add_rejections()->set_seq(7);
    answer_ = taken;
  }

  Reply Post(const std::string& target, const std::string& body, Headers headers = {}) {
    headers.emplace_back("Authorization", "Bearer grids-token");
    headers.emplace_back("Content-Type", "application/x-ndjson");
    return HttpClient(port()).Send("POST", target, body, headers);
  }
  Reply GetAs(const std::string& target, const std::string& token = "grids-token") {
    return Get(target, {{"Authorization", "Bearer " + token}});
  }
  std::size_t asked_count() {
    std::lock_guard lock(mutex_);
    return asked_.size();
  }
  template <typename Ask>
  Ask LastAsk() {
    std::lock_guard lock(mutex_);
    return std::get<Ask>(asked_.at(asked_.size() - 1).asks);
  }

  std::mutex mutex_;
  std::vector<PublisherRequest> asked_;
  PublisherAnswer answer_;
};

TEST_F(WallPublishers, ABodyOfLinesIsAskedAsOnePublishAndAnsweredWithTheAckInJson) {
  Start();
  const Reply reply = Post(std::string(kReports) + "&sent_at=2026-11-23T10:00:00Z&takeover=true",
                           "{\"x\": 1}\n{\"x\": 2}\n", {{"User-Agent", "bridge/2"}});
  EXPECT_EQ(reply.status, 200u) << reply.body;
  const auto json = JsonOf(reply);
  EXPECT_EQ(json["throughSeq"], "8");
  EXPECT_EQ(json["journalId"], "journal-1");
  EXPECT_EQ(json["rejections"][0]["seq"], "7");
  const auto ask = LastAsk<PublishAsk>();
  EXPECT_EQ(ask.publish.first_seq(), 7u);
  EXPECT_THAT(ask.publish.payloads(), ElementsAre("{\"x\": 1}", "{\"x\": 2}"));
  EXPECT_TRUE(ask.publish.has_sent_at());
  EXPECT_TRUE(ask.takeover);
  EXPECT_FALSE(ask.test);
  EXPECT_EQ(asked_[0].feed_id, "grid");
  EXPECT_EQ(asked_[0].allowed_feed, "grid");
  EXPECT_EQ(asked_[0].outbox_id, "a");
  EXPECT_EQ(asked_[0].client, "bridge/2");
}

TEST_F(WallPublishers, WithoutAFeedsTokenNothingIsReadOrAsked) {
  Start();
  for (const Headers& headers :
       {Headers{}, Headers{{"Authorization", "Bearer nobodys"}},
        Headers{{"Authorization", "Basic grids-token"}}, Headers{{"Authorization", "Bearer "}}}) {
    HttpClient client(port());
    const Reply reply = client.Send("POST", kReports, std::string(300'000, 'x'), headers);
    EXPECT_EQ(reply.status, 401u);
    EXPECT_EQ(reply.headers.at("www-authenticate"), "Bearer realm=\"fusion-gateway\"");
    EXPECT_THAT(reply.body, HasSubstr("keygen --http-token"));
    EXPECT_THAT(reply.body, Not(HasSubstr("nobodys")));
    EXPECT_TRUE(client.EndsByItself());
  }
  EXPECT_EQ(Get("/api/v1/feeds/grid/dispositions").status, 401u);
  EXPECT_EQ(asked_count(), 0u);
  EXPECT_EQ(server_->statistics().publisher_tokens_refused, 5u);
}

TEST_F(WallPublishers, WithTheTokenOfAnotherFeedNothingIsReadOrAsked) {
  Start();
  HttpClient client(port());
  const Reply reply = client.Send("POST", kReports, std::string(300'000, 'x'),
                                  {{"Authorization", "Bearer others-token"}});
  EXPECT_EQ(reply.status, 403u);
  EXPECT_EQ(JsonOf(reply)["code"], "FORBIDDEN");
  EXPECT_TRUE(client.EndsByItself());
  EXPECT_EQ(GetAs("/api/v1/feeds/nowhere/publisher?outbox_id=a").status, 403u);
  EXPECT_EQ(asked_count(), 0u);
  EXPECT_EQ(server_->statistics().publisher_tokens_refused, 2u);
}

TEST_F(WallPublishers, APageOfAnotherOriginMayNotPublish) {
  Start();
  EXPECT_EQ(Post(kReports, "x", {{"Origin", "http://evil.example"}}).status, 403u);
  EXPECT_EQ(Post(kReports, "x", {{"Host", "evil.example"}}).status, 421u);
  EXPECT_EQ(asked_count(), 0u);
}

TEST_F(WallPublishers, TheProtocolsWordIsTheStatus) {
  Start();
  const std::pair<const char*, unsigned> kStatuses[] = {
      {"UNKNOWN_FEED", 404}, {"FORBIDDEN", 403}, {"FENCED", 409},      {"FEED_IN_USE", 409},
      {"SEQ_GAP", 400},      {"TOO_LARGE", 413}, {"MALFORMED", 400},   {"OUTBOX_REQUIRED", 400},
      {"SEQ_AHEAD", 400},    {"NOT_YET", 503},   {"UNAVAILABLE", 503}, {"HELLO_REQUIRED", 503}};
  for (const auto& [code, status] : kStatuses) {
    v1::Error error = PublisherError(code, "what to do");
    if (std::string(code) == "SEQ_GAP") error.set_next_seq(42);
    answer_ = error;
    const Reply reply = Post(kReports, "{}");
    EXPECT_EQ(reply.status, status) << code;
    EXPECT_EQ(reply.headers.at("content-type"), "application/problem+json");
    EXPECT_EQ(JsonOf(reply)["code"], code);
    EXPECT_THAT(JsonOf(reply)["detail"].get<std::string>(), HasSubstr("what to do"));
    EXPECT_EQ(reply.headers.contains("retry-after"),
              status == 503 || std::string(code) == "FEED_IN_USE")
        << code;
    EXPECT_EQ(JsonOf(reply).value("nextSeq", ""), error.next_seq() > 0 ? "42" : "");
  }
}

TEST_F(WallPublishers, BusySaysFromWhichSeqAndWhenToSendAgain) {
  v1::Busy busy;
  busy.set_next_seq(7);
  busy.mutable_retry_after()->set_nanos(50'000'000);
  answer_ = busy;
  Start();
  const Reply reply = Post(kReports, "{}");
  EXPECT_EQ(reply.status, 429u);
  EXPECT_EQ(reply.headers.at("retry-after"), "1");
  EXPECT_EQ(JsonOf(reply)["nextSeq"], "7");
}

TEST_F(WallPublishers, WhatCannotBeMeantIsRefusedWithWhatToDo) {
  Start();
  const std::string path = "/api/v1/feeds/grid/reports";
  const std::pair<std::string, std::string> kWrong[] = {
      {path, "outbox_id and first_seq are needed"},
      {path + "?outbox_id=a", "outbox_id and first_seq are needed"},
      {path + "?outbox_id=a&first_seq=0", "outbox_id and first_seq are needed"},
      {path + "?outbox_id=a&first_seq=-1", "not a whole number"},
      {path + "?outbox_id=a&first_seq=99999999999999999999", "not a whole number"},
      {path + "?outbox_id=a&first_seq=1&mod=test", "there is no parameter \\\"mod\\\""},
      {path + "?outbox_id=a&first_seq=1&mode=tset", "mode is test"},
      {path + "?outbox_id=a&first_seq=1&takeover=yes", "true or false"},
      {path + "?outbox_id=a&first_seq=1&sent_at=now", "sent_at"}};
  for (const auto& [target, what] : kWrong) {
    const Reply reply = Post(target, "{}");
    EXPECT_EQ(reply.status, 400u) << target;
    EXPECT_THAT(reply.body, HasSubstr(what));
  }
  const Headers form{{"Authorization", "Bearer grids-token"},
                     {"Content-Type", "application/x-www-form-urlencoded"}};
  const Reply type = HttpClient(port()).Send("POST", kReports, "a=b", form);
  EXPECT_EQ(type.status, 415u);
  EXPECT_THAT(type.body, HasSubstr("--data-binary"));
  EXPECT_EQ(GetAs(kReports).headers.at("allow"), "POST");
  EXPECT_EQ(asked_count(), 0u);
  EXPECT_EQ(server_->statistics().publisher_requests_refused, 11u);
}

TEST_F(WallPublishers, ATestNeedsNeitherOutboxNorSeq) {
  Start();
  EXPECT_EQ(Post("/api/v1/feeds/grid/reports?mode=test", "{}").status, 200u);
  const auto ask = LastAsk<PublishAsk>();
  EXPECT_TRUE(ask.test);
  EXPECT_EQ(ask.publish.first_seq(), 1u);
}

TEST_F(WallPublishers, ABodyIsAsLargeAsAMessageAndNoLarger) {
  options_.publisher_body_bytes_max = 200'000;
  Start();
  EXPECT_EQ(Post(kReports, std::string(200'000, 'x')).status, 200u) << "beyond others' limit";
  HttpClient client(port());
  const Reply reply = client.Send("POST", kReports, std::string(900'000, 'x'),
                                  {{"Authorization", "Bearer grids-token"}});
  EXPECT_EQ(reply.status, 413u) << "told, not reset";
  EXPECT_TRUE(client.EndsByItself());
  HttpClient chunked(port());
  const std::string host = "Host: 127.0.0.1:" + std::to_string(port()) + "\r\n";
  EXPECT_EQ(chunked
                .SendRaw("POST " + std::string(kReports) + " HTTP/1.1\r\n" + host +
                         "Authorization: Bearer grids-token\r\nTransfer-Encoding: chunked\r\n\r\n" +
                         "40000\r\n" + std::string(0x40000, 'x') + "\r\n0\r\n\r\n")
                .status,
            413u);
}

TEST_F(WallPublishers, AClientThatWaitsToBeToldToGoOnIsTold) {
  Start();
  HttpClient client(port());
  const std::string host = "Host: 127.0.0.1:" + std::to_string(port()) + "\r\n";
  const Reply first =
      client.SendRaw("POST " + std::string(kReports) + " HTTP/1.1\r\n" + host +
                     "Authorization: Bearer grids-token\r\nExpect: 100-continue\r\n"
                     "Content-Type: application/x-ndjson\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(first.status, 100u);
  EXPECT_EQ(client.SendRaw("{}").status, 200u);
}

TEST_F(WallPublishers, ABodyThatNeverComesIsCutOff) {
  options_.publisher_body_timeout = std::chrono::milliseconds(150);
  Start();
  HttpClient client(port());
  const std::string host = "Host: 127.0.0.1:" + std::to_string(port()) + "\r\n";
  EXPECT_EQ(client
                .SendRaw("POST " + std::string(kReports) + " HTTP/1.1\r\n" + host +
                         "Authorization: Bearer grids-token\r\nContent-Length: 20\r\n\r\n{")
                .status,
            0u);
  EXPECT_TRUE(client.EndsByItself());
  EXPECT_EQ(asked_count(), 0u);
}

TEST_F(WallPublishers, TheirConnectionsAreAShareAndThoseWhoReadAreNotKeptOut) {
  options_.connections_max = 4;
  options_.publisher_connections_max = 3;
  options_.publisher_connections_of_feed_max = 2;
  Start();
  const Headers grid{{"Authorization", "Bearer grids-token"},
                     {"Content-Type", "application/x-ndjson"}};
  const Headers other{{"Authorization", "Bearer others-token"},
                      {"Content-Type", "application/x-ndjson"}};
  HttpClient first(port()), second(port()), third(port());
  EXPECT_EQ(first.Send("POST", kReports, "{}", grid).status, 200u);
  EXPECT_EQ(second.Send("POST", kReports, "{}", grid).status, 200u);
  {
    HttpClient beyond(port());
    EXPECT_EQ(beyond.Send("POST", kReports, "{}", grid).status, 503u) << "of one feed";
    EXPECT_TRUE(beyond.EndsByItself());
  }
  EXPECT_EQ(
      third.Send("POST", "/api/v1/feeds/other/reports?outbox_id=a&first_seq=7", "{}", other).status,
      200u);
  EXPECT_EQ(first.Send("POST", kReports, "{}", grid).status, 200u) << "it has its place";
  EXPECT_EQ(server_->statistics().publisher_connections, 3u);
  EXPECT_EQ(server_->statistics().publisher_connections_refused, 1u);
  EXPECT_EQ(Get("/api/v1/incidents").status, 200u);
}

TEST_F(WallPublishers, WaitingForACommitHoldsNeitherTheReadersNorTheWorkers) {
  std::vector<PublisherAnswered> held;
  std::mutex held_mutex;
  std::counting_semaphore<> held_one(0);
  backend_.OnExchange([&](PublisherRequest, PublisherAnswered answered) {
    {
      std::lock_guard lock(held_mutex);
      held.push_back(std::move(answered));
    }
    held_one.release();
  });
  Start();
  std::vector<std::future<unsigned>> waiting;
  for (int i = 0; i < 6; ++i) {  // twice the workers
    waiting.push_back(std::async(std::launch::async, [&] { return Post(kReports, "{}").status; }));
  }
  for (int i = 0; i < 6; ++i) held_one.acquire();
  EXPECT_EQ(Get("/api/v1/incidents").status, 200u);
  for (std::size_t i = 0; i < 5; ++i) held[i](answer_);
  held.clear();  // the last one is dropped unanswered
  int taken = 0;
  for (auto& answer : waiting) taken += answer.get() == 200u;
  EXPECT_EQ(taken, 5);
}

TEST_F(WallPublishers, PlaceProbeAndDispositionsAreAskedAsTheyAre) {
  Start();
  EXPECT_EQ(GetAs("/api/v1/feeds/grid/publisher?outbox_id=a&acked_through=5").status, 200u);
  EXPECT_EQ(LastAsk<LookUpAsk>().acked_through, 5u);
  EXPECT_EQ(Post("/api/v1/feeds/grid/probe?outbox_id=a", R"({"t1":"2026-11-23T10:00:00Z"})").status,
            200u);
  EXPECT_EQ(FromWire(LastAsk<v1::Probe>().t1()), At("2026-11-23T10:00:00Z"));
  EXPECT_EQ(Post("/api/v1/feeds/grid/probe?outbox_id=a", "{").status, 400u);
  EXPECT_EQ(GetAs("/api/v1/feeds/grid/dispositions?after=3&wait=30s").status, 200u);
  EXPECT_EQ(LastAsk<PollAsk>().after_seq, 3u);
  EXPECT_EQ(LastAsk<PollAsk>().wait_max, std::chrono::seconds(30));
  EXPECT_EQ(GetAs("/api/v1/feeds/grid/dispositions?wait=soon").status, 400u);
}

}  // namespace
}  // namespace fusiongateway::test
