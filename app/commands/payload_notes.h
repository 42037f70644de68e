// What people should know of one payload as the gateway takes it: how its times, places and codes
// were read, what is odd, and what the source could send to make more of it. Chinese and English.
// Pure; names come from the code tables' JSON that it is handed.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/commands/payload_trace.h"
#include "fusion/base/time.h"
#include "pipeline/feeds/feed_config.h"
#include "pipeline/feeds/feed_decoder.h"

namespace fusiongateway {

struct PayloadNote {
  enum class Level {
    kProblem,  // wrong, or most likely so
    kFact,     // how it was read
    kAdvice,   // what would make it better
  };
  Level level = Level::kFact;
  std::string code;  // "TIME_ZONE", "NO_CRS" …: stays the same from version to version
  std::string zh;
  std::string en;
};

struct NoteContext {
  const FeedConfig& config;
  const nlohmann::json& tables;  // CodeTables::json(), parsed
  UtcTime received_at;
  bool has_sites = false;
};

// Of a payload that was refused.
std::vector<PayloadNote> RefusalNotes(const Refusal& refusal, const PayloadTrace& trace,
                                      const NoteContext& context);
// Of one of its reports.
std::vector<PayloadNote> ReportNotes(const Report& report, std::size_t index,
                                     const PayloadTrace& trace, const NoteContext& context);

// "2026-11-23 10:00:00.250 +08:00" in the feed's own zone.
std::string LocalTime(UtcTime time, Duration offset);
// "5.5 s", "3 ms", "2.0 h".
std::string SpanText(Duration span);

}  // namespace fusiongateway
