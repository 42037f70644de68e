// MemorySink: an IngressSink whose durable state is in memory and changes when a test says so: what
// the fusion loop and the journal do between them, on demand. Not thread-safe.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/feeds/ingress_sink.h"

namespace fusiongateway {

class MemorySink final : public IngressSink {
 public:
  bool Reserve(std::size_t) override { return !full; }
  void Take(IngressBatch&& batch) override { batches.push_back(std::move(batch)); }
  void FeedChanged(const FeedStatus& status) override { statuses.push_back(status); }
  void DispositionsAcked(const std::string&, std::uint64_t through_seq) override {
    dispositions_acked = through_seq;
  }
  std::string journal_id() const override { return "journal-a"; }
  Result<OutboxState> LookUpOutbox(const std::string&, const std::string& outbox_id,
                                   std::uint64_t acked_through,
                                   std::size_t rejections_max) override {
    OutboxState state{through[outbox_id], {}};
    for (const auto& rejection : rejections) {
      if (rejection.seq() > acked_through && state.rejections.size() < rejections_max) {
        state.rejections.push_back(rejection);
      }
    }
    return state;
  }
  Result<std::vector<v1::Disposition>> Dispositions(const std::string&, std::uint64_t after_seq,
                                                    std::size_t max) override {
    std::vector<v1::Disposition> found;
    for (const auto& disposition : dispositions) {
      if (disposition.seq() > after_seq && found.size() < max) found.push_back(disposition);
    }
    return found;
  }
  Result<std::uint64_t> DispositionsAckedThrough(const std::string&) override {
    return dispositions_acked;
  }

  bool full = false;
  std::vector<IngressBatch> batches;
  std::vector<FeedStatus> statuses;
  std::map<std::string, std::uint64_t> through;
  std::vector<v1::Rejection> rejections;
  std::vector<v1::Disposition> dispositions;
  std::uint64_t dispositions_acked = 0;
};

}  // namespace fusiongateway
