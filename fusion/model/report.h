// Report: one fact from one source. The domain's form of fusiongateway.v1.Report; field meanings,
// units and who sets them are documented there. proto/codec is the only crossing between the two.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "fusion/base/time.h"

namespace fusiongateway {

enum class CoordinateSystem : std::uint8_t { kUnspecified = 0, kWgs84 = 1, kGcj02 = 2, kBd09 = 3 };

// WGS-84 degrees; uncertainty_m is the radius in metres that contains the truth.
struct Position {
  double latitude = 0;
  double longitude = 0;
  double uncertainty_m = 0;
  CoordinateSystem original_crs = CoordinateSystem::kUnspecified;
  friend bool operator==(const Position&, const Position&) = default;
};

struct Bearing {
  double azimuth_deg = 0;
  double uncertainty_deg = 0;
  Position origin;
  double range_m = 0;  // 0 = not known
  friend bool operator==(const Bearing&, const Bearing&) = default;
};

struct Digest {
  std::string alg;
  std::string value;  // raw bytes
  friend bool operator==(const Digest&, const Digest&) = default;
};

struct Attachment {
  std::string role;
  std::string url;
  std::string media_type;
  std::uint64_t size_bytes = 0;
  std::optional<Digest> digest;
  friend bool operator==(const Attachment&, const Attachment&) = default;
};

struct BoundingBox {
  double x = 0, y = 0, width = 0, height = 0;
  friend bool operator==(const BoundingBox&, const BoundingBox&) = default;
};

enum class Severity : std::uint8_t {
  kUnspecified = 0,
  kInfo = 1,
  kMinor = 2,
  kModerate = 3,
  kSevere = 4,
  kExtreme = 5,
};

enum class Grade : std::uint8_t { kUnspecified = 0, kI = 1, kII = 2, kIII = 3, kIV = 4 };

enum class ReportKind : std::uint8_t {
  kUnspecified = 0,
  kPoliceCall = 1,
  kSkyGuardAlarm = 2,
  kSensorReading = 3,
  kSensorAlarm = 4,
  kRiskWarning = 5,
  kGridReport = 6,
  kCameraFinding = 7,
  kDataLost = 8,
};

// "POLICE_CALL" …: the wire name.
std::string_view ToString(ReportKind kind);

enum class ReportAction : std::uint8_t {
  kUnspecified = 0,
  kStart = 1,
  kUpdate = 2,
  kStop = 3,
  kCancel = 4,
};

struct PoliceCallDetail {
  enum class Document : std::uint8_t { kUnspecified = 0, kCall = 1, kDispatch = 2, kFeedback = 3 };
  Document document = Document::kUnspecified;
  std::string call_id;
  std::string main_call_id;
  std::vector<std::string> category_codes;
  std::string grade_code;
  std::string address;
  std::string text;
  bool hazardous_substance = false;
  bool explosion_or_leak = false;
  bool hazmat_vehicle = false;
  std::uint32_t trapped = 0;
  std::uint32_t injured = 0;
  std::uint32_t dead = 0;
  std::string result_code;
  std::string unit_code;
  std::string document_id;
  std::string intake_type;
  std::string intake_source;
  std::string caller_address;
  friend bool operator==(const PoliceCallDetail&, const PoliceCallDetail&) = default;
};

struct SkyGuardDetail {
  std::string alarm_type;
  std::string camera_name;
  double pan_deg = 0, tilt_deg = 0, zoom = 0;
  std::optional<BoundingBox> bbox;
  std::optional<Position> camera_position;
  double camera_height_m = 0;
  std::string village;
  std::string review_state;
  std::string handle_state;
  std::string feedback;
  friend bool operator==(const SkyGuardDetail&, const SkyGuardDetail&) = default;
};

struct SensorLimits {
  std::optional<double> low_low, low, high, high_high;
  friend bool operator==(const SensorLimits&, const SensorLimits&) = default;
};

struct SensorDetail {
  struct Value {
    std::string quota_id;
    double value = 0;
    std::string unit;
    std::string level;
    friend bool operator==(const Value&, const Value&) = default;
  };
  std::string enterprise_id;
  std::string gateway_id;
  std::vector<Value> values;
  std::string quota_id;
  std::string level;
  double value = 0;
  double threshold = 0;
  std::string unit;
  std::string indicator;
  std::string medium;
  std::optional<SensorLimits> limits;
  std::uint32_t hazard_level = 0;
  friend bool operator==(const SensorDetail&, const SensorDetail&) = default;
};

struct RiskWarningDetail {
  std::string enterprise_id;
  std::string colour;
  std::string reason;
  std::uint32_t hazard_level = 0;
  friend bool operator==(const RiskWarningDetail&, const RiskWarningDetail&) = default;
};

struct GridDetail {
  std::string grid_code;
  std::string category;
  std::string description;
  std::string state;
  std::string handler;
  friend bool operator==(const GridDetail&, const GridDetail&) = default;
};

struct CameraFindingDetail {
  std::string camera_id;
  std::string frame_id;
  std::string finding;
  std::optional<BoundingBox> bbox;
  friend bool operator==(const CameraFindingDetail&, const CameraFindingDetail&) = default;
};

using ReportDetail = std::variant<std::monostate, PoliceCallDetail, SkyGuardDetail, SensorDetail,
                                  RiskWarningDetail, GridDetail, CameraFindingDetail>;

struct Report {
  std::string report_id;
  std::string feed_id;
  std::optional<UtcTime> updated_at;
  std::string clock_id;
  ReportKind kind = ReportKind::kUnspecified;
  ReportAction action = ReportAction::kUnspecified;
  std::optional<UtcTime> occurred_at;
  UtcTime received_at{};
  Stamp aligned;
  std::optional<Position> position;
  std::optional<Bearing> bearing;
  std::string district_code;
  std::string class_code;
  Severity severity = Severity::kUnspecified;
  std::string summary;
  std::string site_id;
  std::string device_id;
  std::vector<std::string> camera_ids;
  std::vector<Attachment> attachments;
  double confidence = 0;
  bool drill = false;
  std::string drill_id;
  bool restricted = false;
  std::vector<std::string> flags;
  Duration time_resolution{};
  std::string unknown_fields_json;
  ReportDetail detail;
  friend bool operator==(const Report&, const Report&) = default;
};

}  // namespace fusiongateway
