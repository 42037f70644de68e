// Reading native JSON payloads field by field, with a refusal that names the field and says what to
// do, and what was not read kept as unknown.
//
// Shared by the feed plugins. Threading: none; objects live for one decode call and borrow the
// payload and the emitter. Nothing here throws out of a plugin.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fusiongateway/v1/report.pb.h"
#include "plugins/abi/feed_plugin.h"
#include "plugins/json_fields/native_time.h"

namespace fusiongateway::plugin {

// What a payload may be at most; beyond it is refused.
inline constexpr std::size_t kNestingMax = 32;
inline constexpr std::size_t kElementsMax = 1000;
inline constexpr std::size_t kIdBytesMax = 128;

// The fields of one JSON object. A getter that meets a wrong value emits a refusal, remembers that
// this object is not to be reported, and returns an empty value; so a decoder reads everything
// first and asks ok() once. A null is the same as an absent field.
class Fields {
 public:
  // `path` is the object's place in the payload: "" or "[2]". `object` must be a JSON object.
  Fields(const nlohmann::json& object, std::string path, Duration time_zone_offset,
         const fusion_gateway_emitter& emitter);

  std::string Text(const std::string& key);
  std::string RequiredText(const std::string& key);
  // A required text of at most kIdBytesMax.
  std::string Id(const std::string& key);
  // A number, or a text that is one.
  std::optional<double> Number(const std::string& key, double min, double max);
  double RequiredNumber(const std::string& key, double min, double max);
  std::uint32_t Count(const std::string& key);
  // true/false, 0/1, or the same as text.
  std::optional<bool> Flag(const std::string& key);
  // The value if it is JSON's own true or false; nothing, and no refusal, otherwise.
  std::optional<bool> Boolean(const std::string& key);
  // Any form of ParseNativeTime; a number is epoch milliseconds.
  std::optional<NativeTime> Time(const std::string& key);
  std::vector<std::string> Texts(const std::string& key);
  std::optional<v1::BoundingBox> Box(const std::string& key);
  // The objects of an array, each with its own path.
  void EachObject(const std::string& key, const std::function<void(Fields&)>& read);

  // A text that names a person, or reaches one (a telephone): declared to the host, which masks it
  // everywhere in this payload.
  std::string Person(const std::string& key);
  // Declared like Person and not kept (an identity number).
  void Secret(const std::string& key) { Person(key); }

  bool Has(const std::string& key) const;
  void Refuse(const char* code, const std::string& key, const std::string& message);
  bool ok() const { return ok_; }

  // For a decoder that reads the object by other means: the object, and what of it is known.
  const nlohmann::json& object() const { return object_; }
  void MarkRead(const std::string& key) { read_.insert(key); }

  // What no getter asked for, as one JSON object; "" if nothing.
  std::string UnknownFields() const;

 private:
  const nlohmann::json* Find(const std::string& key);
  std::string PathOf(const std::string& key) const;
  void WrongType(const std::string& key, const nlohmann::json& value, const char* wanted);
  void Missing(const std::string& key);

  const nlohmann::json& object_;
  const std::string path_;
  const Duration time_zone_offset_;
  const fusion_gateway_emitter& emitter_;
  std::set<std::string, std::less<>> read_;
  bool ok_ = true;
};

// Reads a payload of one object or an array of objects and hands each to `read`. Refused: what is
// not JSON in UTF-8, nests deeper than kNestingMax, holds a number that no double can, or has more
// than kElementsMax elements.
void EachElement(const std::uint8_t* payload, std::size_t length, Duration time_zone_offset,
                 const fusion_gateway_emitter& emitter, const std::function<void(Fields&)>& read);

// Emits one report with what the object has left as its unknown fields.
void Emit(const Fields& fields, v1::Report* report, const fusion_gateway_emitter& emitter);

// `report`'s occurred_at and, if later than what is there, its updated_at and resolution.
void SetOccurredAt(const std::optional<NativeTime>& time, v1::Report* report);
void SetUpdatedAt(const std::optional<NativeTime>& time, v1::Report* report);

void FlagUnknownCode(std::string_view field, v1::Report* report);

// A position from two fields and a coordinate system; absent if both are, or are 0, flagged
// POSITION_INCOMPLETE if one is. An unknown system is flagged and taken as the feed's default.
std::optional<v1::Position> ReadPosition(Fields& fields, const std::string& longitude_key,
                                         const std::string& latitude_key, v1::CoordinateSystem crs,
                                         v1::Report* report);
v1::CoordinateSystem ReadCrs(Fields& fields, const std::string& key, v1::CoordinateSystem otherwise,
                             v1::Report* report);

}  // namespace fusiongateway::plugin
