#include "fusion/sequence/fingerprint.h"

#include <bit>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace fusiongateway {
namespace {

class Hasher {
 public:
  void Word(std::uint64_t word) {
    hash_ = (hash_ ^ word) * 0x9E3779B97F4A7C15ULL;
    hash_ ^= hash_ >> 32;
  }

  void Add(const std::string& text) {
    Word(text.size());
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) Word(Load(text.data() + at, 8));
    if (at < text.size()) Word(Load(text.data() + at, text.size() - at));
  }
  void Add(double value) { Word(std::bit_cast<std::uint64_t>(value)); }
  void Add(UtcTime time) { Word(static_cast<std::uint64_t>(time.time_since_epoch().count())); }
  template <typename T>
  requires(std::is_integral_v<T> || std::is_enum_v<T>) void Add(T value) {
    Word(static_cast<std::uint64_t>(value));
  }
  template <typename T>
  void Add(const std::optional<T>& value) {
    Word(value.has_value());
    if (value) Add(*value);
  }
  template <typename T>
  void Add(const std::vector<T>& values) {
    Word(values.size());
    for (const T& value : values) Add(value);
  }
  template <typename... T>
  void All(const T&... values) {
    (Add(values), ...);
  }

  void Add(const Position& p) { All(p.latitude, p.longitude, p.uncertainty_m, p.original_crs); }
  void Add(const Bearing& b) { All(b.azimuth_deg, b.uncertainty_deg, b.origin, b.range_m); }
  void Add(const BoundingBox& b) { All(b.x, b.y, b.width, b.height); }
  void Add(const Attachment& a) { All(a.role, a.url, a.media_type, a.size_bytes); }
  void Add(const SensorDetail::Value& v) { All(v.quota_id, v.value, v.unit, v.level); }
  void Add(const SensorLimits& l) { All(l.low_low, l.low, l.high, l.high_high); }

  void Add(const std::monostate&) {}
  void Add(const PoliceCallDetail& d) {
    All(d.document, d.call_id, d.main_call_id, d.category_codes, d.grade_code, d.address, d.text,
        d.hazardous_substance, d.explosion_or_leak, d.hazmat_vehicle, d.trapped, d.injured, d.dead,
        d.result_code, d.unit_code, d.document_id, d.intake_type, d.intake_source,
        d.caller_address);
  }
  void Add(const SkyGuardDetail& d) {
    All(d.alarm_type, d.camera_name, d.pan_deg, d.tilt_deg, d.zoom, d.bbox, d.camera_position,
        d.camera_height_m, d.village, d.review_state, d.handle_state, d.feedback);
  }
  void Add(const SensorDetail& d) {
    All(d.enterprise_id, d.gateway_id, d.values, d.quota_id, d.level, d.value, d.threshold, d.unit,
        d.indicator, d.medium, d.limits, d.hazard_level);
  }
  void Add(const RiskWarningDetail& d) { All(d.enterprise_id, d.colour, d.reason, d.hazard_level); }
  void Add(const GridDetail& d) { All(d.grid_code, d.category, d.description, d.state, d.handler); }
  void Add(const CameraFindingDetail& d) { All(d.camera_id, d.frame_id, d.finding, d.bbox); }

  std::uint64_t value() const { return hash_; }

 private:
  static std::uint64_t Load(const char* bytes, std::size_t count) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, count);
    return word;
  }
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
};

}  // namespace

std::uint64_t ContentFingerprint(const Report& r) {
  Hasher hasher;
  hasher.All(r.report_id, r.updated_at, r.clock_id, r.kind, r.action, r.occurred_at, r.position,
             r.bearing, r.district_code, r.class_code, r.severity, r.summary, r.site_id,
             r.device_id);
  hasher.All(r.camera_ids, r.attachments, r.confidence, r.drill, r.drill_id, r.restricted,
             r.unknown_fields_json);
  hasher.Word(r.detail.index());
  std::visit([&](const auto& detail) { hasher.Add(detail); }, r.detail);
  return hasher.value();
}

}  // namespace fusiongateway
