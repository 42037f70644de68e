// The state of every measuring point: its last value, where that stands against the limits of the
// site table, and whether the point has gone blind. Says when a value crosses a limit.
//
// A value reaches a limit when it is at or beyond it, and has left it when it is back by more than
// the point's hysteresis. A reading older than what is known changes nothing. Nothing is allocated
// for a value of a known point that crosses no limit.
//
// Bounded: points beyond kPointsMax are not kept and counted; of sensor gateways as many are
// known. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fusion/model/engine_config.h"
#include "fusion/model/point_state.h"
#include "fusion/model/report.h"

namespace fusiongateway {

class PointTable {
 public:
  static constexpr std::size_t kPointsMax = 1'000'000;

  // Points keep their values; their limits are those of `config` from the next value on.
  void Configure(const EngineConfig& config);

  // SENSOR_READING sets values; DATA_LOST marks every point of its sensor gateway lost until the
  // next reading, or until it ends (STOP). Others are ignored. Returns a SENSOR_ALARM for every
  // value that changed its point's level, in the order of the values: START when it leaves normal,
  // UPDATE from one level to another, STOP when it is normal again. The alarms of one excursion
  // share an id.
  std::vector<Report> Take(const Report& report);
  // Does a DATA_LOST tell that its sensor gateway went blind, or sees again? Gateways repeat it for
  // as long as it lasts, and one that is older than what is known is none. Ask before it is taken.
  bool IsNews(const Report& data_lost) const;
  std::optional<PointState> Find(std::string_view quota_id) const;
  std::uint64_t refused_count() const { return refused_count_; }

 private:
  struct Limits {
    EngineConfig::Point point;
    std::string site_id;
    std::string medium;
  };
  struct Point {
    PointState state;
    UtcTime left_normal_at{};  // the excursion it is in
  };

  struct Source {  // a sensor gateway
    std::vector<std::string> points;
    UtcTime heard_at = UtcTime::min();  // of the newest it said
    bool lost = false;                  // as of then
  };

  // Null when there is no room for another.
  Source* FindOrAddSource(const SensorDetail& sensor);
  Point* Set(Source* source, const SensorDetail::Value& value, const Stamp& at);
  static Report AlarmOf(const Report& reading, const SensorDetail::Value& value, const Point& point,
                        const Limits& limits, PointLevel before);

  std::unordered_map<std::string, Limits> limits_;
  std::unordered_map<std::string, Point> points_;
  std::unordered_map<std::string, Source> sources_;
  std::uint64_t refused_count_ = 0;
};

}  // namespace fusiongateway
