#include "delivery/stream/record_filter.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "proto/codec/codec.h"

namespace fusiongateway {
namespace {

constexpr std::string_view kNoDistrict = "000000";

std::string_view OrNone(const std::string& district) {
  return district.empty() ? kNoDistrict : std::string_view(district);
}

v1::Severity SeverityOf(const v1::StreamRecord& record) {
  if (record.has_report()) return record.report().severity();
  if (record.has_incident()) return record.incident().severity();
  return v1::SEVERITY_UNSPECIFIED;
}

bool IsDistrictCode(std::string_view code) {
  return code.size() == kNoDistrict.size() &&
         std::all_of(code.begin(), code.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The part of a code that its districts share: "410000" is a province, "410200" a city.
std::string Prefix(std::string code) {
  if (code == kNoDistrict) return code;
  while (code.ends_with("00")) code.resize(code.size() - 2);
  return code;
}

bool IsBody(const std::string& name) {
  const auto* body = v1::StreamRecord::descriptor()->FindOneofByName("body");
  for (int i = 0; i < body->field_count(); ++i) {
    if (body->field(i)->name() == name) return true;
  }
  return false;
}

}  // namespace

std::string_view DistrictOf(const v1::StreamRecord& record) {
  if (record.has_report()) return OrNone(record.report().district_code());
  if (record.has_incident()) return OrNone(record.incident().district_code());
  return kNoDistrict;
}

Result<RecordFilter> RecordFilter::Make(const v1::Filter& filter) {
  RecordFilter made;
  for (const std::string& code : filter.district_codes()) {
    if (!IsDistrictCode(code)) {
      return InvalidArgument("filter.districtCodes: \"" + code.substr(0, 20) +
                             "\" is not a district code: give six digits (GB/T 2260)");
    }
    made.district_prefixes_.push_back(Prefix(code));
  }
  for (const std::string& body : filter.bodies()) {
    if (!IsBody(body)) {
      return InvalidArgument("filter.bodies: there is no body \"" + body.substr(0, 20) +
                             "\": give report, incident, frame, feed, camera, clock, watermark "
                             "or action");
    }
    made.bodies_.insert(body);
  }
  if (!v1::Severity_IsValid(filter.min_severity())) {
    return InvalidArgument(
        "filter.minSeverity: there is no such severity: give INFO, MINOR, MODERATE, SEVERE or "
        "EXTREME");
  }
  made.severity_min_ = filter.min_severity();
  return made;
}

bool RecordFilter::Passes(std::string_view body, std::string_view district,
                          v1::Severity severity) const {
  if (!bodies_.empty() && !bodies_.contains(body)) return false;
  if (severity < severity_min_) return false;
  return district_prefixes_.empty() ||
         std::any_of(
             district_prefixes_.begin(), district_prefixes_.end(),
             [district](const std::string& prefix) { return district.starts_with(prefix); });
}

bool RecordFilter::Passes(const v1::StreamRecord& record) const {
  return Passes(BodyName(record), DistrictOf(record), SeverityOf(record));
}

bool RecordFilter::Passes(const v1::Incident& incident) const {
  return Passes("incident", OrNone(incident.district_code()), incident.severity());
}

}  // namespace fusiongateway
