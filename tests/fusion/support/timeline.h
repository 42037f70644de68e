// Readable timelines for the engine: "at 10:02:00 a call 800 m away; expect …". Builds the demo
// city's corner around the chlorine site, feeds the engine with entries on the gateway's own time,
// logs a Tick wherever the engine names a wake-up, and keeps the log and all output.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusion/engine.h"

namespace fusiongateway::testing {

inline constexpr const char* kSiteId = "410200007";
inline constexpr const char* kTowerId = "41020201001320000007";
inline constexpr double kSiteLatitude = 34.7971;
inline constexpr double kSiteLongitude = 114.3071;

// The clock face in Beijing on 2026-11-23: "10:02:40" or "10:02:40.5".
UtcTime BeijingTime(std::string_view clock);

// Metres from the chlorine site.
Position FromSite(double north_m, double east_m, double uncertainty_m = 20);

EngineConfig DemoConfig();

// Reports as the plugins and the normaliser would make them; occurred and aligned at `clock`.
Report GasAlarm(std::string report_id, std::string_view clock, std::string level, double ppm);
Report OdourCall(std::string call_id, std::string_view clock, Position place);
Report PoliceCall(std::string call_id, std::string_view clock, Position place,
                  std::string class_code, std::string text);
Report TowerSmoke(std::string report_id, std::string_view clock, std::optional<Position> fix);
Report GridReport(std::string report_id, std::string_view clock, Position place,
                  std::string class_code);
Report Reading(std::string report_id, std::string_view clock, double value);

class Timeline {
 public:
  explicit Timeline(const EngineConfig& config = DemoConfig());

  // What `Log` and the others make is also what they return.
  EngineOutput Log(UtcTime at, decltype(LogEntry::body) body);
  // The report arrives half a second after it happened.
  EngineOutput Arrives(Report report);
  EngineOutput ArrivesAt(std::string_view clock, Report report);
  EngineOutput Act(std::string_view clock, OperatorAction action);
  // Time passes, with a Tick at every wake-up the engine names.
  EngineOutput Until(std::string_view clock);

  Engine& engine() { return engine_; }
  const std::vector<LogEntry>& log() const { return log_; }
  const EngineOutput& all() const { return all_; }
  // Latest revision of the incident the report is evidence of; null if none.
  IncidentPtr IncidentOf(const std::string& report_id) const;
  std::vector<std::string> SettledReportIds() const;

 private:
  EngineOutput Apply(LogEntry entry);

  Engine engine_;
  std::vector<LogEntry> log_;
  EngineOutput all_;
  UtcTime at_{};
};

void Append(EngineOutput* all, const EngineOutput& more);
// Every field of every output as text, one record a line: equal text, equal output.
std::string Dump(const EngineOutput& output);
const Report* ReportIn(const StreamRecord& record);
const Incident* IncidentIn(const StreamRecord& record);

}  // namespace fusiongateway::testing
