#include "app/commands/payload_trace.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <utility>

#include "proto/codec/codec.h"
#include "proto/codec/json_form.h"

namespace fusiongateway {
namespace {

using Json = nlohmann::ordered_json;
using Pointer = Json::json_pointer;

constexpr int kNestingMax = 32;

struct Leaf {
  Pointer at;
  std::string path;
};

std::optional<Json> Parse(std::string_view text) {
  bool too_deep = false;
  Json document = Json::parse(
      text,
      [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > kNestingMax;
        return !too_deep;
      },
      false);
  if (too_deep || document.is_discarded()) return std::nullopt;
  return document;
}

// Scalars, and lists of scalars as one.
void CollectLeaves(const Json& value, const Leaf& here, std::vector<Leaf>* leaves) {
  const bool lists_objects =
      value.is_array() &&
      std::any_of(value.begin(), value.end(), [](auto& e) { return e.is_structured(); });
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, element] : value.items()) {
      CollectLeaves(element, {here.at / key, here.path.empty() ? key : here.path + "." + key},
                    leaves);
    }
  } else if (lists_objects) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      CollectLeaves(value[i], {here.at / i, here.path + "[" + std::to_string(i) + "]"}, leaves);
    }
  } else if (!here.path.empty()) {
    leaves->push_back(here);
  }
}

Json Without(Json document, const Pointer& at) {
  Json& parent = document[at.parent_pointer()];
  if (parent.is_object()) {
    parent.erase(at.back());
  } else {
    document[at] = nullptr;
  }
  return document;
}

// A value of the same type beside this one; none if there is no telling one.
std::optional<Json> Neighbour(const Json& value) {
  if (value.is_boolean()) return Json(!value.get<bool>());
  if (value.is_number_integer()) return Json(value.get<std::int64_t>() + 1);
  if (value.is_number()) return Json(value.get<double>() + 0.125);
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) return std::nullopt;
  std::string text = value.get<std::string>();
  char& last = text.back();
  if (std::isdigit(static_cast<unsigned char>(last)) != 0) {
    last = last == '9' ? '8' : static_cast<char>(last + 1);
  } else {
    text += "x";
  }
  return Json(text);
}

std::vector<ReportField> FlatReports(const std::vector<Report>& reports) {
  std::vector<ReportField> all;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    auto fields = FlatReport(reports[i], i);
    all.insert(all.end(), fields.begin(), fields.end());
  }
  return all;
}

using FieldKey = std::pair<std::size_t, std::string>;

std::map<FieldKey, std::string> ByKey(const std::vector<ReportField>& fields) {
  std::map<FieldKey, std::string> values;
  for (const ReportField& field : fields) values[{field.report, field.path}] = field.value;
  return values;
}

class Tracer {
 public:
  Tracer(FeedDecoder& decoder, UtcTime received_at, const Json& document, const DecodeOutcome& base)
      : decoder_(decoder),
        received_at_(received_at),
        document_(document),
        base_(FlatReports(base.reports)),
        refused_(base.refusal.has_value()) {}

  void Trace(const Pointer& at, FieldTrace* trace) const {
    if (refused_) return;
    const DecodeOutcome without = Decode(Without(document_, at));
    if (without.refusal) {
      trace->role = FieldTrace::Role::kRequired;
    } else {
      trace->became = Changed(without);
      trace->role = RoleOf(trace->became);
    }
    if (!trace->became.empty()) return;
    // It cannot be missing, or something else stands in for it: what another value would change.
    trace->became = ChangedByNeighbour(at);
    if (!without.refusal) trace->role = RoleOf(trace->became);
  }

 private:
  DecodeOutcome Decode(const Json& document) const {
    return decoder_.Decode(document.dump(-1, ' ', false, Json::error_handler_t::replace),
                           {received_at_, std::nullopt, false, true});
  }

  std::vector<ReportField> ChangedByNeighbour(const Pointer& at) const {
    const auto neighbour = Neighbour(document_[at]);
    if (!neighbour) return {};
    Json changed = document_;
    changed[at] = *neighbour;
    const DecodeOutcome outcome = Decode(changed);
    return outcome.refusal ? std::vector<ReportField>() : Changed(outcome);
  }

  std::vector<ReportField> Changed(const DecodeOutcome& other) const {
    const auto others = ByKey(FlatReports(other.reports));
    std::vector<ReportField> changed;
    for (const ReportField& field : base_) {
      const auto found = others.find({field.report, field.path});
      if (found == others.end() || found->second != field.value) changed.push_back(field);
    }
    // The one line for people holds a bit of everything: last.
    std::stable_partition(changed.begin(), changed.end(),
                          [](const ReportField& field) { return field.path != "summary"; });
    return changed;
  }

  static FieldTrace::Role RoleOf(const std::vector<ReportField>& became) {
    if (became.empty()) return FieldTrace::Role::kNoEffect;
    const bool unknown = std::all_of(became.begin(), became.end(), [](const ReportField& field) {
      return field.path == "unknownFieldsJson";
    });
    return unknown ? FieldTrace::Role::kUnknown : FieldTrace::Role::kUsed;
  }

  FeedDecoder& decoder_;
  const UtcTime received_at_;
  const Json& document_;
  const std::vector<ReportField> base_;
  const bool refused_;
};

std::string ValueText(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::vector<ReportField> FlatReport(const Report& report, std::size_t index) {
  v1::Report wire;
  ToWire(report, &wire);
  const Json json = Json::parse(ToJson(wire), nullptr, false);
  std::vector<Leaf> leaves;
  CollectLeaves(json, Leaf(), &leaves);
  std::vector<ReportField> fields;
  for (const Leaf& leaf : leaves) {
    const Json& value = json[leaf.at];
    if (!value.is_array()) {
      const bool text = value.is_string();
      fields.push_back({index, leaf.path, text ? value.get<std::string>() : ValueText(value)});
      continue;
    }
    // By value, so that one element less does not move all the others.
    for (const Json& element : value) {
      const std::string text =
          element.is_string() ? element.get<std::string>() : ValueText(element);
      fields.push_back({index, leaf.path + "[" + text + "]", text});
    }
  }
  return fields;
}

PayloadTrace TracePayload(FeedDecoder& decoder, std::string_view payload, UtcTime received_at,
                          const DecodeOutcome& base) {
  PayloadTrace trace;
  const auto document = Parse(payload);
  if (!document) return trace;
  const auto masked = Parse(decoder.Masked(payload, received_at));
  std::vector<Leaf> leaves;
  CollectLeaves(*document, Leaf(), &leaves);
  const Tracer tracer(decoder, received_at, *document, base);
  for (const Leaf& leaf : leaves) {
    if (trace.fields.size() == kTracedFieldsMax) break;
    FieldTrace field;
    field.original = (*document)[leaf.at];
    // A key that was masked itself is not found again: then nothing of it is shown.
    const bool shown = masked && masked->contains(leaf.at);
    field.path = shown ? leaf.path : "***";
    field.value = shown ? ValueText((*masked)[leaf.at]) : "***";
    field.masked = !shown || (*masked)[leaf.at] != field.original;
    tracer.Trace(leaf.at, &field);
    trace.fields.push_back(std::move(field));
  }
  trace.not_traced = leaves.size() - trace.fields.size();
  return trace;
}

}  // namespace fusiongateway
