#include "app/config_section.h"

#include <cmath>

namespace fusiongateway {

bool Convert(const std::string& text, std::string* value) {
  *value = text;
  return true;
}

bool Convert(const std::string& text, double* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc{} && end == text.data() + text.size() && std::isfinite(*value);
}

bool Convert(const std::string& text, Duration* value) {
  const auto parsed = ParseDuration(text);
  if (!parsed.ok() || *parsed < Duration{}) return false;
  *value = *parsed;
  return true;
}

bool Convert(const std::string& text, bool* value) {
  *value = text == "true";
  return text == "true" || text == "false";
}

bool Convert(const std::string& text, std::optional<Duration>* value) {
  if (text == "unknown") {
    value->reset();
    return true;
  }
  Duration known{};
  if (!Convert(text, &known)) return false;
  *value = known;
  return true;
}

bool Convert(const std::string& text, std::optional<double>* value) {
  if (text == "none") {
    value->reset();
    return true;
  }
  double known = 0;
  if (!Convert(text, &known)) return false;
  *value = known;
  return true;
}

bool Convert(const std::string& text, TextEncoding* value) {
  if (text == "UTF-8")
    *value = TextEncoding::kUtf8;
  else if (text == "GB18030")
    *value = TextEncoding::kGb18030;
  else
    return false;
  return true;
}

bool Convert(const std::string& text, CoordinateSystem* value) {
  if (text == "WGS84")
    *value = CoordinateSystem::kWgs84;
  else if (text == "GCJ02")
    *value = CoordinateSystem::kGcj02;
  else if (text == "BD09")
    *value = CoordinateSystem::kBd09;
  else
    return false;
  return true;
}

bool Convert(const std::string& text, CameraTransport* value) {
  if (text == "auto")
    *value = CameraTransport::kAuto;
  else if (text == "tcp")
    *value = CameraTransport::kTcp;
  else if (text == "udp")
    *value = CameraTransport::kUdp;
  else
    return false;
  return true;
}

}  // namespace fusiongateway
