#include "delivery/evidence/attachment_fetcher.h"

#include <curl/curl.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <string_view>
#include <utility>

namespace fusiongateway {
namespace {

constexpr std::size_t kTransfersMax = 4;
constexpr std::ptrdiff_t kTransfersOfHostMax = 2;
constexpr std::size_t kHeaderBytesMax = std::size_t{64} << 10;
constexpr long kSlowBytesPerSecond = 1000;
constexpr long kSlowSeconds = 5;
// How often what waits for its time is looked at; nothing else is waited for by polling.
constexpr int kLookMs = 50;
constexpr int kIdleMs = 10'000;

// One attachment on its way.
struct Job {
  AttachmentWanted wish;
  FetchTarget target;
  std::size_t tries = 0;
  SteadyTime not_before{};
};

struct Transfer {
  explicit Transfer(Job job_in) : job(std::move(job_in)) {}

  Job job;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{curl_easy_init(), curl_easy_cleanup};
  std::string body;
  std::size_t header_bytes = 0;
  bool too_large = false;
  bool address_refused = false;

  long status() const {
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }
};

constexpr long kOk = 200;

std::size_t TakeHeader(char*, std::size_t size, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  transfer->header_bytes += size * count;
  return transfer->header_bytes <= kHeaderBytesMax ? size * count : 0;
}

// Ends the transfer at what is not asked for: another status than 200, more than the bound.
std::size_t TakeBody(char* bytes, std::size_t size, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const std::size_t length = size * count;
  if (transfer->status() != kOk) return 0;
  const std::uint64_t room = BytesMaxOf(transfer->job.wish.attachment.role) - transfer->body.size();
  transfer->too_large = length > room;
  if (transfer->too_large) return 0;
  transfer->body.append(bytes, length);
  return length;
}

// The address that is really connected to: whatever the name resolved to, and however often.
curl_socket_t OpenSocket(void* user, curlsocktype, curl_sockaddr* address) {
  auto* transfer = static_cast<Transfer*>(user);
  // An address that the configuration names is meant.
  if (!transfer->job.target.is_address && !MayConnectTo(address->addr)) {
    transfer->address_refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void Prepare(const AttachmentFetcherOptions& options, Transfer* transfer) {
  CURL* easy = transfer->easy.get();
  const bool clip = transfer->job.wish.attachment.role == "clip";
  const std::uint64_t bytes_max = BytesMaxOf(transfer->job.wish.attachment.role);
  curl_easy_setopt(easy, CURLOPT_CURLU, transfer->job.target.url.get());
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "fusion-gateway");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, long{options.connect_timeout.count()});
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                   long{(clip ? options.clip_timeout : options.picture_timeout).count()});
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, kSlowBytesPerSecond);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, kSlowSeconds);
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(bytes_max));
  if (!options.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, TakeHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, TakeBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, OpenSocket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
}

// What ended a transfer; "" if its body is whole.
std::string FailureOf(const Transfer& transfer, CURLcode ended) {
  const long status = transfer.status();
  if (transfer.address_refused && ended == CURLE_COULDNT_CONNECT) return fetch_failure::kNotAllowed;
  if (transfer.too_large) return fetch_failure::kTooLarge;
  if (status != 0 && status != kOk) return "HTTP_" + std::to_string(status);
  switch (ended) {
    case CURLE_OK:
      return "";
    case CURLE_FILESIZE_EXCEEDED:
      return fetch_failure::kTooLarge;
    case CURLE_OPERATION_TIMEDOUT:
      return fetch_failure::kTimeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
      return fetch_failure::kTls;
    default:
      return fetch_failure::kUnreachable;
  }
}

bool MayPass(const std::string& failure) {
  return failure == fetch_failure::kTimeout || failure == fetch_failure::kUnreachable ||
         failure.starts_with("HTTP_5");
}

}  // namespace

// What the thread has under way.
class AttachmentFetcher::Transfers {
 public:
  explicit Transfers(AttachmentFetcher* owner) : owner_(*owner) {
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 8L);
  }
  ~Transfers() {
    for (const auto& transfer : active_) {
      curl_multi_remove_handle(multi_.get(), transfer->easy.get());
    }
  }

  Status Loop();
  void Wake() { curl_multi_wakeup(multi_.get()); }

 private:
  void TakeWishes();
  void Begin(AttachmentWanted wish);
  void StartWhatMay();
  void Start(Job job);
  void TakeEnded();
  void End(std::unique_ptr<Transfer> transfer, CURLcode ended);
  void Keep(const Transfer& transfer);
  void Fail(const AttachmentWanted& wish, std::string failure);
  void Answer(const AttachmentWanted& wish, FetchedAttachment fetched);
  void OfferAnswers();

  AttachmentFetcher& owner_;
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_{curl_multi_init(),
                                                               curl_multi_cleanup};
  std::list<Job> waiting_;
  std::list<std::unique_ptr<Transfer>> active_;
  std::list<AttachmentFetched> answers_;  // not yet taken
};

Status AttachmentFetcher::Transfers::Loop() {
  while (!owner_.stopping_) {
    TakeWishes();
    OfferAnswers();
    StartWhatMay();
    int running = 0;
    CURLMcode code = curl_multi_perform(multi_.get(), &running);
    TakeEnded();
    const bool look = !waiting_.empty() || !answers_.empty();
    if (code == CURLM_OK) {
      code = curl_multi_poll(multi_.get(), nullptr, 0, look ? kLookMs : kIdleMs, nullptr);
    }
    if (code != CURLM_OK) return Internal(curl_multi_strerror(code));
  }
  return {};
}

void AttachmentFetcher::Transfers::TakeWishes() {
  std::vector<AttachmentWanted> wanted;
  {
    std::lock_guard lock(owner_.mutex_);
    wanted.swap(owner_.wanted_);
  }
  for (AttachmentWanted& wish : wanted) Begin(std::move(wish));
}

void AttachmentFetcher::Transfers::Begin(AttachmentWanted wish) {
  auto target = owner_.policy_.Check(wish.attachment.url);
  if (!target.ok()) return Fail(wish, target.status().message());
  if (waiting_.size() >= owner_.options_.queue_max) return Fail(wish, fetch_failure::kQueueFull);
  waiting_.push_back({std::move(wish), std::move(*target)});
}

void AttachmentFetcher::Transfers::StartWhatMay() {
  const SteadyTime now = owner_.clock_->SteadyNow();
  const UtcTime utc = owner_.clock_->UtcNow();
  for (auto job = waiting_.begin(); job != waiting_.end() && active_.size() < kTransfersMax;) {
    const std::string origin = job->target.origin();
    const auto of_host = std::count_if(active_.begin(), active_.end(), [&](const auto& transfer) {
      return transfer->job.target.origin() == origin;
    });
    if (SaturatingSubtract(utc, job->wish.at) > owner_.options_.fetch_within) {
      Fail(job->wish, fetch_failure::kExpired);
      job = waiting_.erase(job);
    } else if (job->not_before > now || of_host >= kTransfersOfHostMax) {
      ++job;
    } else {
      Start(std::move(*job));
      job = waiting_.erase(job);
    }
  }
  std::lock_guard lock(owner_.mutex_);
  owner_.counters_.waiting = waiting_.size();
}

void AttachmentFetcher::Transfers::Start(Job job) {
  ++job.tries;
  auto transfer = std::make_unique<Transfer>(std::move(job));
  Prepare(owner_.options_, transfer.get());
  if (curl_multi_add_handle(multi_.get(), transfer->easy.get()) != CURLM_OK) {
    return Fail(transfer->job.wish, fetch_failure::kUnreachable);
  }
  active_.push_back(std::move(transfer));
}

void AttachmentFetcher::Transfers::TakeEnded() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode ended = message->data.result;
    CURL* const easy = message->easy_handle;
    const auto found = std::find_if(active_.begin(), active_.end(),
                                    [easy](const auto& t) { return t->easy.get() == easy; });
    curl_multi_remove_handle(multi_.get(), easy);
    std::unique_ptr<Transfer> transfer = std::move(*found);
    active_.erase(found);
    End(std::move(transfer), ended);
  }
}

void AttachmentFetcher::Transfers::End(std::unique_ptr<Transfer> transfer, CURLcode ended) {
  std::string failure = FailureOf(*transfer, ended);
  if (failure.empty()) return Keep(*transfer);
  Job& job = transfer->job;
  const std::vector<Duration>& pauses = owner_.options_.pauses;
  if (MayPass(failure) && job.tries <= pauses.size()) {
    job.not_before = owner_.clock_->SteadyNow() + pauses[job.tries - 1];
    waiting_.push_back(std::move(job));
    return;
  }
  spdlog::warn("attachment of {}/{} from {}: {}", job.wish.feed_id, job.wish.report_id,
               job.target.origin(), failure);
  Fail(job.wish, std::move(failure));
}

void AttachmentFetcher::Transfers::Keep(const Transfer& transfer) {
  const AttachmentWanted& wish = transfer.job.wish;
  const std::string_view type = MediaTypeOf(transfer.body);
  if (type.empty()) return Fail(wish, fetch_failure::kUnknownType);
  auto digest = owner_.store_->Save(transfer.body, wish.restricted);
  if (!digest.ok()) {
    spdlog::warn("attachment of {}/{}: {}", wish.feed_id, wish.report_id,
                 digest.status().message());
    return Fail(wish, fetch_failure::kNotKept);
  }
  FetchedAttachment fetched{wish.attachment, ""};
  fetched.attachment.media_type = type;
  fetched.attachment.size_bytes = transfer.body.size();
  fetched.attachment.digest = std::move(*digest);
  Answer(wish, std::move(fetched));
}

void AttachmentFetcher::Transfers::Fail(const AttachmentWanted& wish, std::string failure) {
  Answer(wish, {wish.attachment, std::move(failure)});
}

void AttachmentFetcher::Transfers::Answer(const AttachmentWanted& wish, FetchedAttachment fetched) {
  owner_.Count(fetched);
  answers_.push_back({wish.feed_id, wish.report_id, std::move(fetched)});
  OfferAnswers();
}

void AttachmentFetcher::Transfers::OfferAnswers() {
  while (!answers_.empty() && owner_.answer_(answers_.front())) answers_.pop_front();
}

AttachmentFetcher::AttachmentFetcher(AttachmentPolicy policy, AttachmentFetcherOptions options,
                                     AttachmentStore* store, const Clock* clock,
                                     std::function<bool(AttachmentFetched)> answer)
    : policy_(std::move(policy)),
      options_(std::move(options)),
      store_(store),
      clock_(clock),
      answer_(std::move(answer)) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  transfers_ = std::make_unique<Transfers>(this);
  thread_ = std::thread([this] {
    const Status ended = watch_.Run([this] {
      return ready == CURLE_OK ? transfers_->Loop() : Internal(curl_easy_strerror(ready));
    });
    if (!ended.ok()) spdlog::critical("attachments: {}; restart the gateway", ended.message());
  });
}

AttachmentFetcher::~AttachmentFetcher() { Stop(); }

void AttachmentFetcher::Want(std::vector<AttachmentWanted> wanted) {
  {
    std::lock_guard lock(mutex_);
    wanted_.insert(wanted_.end(), std::make_move_iterator(wanted.begin()),
                   std::make_move_iterator(wanted.end()));
  }
  transfers_->Wake();
}

void AttachmentFetcher::Stop() {
  stopping_ = true;
  transfers_->Wake();
  if (thread_.joinable()) thread_.join();
}

AttachmentFetcherCounters AttachmentFetcher::counters() const {
  std::lock_guard lock(mutex_);
  return counters_;
}

void AttachmentFetcher::Count(const FetchedAttachment& fetched) {
  std::lock_guard lock(mutex_);
  if (fetched.failure.empty()) {
    ++counters_.fetched;
  } else {
    ++counters_.failed[fetched.failure.starts_with("HTTP_") ? "HTTP" : fetched.failure];
  }
}

}  // namespace fusiongateway
