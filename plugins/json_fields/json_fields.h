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

// Where an object stands in the payload; put into words only when something is refused.
struct Place {
  const Place* parent = nullptr;
  std::string_view key;              // "" in the payload's own array
  std::optional<std::size_t> index;  // in that array

  std::string Text() const;
};

// The fields of one JSON object. A getter that meets a wrong value emits a refusal, remembers that
// this object is not to be reported, and returns an empty value; so a decoder reads everything
// first and asks ok() once. A null is the same as an absent field. Keys are remembered as they are
// given and must outlive the object: literals.
class Fields {
 public:
  // `object` must be a JSON object.
  Fields(const nlohmann::json& object, Place place, Duration time_zone_offset,
         const fusion_gateway_emitter& emitter);

  std::string Text(std::string_view key);
  std::string RequiredText(std::string_view key);
  // A required text of at most kIdBytesMax.
  std::string Id(std::string_view key);
  // A number, or a text that is one.
  std::optional<double> Number(std::string_view key, double min, double max);
  double RequiredNumber(std::string_view key, double min, double max);
  std::uint32_t Count(std::string_view key);
  // true/false, 0/1, or the same as text.
  std::optional<bool> Flag(std::string_view key);
  // The value if it is JSON's own true or false; nothing, and no refusal, otherwise.
  std::optional<bool> Boolean(std::string_view key);
  // Any form of ParseNativeTime; a number is epoch milliseconds.
  std::optional<NativeTime> Time(std::string_view key);
  std::vector<std::string> Texts(std::string_view key);
  std::optional<v1::BoundingBox> Box(std::string_view key);
  // The objects of an array of at most `count_max`, each with its own place. What `read` leaves of
  // them is unknown like what is left of this object. `read` keeps none of them.
  void EachObject(std::string_view key, std::size_t count_max,
                  const std::function<void(Fields&)>& read);

  // A text that names a person, or reaches one (a telephone): declared to the host, which masks it
  // everywhere in this payload.
  std::string Person(std::string_view key);
  // Declared like Person and not kept (an identity number).
  void Secret(std::string_view key) { Person(key); }

  bool Has(std::string_view key) const;
  void Refuse(const char* code, std::string_view key, const std::string& message);
  bool ok() const { return ok_; }

  // For a decoder that reads the object by other means: the object, and what of it is known.
  const nlohmann::json& object() const { return *object_; }
  void MarkRead(std::string_view key) { read_.push_back(key); }

  // What no getter asked for, as one JSON object; "" if nothing.
  std::string UnknownFields() const;

 private:
  const nlohmann::json* Find(std::string_view key);
  bool IsRead(std::string_view key) const;
  nlohmann::json Unread() const;
  std::string PathOf(std::string_view key) const;
  void WrongType(std::string_view key, const nlohmann::json& value, const char* wanted);
  void Missing(std::string_view key);
  // The next object of the same array.
  void MoveTo(const nlohmann::json& object, std::size_t index);

  const nlohmann::json* object_;
  Place place_;
  const Duration time_zone_offset_;
  const fusion_gateway_emitter& emitter_;
  std::vector<std::string_view> read_;
  nlohmann::json unread_within_;  // of objects in arrays, by place; null if nothing
  bool ok_ = true;
};

// Reads a payload of one object or an array of objects and hands each to `read`. Refused: what is
// not JSON in UTF-8, nests deeper than kNestingMax, holds a number that no double can, has the same
// field twice in one object, or more than kElementsMax elements.
void EachElement(const std::uint8_t* payload, std::size_t length, Duration time_zone_offset,
                 const fusion_gateway_emitter& emitter, const std::function<void(Fields&)>& read);

// Emits one report with what the object has left as its unknown fields.
void Emit(const Fields& fields, v1::Report* report, const fusion_gateway_emitter& emitter);

// `report`'s occurred_at and, if later than what is there, its updated_at and resolution.
void SetOccurredAt(const std::optional<NativeTime>& time, v1::Report* report);
void SetUpdatedAt(const std::optional<NativeTime>& time, v1::Report* report);

void FlagUnknownCode(std::string_view field, v1::Report* report);

// What a feed's coordinates are in, and by how much they may be off for not knowing it.
struct Crs {
  v1::CoordinateSystem system = v1::GCJ02;
  double uncertainty_m = 0;
};
// WGS84 (or CGCS2000), GCJ02, BD09. Absent: `otherwise`. An unknown one is flagged, taken as
// `otherwise`, and its positions are as uncertain as those systems lie apart.
Crs ReadCrs(Fields& fields, std::string_view key, v1::CoordinateSystem otherwise,
            v1::Report* report);
// A position from two fields; absent if both are absent or 0 (what systems write for none), flagged
// POSITION_INCOMPLETE if one is.
std::optional<v1::Position> ReadPosition(Fields& fields, std::string_view longitude_key,
                                         std::string_view latitude_key, const Crs& crs,
                                         v1::Report* report);

}  // namespace fusiongateway::plugin
