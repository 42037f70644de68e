// Wishes for what reports link (pictures, clips) that have had no answer yet, in a fixed order. A
// report's own URLs are wished for once each, however often it is told, and at most kOfReportMax of
// them; a reading's are not. Bounded: at kWishesMax further wishes are not made and counted.
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "fusion/model/engine_output.h"
#include "fusion/sequence/admission.h"

namespace fusiongateway {

class AttachmentWishes {
 public:
  static constexpr std::size_t kOfReportMax = 8;
  static constexpr std::size_t kWishesMax = 4096;

  // Off: nothing is wished for, and nobody waits any more.
  void Configure(bool on);
  // Notes in `known` what is wished for now, and appends it to `wanted`.
  void TakeReport(const Report& report, UtcTime at, KnownReport* known,
                  std::vector<AttachmentWanted>* wanted);
  // True if it was waited for.
  bool Answer(const AttachmentFetched& fetched);

  std::vector<AttachmentWanted> Pending() const;
  std::uint64_t refused_count() const { return refused_count_; }

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // feed, report, URL
  bool on_ = false;
  std::map<Key, AttachmentWanted> pending_;
  std::uint64_t refused_count_ = 0;
};

// Of what was wished for of a report, what was answered, in the report's order.
std::vector<FetchedAttachment> AnsweredOf(const KnownReport& known);

}  // namespace fusiongateway
