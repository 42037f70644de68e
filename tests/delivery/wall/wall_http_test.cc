#include <gmock/gmock.h>

#include <chrono>
#include <future>

#include "delivery/wall/dead_letter_api.h"
#include "tests/delivery/wall/wall_fixture.h"

namespace fusiongateway::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using WallPage = WallFixture;
using WallGuard = WallFixture;
using WallLimits = WallFixture;
using WallIncidents = WallFixture;
using WallActions = WallFixture;
using WallRecords = WallFixture;
using WallPictures = WallFixture;
using WallStart = WallFixture;

const char kSecretPhrase[] = "SECRET";

TEST_F(WallPage, IsServedWithAPolicyThatForbidsForeignScript) {
  Start();
  const Reply reply = Get("/");
  EXPECT_EQ(reply.status, 200u);
  EXPECT_EQ(reply.body, "<!doctype html>the page");
  EXPECT_EQ(reply.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_THAT(reply.headers.at("content-security-policy"), HasSubstr("default-src 'none'"));
  EXPECT_EQ(reply.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(Get("/app.js").headers.at("content-type"), "text/javascript; charset=utf-8");
}

TEST_F(WallPage, IsNotSentAgainWhileItHasNotChanged) {
  Start();
  const std::string etag = Get("/app.js").headers.at("etag");
  const Reply again = Get("/app.js", {{"If-None-Match", etag}});
  EXPECT_EQ(again.status, 304u);
  EXPECT_EQ(again.body, "");
}

TEST_F(WallPage, NoPathLeavesItsFolder) {
  Start();
  for (const char* path : {"/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
                           "/web/../../secret.txt", "//../secret.txt", "/app.js/../../secret.txt",
                           "/%2e%2e%2f%2e%2e%2fetc/passwd", "/..\\secret.txt", "/app.js%00.png"}) {
    const Reply reply = Get(path);
    EXPECT_THAT(reply.status, ::testing::AnyOf(400u, 404u)) << path;
    EXPECT_THAT(reply.body, Not(HasSubstr("secret"))) << path;
  }
}

TEST_F(WallPage, HeadHasTheLengthAndNoBody) {
  Start();
  HttpClient client(port());
  const Reply head = client.Send("HEAD", "/app.js", "");
  EXPECT_EQ(head.status, 200u);
  EXPECT_EQ(head.headers.at("content-length"), "6");
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(client.Get("/app.js").body, "script") << "the connection still lines up";
}

TEST_F(WallPage, ErrorsAreProblemsInChineseAndEnglish) {
  Start();
  const Reply reply = Get("/nothing/here");
  EXPECT_EQ(reply.status, 404u);
  EXPECT_EQ(reply.headers.at("content-type"), "application/problem+json");
  const auto problem = JsonOf(reply);
  EXPECT_EQ(problem["type"], "urn:fusion-gateway:problem:no-such-path");
  EXPECT_EQ(problem["status"], 404);
  EXPECT_THAT(problem["detail"].get<std::string>(), HasSubstr("没有这个地址 / there is nothing"));
}

TEST_F(WallPage, AnAttachmentIsAnsweredByItsDigestAsTheTypeItIs) {
  Start();
  const Reply reply = Get(std::string("/api/v1/attachments/") + kAttachmentName);
  EXPECT_EQ(reply.status, 200u);
  EXPECT_EQ(reply.headers.at("content-type"), "image/jpeg");
  EXPECT_EQ(reply.headers.at("x-content-type-options"), "nosniff");
  EXPECT_THAT(reply.headers.at("cache-control"), HasSubstr("private"));
  EXPECT_EQ(reply.body, "\xFF\xD8\xFF attachment");
  EXPECT_EQ(JsonOf(Get("/api/v1/attachments/sha256-00"))["type"],
            "urn:fusion-gateway:problem:no-such-attachment");
}

TEST_F(WallPage, AnAttachmentKeepsItsPlaceUntilItsLastByteIsWritten) {
  // More than the sockets between the two take.
  const std::string bytes(std::size_t{32} << 20, 'b');
  backend_.SetAttachment(bytes);
  options_.attachments_max = 1;
  options_.queued_max = 0;
  Start();
  const std::string path = std::string("/api/v1/attachments/") + kAttachmentName;
  HttpClient reader(port());
  reader.Ask(path);
  ASSERT_TRUE(reader.AnswerBegins());
  EXPECT_EQ(Get(path).status, 503u);
  EXPECT_EQ(server_->statistics().attachments_refused, 1u);
  EXPECT_EQ(Get("/api/v1/incidents").status, 200u);
  EXPECT_EQ(reader.ReadReply().body, bytes);
  EXPECT_EQ(reader.Get(path).status, 200u);
}

TEST_F(WallPage, HealthReadinessAndMetricsAreToldApart) {
  Start();
  backend_.SetNotReady("recovering the journal");
  EXPECT_EQ(Get("/healthz").status, 200u);
  const Reply not_ready = Get("/readyz");
  EXPECT_EQ(not_ready.status, 503u);
  EXPECT_THAT(not_ready.body, HasSubstr("recovering the journal"));
  backend_.SetNotReady("");
  EXPECT_EQ(Get("/readyz").status, 200u);
  EXPECT_THAT(Get("/metrics").body, HasSubstr("test_metric 1"));
}

TEST_F(WallGuard, AForeignHostIsRefused) {
  Start();
  const std::string here = std::to_string(port());
  for (const std::string& host :
       std::vector<std::string>{"evil.example", "127.0.0.1:1", "localhost", "evil.example:" + here,
                                "localhost." + here}) {
    EXPECT_EQ(Get("/api/v1/incidents", {{"Host", host}}).status, 421u) << host;
  }
  EXPECT_EQ(Get("/", {{"Host", ""}}).status, 421u) << "no Host at all";
  for (const std::string& host :
       std::vector<std::string>{"127.0.0.1:" + here, "LocalHost:" + here, "[::1]:" + here}) {
    EXPECT_EQ(Get("/", {{"Host", host}}).status, 200u) << host;
  }
  EXPECT_EQ(server_->statistics().requests_refused, 6u);
}

TEST_F(WallGuard, AConfiguredHostIsAnswered) {
  options_.host_names = {"wall.example"};
  Start();
  EXPECT_EQ(Get("/", {{"Host", "wall.example"}}).status, 200u);
  EXPECT_EQ(Get("/", {{"Host", "wall.example:8443"}}).status, 200u);
  EXPECT_EQ(Get("/", {{"Host", "wall.example.evil"}}).status, 421u);
}

TEST_F(WallGuard, APageOfAnotherOriginMayNotAct) {
  Start();
  backend_.Put(MakeIncident("i-1"));
  const std::string body = R"({"actionId":"a","action":"accept"})";
  const std::string own = "http://127.0.0.1:" + std::to_string(port());
  const auto act_from = [&](const std::string& origin) {
    return HttpClient(port()).Send("POST", "/api/v1/incidents/i-1/actions", body,
                                   {{"Origin", origin}, {"Content-Type", "application/json"}});
  };
  EXPECT_EQ(act_from("http://evil.example").status, 403u);
  EXPECT_EQ(act_from("null").status, 403u);
  EXPECT_EQ(act_from(own + "0").status, 403u);
  EXPECT_EQ(backend_.FindIncident("i-1").value().revision(), 1u);
  EXPECT_EQ(act_from(own).status, 200u);
}

TEST_F(WallGuard, AFormPostIsNotAnAction) {
  Start();
  backend_.Put(MakeIncident("i-1"));
  const Reply reply = HttpClient(port()).Send("POST", "/api/v1/incidents/i-1/actions",
                                              R"({"actionId":"a","action":"accept"})",
                                              {{"Content-Type", "text/plain"}});
  EXPECT_EQ(reply.status, 415u);
  EXPECT_EQ(backend_.FindIncident("i-1").value().revision(), 1u);
}

TEST_F(WallGuard, DeadLettersAreDealtWithOnlyFromThisOriginAndInJson) {
  Start();
  const auto deal = [this](const std::string& what, const Headers& headers) {
    return HttpClient(port()).Send("POST", "/api/v1/feeds/f/dead-letters/1/" + what, "", headers);
  };
  const std::pair<std::string, std::string> json{"Content-Type", "application/json"};
  for (const std::string what : {"drop", "resubmit"}) {
    EXPECT_EQ(deal(what, {{"Origin", "http://evil.example"}, json}).status, 403u);
    EXPECT_EQ(deal(what, {{"Host", "evil.example"}, json}).status, 421u);
    EXPECT_EQ(deal(what, {{"Content-Type", "text/plain"}}).status, 415u);
    EXPECT_EQ(deal(what, {}).status, 415u);
    EXPECT_EQ(deal(what, {json}).status, 404u) << "asked in the right way: there is no letter 1";
    const Reply reply = Get("/api/v1/feeds/f/dead-letters/1/" + what);
    EXPECT_EQ(reply.status, 405u);
    EXPECT_EQ(reply.headers.at("allow"), "POST");
  }
  EXPECT_EQ(deal("burn", {json}).status, 404u);
  EXPECT_EQ(Get("/api/v1/feeds/f/dead-letters").body, "{\"deadLetters\":[]}\n");
  EXPECT_EQ(Get("/api/v1/feeds/f/dead-letters?max=many").status, 400u);
  EXPECT_EQ(Get("/api/v1/feeds/f/dead-letters/one").status, 400u);
}

TEST_F(WallLimits, ATooLargeHeaderOrBodyIsRefusedAndTheConnectionEnds) {
  options_.header_bytes_max = 2048;
  options_.body_bytes_max = 1000;
  Start();
  HttpClient header(port());
  EXPECT_EQ(header.Get("/", {{"X-Long", std::string(4000, 'x')}}).status, 431u);
  EXPECT_TRUE(header.EndsByItself());
  HttpClient body(port());
  EXPECT_EQ(body.Send("POST", "/api/v1/incidents/i/actions", std::string(2000, 'x')).status, 413u);
  EXPECT_TRUE(body.EndsByItself());
  EXPECT_EQ(server_->statistics().requests_refused, 2u);
}

TEST_F(WallLimits, BytesThatAreNotHttpAreRefused) {
  Start();
  EXPECT_EQ(HttpClient(port()).SendRaw("{\"not\":\"http\"}\r\n\r\n").status, 400u);
  const std::string host = "Host: 127.0.0.1:" + std::to_string(port()) + "\r\n\r\n";
  EXPECT_EQ(HttpClient(port()).SendRaw("GET /%zz HTTP/1.1\r\n" + host).status, 400u);
  EXPECT_EQ(HttpClient(port()).SendRaw("GET /%ff HTTP/1.1\r\n" + host).status, 400u);
  EXPECT_EQ(Get("/healthz").status, 200u);
}

TEST_F(WallLimits, APeerThatNeverFinishesItsRequestIsCutOff) {
  options_.read_timeout = std::chrono::milliseconds(150);
  Start();
  HttpClient client(port());
  EXPECT_EQ(client.SendRaw("GET / HTTP/1.1\r\nHost: ").status, 0u);
  EXPECT_TRUE(client.EndsByItself());
  server_->Stop();  // it counts after it has closed
  EXPECT_EQ(server_->statistics().requests_refused, 1u);
}

TEST_F(WallLimits, ConnectionsBeyondTheLimitAreToldSo) {
  options_.connections_max = 2;
  Start();
  StreamClient first(port(), "?stream=live"), second(port(), "?stream=live");
  ASSERT_TRUE(first.Next() && second.Next());
  HttpClient third(port());
  const Reply refused = third.Get("/healthz");
  EXPECT_EQ(refused.status, 503u);
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  EXPECT_TRUE(third.EndsByItself());
  EXPECT_TRUE(first.NextOfAnyKind()) << "those inside are not disturbed";
  EXPECT_EQ(server_->statistics().connections_refused, 1u);
  EXPECT_EQ(server_->statistics().connections_displaced, 0u);
}

TEST_F(WallLimits, WhoAsksNothingMakesRoomForWhoComesTheSilentFirst) {
  options_.connections_max = 3;
  Start();
  HttpClient asked(port());
  EXPECT_EQ(asked.Get("/healthz").status, 200u);
  HttpClient silent(port()), silent_too(port());
  HttpClient third(port());
  EXPECT_EQ(third.Get("/healthz").status, 200u);
  EXPECT_TRUE(silent.EndsByItself());
  HttpClient fourth(port());
  EXPECT_EQ(fourth.Get("/healthz").status, 200u);
  EXPECT_TRUE(silent_too.EndsByItself());
  EXPECT_EQ(asked.Get("/healthz").status, 200u) << "who asked stays longer";
  HttpClient fifth(port());
  EXPECT_EQ(fifth.Get("/healthz").status, 200u);
  EXPECT_EQ(server_->statistics().connections_displaced, 3u);
  EXPECT_EQ(server_->statistics().connections_refused, 0u);
}

TEST_F(WallLimits, ACompressedBodyAndAParameterGivenTwiceAreRefused) {
  Start();
  HttpClient client(port());
  const Reply packed =
      client.Send("POST", "/api/v1/incidents/i/actions", "{}", {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(packed.status, 415u);
  EXPECT_THAT(packed.body, HasSubstr("Content-Encoding"));
  const Reply twice = Get("/api/v1/records?stream=live&after=0&after=1");
  EXPECT_EQ(twice.status, 400u);
  EXPECT_THAT(twice.body, HasSubstr("given twice"));
}

TEST_F(WallLimits, AMethodThatAPathDoesNotTakeIsToldWhichItTakes) {
  Start();
  const Reply reply = HttpClient(port()).Send("DELETE", "/api/v1/incidents", "");
  EXPECT_EQ(reply.status, 405u);
  EXPECT_EQ(reply.headers.at("allow"), "GET, HEAD");
  EXPECT_EQ(Get("/api/v1/incidents/i/actions").headers.at("allow"), "POST");
}

TEST_F(WallLimits, FullWorkersAreAnsweredWith503) {
  auto server = WallServer::Start(options_, backend_, [](std::function<void()>) { return false; });
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(HttpClient((*server)->port()).Get("/api/v1/incidents").status, 503u);
  EXPECT_EQ(HttpClient((*server)->port()).Get("/").status, 200u) << "the page needs no worker";
  EXPECT_EQ((*server)->statistics().workers_full, 1u);
}

TEST_F(WallIncidents, AreListedOpenOnlyUnlessClosedAreAskedFor) {
  Start();
  backend_.Put(MakeIncident("i-1", v1::ACCEPTED));
  backend_.Put(MakeIncident("i-2", v1::FALSE_ALARM));
  const auto open = JsonOf(Get("/api/v1/incidents"));
  ASSERT_EQ(open["incidents"].size(), 1u);
  EXPECT_EQ(open["incidents"][0]["incidentId"], "i-1");
  EXPECT_EQ(open["throughSeq"], "2");
  EXPECT_EQ(JsonOf(Get("/api/v1/incidents?closed=1"))["incidents"].size(), 2u);
}

TEST_F(WallIncidents, AreFoundByIdAndTheirEvidenceByPage) {
  Start();
  v1::Incident incident = MakeIncident("i-1");
  for (int i = 0; i < 5; ++i) incident.add_evidence()->set_report_id("r-" + std::to_string(i));
  backend_.Put(incident);
  EXPECT_EQ(JsonOf(Get("/api/v1/incidents/i-1"))["revision"], "1");
  const auto page = JsonOf(Get("/api/v1/incidents/i-1/evidence?after=3&max=1"));
  ASSERT_EQ(page["evidence"].size(), 1u);
  EXPECT_EQ(page["evidence"][0]["reportId"], "r-3");
  EXPECT_EQ(page["evidenceCount"], "5");
  EXPECT_EQ(Get("/api/v1/incidents/i-9").status, 404u);
  EXPECT_EQ(Get("/api/v1/incidents/i-1/evidence?after=-1").status, 400u);
}

TEST_F(WallIncidents, RestrictedOnesDoNotExistHere) {
  Start();
  v1::Incident hidden = MakeIncident("i-secret");
  hidden.set_restricted(true);
  hidden.set_title(kSecretPhrase);
  backend_.Put(hidden);
  v1::StreamRecord report;
  report.mutable_report()->set_restricted(true);
  report.mutable_report()->set_summary(kSecretPhrase);
  backend_.PutRecord(report);
  v1::StreamRecord action;
  action.mutable_action()->set_incident_id("i-secret");
  action.mutable_action()->set_reason(kSecretPhrase);
  backend_.PutRecord(action);
  for (const char* path : {"/api/v1/incidents?closed=1", "/api/v1/incidents/i-secret",
                           "/api/v1/incidents/i-secret/evidence", "/api/v1/records?after=0"}) {
    EXPECT_THAT(Get(path).body, Not(HasSubstr(kSecretPhrase))) << path;
  }
  EXPECT_EQ(Get("/api/v1/incidents/i-secret").body, Get("/api/v1/incidents/i-none").body);
  EXPECT_EQ(JsonOf(Get("/api/v1/records?after=0"))["throughSeq"], "3") << "scanned, not shown";
  const Reply act = HttpClient(port()).Send("POST", "/api/v1/incidents/i-secret/actions",
                                            R"({"actionId":"a","action":"accept"})",
                                            {{"Content-Type", "application/json"}});
  EXPECT_EQ(act.status, 404u);
  EXPECT_EQ(backend_.FindIncident("i-secret").value().revision(), 1u);
}

class WallActing : public WallFixture {
 protected:
  Reply Act(const std::string& body, const std::string& id = "i-1") {
    return HttpClient(port()).Send("POST", "/api/v1/incidents/" + id + "/actions", body,
                                   {{"Content-Type", "application/json"}});
  }
};

TEST_F(WallActing, AcceptingMakesARevisionAndAnswersWithIt) {
  Start();
  backend_.Put(MakeIncident("i-1"));
  const auto done = JsonOf(Act(R"({"actionId":"a-1","action":"accept","expectedRevision":"1"})"));
  EXPECT_EQ(done["actionId"], "a-1");
  EXPECT_EQ(done["revision"], "2");
  EXPECT_EQ(done["incident"]["state"], "ACCEPTED");
}

TEST_F(WallActing, AStaleRevisionIs409AndChangesNothing) {
  Start();
  backend_.Put(MakeIncident("i-1"));
  backend_.Put(MakeIncident("i-1"));
  const Reply stale = Act(R"({"actionId":"a-1","action":"accept","expectedRevision":"1"})");
  EXPECT_EQ(stale.status, 409u);
  EXPECT_EQ(JsonOf(stale)["revision"], "2");
  EXPECT_EQ(backend_.FindIncident("i-1").value().state(), v1::UNVERIFIED);
}

TEST_F(WallActing, WhatTheStateDoesNotAllowIs409AndIsNotCalledStale) {
  Start();
  backend_.Put(MakeIncident("i-1", v1::CLOSED));
  const Reply refused = Act(R"({"actionId":"a-1","action":"close","expectedRevision":"1"})");
  EXPECT_EQ(refused.status, 409u);
  const auto problem = JsonOf(refused);
  EXPECT_EQ(problem["type"], "urn:fusion-gateway:problem:not-in-this-state");
  EXPECT_EQ(problem["state"], "CLOSED");
  EXPECT_EQ(problem["detail"], "已关闭 / it is closed") << "each language once";
  const Reply stale = Act(R"({"actionId":"a-2","action":"close","expectedRevision":"7"})");
  EXPECT_EQ(JsonOf(stale)["type"], "urn:fusion-gateway:problem:stale-revision");
}

TEST_F(WallActing, ARepeatReturnsTheFirstResult) {
  Start();
  backend_.Put(MakeIncident("i-1"));
  const std::string body =
      R"({"action_id":"a-1","action":"false_alarm","reason":"扬尘","expected_revision":1})";
  EXPECT_EQ(JsonOf(Act(body))["revision"], "2");
  const Reply again = Act(body);
  EXPECT_EQ(again.status, 200u);
  EXPECT_EQ(JsonOf(again)["revision"], "2");
  EXPECT_EQ(backend_.FindIncident("i-1").value().revision(), 2u);
}

TEST_F(WallActing, WhatIsNotAnActionIsRefusedWithTheReason) {
  Start();
  backend_.Put(MakeIncident("i-1"));
  EXPECT_EQ(Act("{not json").status, 400u);
  EXPECT_THAT(Act(R"({"action":"accept"})").body, HasSubstr("actionId"));
  EXPECT_THAT(Act(R"({"actionId":"a"})").body, HasSubstr("action is missing"));
  EXPECT_THAT(Act(R"({"actionId":"a","action":"explode"})").body, HasSubstr("explode"));
  EXPECT_THAT(Act(R"({"actionId":"a","action":"accept","incidentId":"i-2"})").body,
              HasSubstr("incidentId"));
  for (const char* body :
       {R"({"actionId":"a","action":"explode"})", R"({"actionId":"a","action":"grade","grade":99})",
        R"({"actionId":"a","action":"grade","grade":257})"}) {
    EXPECT_EQ(Act(body).status, 400u) << body;
  }
  const Reply unknown = Act(R"({"actionId":"a","action":"accept"})", "i-9");
  EXPECT_EQ(unknown.status, 404u);
  EXPECT_EQ(JsonOf(unknown)["type"], "urn:fusion-gateway:problem:no-such-incident");
  EXPECT_EQ(backend_.FindIncident("i-1").value().revision(), 1u);
}

TEST_F(WallActing, TheActorIsNotTheCallersToChoose) {
  Start();
  backend_.Put(MakeIncident("i-1"));
  Act(R"({"actionId":"a-1","action":"accept","actor":"commander"})");
  EXPECT_EQ(backend_.FindIncident("i-1").value().change().actor(), "local");
}

TEST_F(WallRecords, ComeAsTheRangeThatWasScanned) {
  Start();
  for (int i = 1; i <= 5; ++i) backend_.Put(MakeIncident("i-" + std::to_string(i)));
  const auto page = JsonOf(Get("/api/v1/records?stream=live&after=2&max=2"));
  EXPECT_EQ(page["journalId"], "journal-1");
  EXPECT_EQ(page["fromSeq"], "3");
  EXPECT_EQ(page["throughSeq"], "4");
  ASSERT_EQ(page["records"].size(), 2u);
  EXPECT_EQ(page["records"][0]["incident"]["incidentId"], "i-3");
  EXPECT_EQ(Get("/api/v1/records?stream=other").status, 400u);
  EXPECT_EQ(Get("/api/v1/records?after=x").status, 400u);
}

TEST_F(WallRecords, BeyondTheNewestAreAnErrorThatSaysWhichThatIs) {
  Start();
  backend_.Put(MakeIncident("i-1"));
  for (const char* after : {"2", "18446744073709551615"}) {
    const Reply ahead = Get(std::string("/api/v1/records?after=") + after);
    EXPECT_EQ(ahead.status, 400u) << after;
    EXPECT_EQ(JsonOf(ahead)["type"], "urn:fusion-gateway:problem:seq-ahead") << after;
    EXPECT_EQ(JsonOf(ahead)["newestSeq"], "1") << after;
  }
  EXPECT_EQ(JsonOf(Get("/api/v1/records?after=1"))["throughSeq"], "1") << "nothing new yet";
}

TEST_F(WallRecords, NumbersThatAreNoneAreRefusedAndTooManyAreCut) {
  options_.page_records_max = 2;
  Start();
  for (int i = 1; i <= 3; ++i) backend_.Put(MakeIncident("i-" + std::to_string(i)));
  for (const char* bad : {"", "-1", "+1", "1.5", "0x1", "x", "1%20", "18446744073709551616"}) {
    EXPECT_EQ(Get(std::string("/api/v1/records?after=") + bad).status, 400u) << bad;
    EXPECT_EQ(Get(std::string("/api/v1/records?max=") + bad).status, 400u) << bad;
  }
  EXPECT_EQ(JsonOf(Get("/api/v1/records?max=18446744073709551615"))["records"].size(), 2u);
}

TEST_F(WallRecords, BelowWhatIsHeldIsGoneWithTheOldestSeq) {
  Start();
  for (int i = 1; i <= 5; ++i) backend_.Put(MakeIncident("i-" + std::to_string(i)));
  backend_.memory().ForgetBefore(4);
  const Reply gone = Get("/api/v1/records?after=1");
  EXPECT_EQ(gone.status, 410u);
  EXPECT_EQ(JsonOf(gone)["oldestSeq"], "4");
  EXPECT_EQ(Get("/api/v1/records?after=3").status, 200u);
}

TEST_F(WallPictures, TellWhenTheyWereTakenAndHowSureThatIs) {
  PutCamera();
  Start();
  const Reply reply = Get("/api/v1/cameras/cam/snapshot?at=2026-11-23T10:00:30.140Z");
  EXPECT_EQ(reply.status, 200u);
  EXPECT_EQ(reply.headers.at("content-type"), "image/jpeg");
  EXPECT_EQ(reply.headers.at("captured-at"), "2026-11-23T10:00:30.100000000Z");
  EXPECT_EQ(reply.headers.at("captured-uncertainty"), "0.002500000");
  EXPECT_EQ(reply.headers.at("clock-source"), "SENDER_REPORT");
  EXPECT_EQ(reply.headers.at("clock-epoch"), "1");
  const std::string frame = reply.headers.at("frame-id");
  EXPECT_THAT(frame, StartsWith("cam/1/"));
  const Reply again = Get("/api/v1/cameras/cam/snapshot?frame=" + frame);
  EXPECT_EQ(again.body, reply.body);
  EXPECT_THAT(again.headers.at("cache-control"), HasSubstr("immutable"));
  EXPECT_EQ(reply.headers.at("cache-control"), "no-store");
}

TEST_F(WallPictures, TakeTimesWithAnOffsetAndTheNewestWithoutOne) {
  PutCamera();
  Start();
  EXPECT_EQ(
      Get("/api/v1/cameras/cam/snapshot?at=2026-11-23T18:00:30+08:00").headers.at("captured-at"),
      "2026-11-23T10:00:30.000000000Z");
  EXPECT_EQ(Get("/api/v1/cameras/cam/snapshot").headers.at("captured-at"),
            "2026-11-23T10:01:00.000000000Z");
}

TEST_F(WallPictures, OutsideWhatIsHeldAre404WithTheRange) {
  PutCamera();
  Start();
  for (const char* at : {"2026-11-23T09:59:59Z", "2026-11-23T10:01:01Z"}) {
    const Reply reply = Get(std::string("/api/v1/cameras/cam/snapshot?at=") + at);
    EXPECT_EQ(reply.status, 404u) << at;
    EXPECT_EQ(JsonOf(reply)["oldest"], "2026-11-23T10:00:00.000000000Z");
    EXPECT_EQ(JsonOf(reply)["newest"], "2026-11-23T10:01:00.000000000Z");
  }
  EXPECT_THAT(Get("/api/v1/cameras/dark/snapshot").body, HasSubstr("no-picture"));
  EXPECT_THAT(Get("/api/v1/cameras/none/snapshot").body, HasSubstr("no-such-camera"));
}

TEST_F(WallPictures, AskedForWronglyAreRefused) {
  PutCamera();
  Start();
  const std::string path = "/api/v1/cameras/cam/snapshot?";
  EXPECT_EQ(Get(path + "at=yesterday").status, 400u);
  EXPECT_EQ(Get(path + "frame=dark/1/5").status, 400u);
  EXPECT_EQ(Get(path + "at=2026-11-23T10:00:00Z&frame=cam/1/5").status, 400u);
  EXPECT_EQ(backend_.pictures().decodes(), 0);
}

TEST_F(WallPictures, BeyondTheBoundAreRefusedWhileTheRestGoesOn) {
  PutCamera();
  Door door;
  backend_.pictures().SetPainter([&](const TestCamera&, const FrameInfo&) {
    door.Pass();
    return std::string("picture");
  });
  options_.snapshots_max = 1;
  options_.queued_max = 1;
  Start();
  const std::string path = "/api/v1/cameras/cam/snapshot?at=2026-11-23T10:00:30Z";
  auto first = std::async(std::launch::async, [&] { return Get(path); });
  ASSERT_TRUE(door.WaitForSomebody());
  // Two more at once: one stands in the line, the other is refused, whichever comes first.
  const auto ask = [&] { return HttpClient(port()).Get(path); };
  auto second = std::async(std::launch::async, ask);
  auto third = std::async(std::launch::async, ask);
  for (int tries = 0; server_->statistics().snapshots_refused == 0 && tries < 3000; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  EXPECT_EQ(server_->statistics().snapshots_refused, 1u);
  EXPECT_EQ(Get("/api/v1/incidents").status, 200u);
  EXPECT_EQ(backend_.pictures().decodes(), 1);
  door.Open();
  EXPECT_EQ(first.get().body, "picture");
  const Reply replies[] = {second.get(), third.get()};
  const bool second_waited = replies[0].status == 200u;
  EXPECT_EQ(replies[second_waited ? 0 : 1].body, "picture");
  EXPECT_EQ(replies[second_waited ? 1 : 0].status, 503u);
}

TEST_F(WallPictures, CamerasAndFeedsTellTheirState) {
  PutCamera();
  v1::FeedStatus feed;
  feed.set_feed_id("hazmat");
  feed.set_state(v1::FeedStatus::IDLE);
  backend_.PutFeed(feed);
  Start();
  const auto cameras = JsonOf(Get("/api/v1/cameras"))["cameras"];
  ASSERT_EQ(cameras.size(), 2u);
  EXPECT_EQ(cameras[0]["name"], "罐区");
  EXPECT_EQ(cameras[0]["status"]["state"], "STREAMING");
  EXPECT_EQ(cameras[0]["held"]["oldest"], "2026-11-23T10:00:00.000000000Z");
  EXPECT_FALSE(cameras[1].contains("held"));
  EXPECT_EQ(JsonOf(Get("/api/v1/feeds"))["feeds"][0]["state"], "IDLE");
}

TEST_F(WallStart, BeyondLoopbackIsRefused) {
  for (const char* address : {"0.0.0.0", "192.0.2.1", "::"}) {
    options_.address = address;
    const auto server = WallServer::Start(options_, backend_, workers_.Taker());
    ASSERT_FALSE(server.ok()) << address;
    EXPECT_EQ(server.status().code(), StatusCode::kPermissionDenied);
  }
  options_.address = "localhost";
  EXPECT_EQ(WallServer::Start(options_, backend_, workers_.Taker()).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(WallStart, ATakenPortAndAMissingPageAreToldPlainly) {
  Start();
  WallOptions taken = options_;
  taken.port = port();
  const auto second = WallServer::Start(taken, backend_, workers_.Taker());
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(second.status().message(), HasSubstr(std::to_string(port())));
  WallOptions pageless = options_;
  pageless.web_root = folder_ / "none";
  EXPECT_EQ(WallServer::Start(pageless, backend_, workers_.Taker()).status().code(),
            StatusCode::kNotFound);
}

TEST_F(WallStart, StopWaitsForWhatIsRunningAndEndsTheRest) {
  PutCamera();
  Door door;
  backend_.pictures().SetPainter([&](const TestCamera&, const FrameInfo&) {
    door.Pass();
    return std::string("picture");
  });
  Start();
  HttpClient idle(port());
  EXPECT_EQ(idle.Get("/healthz").status, 200u);
  auto picture = std::async(std::launch::async, [&] {
    return Get("/api/v1/cameras/cam/snapshot?at=2026-11-23T10:00:30Z");
  });
  ASSERT_TRUE(door.WaitForSomebody());
  auto stop = std::async(std::launch::async, [&] { server_->Stop(); });
  EXPECT_TRUE(idle.EndsByItself());
  door.Open();
  EXPECT_EQ(stop.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  picture.get();
}

}  // namespace
}  // namespace fusiongateway::test
