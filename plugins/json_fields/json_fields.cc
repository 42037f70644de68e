#include "plugins/json_fields/json_fields.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "proto/codec/codec.h"

namespace fusiongateway::plugin {
namespace {

using nlohmann::json;

// The parser keeps its own stack, but writing and copying recurse; so depth is bounded before.
bool NestsDeeperThan(std::string_view text, std::size_t max) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

std::string TypeName(const json& value) {
  if (value.is_string()) return "a text";
  if (value.is_number()) return "a number";
  if (value.is_boolean()) return "true/false";
  if (value.is_array()) return "an array";
  if (value.is_object()) return "an object";
  return "null";
}

std::optional<double> ToNumber(const json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void RefuseWhole(const fusion_gateway_emitter& emitter, const char* code, const char* message) {
  emitter.refuse(emitter.self, code, message, "");
}

}  // namespace

Fields::Fields(const json& object, std::string path, Duration time_zone_offset,
               const fusion_gateway_emitter& emitter)
    : object_(object),
      path_(std::move(path)),
      time_zone_offset_(time_zone_offset),
      emitter_(emitter) {}

const json* Fields::Find(const std::string& key) {
  read_.insert(key);
  const auto it = object_.find(key);
  return it == object_.end() || it->is_null() ? nullptr : &*it;
}

bool Fields::Has(const std::string& key) const {
  const auto it = object_.find(key);
  return it != object_.end() && !it->is_null();
}

std::string Fields::PathOf(const std::string& key) const {
  if (key.empty()) return path_;
  return path_.empty() ? key : path_ + "." + key;
}

void Fields::Refuse(const char* code, const std::string& key, const std::string& message) {
  ok_ = false;
  emitter_.refuse(emitter_.self, code, message.c_str(), PathOf(key).c_str());
}

void Fields::WrongType(const std::string& key, const json& value, const char* wanted) {
  Refuse("WRONG_TYPE", key,
         "\"" + key + "\" must be " + wanted + ", but is " + TypeName(value) +
             "; correct the field and send the payload again");
}

void Fields::Missing(const std::string& key) {
  Refuse("MISSING_FIELD", key, "\"" + key + "\" is required; add it and send the payload again");
}

std::string Fields::Text(const std::string& key) {
  const json* value = Find(key);
  if (!value) return {};
  if (!value->is_string()) {
    WrongType(key, *value, "a text");
    return {};
  }
  return value->get<std::string>();
}

std::string Fields::RequiredText(const std::string& key) {
  const bool was_ok = ok_;
  std::string text = Text(key);
  if (text.empty() && ok_ == was_ok) Missing(key);
  return text;
}

std::string Fields::Id(const std::string& key) {
  std::string id = RequiredText(key);
  if (id.size() > kIdBytesMax) {
    Refuse("OUT_OF_RANGE", key, "\"" + key + "\" is longer than 128 bytes; send the source's id");
  }
  return id;
}

std::optional<double> Fields::Number(const std::string& key, double min, double max) {
  const json* value = Find(key);
  if (!value || (value->is_string() && value->get_ref<const std::string&>().empty())) {
    return std::nullopt;
  }
  const auto number = ToNumber(*value);
  if (!number) {
    WrongType(key, *value, "a number");
    return std::nullopt;
  }
  if (!(*number >= min && *number <= max)) {
    char limits[96];
    std::snprintf(limits, sizeof limits, "%.15g .. %.15g", min, max);
    Refuse("OUT_OF_RANGE", key,
           "\"" + key + "\" must be within " + limits + "; correct it and send the payload again");
    return std::nullopt;
  }
  return number;
}

double Fields::RequiredNumber(const std::string& key, double min, double max) {
  const bool was_ok = ok_;
  const auto number = Number(key, min, max);
  if (!number && ok_ == was_ok) Missing(key);
  return number.value_or(0);
}

std::uint32_t Fields::Count(const std::string& key) {
  const auto number = Number(key, 0, 1e6);
  if (number && std::floor(*number) != *number) {
    Refuse("OUT_OF_RANGE", key, "\"" + key + "\" counts persons; send a whole number");
    return 0;
  }
  return static_cast<std::uint32_t>(number.value_or(0));
}

std::optional<bool> Fields::Flag(const std::string& key) {
  const json* value = Find(key);
  if (!value) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  const std::string text = value->is_string()           ? value->get<std::string>()
                           : value->is_number_integer() ? value->dump()
                                                        : "?";
  if (text.empty()) return std::nullopt;
  if (text == "1" || text == "true" || text == "TRUE" || text == "True") return true;
  if (text == "0" || text == "false" || text == "FALSE" || text == "False") return false;
  WrongType(key, *value, "true or false (or 1 or 0)");
  return std::nullopt;
}

std::optional<bool> Fields::Boolean(const std::string& key) {
  const json* value = Find(key);
  return value && value->is_boolean() ? std::optional(value->get<bool>()) : std::nullopt;
}

std::optional<NativeTime> Fields::Time(const std::string& key) {
  const json* value = Find(key);
  if (!value || (value->is_string() && value->get_ref<const std::string&>().empty())) {
    return std::nullopt;
  }
  if (!value->is_string() && !value->is_number()) {
    WrongType(key, *value, "a time");
    return std::nullopt;
  }
  const auto time = value->is_string()
                        ? ParseNativeTime(value->get_ref<const std::string&>(), time_zone_offset_)
                        : FromEpochMilliseconds(value->get<double>());
  if (time.ok()) return *time;
  const bool wrong_form = time.status().code() == StatusCode::kInvalidArgument;
  Refuse(wrong_form ? "WRONG_TYPE" : "OUT_OF_RANGE", key,
         "\"" + key + "\": " + time.status().message());
  return std::nullopt;
}

std::vector<std::string> Fields::Texts(const std::string& key) {
  const json* value = Find(key);
  if (!value) return {};
  if (!value->is_array()) {
    WrongType(key, *value, "an array of texts");
    return {};
  }
  std::vector<std::string> texts;
  for (const json& element : *value) {
    if (!element.is_string()) {
      WrongType(key, element, "an array of texts");
      return {};
    }
    texts.push_back(element.get<std::string>());
  }
  return texts;
}

std::optional<v1::BoundingBox> Fields::Box(const std::string& key) {
  const json* value = Find(key);
  if (!value) return std::nullopt;
  if (!value->is_array() || value->size() != 4) {
    WrongType(key, *value, "an array [x, y, w, h]");
    return std::nullopt;
  }
  double numbers[4] = {};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto number = ToNumber((*value)[i]);
    if (!number) {
      WrongType(key, (*value)[i], "an array [x, y, w, h] of numbers");
      return std::nullopt;
    }
    if (!(*number >= 0 && *number <= 1)) {
      Refuse("OUT_OF_RANGE", key,
             "\"" + key + "\" is in fractions of the picture, 0 .. 1; divide by width and height");
      return std::nullopt;
    }
    numbers[i] = *number;
  }
  v1::BoundingBox box;
  box.set_x(numbers[0]);
  box.set_y(numbers[1]);
  box.set_width(numbers[2]);
  box.set_height(numbers[3]);
  return box;
}

void Fields::EachObject(const std::string& key, const std::function<void(Fields&)>& read) {
  const json* value = Find(key);
  if (!value) return;
  if (!value->is_array()) return WrongType(key, *value, "an array of objects");
  if (value->size() > kElementsMax) {
    return Refuse("OUT_OF_RANGE", key, "\"" + key + "\" has more than 1000 elements; split it");
  }
  for (std::size_t i = 0; i < value->size(); ++i) {
    const std::string place = key + "[" + std::to_string(i) + "]";
    if (!(*value)[i].is_object()) return WrongType(place, (*value)[i], "an object");
    Fields element((*value)[i], PathOf(place), time_zone_offset_, emitter_);
    read(element);
    ok_ = ok_ && element.ok();
  }
}

std::string Fields::Person(const std::string& key) {
  const json* value = Find(key);
  if (!value) return {};
  if (value->is_number_integer()) {
    emitter_.person(emitter_.self, value->dump().c_str());
    return value->dump();
  }
  std::string text = Text(key);
  if (!text.empty()) emitter_.person(emitter_.self, text.c_str());
  return text;
}

std::string Fields::UnknownFields() const {
  json unknown = json::object();
  for (const auto& [key, value] : object_.items()) {
    if (!read_.contains(key)) unknown[key] = value;
  }
  return unknown.empty() ? std::string() : unknown.dump();
}

void EachElement(const std::uint8_t* payload, std::size_t length, Duration time_zone_offset,
                 const fusion_gateway_emitter& emitter, const std::function<void(Fields&)>& read) {
  const std::string_view text(reinterpret_cast<const char*>(payload), length);
  if (NestsDeeperThan(text, kNestingMax)) {
    return RefuseWhole(
        emitter, "MALFORMED",
        "the payload nests deeper than 32 levels; send the source's own flat object");
  }
  const json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) {
    return RefuseWhole(emitter, "MALFORMED",
                       "the payload is not JSON in UTF-8 with numbers a double can hold; check its "
                       "quotes, commas, encoding and numbers");
  }
  if (document.is_object()) {
    Fields fields(document, "", time_zone_offset, emitter);
    return read(fields);
  }
  if (!document.is_array()) {
    return RefuseWhole(emitter, "WRONG_TYPE",
                       "the payload must be one JSON object or an array of them");
  }
  if (document.empty()) {
    return RefuseWhole(emitter, "MISSING_FIELD", "the array is empty; send at least one object");
  }
  if (document.size() > kElementsMax) {
    return RefuseWhole(emitter, "OUT_OF_RANGE",
                       "the array has more than 1000 elements; send several payloads");
  }
  for (std::size_t i = 0; i < document.size(); ++i) {
    const std::string place = "[" + std::to_string(i) + "]";
    if (!document[i].is_object()) {
      emitter.refuse(emitter.self, "WRONG_TYPE", "an element of the array is not a JSON object",
                     place.c_str());
      continue;
    }
    Fields fields(document[i], place, time_zone_offset, emitter);
    read(fields);
  }
}

void Emit(const Fields& fields, v1::Report* report, const fusion_gateway_emitter& emitter) {
  report->set_unknown_fields_json(fields.UnknownFields());
  const std::string bytes = report->SerializeAsString();
  emitter.report(emitter.self, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

void SetOccurredAt(const std::optional<NativeTime>& time, v1::Report* report) {
  if (!time) return;
  ToWire(time->utc, report->mutable_occurred_at());
  report->set_time_resolution_ns(static_cast<std::uint64_t>(time->resolution.count()));
}

void SetUpdatedAt(const std::optional<NativeTime>& time, v1::Report* report) {
  if (!time) return;
  if (report->has_updated_at() && FromWire(report->updated_at()) >= time->utc) return;
  ToWire(time->utc, report->mutable_updated_at());
}

void FlagUnknownCode(std::string_view field, v1::Report* report) {
  report->add_flags("UNKNOWN_CODE:" + std::string(field));
}

v1::CoordinateSystem ReadCrs(Fields& fields, const std::string& key, v1::CoordinateSystem otherwise,
                             v1::Report* report) {
  const std::string text = fields.Text(key);
  if (text.empty()) return otherwise;
  if (text == "WGS84" || text == "CGCS2000") return v1::WGS84;
  if (text == "GCJ02") return v1::GCJ02;
  if (text == "BD09") return v1::BD09;
  FlagUnknownCode(key, report);
  return otherwise;
}

std::optional<v1::Position> ReadPosition(Fields& fields, const std::string& longitude_key,
                                         const std::string& latitude_key, v1::CoordinateSystem crs,
                                         v1::Report* report) {
  const bool was_ok = fields.ok();
  const auto longitude = fields.Number(longitude_key, -180, 180);
  const auto latitude = fields.Number(latitude_key, -90, 90);
  if (was_ok && !fields.ok()) return std::nullopt;
  if (!longitude && !latitude) return std::nullopt;
  if (!longitude || !latitude) {
    report->add_flags("POSITION_INCOMPLETE");
    return std::nullopt;
  }
  if (*longitude == 0 && *latitude == 0) return std::nullopt;
  v1::Position position;
  position.set_longitude(*longitude);
  position.set_latitude(*latitude);
  position.set_original_crs(crs);
  return position;
}

}  // namespace fusiongateway::plugin
