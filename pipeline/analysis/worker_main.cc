// fusion-gateway-worker: decodes what the gateway hands it over an inherited socket and nothing
// else. Started by the gateway only; see decode_worker.h for what it may and may not do.
#include <glib.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/analysis/frame_decoder.h"
#include "pipeline/analysis/worker_protocol.h"
#include "pipeline/process/child_side.h"

namespace fusiongateway {
namespace {

namespace wire = worker_protocol;

constexpr std::size_t kAddressSpaceMax = std::size_t{2} << 30;
constexpr rlim_t kCpuSecondsPerRequest = 30;

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
  return SendToParent(&reply, sizeof reply) && SendToParent(body->data(), body->size());
}

// One request and its answer; false when the conversation is over.
bool ServeOne() {
  wire::Request request;
  if (!ReceiveFromParent(&request, sizeof request)) return false;
  if (request.magic != wire::kMagic || request.frame_count == 0 ||
      request.frame_count > wire::kFrameCountMax) {
    return false;
  }
  std::vector<std::uint64_t> sizes(request.frame_count);
  if (!ReceiveFromParent(sizes.data(), sizes.size() * sizeof sizes[0])) return false;
  std::uint64_t total = 0;
  for (const std::uint64_t size : sizes) {
    if (size > wire::kSequenceBytesMax || (total += size) > wire::kSequenceBytesMax) return false;
  }
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(total);
  if (!ReceiveFromParent(bytes->data(), total)) return false;

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
  LimitMemory(kAddressSpaceMax);
  while (ServeOne()) {
  }
  return 0;
}

}  // namespace fusiongateway

int main(int argc, char** argv) { return fusiongateway::WorkerMain(argc, argv); }
