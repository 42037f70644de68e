// What a publisher is told of its feed, as the journal holds it: how far its outbox is on disk, the
// rejections it may not have heard, and its dispositions. Threading: as the journal's readers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "delivery/journal/journal.h"
#include "pipeline/feeds/ingress_sink.h"

namespace fusiongateway {

v1::Rejection ToRejection(const DeadLetter& letter);

// With the first `rejections_max` rejections above `acked_through`.
Result<OutboxState> LookUpOutbox(const Journal& journal, const std::string& feed_id,
                                 const std::string& outbox_id, std::uint64_t acked_through,
                                 std::size_t rejections_max);
// After `after_seq`, in order, at most `max`.
Result<std::vector<v1::Disposition>> LookUpDispositions(const Journal& journal,
                                                        const std::string& feed_id,
                                                        std::uint64_t after_seq, std::size_t max);

}  // namespace fusiongateway
