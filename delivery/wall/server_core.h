// What the wall server's connections share: the I/O context, the limits, the counters, the way to
// the workers. Internal to delivery/wall; the only header here that shows Boost.
//
// Everything here runs on the I/O thread unless it says otherwise.
#pragma once

#include <atomic>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <set>

#include "delivery/wall/record_texts.h"
#include "delivery/wall/request_guard.h"
#include "delivery/wall/wall_api.h"
#include "delivery/wall/web_assets.h"

namespace fusiongateway {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using HttpRequest = http::request<http::string_body>;
using ErrorCode = boost::system::error_code;

// co_await f(..., kTuple): errors come back as values.
inline constexpr auto kTuple = net::as_tuple(net::use_awaitable);

// Something Stop can close and Notify can wake.
class Closable {
 public:
  virtual ~Closable() = default;
  virtual void Close() = 0;
  virtual void Wake() {}
};

struct WallCounters {
  std::atomic<std::uint64_t> connections_open{0}, streams_open{0}, connections_accepted{0},
      connections_refused{0}, connections_displaced{0}, requests{0}, requests_refused{0},
      requests_failed{0}, workers_full{0}, records_sent{0}, streams_dropped_slow{0},
      publisher_connections{0}, publisher_connections_refused{0}, publisher_tokens_refused{0},
      publisher_requests_refused{0};
};

// A few of a kind at once; the rest wait in line for a bounded while.
struct Places {
  explicit Places(std::size_t places_max) : max(places_max) {}

  const std::size_t max;
  std::size_t taken = 0;
  std::deque<net::steady_timer*> waiting;  // cancelled when it is their turn
  std::atomic<std::uint64_t> refused{0};

  // To the one that waits longest, if any does.
  void Release();
};

struct ServerCore {
  ServerCore(const WallOptions& wall_options, WallBackend& wall_backend, WallWorkers wall_workers,
             WebAssets web_assets)
      : options(wall_options),
        backend(wall_backend),
        workers(std::move(wall_workers)),
        assets(std::move(web_assets)),
        api(backend, options),
        record_texts(options.record_texts_bytes_max),
        snapshots(options.snapshots_max),
        attachments(options.attachments_max) {}

  const WallOptions options;
  WallBackend& backend;
  const WallWorkers workers;
  const WebAssets assets;
  const WallApi api;
  RecordTexts record_texts;                   // any thread
  std::unique_ptr<const RequestGuard> guard;  // set once the port is known
  net::io_context io{1};
  WallCounters counters;
  std::set<Closable*> open;  // connections and streams, by themselves
  // Connections that wait for a request, the longest first: for their first one, or for another.
  std::list<Closable*> never_asked, asked_before;
  bool stopping = false;
  std::map<std::string, std::size_t> publisher_connections_of_feed;
  Places snapshots;        // held while a picture is decoded
  Places attachments;      // held while the bytes are: until the last one is written
  Places stream_reads{1};  // one stream reads the journal at a time
};

using CorePtr = std::shared_ptr<ServerCore>;

// Runs `job` on the workers and waits for its end without holding the I/O thread. False when the
// workers take no more, or dropped it.
net::awaitable<bool> OnWorkers(CorePtr core, std::function<void()> job);

// One exchange with the publisher protocol, waited for without holding the I/O thread. False when
// it was dropped unanswered.
net::awaitable<bool> OnPublishers(CorePtr core, std::shared_ptr<PublisherRequest> request,
                                  PublisherAnswer* answer);

// Serves one connection until it ends. `refuse`: over the limit; it is told so and closed.
net::awaitable<void> ServeConnection(CorePtr core, net::ip::tcp::socket socket, bool refuse);

// Takes a connection over as a record stream. The request was checked by the caller.
net::awaitable<void> ServeStream(CorePtr core, beast::tcp_stream connection, HttpRequest request,
                                 RequestTarget target, StreamId stream);

// The headers every answer carries.
void SetSecurityHeaders(http::fields* fields);

}  // namespace fusiongateway
