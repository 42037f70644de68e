#include "plugins/json_fields/json_fields.h"

#include <algorithm>
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

std::string Quoted(std::string_view key) { return "\"" + std::string(key) + "\""; }

void RefuseWhole(const fusion_gateway_emitter& emitter, const char* code, const char* message) {
  emitter.refuse(emitter.self, code, message, "");
}

// Builds a document as json::parse does, but stops at a field that its object has already.
class DocumentReader {
 public:
  explicit DocumentReader(json* document) : slot_(document) {}
  const std::string& duplicate() const { return duplicate_; }

  bool null() { return Put(nullptr); }
  bool boolean(bool value) { return Put(value); }
  bool number_integer(std::int64_t value) { return Put(value); }
  bool number_unsigned(std::uint64_t value) { return Put(value); }
  bool number_float(double value, const std::string&) { return Put(value); }
  bool string(std::string& value) { return Put(std::move(value)); }
  bool binary(json::binary_t&) { return false; }
  bool start_object(std::size_t) { return Open(json::value_t::object); }
  bool start_array(std::size_t) { return Open(json::value_t::array); }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }
  bool parse_error(std::size_t, const std::string&, const json::exception&) { return false; }
  bool key(std::string& name) {
    const auto [member, is_new] = open_.back()->emplace(name, nullptr);
    if (!is_new) duplicate_ = name;
    slot_ = &*member;
    return is_new;
  }

 private:
  // Where the next value belongs: the end of the open array, or the member just named.
  json& Next() {
    if (open_.empty() || open_.back()->is_object()) return *slot_;
    return open_.back()->emplace_back(nullptr);
  }
  template <class Value>
  bool Put(Value&& value) {
    Next() = std::forward<Value>(value);
    return true;
  }
  bool Open(json::value_t type) {
    json& value = Next();
    value = type;
    open_.push_back(&value);
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  json* slot_;
  std::vector<json*> open_;
  std::string duplicate_;
};

}  // namespace

std::string Place::Text() const {
  std::string text = parent ? parent->Text() : std::string();
  if (!key.empty()) (text += text.empty() ? "" : ".") += key;
  if (index) text += "[" + std::to_string(*index) + "]";
  return text;
}

Fields::Fields(const json& object, Place place, Duration time_zone_offset,
               const fusion_gateway_emitter& emitter)
    : object_(&object), place_(place), time_zone_offset_(time_zone_offset), emitter_(emitter) {}

void Fields::MoveTo(const json& object, std::size_t index) {
  object_ = &object;
  place_.index = index;
  read_.clear();
  unread_within_ = nullptr;
  ok_ = true;
}

const json* Fields::Find(std::string_view key) {
  MarkRead(key);
  const auto it = object_->find(key);
  return it == object_->end() || it->is_null() ? nullptr : &*it;
}

bool Fields::IsRead(std::string_view key) const {
  return std::find(read_.begin(), read_.end(), key) != read_.end();
}

bool Fields::Has(std::string_view key) const {
  const auto it = object_->find(key);
  return it != object_->end() && !it->is_null();
}

std::string Fields::PathOf(std::string_view key) const {
  return Place{&place_, key, std::nullopt}.Text();
}

void Fields::Refuse(const char* code, std::string_view key, const std::string& message) {
  ok_ = false;
  emitter_.refuse(emitter_.self, code, message.c_str(), PathOf(key).c_str());
}

void Fields::WrongType(std::string_view key, const json& value, const char* wanted) {
  Refuse("WRONG_TYPE", key,
         Quoted(key) + " must be " + wanted + ", but is " + TypeName(value) +
             "; correct the field and send the payload again");
}

void Fields::Missing(std::string_view key) {
  Refuse("MISSING_FIELD", key, Quoted(key) + " is required; add it and send the payload again");
}

std::string Fields::Text(std::string_view key) {
  const json* value = Find(key);
  if (!value) return {};
  if (!value->is_string()) {
    WrongType(key, *value, "a text");
    return {};
  }
  return value->get<std::string>();
}

std::string Fields::RequiredText(std::string_view key) {
  const bool was_ok = ok_;
  std::string text = Text(key);
  if (text.empty() && ok_ == was_ok) Missing(key);
  return text;
}

std::string Fields::Id(std::string_view key) {
  std::string id = RequiredText(key);
  if (id.size() > kIdBytesMax) {
    Refuse("OUT_OF_RANGE", key, Quoted(key) + " is longer than 128 bytes; send the source's id");
  }
  return id;
}

std::optional<double> Fields::Number(std::string_view key, double min, double max) {
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
           Quoted(key) + " must be within " + limits + "; correct it and send the payload again");
    return std::nullopt;
  }
  return number;
}

double Fields::RequiredNumber(std::string_view key, double min, double max) {
  const bool was_ok = ok_;
  const auto number = Number(key, min, max);
  if (!number && ok_ == was_ok) Missing(key);
  return number.value_or(0);
}

std::uint32_t Fields::Count(std::string_view key) {
  const auto number = Number(key, 0, 1e6);
  if (number && std::floor(*number) != *number) {
    Refuse("OUT_OF_RANGE", key, Quoted(key) + " counts persons; send a whole number");
    return 0;
  }
  return static_cast<std::uint32_t>(number.value_or(0));
}

std::optional<bool> Fields::Flag(std::string_view key) {
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

std::optional<bool> Fields::Boolean(std::string_view key) {
  const json* value = Find(key);
  return value && value->is_boolean() ? std::optional(value->get<bool>()) : std::nullopt;
}

std::optional<NativeTime> Fields::Time(std::string_view key) {
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
         Quoted(key) + ": " + time.status().message());
  return std::nullopt;
}

std::vector<std::string> Fields::Texts(std::string_view key) {
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

std::optional<v1::BoundingBox> Fields::Box(std::string_view key) {
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
             Quoted(key) + " is in fractions of the picture, 0 .. 1; divide by width and height");
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

void Fields::EachObject(std::string_view key, std::size_t count_max,
                        const std::function<void(Fields&)>& read) {
  const json* value = Find(key);
  if (!value) return;
  if (!value->is_array()) return WrongType(key, *value, "an array of objects");
  if (value->size() > count_max) {
    return Refuse("OUT_OF_RANGE", key,
                  Quoted(key) + " has more than " + std::to_string(count_max) +
                      " elements; send several payloads");
  }
  if (value->empty()) return;
  Fields element(value->front(), {&place_, key, 0}, time_zone_offset_, emitter_);
  for (std::size_t i = 0; i < value->size(); ++i) {
    if (!(*value)[i].is_object()) {
      return WrongType(Place{nullptr, key, i}.Text(), (*value)[i], "an object");
    }
    element.MoveTo((*value)[i], i);
    read(element);
    ok_ = ok_ && element.ok();
    if (json unread = element.Unread(); !unread.empty()) {
      unread_within_[Place{nullptr, key, i}.Text()] = std::move(unread);
    }
  }
}

std::string Fields::Person(std::string_view key) {
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

json Fields::Unread() const {
  json unread = unread_within_;
  for (auto field = object_->begin(); field != object_->end(); ++field) {
    if (!IsRead(field.key())) unread[field.key()] = *field;
  }
  return unread;
}

std::string Fields::UnknownFields() const {
  const json unread = Unread();
  return unread.empty() ? std::string() : unread.dump();
}

void EachElement(const std::uint8_t* payload, std::size_t length, Duration time_zone_offset,
                 const fusion_gateway_emitter& emitter, const std::function<void(Fields&)>& read) {
  const std::string_view text(reinterpret_cast<const char*>(payload), length);
  if (NestsDeeperThan(text, kNestingMax)) {
    return RefuseWhole(
        emitter, "MALFORMED",
        "the payload nests deeper than 32 levels; send the source's own flat object");
  }
  json document;
  DocumentReader reader(&document);
  const bool read_whole = json::sax_parse(text, &reader);
  if (!reader.duplicate().empty()) {
    return emitter.refuse(
        emitter.self, "DUPLICATE_FIELD",
        "a field stands twice in one object, and which of its values holds is not "
        "known; send it once",
        reader.duplicate().c_str());
  }
  if (!read_whole) {
    return RefuseWhole(emitter, "MALFORMED",
                       "the payload is not JSON in UTF-8 with numbers a double can hold; check its "
                       "quotes, commas, encoding and numbers");
  }
  if (document.is_object()) {
    Fields fields(document, {}, time_zone_offset, emitter);
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
    const Place place{nullptr, "", i};
    if (!document[i].is_object()) {
      emitter.refuse(emitter.self, "WRONG_TYPE", "an element of the array is not a JSON object",
                     place.Text().c_str());
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

Crs ReadCrs(Fields& fields, std::string_view key, v1::CoordinateSystem otherwise,
            v1::Report* report) {
  // BD-09 lies at most about 1.4 km from WGS-84 in the country.
  constexpr double kApartM = 1500;
  const std::string text = fields.Text(key);
  if (text.empty()) return {otherwise, 0};
  if (text == "WGS84" || text == "CGCS2000") return {v1::WGS84, 0};
  if (text == "GCJ02") return {v1::GCJ02, 0};
  if (text == "BD09") return {v1::BD09, 0};
  FlagUnknownCode(key, report);
  return {otherwise, kApartM};
}

std::optional<v1::Position> ReadPosition(Fields& fields, std::string_view longitude_key,
                                         std::string_view latitude_key, const Crs& crs,
                                         v1::Report* report) {
  const auto read = [&](std::string_view key, double limit) {
    const auto degrees = fields.Number(key, -limit, limit);
    return degrees == 0.0 ? std::nullopt : degrees;
  };
  const bool was_ok = fields.ok();
  const auto longitude = read(longitude_key, 180);
  const auto latitude = read(latitude_key, 90);
  if (was_ok && !fields.ok()) return std::nullopt;
  if (!longitude && !latitude) return std::nullopt;
  if (!longitude || !latitude) {
    report->add_flags("POSITION_INCOMPLETE");
    return std::nullopt;
  }
  v1::Position position;
  position.set_longitude(*longitude);
  position.set_latitude(*latitude);
  position.set_uncertainty_m(crs.uncertainty_m);
  position.set_original_crs(crs.system);
  return position;
}

}  // namespace fusiongateway::plugin
