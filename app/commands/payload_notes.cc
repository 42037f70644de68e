#include "app/commands/payload_notes.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <utility>

#include "fusion/correlate/geometry.h"
#include "pipeline/feeds/coordinates.h"

namespace fusiongateway {
namespace {

using Json = nlohmann::ordered_json;
using Level = PayloadNote::Level;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// A lead this close to the zone's offset is a zone mixed up and no clock.
constexpr Duration kZoneTolerance = minutes{15};
// No source of today speaks of a time before this.
constexpr UtcTime kPlausible{std::chrono::sys_days{std::chrono::year{1990} / 1 / 1}};

std::string OffsetText(Duration offset) {
  const auto all = std::chrono::duration_cast<minutes>(offset).count();
  const auto magnitude = std::abs(all);
  return fmt::format("{}{:02}:{:02}", all < 0 ? '-' : '+', magnitude / 60, magnitude % 60);
}

bool AllDigits(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
}

// What the source wrote as a whole number, in either type; "" if it is none.
std::string DigitsOf(const Json& value) {
  if (value.is_number_integer()) return value.dump();
  if (value.is_string() && AllDigits(value.get_ref<const std::string&>())) {
    return value.get<std::string>();
  }
  return "";
}

bool BearsOffset(const std::string& text) {
  constexpr std::size_t kDateTime = 19;  // 2026-11-23T10:00:00
  return text.size() > kDateTime && text.find_first_of("Zz+-", kDateTime) != std::string::npos;
}

// The field whose change moves this report's occurredAt.
const FieldTrace* TimeField(const PayloadTrace& trace, std::size_t index) {
  for (const FieldTrace& field : trace.fields) {
    for (const ReportField& became : field.became) {
      if (became.report == index && became.path == "occurredAt") return &field;
    }
  }
  return nullptr;
}

bool SaysCrs(const PayloadTrace& trace) {
  return std::any_of(trace.fields.begin(), trace.fields.end(), [](const FieldTrace& field) {
    std::string key = field.path.substr(field.path.find_last_of('.') + 1);
    std::transform(key.begin(), key.end(), key.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return key == "crs" || key == "originalcrs";
  });
}

class Notes {
 public:
  void Add(Level level, std::string code, std::string zh, std::string en) {
    notes_.push_back({level, std::move(code), std::move(zh), std::move(en)});
  }
  std::vector<PayloadNote> Take() { return std::move(notes_); }

 private:
  std::vector<PayloadNote> notes_;
};

// An epoch in another unit than milliseconds, told by its digits.
void AddEpochUnit(const std::string& path, const Json& value, Notes* notes) {
  const std::size_t digits = DigitsOf(value).size();
  if (digits == 10) {
    notes->Add(
        Level::kProblem, "EPOCH_SECONDS",
        fmt::format("{} 像是以秒计的时间戳；请发毫秒（乘以 1000）", path),
        fmt::format("{} looks like an epoch in seconds; send milliseconds (times 1000)", path));
  } else if (digits == 16 || digits == 19) {
    notes->Add(
        Level::kProblem, "EPOCH_TOO_FINE",
        fmt::format("{} 像是以微秒或纳秒计的时间戳；请发毫秒", path),
        fmt::format("{} looks like an epoch in micro- or nanoseconds; send milliseconds", path));
  }
}

void AddReading(const FieldTrace& field, const FeedConfig& config, Notes* notes) {
  const Json& value = field.original;
  const std::string digits = DigitsOf(value);
  if (digits.size() == 13 || value.is_number()) {
    notes->Add(
        Level::kFact, "TIME_READ", fmt::format("{} 按毫秒时间戳读取（与时区无关）", field.path),
        fmt::format("{} was read as an epoch in milliseconds (no time zone in it)", field.path));
  } else if (value.is_string() && BearsOffset(value.get_ref<const std::string&>())) {
    notes->Add(Level::kFact, "TIME_READ", fmt::format("{} 自带时区偏移", field.path),
               fmt::format("{} bears its own offset", field.path));
  } else {
    const std::string zone = OffsetText(config.time_zone_offset);
    notes->Add(
        Level::kFact, "TIME_READ",
        fmt::format("{} 不带时区，按 UTC{} 读取（配置 time_zone_offset）", field.path, zone),
        fmt::format("{} bears no offset and was read as UTC{} (time_zone_offset of the feed)",
                    field.path, zone));
  }
}

void AddZone(Duration lead, const FeedConfig& config, Notes* notes) {
  const Duration offset = config.time_zone_offset;
  if (offset == Duration{}) return;
  const auto near = [](Duration a, Duration b) {
    return a > b - kZoneTolerance && a < b + kZoneTolerance;
  };
  const std::string zone = OffsetText(offset);
  if (near(lead, offset)) {
    notes->Add(
        Level::kProblem, "TIME_ZONE",
        fmt::format("时间比到达早不了，反而超前约 {}：很可能把 UTC{} 的当地时间标成了 UTC",
                    SpanText(offset), zone),
        fmt::format("the time lies about {} ahead of arrival: most likely local time (UTC{}) "
                    "marked as UTC",
                    SpanText(offset), zone));
  } else if (near(lead, -offset)) {
    notes->Add(Level::kProblem, "TIME_ZONE",
               fmt::format("时间落后到达约 {}：很可能是 UTC 时间没有带时区，被按 UTC{} 读取",
                           SpanText(offset), zone),
               fmt::format("the time lies about {} behind arrival: most likely UTC without an "
                           "offset, read as UTC{}",
                           SpanText(offset), zone));
  }
}

void AddOccurred(const Report& report, std::size_t index, const PayloadTrace& trace,
                 const NoteContext& context, Notes* notes) {
  const FieldTrace* field = TimeField(trace, index);
  if (!report.occurred_at) {
    notes->Add(Level::kAdvice, "NO_TIME",
               fmt::format("没有发生时间：只能用到达时间，±{}",
                           SpanText(context.config.unsynchronised_bound)),
               fmt::format("no time of occurrence: only the arrival is known, ±{}",
                           SpanText(context.config.unsynchronised_bound)));
    return;
  }
  if (field != nullptr) AddReading(*field, context.config, notes);
  if (*report.occurred_at < kPlausible) {
    if (field != nullptr) AddEpochUnit(field->path, field->original, notes);
    return;
  }
  AddZone(SaturatingSubtract(*report.occurred_at, context.received_at), context.config, notes);
  if (report.time_resolution >= seconds{1}) {
    notes->Add(Level::kAdvice, "COARSE_TIME",
               fmt::format("时间只精确到 {}，其一半计入误差界；请发毫秒",
                           SpanText(report.time_resolution)),
               fmt::format("the time is told to {}, half of which is part of its bound; send "
                           "milliseconds",
                           SpanText(report.time_resolution)));
  }
}

void AddClock(const Report& report, const FeedConfig& config, Notes* notes) {
  const Stamp& stamp = report.aligned;
  const std::string when =
      LocalTime(stamp.utc, config.time_zone_offset) + " ±" + SpanText(stamp.uncertainty);
  if (stamp.source != ClockSource::kDeclared) {
    notes->Add(
        Level::kFact, "ALIGNED",
        fmt::format("对时 {}，来源 {}：没有可用的时间，取到达时间", when, ToString(stamp.source)),
        fmt::format("aligned {}, source {}: no usable time, so the arrival", when,
                    ToString(stamp.source)));
    return;
  }
  const std::string bound = SpanText(config.clock_error_max);
  notes->Add(
      Level::kFact, "ALIGNED",
      fmt::format("对时 {}，来源 DECLARED：配置声明时钟误差 ±{}（clock_error_max）", when, bound),
      fmt::format("aligned {}, source DECLARED: the configuration's clock_error_max ±{}", when,
                  bound));
  if (report.clock_id.empty()) {
    notes->Add(Level::kAdvice, "NO_CLOCK_ID",
               "没有 clock_id：按发布端自己的时钟对待，发布端发送 probe 后可精确到毫秒（PROBED）；"
               "若时间来自发布端身后的设备，应给出该设备的时钟编号",
               "no clock_id: taken as the publisher's own clock, which its probes measure to "
               "milliseconds (PROBED); if a device behind the publisher wrote the time, name its "
               "clock");
  } else {
    notes->Add(Level::kFact, "CLOCK_ID",
               fmt::format("时间由时钟 {} 写下：发布端的 probe 对它不起作用", report.clock_id),
               fmt::format("clock {} wrote the time: the publisher's probes say nothing of it",
                           report.clock_id));
  }
}

std::string PlaceText(const Position& position) {
  return fmt::format("{:.6f}, {:.6f}", position.longitude, position.latitude);
}

void AddPlace(const Report& report, const PayloadTrace& trace, const NoteContext& context,
              Notes* notes) {
  if (!report.position) {
    notes->Add(Level::kAdvice, "NO_POSITION",
               report.bearing ? "没有坐标，只有方位：需要第二座塔交会，或给出落点"
                              : "没有坐标：只能靠站点、设备或行政区归并",
               report.bearing ? "no coordinates, only a bearing: send the fix if there is one"
                              : "no coordinates: it is joined by site, device or district only");
    return;
  }
  const Position& position = *report.position;
  const CoordinateSystem crs = position.original_crs;
  if (crs == CoordinateSystem::kGcj02 || crs == CoordinateSystem::kBd09) {
    const char* name = crs == CoordinateSystem::kGcj02 ? "GCJ-02" : "BD-09";
    const Position before = FromWgs84(position, crs);
    const std::string way = fmt::format("{} {} → WGS-84 {} ({:.0f} m)", name, PlaceText(before),
                                        PlaceText(position), DistanceM(before, position));
    notes->Add(Level::kFact, "POSITION", "坐标（经度, 纬度）换算 " + way,
               "coordinates (longitude, latitude) converted " + way);
  } else {
    notes->Add(Level::kFact, "POSITION", "坐标为 WGS-84，未换算 " + PlaceText(position),
               "coordinates are WGS-84, not converted");
  }
  if (crs == context.config.default_crs && !SaysCrs(trace)) {
    notes->Add(Level::kAdvice, "NO_CRS",
               "没有说明坐标系（crs）：按配置 default_crs 读取，读错会偏移数百米",
               "the coordinate system (crs) is not told: read as default_crs; a wrong one is "
               "hundreds of metres off");
  }
}

// "龙亭区", "Longting District"; "" for a code that is not listed.
std::string Name(const nlohmann::json& tables, const char* table, const std::string& code,
                 const char* language) {
  const nlohmann::json nothing = nlohmann::json::object();
  const auto& list = tables.is_object() && tables.contains(table) ? tables.at(table) : nothing;
  if (!list.is_object() || !list.contains(code) || !list.at(code).is_object()) return "";
  return list.at(code).value(language, "");
}

void AddCodes(const Report& report, const NoteContext& context, Notes* notes) {
  if (report.district_code == "000000") {
    notes->Add(Level::kAdvice, "NO_DISTRICT",
               "没有行政区划：载荷、站点表和配置 default_district 都没有给出",
               "no district: neither payload nor site table nor default_district gives one");
  } else {
    const auto name = [&](const char* l) {
      return Name(context.tables, "districts", report.district_code, l);
    };
    notes->Add(Level::kFact, "DISTRICT",
               fmt::format("行政区划 {} {}", report.district_code, name("zh")),
               fmt::format("district {} {}", report.district_code, name("en")));
  }
  if (report.class_code.empty()) {
    notes->Add(Level::kAdvice, "NO_CLASS",
               "没有事件类别：码表（config/tables）中没有规则适用，归并只看时间地点",
               "no incident class: no rule of the code tables fits");
  } else {
    const auto name = [&](const char* l) {
      return Name(context.tables, "incident_classes", report.class_code, l);
    };
    notes->Add(Level::kFact, "CLASS", fmt::format("事件类别 {} {}", report.class_code, name("zh")),
               fmt::format("incident class {} {}", report.class_code, name("en")));
  }
  if (report.site_id.empty()) {
    notes->Add(Level::kAdvice, "NO_SITE",
               context.has_sites ? "不属于任何站点：在配置 sites 的 device_ids 中登记该设备或企业"
                                 : "不属于任何站点：配置中没有 sites（用 --config 给出现场配置）",
               context.has_sites
                   ? "of no site: list the device or enterprise in a site's device_ids"
                   : "of no site: the configuration has no sites (give the site's with --config)");
  } else {
    notes->Add(Level::kFact, "SITE", "站点 " + report.site_id, "site " + report.site_id);
  }
}

void AddFlag(const std::string& flag, const FeedConfig& config, Notes* notes) {
  constexpr std::string_view kUnknownCode = "UNKNOWN_CODE:";
  std::string zh = "来源或插件的标记", en = "a mark of the source or its plugin";
  if (flag == "FUTURE_TIME") {
    zh = fmt::format("时间比到达超前 {} 以上：不推动水位线", SpanText(config.future_max));
    en = fmt::format("more than {} ahead of arrival: it never moves the watermark",
                     SpanText(config.future_max));
  } else if (flag == "PAST_TIME") {
    zh = fmt::format("时间比到达落后 {} 以上：旧样本请用 --at 给出当时的到达时间",
                     SpanText(config.past_max));
    en = fmt::format("more than {} behind arrival: for an old sample give its arrival with --at",
                     SpanText(config.past_max));
  } else if (flag == "DELAYED") {
    zh = fmt::format(
        "到达比其时间晚于 "
        "delay_max（{}）：中途被积压，或时钟偏慢；不凭它判断时钟，误差一直放宽到到达时刻。"
        "旧样本请用 --at 给出当时的到达时间；若此来源一贯这么慢，调大 delay_max",
        SpanText(config.delay_max));
    en = fmt::format(
        "came later after its time than delay_max ({}): held up on the way, or the clock is slow, "
        "so its bound may reach to its arrival. For an old sample give its arrival with --at; for "
        "a source that always takes so long raise delay_max",
        SpanText(config.delay_max));
  } else if (flag == "CLOCK_ZONE") {
    zh =
        "与到达相差整半小时的倍数：时钟的时区设错，已按到达更正；改正来源的时区或 time_zone_offset";
    en = "whole half hours away from its arrival: a clock in another time zone, corrected by the "
         "arrivals; mend the source's time zone or time_zone_offset";
  } else if (flag == "CLOCK_OFF") {
    zh = "时间整个在到达之后：声明的时钟误差不成立，改用到达时间";
    en =
        "wholly after its arrival: the declared bound is proved wrong, the arrival is used instead";
  } else if (flag == "DRILL_UNDECLARED") {
    zh = "标为演练但没有声明的 drill_id：按真实事件处理";
    en = "marked as a drill without a declared drill_id: treated as real";
  } else if (flag == "POSITION_INCOMPLETE") {
    zh = "经度、纬度只有一个：坐标未采用";
    en = "only one of longitude and latitude: no position taken";
  } else if (flag.starts_with(kUnknownCode)) {
    const std::string field = flag.substr(kUnknownCode.size());
    zh = fmt::format("{} 的代码不在码表中，按“其他”处理：在 config/tables 中补上", field);
    en = fmt::format("the code in {} is not in the code tables and was taken as \"other\": add it",
                     field);
  }
  notes->Add(Level::kProblem, flag, std::move(zh), std::move(en));
}

}  // namespace

std::string LocalTime(UtcTime time, Duration offset) {
  std::string text = FormatRfc3339(SaturatingAdd(time, offset));
  text[10] = ' ';
  return text.substr(0, 23) + " " + OffsetText(offset);
}

std::string SpanText(Duration span) {
  const double all = std::chrono::duration<double>(span).count();
  const double size = std::abs(all);
  if (size >= 3600) return fmt::format("{:.3g} h", all / 3600);
  if (size >= 120) return fmt::format("{:.3g} min", all / 60);
  if (size >= 1) return fmt::format("{:.3g} s", all);
  if (size >= 1e-3) return fmt::format("{:.3g} ms", all * 1e3);
  return fmt::format("{:.3g} µs", all * 1e6);
}

std::vector<PayloadNote> RefusalNotes(const Refusal& refusal, const PayloadTrace& trace,
                                      const NoteContext&) {
  Notes notes;
  for (const FieldTrace& field : trace.fields) {
    // A field that must be a time says so in its refusal; an id of ten digits does not.
    const bool about_time = refusal.message.find("time") != std::string::npos;
    if (field.path == refusal.field && about_time) AddEpochUnit(field.path, field.original, &notes);
  }
  return notes.Take();
}

std::vector<PayloadNote> ReportNotes(const Report& report, std::size_t index,
                                     const PayloadTrace& trace, const NoteContext& context) {
  Notes notes;
  AddOccurred(report, index, trace, context, &notes);
  AddClock(report, context.config, &notes);
  AddPlace(report, trace, context, &notes);
  AddCodes(report, context, &notes);
  if (report.restricted) {
    notes.Add(Level::kFact, "RESTRICTED", "涉密：不广播、不上报，普通角色不可见",
              "restricted: never broadcast, never relayed, not seen by ordinary roles");
  }
  for (const std::string& flag : report.flags) AddFlag(flag, context.config, &notes);
  return notes.Take();
}

}  // namespace fusiongateway
