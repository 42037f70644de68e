// What the publisher side hands to the fusion loop, and what it asks of the journal through it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fusion/base/status.h"
#include "fusion/model/stream_record.h"
#include "fusiongateway/v1/publisher.pb.h"
#include "pipeline/feeds/feed_decoder.h"

namespace fusiongateway {

// One payload of a publisher: what its plugin made of it, or why it was refused.
struct IngressItem {
  std::uint64_t seq = 0;
  std::vector<ReportPtr> reports;
  std::optional<Refusal> refusal;
  std::string masked_payload;  // only with a refusal
};

// Consecutive payloads of one outbox, in order.
struct IngressBatch {
  std::string feed_id;
  std::string outbox_id;
  UtcTime received_at{};
  std::vector<IngressItem> items;  // never empty
};

// What is on disk of an outbox, and the rejections its publisher may not have heard of.
struct OutboxState {
  std::uint64_t through_seq = 0;
  std::vector<v1::Rejection> rejections;
};

// Implemented by app/gateway. Called from the ingress thread only; must not wait for the fusion
// loop.
class IngressSink {
 public:
  virtual ~IngressSink() = default;

  // Keeps room for one batch of so many payloads, or says that there is none now (nothing is
  // decoded until there is; Ingress::RoomMade tells of it). Each true is followed by one Take of as
  // many.
  virtual bool Reserve(std::size_t payloads) = 0;
  virtual void Take(IngressBatch&& batch) = 0;
  // A publisher came, went, or fell silent.
  virtual void FeedChanged(const FeedStatus& status) = 0;
  virtual void DispositionsAcked(const std::string& feed_id, std::uint64_t through_seq) = 0;

  virtual std::string journal_id() const = 0;
  // With the first `rejections_max` of the rejections above `acked_through`.
  virtual Result<OutboxState> LookUpOutbox(const std::string& feed_id, const std::string& outbox_id,
                                           std::uint64_t acked_through,
                                           std::size_t rejections_max) = 0;
  // Dispositions of a feed after `after_seq`, in order, at most `max`.
  virtual Result<std::vector<v1::Disposition>> Dispositions(const std::string& feed_id,
                                                            std::uint64_t after_seq,
                                                            std::size_t max) = 0;
  virtual Result<std::uint64_t> DispositionsAckedThrough(const std::string& feed_id) = 0;
};

}  // namespace fusiongateway
