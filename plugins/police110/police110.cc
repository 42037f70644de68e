// 公安110: 接警单 (call), 派警单 (dispatch), 反馈单 (feedback), as domain.md's native form.
//
// A call's id is JJDBH; a dispatch and a feedback have their own and name the call they belong to.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "plugins/json_fields/feed_module.h"
#include "plugins/json_fields/json_fields.h"

namespace fusiongateway::plugin {
namespace {

class Police110 {
 public:
  static Result<Police110> Create(const PluginConfig& config) {
    auto table = config.Table("police110");
    if (!table.ok()) return table.status();
    Police110 decoder;
    decoder.table_ = std::move(*table);
    decoder.default_crs_ = config.default_crs;
    decoder.time_zone_offset_ = config.time_zone_offset;
    if (Status s = config.Read("police110", "false_results", &decoder.false_results_); !s.ok()) {
      return s;
    }
    return decoder;
  }

  void Decode(const std::uint8_t* payload, std::size_t length,
              const fusion_gateway_emitter& emitter) const {
    EachElement(payload, length, time_zone_offset_, emitter, [&](Fields& fields) {
      v1::Report report;
      Read(fields, &report);
      if (fields.ok()) Emit(fields, &report, emitter);
    });
  }

 private:
  void Read(Fields& fields, v1::Report* report) const {
    for (const char* key : {"BJRMC", "BJDH", "LXDH"}) fields.Person(key);
    fields.Secret("BJRZJHM");
    report->set_kind(v1::POLICE_CALL);
    auto* call = report->mutable_police_call();
    call->set_call_id(fields.Id("JJDBH"));
    const std::string type = fields.RequiredText("type");
    if (type == "call") {
      ReadCall(fields, report);
    } else if (type == "dispatch") {
      ReadDispatch(fields, report);
    } else if (type == "feedback") {
      ReadFeedback(fields, report);
    } else if (!type.empty()) {
      fields.Refuse("UNKNOWN_TYPE", "type", "\"type\" must be call, dispatch or feedback");
    }
    ReadMatter(fields, report);
    Classify(type, report);
    Summarise(report);
  }

  void ReadCall(Fields& fields, v1::Report* report) const {
    auto* call = report->mutable_police_call();
    call->set_document(v1::PoliceCallDetail::CALL);
    report->set_report_id(call->call_id());
    report->set_action(v1::START);
    const auto called = fields.Time("BJSJ");
    const auto answered = fields.Time("JJSJ");
    // A call that is corrected comes again, with a later end of its intake.
    const auto finished = fields.Time("JJWCSJ");
    SetOccurredAt(called ? called : answered, report);
    for (const auto& time : {called, answered, finished}) SetUpdatedAt(time, report);
    call->set_intake_type(ReadCode(fields, "JJLX", "intake_type", report));
    call->set_intake_source(ReadCode(fields, "JQLYFS", "intake_source", report));
    call->set_caller_address(fields.Text("BJDZ"));
    call->set_text(fields.Text("BJNR"));
  }

  void ReadDispatch(Fields& fields, v1::Report* report) const {
    auto* call = report->mutable_police_call();
    call->set_document(v1::PoliceCallDetail::DISPATCH);
    call->set_document_id(fields.Id("PJDBH"));
    report->set_report_id(call->document_id());
    report->set_action(v1::UPDATE);
    const auto dispatched = fields.Time("PJSJ");
    SetOccurredAt(dispatched, report);
    SetUpdatedAt(dispatched, report);
    call->set_unit_code(fields.Text("CJDWDM"));
  }

  void ReadFeedback(Fields& fields, v1::Report* report) const {
    auto* call = report->mutable_police_call();
    call->set_document(v1::PoliceCallDetail::FEEDBACK);
    call->set_document_id(fields.Id("FKDBH"));
    report->set_report_id(call->document_id());
    const auto told = fields.Time("FKSJ");
    SetOccurredAt(told, report);
    SetUpdatedAt(told, report);
    call->set_text(fields.Text("FKNR"));
    call->set_result_code(ReadCode(fields, "CLJG", "result", report));
    const bool is_false = std::find(false_results_.begin(), false_results_.end(),
                                    call->result_code()) != false_results_.end();
    report->set_action(is_false ? v1::CANCEL : v1::UPDATE);
  }

  // What any of the three documents may say of the matter itself.
  void ReadMatter(Fields& fields, v1::Report* report) const {
    auto* call = report->mutable_police_call();
    call->set_main_call_id(fields.Text("GLZJJDBH"));
    report->set_district_code(fields.Text("XZQHDM"));
    report->set_restricted(fields.Flag("SFBM").value_or(false));
    for (const char* key : {"JQXLDM", "JQLXDM", "JQLBDM"}) {
      const std::string code = ReadCode(fields, key, "category", report);
      if (!code.empty()) call->add_category_codes(code);
    }
    call->set_grade_code(ReadCode(fields, "JQDJDM", "grade", report));
    const auto crs = ReadCrs(fields, "CRS", default_crs_, report);
    if (const auto position = ReadPosition(fields, "FXDWJD", "FXDWWD", crs, report)) {
      *report->mutable_position() = *position;
    }
    call->set_address(fields.Text("JQDZ"));
    call->set_hazardous_substance(fields.Flag("YWWXWZ").value_or(false));
    call->set_explosion_or_leak(fields.Flag("YWBZXL").value_or(false));
    call->set_hazmat_vehicle(fields.Flag("SFSWHCL").value_or(false));
    call->set_trapped(fields.Count("BKRS"));
    call->set_injured(fields.Count("SSRS"));
    call->set_dead(fields.Count("SWRS"));
  }

  std::string ReadCode(Fields& fields, const char* key, const char* list,
                       v1::Report* report) const {
    std::string code = fields.Text(key);
    if (!table_.Knows(list, code)) FlagUnknownCode(key, report);
    return code;
  }

  void Classify(const std::string& type, v1::Report* report) const {
    const auto& call = report->police_call();
    Facts facts;
    facts["document"] = {type};
    facts["category"] = {call.category_codes().begin(), call.category_codes().end()};
    facts["hazardous_substance"] = {call.hazardous_substance() ? "1" : "0"};
    facts["explosion_or_leak"] = {call.explosion_or_leak() ? "1" : "0"};
    facts["hazmat_vehicle"] = {call.hazmat_vehicle() ? "1" : "0"};
    facts["text"] = {call.text()};
    if (call.dead() > 0) facts["casualties"].push_back("dead");
    if (call.injured() > 0) facts["casualties"].push_back("injured");
    if (call.trapped() > 0) facts["casualties"].push_back("trapped");
    const auto found = table_.Classify(facts);
    report->set_class_code(found.class_code);
    report->set_severity(found.severity);
  }

  void Summarise(v1::Report* report) const {
    const auto& call = report->police_call();
    std::string summary = "110";
    switch (call.document()) {
      case v1::PoliceCallDetail::DISPATCH:
        summary += "派警";
        break;
      case v1::PoliceCallDetail::FEEDBACK:
        summary += "反馈";
        break;
      default:
        summary += "接警";
    }
    for (const auto& code : call.category_codes()) {
      if (const std::string* label = table_.Label("category", code)) {
        summary += " " + *label;
        break;
      }
    }
    const std::string& place = call.address().empty() ? call.caller_address() : call.address();
    if (!place.empty()) summary += " " + place;
    if (!call.text().empty()) summary += "：" + call.text();
    report->set_summary(summary);
  }

  CodeTable table_;
  v1::CoordinateSystem default_crs_ = v1::GCJ02;
  Duration time_zone_offset_{};
  std::vector<std::string> false_results_;
};

}  // namespace
}  // namespace fusiongateway::plugin

FUSION_GATEWAY_FEED_MODULE(fusiongateway::plugin::Police110, "police110", "1.1")
