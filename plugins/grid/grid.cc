// 一中心四平台: what grid workers report.
#include <string>
#include <utility>

#include "plugins/json_fields/feed_module.h"
#include "plugins/json_fields/json_fields.h"

namespace fusiongateway::plugin {
namespace {

class Grid {
 public:
  static Result<Grid> Create(const PluginConfig& config) {
    auto table = config.Table("grid");
    if (!table.ok()) return table.status();
    Grid decoder;
    decoder.table_ = std::move(*table);
    decoder.default_crs_ = config.default_crs;
    decoder.time_zone_offset_ = config.time_zone_offset;
    if (Status s = config.Read("grid", "actions", &decoder.actions_); !s.ok()) return s;
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
    report->set_kind(v1::GRID_REPORT);
    report->set_report_id(fields.Id("eventId"));
    report->set_district_code(fields.Text("adCode"));
    const auto reported = fields.Time("reportTime");
    const auto occurred = fields.Time("occurTime");
    SetOccurredAt(occurred ? occurred : reported, report);
    SetUpdatedAt(occurred, report);
    SetUpdatedAt(reported, report);

    auto* grid = report->mutable_grid();
    grid->set_handler(fields.Person("handler"));
    grid->set_grid_code(fields.Text("gridCode"));
    grid->set_category(fields.Text("category"));
    grid->set_description(fields.Text("description"));
    const std::string* label = table_.Label("category", grid->category());
    if (!grid->category().empty() && !label) FlagUnknownCode("category", report);
    ReadState(fields, report);
    const auto crs = ReadCrs(fields, "crs", default_crs_, report);
    if (const auto position = ReadPosition(fields, "lon", "lat", crs, report)) {
      *report->mutable_position() = *position;
    }
    for (const std::string& url : fields.Texts("photos")) {
      auto* photo = report->add_attachments();
      photo->set_role("photo");
      photo->set_url(url);
    }
    const auto found =
        table_.Classify({{"category", {grid->category()}}, {"text", {grid->description()}}});
    report->set_class_code(found.class_code);
    report->set_severity(found.severity);
    report->set_summary("网格 " + (label ? *label : grid->category()) + "：" + grid->description());
  }

  void ReadState(Fields& fields, v1::Report* report) const {
    const std::string state = fields.Text("state");
    report->mutable_grid()->set_state(state);
    report->set_action(v1::START);
    if (state.empty()) return;
    const auto action = actions_.find(state);
    if (action != actions_.end()) {
      report->set_action(action->second);
    } else {
      report->set_action(v1::UPDATE);
      FlagUnknownCode("state", report);
    }
  }

  CodeTable table_;
  std::map<std::string, v1::ReportAction> actions_;
  v1::CoordinateSystem default_crs_ = v1::GCJ02;
  Duration time_zone_offset_{};
};

}  // namespace
}  // namespace fusiongateway::plugin

FUSION_GATEWAY_FEED_MODULE(fusiongateway::plugin::Grid, "grid", "1.0")
