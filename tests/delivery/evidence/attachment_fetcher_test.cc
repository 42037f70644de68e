#include "delivery/evidence/attachment_fetcher.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/support/http_site.h"
#include "tests/support/simulated_clock.h"

namespace fusiongateway {
namespace {

namespace fs = std::filesystem;

const std::string kJpeg = "\xFF\xD8\xFF the picture";
constexpr UtcTime kNow{std::chrono::seconds{1'790'000'000}};

AttachmentFetcherOptions QuickOptions() {
  AttachmentFetcherOptions options;
  options.pauses = {Duration::zero(), Duration::zero()};
  return options;
}

AttachmentWanted Wish(const std::string& url, const std::string& role = "snapshot",
                      UtcTime at = kNow) {
  AttachmentWanted wish;
  wish.feed_id = "tower";
  wish.report_id = url;
  wish.attachment.role = role;
  wish.attachment.url = url;
  wish.at = at;
  return wish;
}

class AttachmentFetcherTest : public ::testing::Test {
 protected:
  AttachmentFetcherTest() {
    std::string pattern = (fs::temp_directory_path() / "fetched-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    store_ = std::make_unique<AttachmentStore>(directory_, 1 << 30);
    EXPECT_TRUE(store_->Open().ok());
  }
  ~AttachmentFetcherTest() override {
    fetcher_.reset();
    fs::remove_all(directory_);
  }

  void Start(const std::vector<std::string>& hosts,
             AttachmentFetcherOptions options = QuickOptions()) {
    fetcher_ =
        std::make_unique<AttachmentFetcher>(*AttachmentPolicy::Make(hosts), options, store_.get(),
                                            &clock_, [this](AttachmentFetched fetched) {
                                              std::lock_guard lock(mutex_);
                                              if (refusals_ > 0) return --refusals_, false;
                                              answers_.push_back(std::move(fetched));
                                              answered_.notify_all();
                                              return true;
                                            });
  }

  // The answer for that URL; a failed test if none comes.
  FetchedAttachment AnswerFor(const std::string& url) {
    std::unique_lock lock(mutex_);
    const auto found = [&] {
      return std::find_if(answers_.begin(), answers_.end(),
                          [&](const auto& a) { return a.fetched.attachment.url == url; });
    };
    const bool came = answered_.wait_for(lock, std::chrono::seconds{30},
                                         [&] { return found() != answers_.end(); });
    EXPECT_TRUE(came) << url;
    return came ? found()->fetched : FetchedAttachment{};
  }
  FetchedAttachment Fetch(const std::string& url, const std::string& role = "snapshot") {
    fetcher_->Want({Wish(url, role)});
    return AnswerFor(url);
  }

  std::string directory_;
  std::unique_ptr<AttachmentStore> store_;
  SimulatedClock clock_{kNow};
  std::mutex mutex_;
  std::condition_variable answered_;
  std::vector<AttachmentFetched> answers_;
  int refusals_ = 0;
  std::unique_ptr<AttachmentFetcher> fetcher_;
};

TEST_F(AttachmentFetcherTest, APictureIsKeptWithItsHashWhateverItsHeadersSay) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) {
    peer.Ok(kJpeg, "Content-Type: text/html\r\n");
  });
  Start({site.host()});
  const FetchedAttachment fetched = Fetch(site.Url("/a.jpg?token=1"));
  EXPECT_EQ(fetched.failure, "");
  EXPECT_EQ(fetched.attachment.media_type, "image/jpeg");
  EXPECT_EQ(fetched.attachment.size_bytes, kJpeg.size());
  ASSERT_TRUE(fetched.attachment.digest);
  EXPECT_EQ(*fetched.attachment.digest, Sha256Of(kJpeg));
  const auto kept = store_->Load(ToName(*fetched.attachment.digest));
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->bytes, kJpeg);
  EXPECT_EQ(fetcher_->counters().fetched, 1u);
}

TEST_F(AttachmentFetcherTest, ThePictureOfARestrictedReportIsKeptAndNotAnswered) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) { peer.Ok(kJpeg); });
  Start({site.host()});
  AttachmentWanted wish = Wish(site.Url("/a.jpg"));
  wish.restricted = true;
  fetcher_->Want({wish});
  const FetchedAttachment fetched = AnswerFor(wish.attachment.url);
  ASSERT_TRUE(fetched.attachment.digest);
  EXPECT_EQ(store_->Load(ToName(*fetched.attachment.digest)).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(store_->statistics().files, 1u);
}

TEST_F(AttachmentFetcherTest, AHostThatIsNotListedSeesNoConnection) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) { peer.Ok(kJpeg); });
  Start({"nvr-1.example"});
  EXPECT_EQ(Fetch(site.Url("/a.jpg")).failure, "NOT_ALLOWED");
  EXPECT_EQ(site.connections(), 0);
  EXPECT_EQ(fetcher_->counters().failed.at("NOT_ALLOWED"), 1u);
}

TEST_F(AttachmentFetcherTest, ANameThatResolvesToLoopbackIsRefused) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) { peer.Ok(kJpeg); });
  const std::string host = "localhost:" + std::to_string(site.port());
  Start({host});
  EXPECT_EQ(Fetch("http://" + host + "/a.jpg").failure, "NOT_ALLOWED");
  EXPECT_EQ(site.connections(), 0);
}

TEST_F(AttachmentFetcherTest, ARedirectIsNotFollowed) {
  HttpSite inner([](const std::string&, HttpSite::Peer& peer) { peer.Ok(kJpeg); });
  HttpSite site([&](const std::string&, HttpSite::Peer& peer) {
    peer.Send("HTTP/1.1 302 Found\r\nLocation: " + inner.Url("/") +
              "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  Start({site.host(), inner.host()});
  EXPECT_EQ(Fetch(site.Url("/a.jpg")).failure, "HTTP_302");
  EXPECT_EQ(inner.connections(), 0);
  EXPECT_EQ(site.connections(), 1);
}

TEST_F(AttachmentFetcherTest, AServerThatNeverEndsIsCutOffAtTheBound) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\xFF\xD8\xFF");
    const std::string lot(1 << 16, 'x');
    while (peer.Send(lot)) {
    }
  });
  Start({site.host()});
  EXPECT_EQ(Fetch(site.Url("/a.jpg")).failure, "TOO_LARGE");
  EXPECT_EQ(site.connections(), 1);
  EXPECT_EQ(store_->statistics().files, 0u);
}

TEST_F(AttachmentFetcherTest, HeadersThatNeverEndAreCutOff) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\n");
    const std::string line = "X-More: " + std::string(1000, 'x') + "\r\n";
    while (peer.Send(line)) {
    }
  });
  Start({site.host()});
  EXPECT_EQ(Fetch(site.Url("/a.jpg")).failure, "UNREACHABLE");
}

TEST_F(AttachmentFetcherTest, WhatIsAnnouncedAsTooLargeIsNotAskedFor) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 99000000000\r\n\r\n");
    peer.WaitForEnd();
  });
  Start({site.host()});
  EXPECT_EQ(Fetch(site.Url("/a.mp4"), "clip").failure, "TOO_LARGE");
}

TEST_F(AttachmentFetcherTest, APageInPlaceOfAPictureIsNotKept) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) {
    peer.Ok("<html>log in</html>", "Content-Type: image/jpeg\r\n");
  });
  Start({site.host()});
  EXPECT_EQ(Fetch(site.Url("/a.jpg")).failure, "UNKNOWN_TYPE");
  EXPECT_EQ(store_->statistics().files, 0u);
}

TEST_F(AttachmentFetcherTest, ASlowServerHoldsNoOtherUp) {
  HttpSite slow([](const std::string&, HttpSite::Peer& peer) { peer.WaitForEnd(); });
  HttpSite quick([](const std::string&, HttpSite::Peer& peer) { peer.Ok(kJpeg); });
  AttachmentFetcherOptions options = QuickOptions();
  options.picture_timeout = std::chrono::minutes{1};
  Start({slow.host(), quick.host()}, options);
  for (int i = 0; i < 8; ++i) fetcher_->Want({Wish(slow.Url("/" + std::to_string(i)))});
  EXPECT_EQ(Fetch(quick.Url("/a.jpg")).failure, "");
  EXPECT_LE(slow.connections(), 2);
}

TEST_F(AttachmentFetcherTest, AClosedConnectionIsTriedAgainAndThenToldWhy) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n\xFF\xD8\xFF half");
  });
  Start({site.host()});
  EXPECT_EQ(Fetch(site.Url("/a.jpg")).failure, "UNREACHABLE");
  EXPECT_EQ(site.connections(), 3);
  EXPECT_EQ(fetcher_->counters().failed.at("UNREACHABLE"), 1u);
}

TEST_F(AttachmentFetcherTest, AServerThatRecoversIsAskedAgainAndOneThatHasItNotIsNot) {
  std::atomic<int> asked{0};
  HttpSite site([&](const std::string& target, HttpSite::Peer& peer) {
    if (target == "/gone.jpg") {
      peer.Send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    } else if (++asked < 3) {
      peer.Send("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy");
    } else {
      peer.Ok(kJpeg);
    }
  });
  Start({site.host()});
  EXPECT_EQ(Fetch(site.Url("/a.jpg")).failure, "");
  EXPECT_EQ(site.connections(), 3);
  EXPECT_EQ(Fetch(site.Url("/gone.jpg")).failure, "HTTP_404");
  EXPECT_EQ(site.connections(), 4);
}

TEST_F(AttachmentFetcherTest, AServerThatStallsTimesOut) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) { peer.WaitForEnd(); });
  AttachmentFetcherOptions options = QuickOptions();
  options.picture_timeout = std::chrono::milliseconds{50};
  Start({site.host()}, options);
  EXPECT_EQ(Fetch(site.Url("/a.jpg")).failure, "TIMEOUT");
}

TEST_F(AttachmentFetcherTest, TheSecondTryWaitsForItsTime) {
  std::atomic<int> asked{0};
  HttpSite site([&](const std::string&, HttpSite::Peer& peer) {
    if (++asked > 1) peer.Ok(kJpeg);
  });
  AttachmentFetcherOptions options;
  Start({site.host()}, options);
  fetcher_->Want({Wish(site.Url("/a.jpg"))});
  while (asked < 1) std::this_thread::yield();
  while (fetcher_->counters().waiting == 0) std::this_thread::yield();
  EXPECT_EQ(asked, 1);
  clock_.Advance(std::chrono::seconds{1});
  EXPECT_EQ(AnswerFor(site.Url("/a.jpg")).failure, "");
}

TEST_F(AttachmentFetcherTest, WhatWasWantedTooLongAgoIsNotAskedFor) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) { peer.Ok(kJpeg); });
  Start({site.host()});
  fetcher_->Want({Wish(site.Url("/a.jpg"), "snapshot", kNow - std::chrono::minutes{11})});
  EXPECT_EQ(AnswerFor(site.Url("/a.jpg")).failure, "EXPIRED");
  EXPECT_EQ(site.connections(), 0);
}

TEST_F(AttachmentFetcherTest, MoreThanTheQueueHoldsIsAnsweredAtOnce) {
  HttpSite slow([](const std::string&, HttpSite::Peer& peer) { peer.WaitForEnd(); });
  AttachmentFetcherOptions options = QuickOptions();
  options.queue_max = 2;
  options.picture_timeout = std::chrono::minutes{1};
  Start({slow.host()}, options);
  std::vector<AttachmentWanted> wanted;
  for (int i = 0; i < 6; ++i) wanted.push_back(Wish(slow.Url("/" + std::to_string(i))));
  fetcher_->Want(wanted);
  EXPECT_EQ(AnswerFor(slow.Url("/5")).failure, "QUEUE_FULL");
}

TEST_F(AttachmentFetcherTest, AnAnswerThatIsNotTakenIsOfferedAgain) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) { peer.Ok(kJpeg); });
  refusals_ = 3;
  Start({site.host()});
  EXPECT_EQ(Fetch(site.Url("/a.jpg")).failure, "");
}

TEST_F(AttachmentFetcherTest, AFullDiskIsToldAndNotADigest) {
  HttpSite site([](const std::string&, HttpSite::Peer& peer) { peer.Ok(kJpeg); });
  fs::remove_all(directory_);
  Start({site.host()});
  const FetchedAttachment fetched = Fetch(site.Url("/a.jpg"));
  EXPECT_EQ(fetched.failure, "NOT_KEPT");
  EXPECT_FALSE(fetched.attachment.digest);
}

}  // namespace
}  // namespace fusiongateway
