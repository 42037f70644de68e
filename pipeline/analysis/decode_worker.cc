#include "pipeline/analysis/decode_worker.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "pipeline/analysis/worker_protocol.h"
#include "pipeline/process/child_process.h"

namespace fusiongateway {
namespace {

namespace wire = worker_protocol;
using std::chrono::milliseconds;

// A child that dies at once is not started again faster than this.
constexpr Duration kRestartPause = milliseconds{500};
constexpr Duration kQuickDeath = milliseconds{1000};
constexpr Duration kTimeoutMax = std::chrono::seconds{60};

struct Job {
  CodedSequence sequence;
  SteadyTime deadline;
  std::mutex mutex;
  std::condition_variable done;
  std::optional<Result<DecodedPicture>> result;

  void Finish(Result<DecodedPicture> value) {
    {
      std::lock_guard lock(mutex);
      result.emplace(std::move(value));
    }
    done.notify_all();
  }
};
using JobPtr = std::shared_ptr<Job>;

Status CheckLimits(const CodedSequence& sequence) {
  std::uint64_t total = 0;
  for (const CodedFrame& frame : sequence.frames) total += frame.bytes.size();
  if (sequence.frames.empty() || total == 0) return InvalidArgument("nothing to decode");
  if (sequence.frames.size() > wire::kFrameCountMax || total > wire::kSequenceBytesMax) {
    return InvalidArgument(
        "too much to decode for one picture: " + std::to_string(sequence.frames.size()) +
        " frames, " + std::to_string(total) + " bytes; let the camera send key frames more often");
  }
  return {};
}

using Io = ChildProcess::Io;

}  // namespace

struct DecodeWorker::Impl {
  Impl(std::string path, const Clock& c)
      : program(std::move(path)), clock(c), child(program, {}, clock, stopping) {}
  ~Impl() { close(wake); }

  const std::string program;
  const Clock& clock;

  mutable std::mutex mutex;
  std::deque<JobPtr> queue;
  DecodeCounters counters;
  bool running = false;

  std::atomic<bool> stopping{false};
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::thread thread;

  // Of the thread only.
  ChildProcess child;
  SteadyTime restart_at{};
  std::uint64_t next_id = 1;

  void Run();
  bool Spawn();
  void EndChild();
  void AwaitWork();
  JobPtr NextJob();
  void Serve(Job& job);
  Result<DecodedPicture> Converse(Job& job);
  Io SendRequest(const Job& job, std::uint64_t id);
  Result<DecodedPicture> Failed(Io io);
  Result<DecodedPicture> ReceiveReply(const Job& job, std::uint64_t id);
  template <typename F>
  void Count(F change) {
    std::lock_guard lock(mutex);
    change(counters);
  }
};

DecodeWorker::DecodeWorker(std::string program, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(program), clock)) {}

DecodeWorker::~DecodeWorker() { Stop(); }

Status DecodeWorker::Start() {
  if (impl_->thread.joinable()) return FailedPrecondition("the decode worker is started already");
  if (access(impl_->program.c_str(), X_OK) != 0) {
    return NotFound("no decode worker program at " + impl_->program +
                    "; it is built as fusion-gateway-worker beside fusion-gateway");
  }
  if (impl_->wake < 0) return Internal("eventfd failed");
  impl_->stopping = false;
  {
    std::lock_guard lock(impl_->mutex);
    impl_->running = true;
  }
  // The child is spawned by this thread and dies with it (PR_SET_PDEATHSIG looks at the thread).
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
  return {};
}

void DecodeWorker::Stop() {
  if (!impl_->thread.joinable()) return;
  std::deque<JobPtr> left;
  {
    std::lock_guard lock(impl_->mutex);
    impl_->running = false;
    left.swap(impl_->queue);
  }
  impl_->stopping = true;
  eventfd_write(impl_->wake, 1);
  impl_->thread.join();
  for (const JobPtr& job : left) job->Finish(Unavailable("the decode worker is stopping"));
}

Result<DecodedPicture> DecodeWorker::Decode(CodedSequence sequence, Duration timeout) {
  if (Status limits = CheckLimits(sequence); !limits.ok()) return limits;
  timeout = std::clamp(timeout, Duration{milliseconds{1}}, kTimeoutMax);
  auto job = std::make_shared<Job>();
  job->sequence = std::move(sequence);
  job->deadline = impl_->clock.SteadyNow() + timeout;
  {
    std::lock_guard lock(impl_->mutex);
    ++impl_->counters.requests;
    if (!impl_->running) return Unavailable("the decode worker is not running");
    if (impl_->queue.size() >= kQueueMax) {
      ++impl_->counters.refused_busy;
      return Unavailable("the decode worker is busy; try again in a moment");
    }
    impl_->queue.push_back(job);
  }
  eventfd_write(impl_->wake, 1);
  std::unique_lock lock(job->mutex);
  // The worker's thread ends every job at its deadline; the rest is for the scheduler.
  job->done.wait_for(lock, timeout + milliseconds{500}, [&] { return job->result.has_value(); });
  if (!job->result) return Unavailable("the decode worker did not answer in time; try again");
  return std::move(*job->result);
}

DecodeCounters DecodeWorker::Counters() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->counters;
}

int DecodeWorker::ProcessId() const { return impl_->child.pid(); }

void DecodeWorker::Impl::Run() {
  while (!stopping) {
    if (!child.running() && clock.SteadyNow() >= restart_at) Spawn();
    if (JobPtr job = NextJob()) {
      Serve(*job);
    } else {
      AwaitWork();
    }
  }
  EndChild();
}

bool DecodeWorker::Impl::Spawn() {
  if (Status started = child.Start(); !started.ok()) {
    spdlog::error("decode worker: {}", started.message());
    restart_at = clock.SteadyNow() + kRestartPause;
    return false;
  }
  Count([](DecodeCounters& c) { ++c.worker_starts; });
  return true;
}

void DecodeWorker::Impl::EndChild() {
  if (!child.running()) return;
  child.End();
  const SteadyTime now = clock.SteadyNow();
  restart_at = now - child.started_at() < kQuickDeath ? now + kRestartPause : now;
}

// Returns when there may be a job, when the child has died, or after a moment.
void DecodeWorker::Impl::AwaitWork() {
  const bool has_child = child.running();
  pollfd watched[2] = {{wake, POLLIN, 0}, {child.descriptor(), POLLIN, 0}};
  poll(watched, has_child ? 2 : 1, has_child ? 1000 : 50);
  eventfd_t ignored = 0;
  eventfd_read(wake, &ignored);
  // A child with nothing to do has nothing to say: readable means gone, or out of its mind.
  if (has_child && watched[1].revents != 0) {
    spdlog::warn("the decode worker ended while idle; starting another");
    EndChild();
  }
}

JobPtr DecodeWorker::Impl::NextJob() {
  std::lock_guard lock(mutex);
  if (queue.empty()) return nullptr;
  const bool expired = clock.SteadyNow() >= queue.front()->deadline;
  if (!child.running() && !expired) return nullptr;
  JobPtr job = std::move(queue.front());
  queue.pop_front();
  return job;
}

void DecodeWorker::Impl::Serve(Job& job) { job.Finish(Converse(job)); }

Result<DecodedPicture> DecodeWorker::Impl::Converse(Job& job) {
  if (clock.SteadyNow() >= job.deadline) {
    Count([](DecodeCounters& c) { ++c.timed_out; });
    return Unavailable("the decode worker had no time for this picture; try again");
  }
  const std::uint64_t id = next_id++;
  if (const Io io = SendRequest(job, id); io != Io::kDone) return Failed(io);
  return ReceiveReply(job, id);
}

Io DecodeWorker::Impl::SendRequest(const Job& job, std::uint64_t id) {
  wire::Request header;
  header.codec = static_cast<std::uint32_t>(job.sequence.codec);
  header.id = id;
  header.frame_count = static_cast<std::uint32_t>(job.sequence.frames.size());
  std::vector<std::uint64_t> sizes;
  for (const CodedFrame& frame : job.sequence.frames) sizes.push_back(frame.bytes.size());
  Io io = child.Send(&header, sizeof header, job.deadline);
  if (io == Io::kDone) io = child.Send(sizes.data(), sizes.size() * sizeof sizes[0], job.deadline);
  for (const CodedFrame& frame : job.sequence.frames) {
    if (io != Io::kDone) break;
    io = child.Send(frame.bytes.data(), frame.bytes.size(), job.deadline);
  }
  return io;
}

// Whatever went wrong, the child is not to be trusted with the next request.
Result<DecodedPicture> DecodeWorker::Impl::Failed(Io io) {
  EndChild();
  if (io == Io::kStopped) return Unavailable("the decode worker is stopping");
  if (io == Io::kTimeout) {
    Count([](DecodeCounters& c) { ++c.timed_out; });
    return Unavailable("the decode worker did not answer in time; try again");
  }
  spdlog::warn("the decode worker was lost on a request; starting another");
  Count([](DecodeCounters& c) { ++c.worker_lost; });
  return Unavailable("the decode worker was lost on this picture; try again");
}

Result<DecodedPicture> DecodeWorker::Impl::ReceiveReply(const Job& job, std::uint64_t id) {
  wire::Reply reply;
  if (const Io io = child.Receive(&reply, sizeof reply, job.deadline); io != Io::kDone)
    return Failed(io);
  if (reply.magic != wire::kMagic || reply.id != id || reply.bytes > wire::kPictureBytesMax ||
      reply.width > wire::kSideMax || reply.height > wire::kSideMax) {
    return Failed(Io::kClosed);
  }
  std::string body(reply.bytes, '\0');
  if (const Io io = child.Receive(body.data(), body.size(), job.deadline); io != Io::kDone) {
    return Failed(io);
  }
  if (reply.outcome != static_cast<std::uint32_t>(wire::Outcome::kPicture)) {
    Count([](DecodeCounters& c) { ++c.undecodable; });
    body.resize(std::min<std::size_t>(body.size(), 200));
    return DataLoss("this frame cannot be decoded: " + body);
  }
  Count([](DecodeCounters& c) { ++c.answered; });
  return DecodedPicture{std::move(body), reply.width, reply.height};
}

}  // namespace fusiongateway
