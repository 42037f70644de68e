// The last reading of every measuring point, and which points have gone blind. Bounded: points
// beyond kPointsMax are not kept and counted. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fusion/model/engine_output.h"

namespace fusiongateway {

class PointTable {
 public:
  static constexpr std::size_t kPointsMax = 200'000;

  // SENSOR_READING sets values; DATA_LOST marks every point of its sensor gateway lost until the
  // next reading, or until it ends (STOP). Others are ignored, and so is a reading older than what
  // is known.
  void Take(const Report& report);
  std::optional<PointState> Find(std::string_view quota_id) const;
  std::uint64_t refused_count() const { return refused_count_; }

 private:
  void Set(const std::string& quota_id, const std::string& source, double value, const Stamp& at);

  std::unordered_map<std::string, PointState> points_;
  std::unordered_map<std::string, std::vector<std::string>> points_by_source_;
  std::uint64_t refused_count_ = 0;
};

}  // namespace fusiongateway
