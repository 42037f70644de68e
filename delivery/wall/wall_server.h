// The wall's HTTP and WebSocket server: the page, the JSON API and the record stream of design
// section 5, answered from a WallBackend.
//
// Threading: one I/O thread of its own moves bytes; every call to the backend that may wait runs as
// a job on `workers`, which the application owns and bounds. All members may be called from any
// thread. `backend` and `workers` must outlive the server; Stop (and the destructor) waits
// for jobs that are running, so `workers` must still run or drop what it has taken.
//
// Refused at Start: an address that is not loopback (there are no accounts yet, and nothing beyond
// loopback listens without credentials), a page directory that is not there. Refused per request,
// with an RFC 9457 problem and a counter: a foreign Host or Origin, oversized headers or bodies,
// slow peers, connections and pictures beyond the limits; publishers without the token of a feed,
// before their body is read, and their connections beyond a share of the limit, so that those who
// read are never kept out by those who publish. Restricted incidents and reports are
// never answered: to this server they do not exist.
//
// WebSocket /ws/stream?stream=live|settled[&after=SEQ][&journal_id=ID] sends v1::StreamMessage as
// JSON text: without `after` a snapshot and the records that follow it, with `after` the records
// after it. A client that reads too slowly costs one batch of memory and a bounded send buffer, is
// disconnected after `write_timeout`, and resumes from its last through_seq. However many streams
// catch up, one at a time reads the journal: the workers are free for everybody else.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "delivery/wall/wall_backend.h"
#include "fusion/base/status.h"
#include "fusion/base/time.h"

namespace fusiongateway {

// Takes a job to run soon on another thread, or says false at once when it is full.
using WallWorkers = std::function<bool(std::function<void()> job)>;

struct WallOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  // 0 = any free one; port() tells
  // Directory of the built page (index.html and what it names), read once at Start. Empty = API
  // only.
  std::string web_root;
  // Further Host names to answer to, without port ("wall.example"); loopback names always are.
  std::vector<std::string> host_names;

  std::size_t connections_max = 128;
  std::size_t streams_max = 64;   // WebSockets, of connections_max
  std::size_t snapshots_max = 2;  // pictures decoded at once; keep below the workers' threads
  // Attachments in memory at once, each until its last byte is written.
  std::size_t attachments_max = 4;
  std::size_t queued_max = 64;  // that wait for a place, of each kind
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 64 * 1024;
  // Publishers: connections in all and of one feed (of connections_max), bytes of a body.
  std::size_t publisher_connections_max = 64;
  std::size_t publisher_connections_of_feed_max = 8;
  std::size_t publisher_body_bytes_max = 1u << 20;
  std::size_t page_records_max = 1000;
  std::size_t stream_batch_records_max = 64;
  std::size_t stream_batch_bytes_max = 128 * 1024;       // about; never less than one record
  std::size_t stream_send_buffer_bytes = 64 * 1024;      // the kernel's, of one stream
  std::size_t record_texts_bytes_max = 4 * 1024 * 1024;  // JSON kept for all streams

  Duration read_timeout = std::chrono::seconds{15};
  Duration publisher_body_timeout = std::chrono::seconds{60};
  Duration write_timeout = std::chrono::seconds{10};
  Duration idle_timeout = std::chrono::seconds{60};     // keep-alive between requests
  Duration snapshot_timeout = std::chrono::seconds{5};  // and of waiting for a place of any kind
  Duration heartbeat = std::chrono::seconds{2};         // on streams, when nothing else is sent
};

struct WallStatistics {
  std::uint64_t connections_open = 0;
  std::uint64_t streams_open = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;    // beyond connections_max
  std::uint64_t connections_displaced = 0;  // closed while idle, for one that came beyond it
  std::uint64_t requests = 0;
  std::uint64_t requests_refused = 0;     // Host, Origin, malformed, too large, too slow
  std::uint64_t requests_failed = 0;      // answered with 5xx
  std::uint64_t workers_full = 0;         // answered with 503 because `workers` took no more
  std::uint64_t snapshots_refused = 0;    // no place in time, or beyond queued_max
  std::uint64_t attachments_refused = 0;  // the same
  std::uint64_t records_sent = 0;
  std::uint64_t streams_dropped_slow = 0;
  std::uint64_t publisher_connections = 0;          // open, of connections_open
  std::uint64_t publisher_connections_refused = 0;  // beyond their share
  std::uint64_t publisher_tokens_refused = 0;       // none, or nobody's
  std::uint64_t publisher_requests_refused = 0;     // could not be read: parameters, type, body
};

class WallServer {
 public:
  // Listens when it returns. kInvalidArgument, kPermissionDenied (address), kNotFound (page),
  // kUnavailable (port taken).
  static Result<std::unique_ptr<WallServer>> Start(const WallOptions& options, WallBackend& backend,
                                                   WallWorkers workers);
  ~WallServer();
  WallServer(const WallServer&) = delete;
  WallServer& operator=(const WallServer&) = delete;

  std::uint16_t port() const;
  // "http://127.0.0.1:8080/"
  std::string url() const;

  // Records were committed: streams look for more. Cheap; call after each commit.
  void Notify();
  // Closes every connection; idempotent.
  void Stop();

  WallStatistics statistics() const;
  // OK while the I/O thread serves and new connections are taken; otherwise why not.
  Status thread_status() const;

 private:
  class Impl;
  explicit WallServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace fusiongateway
