// Decoding, outside the gateway: a child process that turns a key frame and its followers into one
// JPEG. A hostile stream can kill the child; that costs the request at hand, and a new child stands
// within a second.
//
// The child (program fusion-gateway-worker) holds one end of a socket pair and nothing else of
// ours; it dies with the gateway, cannot gain privileges, leaves no core, and is limited in memory
// and processor time. Requests are answered one after the other; at most `kQueueMax` wait, more are
// refused; every one has a time-out, and a child that misses it is killed.
// Threading: Start and Stop belong to one thread; the rest is thread-safe. One thread of our own.
// Its destructor stops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "fusion/base/status.h"
#include "fusion/base/time.h"
#include "pipeline/analysis/coded_video.h"

namespace fusiongateway {

struct DecodedPicture {
  std::string jpeg;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
};

// Counts since construction.
struct DecodeCounters {
  std::uint64_t requests = 0;
  std::uint64_t answered = 0;
  std::uint64_t refused_busy = 0;  // the queue was full
  std::uint64_t timed_out = 0;
  std::uint64_t undecodable = 0;  // the worker lived and said no
  std::uint64_t worker_lost = 0;  // the worker died on a request
  std::uint64_t worker_starts = 0;
};

class DecodeWorker {
 public:
  static constexpr std::size_t kQueueMax = 16;

  // `clock` outlives the worker.
  DecodeWorker(std::string program, const Clock& clock);
  ~DecodeWorker();

  // kNotFound: no such program.
  Status Start();
  // Requests under way end with kUnavailable.
  void Stop();

  // The last frame of `sequence` as a JPEG; waits at most `timeout`. kUnavailable: the queue is
  // full, the worker was lost or did not answer in time, or it is stopped. kDataLoss: not
  // decodable. kInvalidArgument: beyond the limits of worker_protocol.h.
  Result<DecodedPicture> Decode(CodedSequence sequence, Duration timeout);

  DecodeCounters Counters() const;
  // Of the child; 0 while there is none.
  int ProcessId() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusiongateway
