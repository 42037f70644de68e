#include "delivery/wall/server_core.h"

namespace fusiongateway {
namespace {

// Lives as long as the job: run or dropped, its end wakes the waiting coroutine.
struct Ticket {
  explicit Ticket(CorePtr server_core)
      : core(std::move(server_core)),
        work(core->io.get_executor()),
        wake(std::make_shared<net::steady_timer>(core->io, net::steady_timer::time_point::max())) {}
  ~Ticket() {
    net::post(core->io, [timer = wake] { timer->cancel(); });
  }

  CorePtr core;
  net::executor_work_guard<net::io_context::executor_type> work;  // Stop waits for this job
  std::shared_ptr<net::steady_timer> wake;
};

}  // namespace

void Places::Release() {
  if (waiting.empty()) {
    --taken;
    return;
  }
  net::steady_timer* const next = waiting.front();
  waiting.pop_front();
  next->cancel();
}

net::awaitable<bool> OnWorkers(CorePtr core, std::function<void()> job) {
  auto ticket = std::make_shared<Ticket>(core);
  auto done = std::make_shared<bool>(false);
  const auto wake = ticket->wake;
  const bool taken = core->workers([ticket, done, job = std::move(job)] {
    job();
    *done = true;
  });
  if (!taken) {
    ++core->counters.workers_full;
    co_return false;
  }
  ticket.reset();
  co_await wake->async_wait(kTuple);
  co_return *done;
}

net::awaitable<bool> OnPublishers(CorePtr core, std::shared_ptr<PublisherRequest> request,
                                  PublisherAnswer* answer) {
  auto ticket = std::make_shared<Ticket>(core);
  auto told = std::make_shared<std::optional<PublisherAnswer>>();
  const auto wake = ticket->wake;
  core->backend.Exchange(std::move(*request),
                         [ticket, told](PublisherAnswer from) { *told = std::move(from); });
  ticket.reset();
  co_await wake->async_wait(kTuple);
  if (!*told) co_return false;
  *answer = std::move(**told);
  co_return true;
}

void SetSecurityHeaders(http::fields* fields) {
  fields->set("X-Content-Type-Options", "nosniff");
  fields->set("Referrer-Policy", "no-referrer");
  fields->set("Cross-Origin-Opener-Policy", "same-origin");
  fields->set("Cross-Origin-Resource-Policy", "same-origin");
  fields->set("X-Frame-Options", "DENY");
  fields->set("Content-Security-Policy",
              "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
              "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
              "require-trusted-types-for 'script'; trusted-types 'none'");
}

}  // namespace fusiongateway
