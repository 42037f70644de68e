// fusion-gateway-worker: decodes what the gateway hands it over an inherited socket and nothing
// else. Started by the gateway only; see decode_worker.h for what it may and may not do.
#include <glib.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/analysis/frame_decoder.h"
#include "pipeline/analysis/worker_protocol.h"

namespace fusiongateway {
namespace {

namespace wire = worker_protocol;

constexpr rlim_t kAddressSpaceMax = rlim_t{2} << 30;
constexpr rlim_t kCpuSecondsPerRequest = 30;

bool ReceiveAll(void* data, std::size_t size) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t received = recv(wire::kWorkerFd, at, size, 0);
    if (received == 0 || (received < 0 && errno != EINTR)) return false;
    if (received < 0) continue;
    at += received;
    size -= static_cast<std::size_t>(received);
  }
  return true;
}

bool SendAll(const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t sent = send(wire::kWorkerFd, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) return false;
    if (sent < 0) continue;
    at += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

// False: the gateway that started us is gone already, so nobody would end us.
bool BindToParent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_DUMPABLE, 0);
  return getppid() == parent;
}

void LimitMemory() {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these map terabytes
  const rlimit memory{kAddressSpaceMax, kAddressSpaceMax};
  setrlimit(RLIMIT_AS, &memory);
#endif
}

// The limit counts the whole life of the process, so it moves on with every request.
void LimitCpuOfNextRequest() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 2);
  const rlimit cpu{seconds + kCpuSecondsPerRequest, RLIM_INFINITY};
  setrlimit(RLIMIT_CPU, &cpu);
}

bool Answer(std::uint64_t id, const Result<DecodedPicture>& result) {
  wire::Reply reply;
  reply.id = id;
  const std::string* body = nullptr;
  if (result.ok()) {
    reply.outcome = static_cast<std::uint32_t>(wire::Outcome::kPicture);
    reply.width = result->width;
    reply.height = result->height;
    body = &result->jpeg;
  } else {
    reply.outcome = static_cast<std::uint32_t>(wire::Outcome::kUndecodable);
    body = &result.status().message();
  }
  reply.bytes = body->size();
  return SendAll(&reply, sizeof reply) && SendAll(body->data(), body->size());
}

// One request and its answer; false when the conversation is over.
bool ServeOne() {
  wire::Request request;
  if (!ReceiveAll(&request, sizeof request)) return false;
  if (request.magic != wire::kMagic || request.frame_count == 0 ||
      request.frame_count > wire::kFrameCountMax) {
    return false;
  }
  std::vector<std::uint64_t> sizes(request.frame_count);
  if (!ReceiveAll(sizes.data(), sizes.size() * sizeof sizes[0])) return false;
  std::uint64_t total = 0;
  for (const std::uint64_t size : sizes) {
    if (size > wire::kSequenceBytesMax || (total += size) > wire::kSequenceBytesMax) return false;
  }
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(total);
  if (!ReceiveAll(bytes->data(), total)) return false;

  CodedSequence sequence;
  sequence.codec = static_cast<VideoCodec>(request.codec);
  std::size_t at = 0;
  for (const std::uint64_t size : sizes) {
    sequence.frames.push_back({bytes, {bytes->data() + at, size}});
    at += size;
  }
  LimitCpuOfNextRequest();
  return Answer(request.id, DecodeLast(sequence));
}

}  // namespace

int WorkerMain(int argc, char** argv) {
  if (argc != 2 || std::atol(argv[1]) <= 0) {
    std::fputs("fusion-gateway-worker is started by fusion-gateway, not by hand\n", stderr);
    return 2;
  }
  if (!BindToParent(static_cast<pid_t>(std::atol(argv[1])))) return 1;
  // A hostile stream must not be able to fill a log.
  g_log_set_default_handler([](const char*, GLogLevelFlags, const char*, void*) {}, nullptr);
  if (Status status = PrepareDecoders(); !status.ok()) {
    std::fprintf(stderr, "fusion-gateway-worker: %s\n", status.message().c_str());
    return 1;
  }
  LimitMemory();
  while (ServeOne()) {
  }
  return 0;
}

}  // namespace fusiongateway

int main(int argc, char** argv) { return fusiongateway::WorkerMain(argc, argv); }
