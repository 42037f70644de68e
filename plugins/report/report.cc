// Our own Report, in protobuf or in protobuf's JSON mapping, for sources that speak the wire
// contract themselves. What only the gateway may set is cleared.
#include <google/protobuf/util/json_util.h>

#include <cctype>
#include <cstring>
#include <string>
#include <string_view>

#include "plugins/json_fields/feed_module.h"
#include "plugins/json_fields/json_fields.h"

namespace fusiongateway::plugin {
namespace {

// The first byte of a Report in protobuf is never one of these (both would open a group).
bool IsJson(std::string_view payload) {
  return !payload.empty() && (payload.front() == '{' || payload.front() == '[');
}

void ClearWhatTheGatewaySets(v1::Report* report) {
  report->clear_feed_id();
  report->clear_received_at();
  report->clear_aligned();
}

// protobuf names the offending field in brackets and quotes its value; only the name is passed on.
std::string FieldIn(std::string_view message) {
  const auto open = message.find('(');
  const auto close = message.find(')', open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos || close == std::string_view::npos) return {};
  std::string field(message.substr(open + 1, close - open - 1));
  for (const char c : field) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && !std::strchr("_.[]", c)) return {};
  }
  return field;
}

class ReportDecoder {
 public:
  static Result<ReportDecoder> Create(const PluginConfig& config) {
    ReportDecoder decoder;
    decoder.time_zone_offset_ = config.time_zone_offset;
    return decoder;
  }

  void Decode(const std::uint8_t* payload, std::size_t length,
              const fusion_gateway_emitter& emitter) const {
    const std::string_view bytes(reinterpret_cast<const char*>(payload), length);
    if (IsJson(bytes)) {
      EachElement(payload, length, time_zone_offset_, emitter,
                  [&](Fields& fields) { ReadJson(fields, emitter); });
    } else {
      ReadProtobuf(bytes, emitter);
    }
  }

 private:
  static void ReadProtobuf(std::string_view bytes, const fusion_gateway_emitter& emitter) {
    v1::Report report;
    if (bytes.empty() || !report.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      emitter.refuse(emitter.self, "MALFORMED",
                     "the payload is neither a fusiongateway.v1.Report in protobuf nor JSON "
                     "beginning with '{' or '['",
                     "");
      return;
    }
    const auto refuse = [&](const char* code, const char* field, const char* message) {
      emitter.refuse(emitter.self, code, message, field);
    };
    if (!Check(report, refuse)) return;
    Send(&report, emitter);
  }

  static void ReadJson(Fields& fields, const fusion_gateway_emitter& emitter) {
    v1::Report report;
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    const auto status =
        google::protobuf::util::JsonStringToMessage(fields.object().dump(), &report, options);
    if (!status.ok()) {
      return fields.Refuse(
          "WRONG_TYPE", FieldIn(status.message().ToString()),
          "a field has not the type that fusiongateway.v1.Report gives it; compare "
          "with report.proto and send the payload again");
    }
    const auto refuse = [&](const char* code, const char* field, const char* message) {
      fields.Refuse(code, field, message);
    };
    if (!Check(report, refuse, fields.Has("kind"))) return;
    const auto* descriptor = v1::Report::descriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      fields.MarkRead(descriptor->field(i)->name());
      fields.MarkRead(descriptor->field(i)->json_name());
    }
    const std::string unknown = fields.UnknownFields();
    if (!unknown.empty()) report.set_unknown_fields_json(unknown);
    Send(&report, emitter);
  }

  template <class Refuse>
  static bool Check(const v1::Report& report, const Refuse& refuse, bool kind_given = false) {
    if (report.report_id().empty()) {
      refuse("MISSING_FIELD", "reportId", "\"reportId\" is required: the source's own id");
    } else if (report.report_id().size() > kIdBytesMax) {
      refuse("OUT_OF_RANGE", "reportId", "\"reportId\" is longer than 128 bytes");
    } else if (report.kind() == v1::REPORT_KIND_UNSPECIFIED && !kind_given) {
      refuse("MISSING_FIELD", "kind", "\"kind\" is required: POLICE_CALL, SENSOR_ALARM ...");
    } else if (!v1::ReportKind_IsValid(report.kind()) ||
               report.kind() == v1::REPORT_KIND_UNSPECIFIED) {
      refuse("UNKNOWN_TYPE", "kind", "\"kind\" is none of report.proto's ReportKind");
    } else {
      return true;
    }
    return false;
  }

  static void Send(v1::Report* report, const fusion_gateway_emitter& emitter) {
    ClearWhatTheGatewaySets(report);
    if (report->has_grid() && !report->grid().handler().empty()) {
      emitter.person(emitter.self, report->grid().handler().c_str());
    }
    const std::string bytes = report->SerializeAsString();
    emitter.report(emitter.self, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }

  Duration time_zone_offset_{};
};

}  // namespace
}  // namespace fusiongateway::plugin

FUSION_GATEWAY_FEED_MODULE(fusiongateway::plugin::ReportDecoder, "report", "1.0")
