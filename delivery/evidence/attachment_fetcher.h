// Fetches what alarms link, before their source deletes it, and keeps it: one thread, a few
// transfers at a time. Every wish is answered once, with the digest of what is kept or with why
// nothing is; those that were under way when the gateway stopped are the engine's to wish again.
//
// Thread-safe. The policy says what is asked. Bounded: the queue (beyond it: QUEUE_FULL), transfers
// at once, two of one host, each one's time, its slowness and its bytes. Time-outs, cut connections
// and 5xx are tried again; redirects are not followed, nothing goes through a proxy, no certificate
// is taken on trust. `answer` says false when it cannot take it now; it is offered again. Only
// scheme, host and port are logged: paths carry tokens.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "delivery/evidence/attachment_policy.h"
#include "delivery/evidence/attachment_store.h"
#include "fusion/base/thread_watch.h"
#include "fusion/base/time.h"
#include "fusion/model/engine_output.h"

namespace fusiongateway {

struct AttachmentFetcherOptions {
  std::string ca_file;  // of the authorities that are trusted; empty = the system's
  std::size_t queue_max = 1024;
  std::chrono::milliseconds connect_timeout{3'000};
  std::chrono::milliseconds picture_timeout{10'000};
  std::chrono::milliseconds clip_timeout{60'000};
  // Wanted longer ago, it is not asked for any more: recorders delete.
  Duration fetch_within = std::chrono::minutes{10};
  // Before the second try, the third, …
  std::vector<Duration> pauses{std::chrono::seconds{1}, std::chrono::seconds{5}};
};

struct AttachmentFetcherCounters {
  std::uint64_t fetched = 0;
  // By fetch_failure; every HTTP status is "HTTP".
  std::map<std::string, std::uint64_t> failed;
  std::size_t waiting = 0;
};

class AttachmentFetcher {
 public:
  // `store` and `clock` outlive it.
  AttachmentFetcher(AttachmentPolicy policy, AttachmentFetcherOptions options,
                    AttachmentStore* store, const Clock* clock,
                    std::function<bool(AttachmentFetched)> answer);
  ~AttachmentFetcher();

  void Want(std::vector<AttachmentWanted> wanted);
  void Stop();

  AttachmentFetcherCounters counters() const;
  // OK while the thread fetches; otherwise why it ended.
  Status thread_status() const { return watch_.status(); }

 private:
  class Transfers;

  void Count(const FetchedAttachment& fetched);

  const AttachmentPolicy policy_;
  const AttachmentFetcherOptions options_;
  AttachmentStore* const store_;
  const Clock* const clock_;
  const std::function<bool(AttachmentFetched)> answer_;

  mutable std::mutex mutex_;
  std::vector<AttachmentWanted> wanted_;  // not yet taken by the thread
  AttachmentFetcherCounters counters_;
  std::atomic<bool> stopping_{false};
  ThreadWatch watch_;
  std::unique_ptr<Transfers> transfers_;  // the thread's
  std::thread thread_;
};

}  // namespace fusiongateway
