#include "clients/cpp/publisher.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "clients/cpp/publisher_conversation.h"
#include "clients/cpp/system_time.h"

namespace fusiongateway::client {
namespace {

// So many messages before what is due has its turn.
constexpr int kTurn = 64;

Status CheckOptions(const PublisherOptions& options) {
  if (options.feed_id.empty()) return InvalidArgument("publisher: feed_id is empty");
  if (options.outbox_path.empty()) return InvalidArgument("publisher: outbox_path is empty");
  return {};
}

}  // namespace

// Everything behind Publisher. Its thread owns the connection and the conversation; the outbox and
// what mutex_ guards are shared with the callers.
class Publisher::Worker final : public PublisherLink {
 public:
  Worker(PublisherOptions options, PublisherEvents events, std::unique_ptr<Outbox> outbox)
      : options_(std::move(options)),
        events_(std::move(events)),
        outbox_(std::move(outbox)),
        conversation_(options_, events_, outbox_.get(), this, SystemClock(),
                      [this] { Progress(); }) {}

  void Start() {
    thread_ = std::thread([this] { Run(); });
  }
  void Stop();

  Result<std::uint64_t> Publish(std::span<const OutboxPayload> payloads, const Bookmark* bookmark);
  Status Flush(Duration timeout);
  PublisherStats stats() const { return conversation_.stats(); }
  const Outbox& outbox() const { return *outbox_; }

 private:
  void Run();
  void Receive(Duration wait);
  bool stopping() const {
    std::lock_guard lock(mutex_);
    return stopping_ || conversation_.fenced();
  }
  void Progress() {
    {
      // Orders the change before a Flush that is about to wait.
      std::lock_guard lock(mutex_);
    }
    progress_.notify_all();
  }

  // PublisherLink
  Status Connect() override;
  Status Send(std::string_view bytes) override { return socket_->Send(bytes); }
  void Close(Duration linger) override;

  const PublisherOptions options_;
  const PublisherEvents events_;
  const std::unique_ptr<Outbox> outbox_;
  PublisherConversation conversation_;
  Waker waker_;
  std::thread thread_;

  mutable std::mutex mutex_;
  std::condition_variable progress_;
  bool stopping_ = false;

  std::unique_ptr<PeerSocket> socket_;  // the thread's own
};

void Publisher::Worker::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  progress_.notify_all();
  waker_.Wake();
  if (thread_.joinable()) thread_.join();
}

Result<std::uint64_t> Publisher::Worker::Publish(std::span<const OutboxPayload> payloads,
                                                 const Bookmark* bookmark) {
  for (const OutboxPayload& payload : payloads) {
    if (payload.payload.size() > options_.payload_bytes_max) {
      return InvalidArgument("a payload of " + std::to_string(payload.payload.size()) +
                             " bytes is larger than the " +
                             std::to_string(options_.payload_bytes_max) +
                             " that are taken; send large pictures by reference");
    }
  }
  {
    std::lock_guard lock(mutex_);
    if (conversation_.fenced()) {
      return FailedPrecondition("fenced: another publisher speaks for feed \"" + options_.feed_id +
                                "\" now; stop one of the two");
    }
    if (stopping_) return FailedPrecondition("the publisher is closed");
  }
  Result<std::uint64_t> first = outbox_->Append(payloads, bookmark);
  if (first.ok()) waker_.Wake();
  return first;
}

Status Publisher::Worker::Flush(Duration timeout) {
  std::unique_lock lock(mutex_);
  const std::uint64_t target = outbox_->totals().given_out;
  const auto acked = [&] { return outbox_->totals().acked >= target; };
  const bool in_time = progress_.wait_for(
      lock, timeout, [&] { return stopping_ || conversation_.fenced() || acked(); });
  if (acked()) return {};
  if (conversation_.fenced()) return FailedPrecondition("fenced by another publisher of this feed");
  if (in_time) return FailedPrecondition("the publisher was closed");
  return Unavailable(std::to_string(outbox_->payload_count()) +
                     " payloads are not acked yet; they stay in the outbox");
}

void Publisher::Worker::Run() {
  while (!stopping()) {
    const Duration wait = conversation_.DoWhatIsDue();
    if (socket_) {
      Receive(wait);
    } else {
      waker_.Wait(wait);
    }
  }
  conversation_.SayBye();
}

void Publisher::Worker::Receive(Duration wait) {
  for (int i = 0; i < kTurn && socket_; ++i) {
    std::string bytes;
    switch (socket_->Wait(wait, &waker_, &bytes)) {
      case PeerSocket::Event::kMessage:
        conversation_.Handle(bytes);
        break;
      case PeerSocket::Event::kDisconnected:
        return conversation_.ConnectionLost();
      case PeerSocket::Event::kKeyRefused:
        return conversation_.KeyRefused();
      case PeerSocket::Event::kWoken:
      case PeerSocket::Event::kTimeout:
        return;
    }
    wait = Duration::zero();
  }
}

Status Publisher::Worker::Connect() {
  auto socket = PeerSocket::Connect(options_.endpoint, options_.curve);
  if (!socket.ok()) return socket.status();
  socket_ = std::move(*socket);
  return {};
}

void Publisher::Worker::Close(Duration linger) {
  if (socket_ && linger > Duration::zero()) socket_->SetLinger(linger);
  socket_.reset();
}

Publisher::Publisher(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}

Publisher::~Publisher() { Close(); }

Result<std::unique_ptr<Publisher>> Publisher::Open(PublisherOptions options,
                                                   PublisherEvents events) {
  if (Status status = CheckOptions(options); !status.ok()) return status;
  // Refuses a bad endpoint or key here rather than in a notice.
  auto socket = PeerSocket::Connect(options.endpoint, options.curve);
  if (!socket.ok()) return socket.status();
  auto outbox = Outbox::Open(options.outbox_path, options.feed_id, options.outbox_limits);
  if (!outbox.ok()) return outbox.status();
  auto worker = std::make_unique<Worker>(std::move(options), std::move(events), std::move(*outbox));
  worker->Start();
  return std::unique_ptr<Publisher>(new Publisher(std::move(worker)));
}

Result<std::uint64_t> Publisher::Publish(std::string payload, std::string label) {
  const OutboxPayload one{std::move(payload), std::move(label)};
  return worker_->Publish({&one, 1}, nullptr);
}

Result<std::uint64_t> Publisher::PublishBatch(std::span<const OutboxPayload> payloads,
                                              const Bookmark* bookmark) {
  return worker_->Publish(payloads, bookmark);
}

Result<std::string> Publisher::ReadBookmark(const std::string& name) const {
  return worker_->outbox().ReadBookmark(name);
}

Status Publisher::Flush(Duration timeout) { return worker_->Flush(timeout); }

void Publisher::Close() { worker_->Stop(); }

PublisherStats Publisher::stats() const { return worker_->stats(); }

std::string Publisher::outbox_id() const { return worker_->outbox().id(); }

std::string Publisher::journal_id() const { return worker_->outbox().journal_id(); }

}  // namespace fusiongateway::client
