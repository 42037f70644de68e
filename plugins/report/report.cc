// Our own Report, in protobuf or in protobuf's JSON mapping, for sources that speak the wire
// contract themselves. A report that sets what only the gateway may set is refused: a source that
// believes it can stamp `aligned` must be told that it cannot.
#include <google/protobuf/util/json_util.h>

#include <cctype>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/json_fields/feed_module.h"
#include "plugins/json_fields/json_fields.h"

namespace fusiongateway::plugin {
namespace {

// The first byte of a Report in protobuf is never one of these (both would open a group).
bool IsJson(std::string_view payload) {
  return !payload.empty() && (payload.front() == '{' || payload.front() == '[');
}

// The JSON name of a field that is set and is the gateway's; nullptr if none is.
const char* GatewaysField(const v1::Report& report) {
  if (!report.feed_id().empty()) return "feedId";
  if (report.has_received_at()) return "receivedAt";
  if (report.has_aligned()) return "aligned";
  for (const auto& attachment : report.attachments()) {
    if (attachment.has_digest()) return "attachments.digest";
  }
  return nullptr;
}

// The name of a field with a number that is none (NaN, infinity), at any depth; "" if there is
// none.
std::string OddNumberIn(const google::protobuf::Message& message) {
  using google::protobuf::FieldDescriptor;
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
      if (!std::isfinite(reflection->GetDouble(message, field))) return field->json_name();
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const int count = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
      for (int i = 0; i < count; ++i) {
        std::string odd =
            OddNumberIn(field->is_repeated() ? reflection->GetRepeatedMessage(message, field, i)
                                             : reflection->GetMessage(message, field));
        if (!odd.empty()) return field->json_name() + "." + odd;
      }
    }
  }
  return {};
}

// An enum's word that report.proto does not have: protobuf's reader leaves the field at its default
// without a word.
template <class IsName>
bool IsUnknownWord(const Fields& fields, const char* key, const IsName& is_name) {
  const auto value = fields.object().find(key);
  return value != fields.object().end() && value->is_string() &&
         !is_name(value->get_ref<const std::string&>());
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
    const auto is_action = [](const std::string& word) {
      v1::ReportAction action;
      return v1::ReportAction_Parse(word, &action);
    };
    const auto is_severity = [](const std::string& word) {
      v1::Severity severity;
      return v1::Severity_Parse(word, &severity);
    };
    if (IsUnknownWord(fields, "action", is_action)) FlagUnknownCode("action", &report);
    if (IsUnknownWord(fields, "severity", is_severity)) FlagUnknownCode("severity", &report);
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
    } else if (const char* field = GatewaysField(report)) {
      refuse("FORBIDDEN_FIELD", field,
             "only the gateway sets this field; leave it out and send the report again");
    } else if (const std::string odd = OddNumberIn(report); !odd.empty()) {
      refuse("OUT_OF_RANGE", odd.c_str(), "a number must be finite; leave out what is not known");
    } else {
      return true;
    }
    return false;
  }

  static void Send(v1::Report* report, const fusion_gateway_emitter& emitter) {
    if (!v1::ReportAction_IsValid(report->action())) FlagUnknownCode("action", report);
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

FUSION_GATEWAY_FEED_MODULE(fusiongateway::plugin::ReportDecoder, "report", "1.1")
