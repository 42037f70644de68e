// Which field of a native payload became what: each is left out in turn (or changed, where it
// cannot be missing or something else stands in for it), the payload is decoded again, and what of
// the reports is then different hangs on that field. So it needs nothing of the plugin and says
// what is, not what should be.
//
// Pure but for the decoder it is lent; nothing is refused: what is not JSON, or nests deeper than
// 32 levels, has no fields.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fusion/base/time.h"
#include "pipeline/feeds/feed_decoder.h"

namespace fusiongateway {

// A field of a report, by its JSON name ("sensor.level"), and its value there.
struct ReportField {
  std::size_t report = 0;
  std::string path;
  std::string value;
};

struct FieldTrace {
  enum class Role {
    kUsed,      // `became` names what hangs on it
    kRequired,  // without it the payload is refused; `became` as far as it can be told
    kUnknown,   // no field the plugin knows: kept in unknownFieldsJson
    kNoEffect,  // the reports are the same without it
  };
  std::string path;   // "datas[0].value"
  std::string value;  // as one JSON text, masked
  bool masked = false;
  Role role = Role::kNoEffect;
  std::vector<ReportField> became;
  // As the source sent it: to be looked at, never to be shown.
  nlohmann::ordered_json original;
};

struct PayloadTrace {
  std::vector<FieldTrace> fields;
  // Fields beyond kTracedFieldsMax: neither traced nor listed.
  std::size_t not_traced = 0;
};

inline constexpr std::size_t kTracedFieldsMax = 200;

// `base` is what the decoder made of the payload at `received_at`.
PayloadTrace TracePayload(FeedDecoder& decoder, std::string_view payload, UtcTime received_at,
                          const DecodeOutcome& base);

// The report in protobuf's JSON mapping, one entry a scalar: "sensor.level" -> "HH"; a list's
// elements by their value.
std::vector<ReportField> FlatReport(const Report& report, std::size_t index);

}  // namespace fusiongateway
