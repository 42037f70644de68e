#include "delivery/wall/wall_server.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <mutex>
#include <thread>

#include "delivery/wall/server_core.h"
#include "fusion/base/thread_watch.h"

namespace fusiongateway {
namespace {

using Tcp = net::ip::tcp;

// Beyond connections_max this many are still told why before they are closed.
constexpr std::size_t kRefusalsAtOnce = 16;
constexpr auto kAcceptRetry = std::chrono::milliseconds(100);

Status OpenAcceptor(const WallOptions& options, Tcp::acceptor* acceptor) {
  ErrorCode error;
  const net::ip::address address = net::ip::make_address(options.address, error);
  if (error) return InvalidArgument("wall address \"" + options.address + "\" is no IP address");
  if (!address.is_loopback()) {
    return Status(StatusCode::kPermissionDenied,
                  "wall address " + options.address +
                      " is not loopback: nothing beyond loopback may listen without credentials; "
                      "use 127.0.0.1");
  }
  const Tcp::endpoint endpoint(address, options.port);
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(net::socket_base::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(net::socket_base::max_listen_connections, error);
  if (!error) return {};
  return Unavailable("wall cannot listen on " + options.address + ":" +
                     std::to_string(options.port) + ": " + error.message() +
                     "; is another gateway running?");
}

// Whoever only holds a place gives it up to one that comes: first who never asked for anything,
// then who has asked and may come again. False when all are busy.
bool Displace(ServerCore* core) {
  for (std::list<Closable*>* waiting : {&core->never_asked, &core->asked_before}) {
    if (waiting->empty()) continue;
    Closable* const longest = waiting->front();
    waiting->splice(waiting->end(), *waiting, waiting->begin());  // it leaves when its read ends
    longest->Close();
    ++core->counters.connections_displaced;
    return true;
  }
  return false;
}

net::awaitable<void> Accept(CorePtr core, Tcp::acceptor& acceptor) {
  while (!core->stopping) {
    auto [error, socket] = co_await acceptor.async_accept(kTuple);
    if (core->stopping || error == net::error::operation_aborted) co_return;
    if (error) {  // out of descriptors, say: wait instead of spinning
      spdlog::warn("wall: accept failed: {}", error.message());
      net::steady_timer pause(core->io, kAcceptRetry);
      co_await pause.async_wait(kTuple);
      continue;
    }
    ++core->counters.connections_accepted;
    const std::size_t open = core->counters.connections_open;
    const bool full = open >= core->options.connections_max;
    const bool refuse = full && !Displace(core.get());
    if (refuse) ++core->counters.connections_refused;
    if (open >= core->options.connections_max + kRefusalsAtOnce) continue;  // closes it
    ErrorCode ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    net::co_spawn(core->io, ServeConnection(core, std::move(socket), refuse), net::detached);
  }
}

}  // namespace

class WallServer::Impl {
 public:
  Impl(const WallOptions& options, WallBackend& backend, WallWorkers workers, WebAssets assets)
      : core_(
            std::make_shared<ServerCore>(options, backend, std::move(workers), std::move(assets))),
        acceptor_(core_->io) {}

  Status Listen() {
    if (Status s = OpenAcceptor(core_->options, &acceptor_); !s.ok()) return s;
    port_ = acceptor_.local_endpoint().port();
    core_->guard = std::make_unique<const RequestGuard>(core_->options.address, port_,
                                                        core_->options.host_names);
    net::co_spawn(core_->io, Accept(core_, acceptor_), [this](const std::exception_ptr& thrown) {
      const Status ended = watch_.Run([&thrown]() -> Status {
        if (thrown) std::rethrow_exception(thrown);
        return {};
      });
      if (!ended.ok()) spdlog::critical("wall: no connections any more: {}", ended.message());
    });
    thread_ = std::thread([this] {
      const Status ended = watch_.Run([this]() -> Status {
        core_->io.run();
        return {};
      });
      if (!ended.ok()) spdlog::critical("wall: {}; restart the gateway", ended.message());
    });
    return {};
  }

  void Notify() {
    if (notified_.exchange(true)) return;  // one is on its way already
    net::post(core_->io, [this] {
      notified_ = false;
      for (Closable* connection : core_->open) connection->Wake();
    });
  }

  void Stop() {
    std::call_once(stopped_, [this] {
      net::post(core_->io, [this] {
        core_->stopping = true;
        ErrorCode ignored;
        acceptor_.close(ignored);
        for (Places* places : {&core_->snapshots, &core_->attachments, &core_->stream_reads}) {
          for (net::steady_timer* turn : places->waiting) turn->cancel();
          places->waiting.clear();
        }
        for (Closable* connection : core_->open) connection->Close();
      });
      if (thread_.joinable()) thread_.join();  // ends when the last connection and job have
    });
  }

  std::uint16_t port() const { return port_; }
  const ServerCore& core() const { return *core_; }
  Status thread_status() const { return watch_.status(); }

 private:
  CorePtr core_;
  Tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::atomic<bool> notified_{false};
  ThreadWatch watch_;
  std::thread thread_;
  std::once_flag stopped_;
};

WallServer::WallServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
WallServer::~WallServer() { Stop(); }

Result<std::unique_ptr<WallServer>> WallServer::Start(const WallOptions& options,
                                                      WallBackend& backend, WallWorkers workers) {
  WebAssets assets;
  if (!options.web_root.empty()) {
    auto loaded = WebAssets::Load(options.web_root);
    if (!loaded.ok()) return loaded.status();
    assets = std::move(*loaded);
  }
  auto impl = std::make_shared<Impl>(options, backend, std::move(workers), std::move(assets));
  if (Status s = impl->Listen(); !s.ok()) return s;
  return std::unique_ptr<WallServer>(new WallServer(std::move(impl)));
}

std::uint16_t WallServer::port() const { return impl_->port(); }

std::string WallServer::url() const {
  const std::string& address = impl_->core().options.address;
  const bool is_v6 = address.find(':') != address.npos;
  return "http://" + (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port()) + "/";
}

void WallServer::Notify() { impl_->Notify(); }
void WallServer::Stop() { impl_->Stop(); }
Status WallServer::thread_status() const { return impl_->thread_status(); }

WallStatistics WallServer::statistics() const {
  const WallCounters& from = impl_->core().counters;
  WallStatistics to;
  to.connections_open = from.connections_open;
  to.streams_open = from.streams_open;
  to.connections_accepted = from.connections_accepted;
  to.connections_refused = from.connections_refused;
  to.connections_displaced = from.connections_displaced;
  to.requests = from.requests;
  to.requests_refused = from.requests_refused;
  to.requests_failed = from.requests_failed;
  to.workers_full = from.workers_full;
  to.snapshots_refused = impl_->core().snapshots.refused;
  to.attachments_refused = impl_->core().attachments.refused;
  to.records_sent = from.records_sent;
  to.streams_dropped_slow = from.streams_dropped_slow;
  to.publisher_connections = from.publisher_connections;
  to.publisher_connections_refused = from.publisher_connections_refused;
  to.publisher_tokens_refused = from.publisher_tokens_refused;
  to.publisher_requests_refused = from.publisher_requests_refused;
  return to;
}

}  // namespace fusiongateway
