#include "app/demo_city/scenario.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numbers>
#include <utility>

#include "app/demo_city/city.h"
#include "fusion/model/report.h"
#include "pipeline/feeds/coordinates.h"

namespace fusiongateway::demo_city {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kBeijing = std::chrono::hours(8);
constexpr double kMetresPerDegree = 111'195;
constexpr double kPi = std::numbers::pi;
// Call numbers within one second: the quiet city's lie below the scenario's.
constexpr std::uint64_t kScenarioSerial = 900;
// Where the wind carries the gas: from the west-north-west.
constexpr double kDownWindDeg = 105;
constexpr std::string_view kGasPoint = "410200007002G0001QT001";
constexpr std::string_view kSiteGateway = "410200007-GW01";
constexpr std::string_view kStorageGateway = "410200019-GW01";

// Uniform in [low, high): the top 53 bits, the same on every machine.
double Between(std::mt19937_64& random, double low, double high) {
  return low + (high - low) * static_cast<double>(random() >> 11) * 0x1p-53;
}

std::size_t Pick(std::mt19937_64& random, std::size_t count) {
  return static_cast<std::size_t>(Between(random, 0, static_cast<double>(count)));
}

double Rounded(double value, double step) { return std::round(value / step) * step; }

// Digits of Beijing time: "20261123100000", and three more with `with_milliseconds`.
std::string BeijingDigits(UtcTime time, bool with_milliseconds = false) {
  const std::string text = FormatRfc3339(time + kBeijing);
  std::string digits;
  for (const char c : text.substr(0, 23)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  return with_milliseconds ? digits : digits.substr(0, 14);
}

// "2026-11-23T10:00:00.123+08:00"
std::string BeijingIso(UtcTime time) {
  return FormatRfc3339(time + kBeijing).substr(0, 23) + "+08:00";
}

// A place so many metres from another; the earth is flat within a city.
Position Away(double latitude, double longitude, double azimuth_deg, double metres) {
  const double azimuth = azimuth_deg * kPi / 180;
  Position place;
  place.latitude = latitude + metres * std::cos(azimuth) / kMetresPerDegree;
  place.longitude =
      longitude + metres * std::sin(azimuth) / (kMetresPerDegree * std::cos(latitude * kPi / 180));
  return place;
}

double AzimuthDeg(const Position& from, const Position& to) {
  const double north = to.latitude - from.latitude;
  const double east = (to.longitude - from.longitude) * std::cos(from.latitude * kPi / 180);
  const double azimuth = std::atan2(east, north) * 180 / kPi;
  return azimuth < 0 ? azimuth + 360 : azimuth;
}

double DistanceM(const Position& a, const Position& b) {
  return kMetresPerDegree *
         std::hypot(b.latitude - a.latitude,
                    (b.longitude - a.longitude) * std::cos(a.latitude * kPi / 180));
}

// Degrees as the sources write them: about 0.1 m.
double Degrees(double value) { return Rounded(value, 1e-6); }

struct Tower {
  std::string_view camera_id;
  std::string_view name;
  Position place;
  double height_m = 0;
};

Tower SiteTower() {
  const CityCamera& camera = *FindCamera(kTowerCameraId);
  Position place;
  place.latitude = camera.latitude;
  place.longitude = camera.longitude;
  return {camera.id, camera.name_zh, place, camera.height_m};
}

// A tower of Qi county, 48 km south-east: its camera is none of the demo's.
Tower DistantTower() {
  Position place;
  place.latitude = 34.5490;
  place.longitude = 114.7820;
  return {"41022101001320000012", "蓝天卫士 12 号塔", place, 45};
}

CityEvent SkyGuardAlarm(UtcTime now, const Tower& tower, const Position& fire,
                        std::string_view district, std::string_view village, double confidence) {
  CityEvent event{
      .feed_id = std::string(kSkyGuardFeed),
      .report_id = "SG" + std::string(tower.camera_id.substr(14)) + BeijingDigits(now, true),
      .kind = "SKY_GUARD_ALARM",
      .true_time = now};
  const double distance = DistanceM(tower.place, fire);
  Json payload{
      {"alarmId", event.report_id},
      {"cameraId", tower.camera_id},
      {"cameraName", tower.name},
      {"alarmType", "smoke"},
      {"action", "start"},
      {"occurTime", BeijingIso(now)},
      {"pan", Rounded(AzimuthDeg(tower.place, fire), 0.01)},
      {"tilt", Rounded(-std::atan2(tower.height_m, distance) * 180 / kPi, 0.01)},
      {"zoom", 12},
      {"bbox", {0.44, 0.38, 0.11, 0.16}},
      {"confidence", Rounded(confidence, 0.01)},
      {"camLon", Degrees(tower.place.longitude)},
      {"camLat", Degrees(tower.place.latitude)},
      {"camHeight", tower.height_m},
      {"fireLon", Degrees(fire.longitude)},
      {"fireLat", Degrees(fire.latitude)},
      {"crs", "WGS84"},
      {"adCode", district},
      {"snapshotUrl", "http://skyguard.example/snapshot/" + event.report_id + ".jpg"},
      {"reviewState", "unreviewed"},
      {"handleState", "unhandled"},
  };
  if (!village.empty()) payload["village"] = village;
  event.payload = payload.dump();
  return event;
}

struct Caller {
  std::string_view name;
  std::string_view phone;
  std::string_view id_number;
};

// Made-up people; the numbers are of the real form, so that masking has something to mask.
constexpr std::array kCallers{
    Caller{"张伟", "13937812345", "410202198503121234"},
    Caller{"李秀英", "13803785678", "410203197211083421"},
    Caller{"王建国", "15037889012", "410221196504150917"},
    Caller{"刘芳", "18637823456", "41022519900722102X"},
};

struct Call {
  std::string_view district;
  std::string_view category;
  std::string_view address;
  std::string text;
  bool hazardous = false;
  Position place;  // WGS-84
};

CityEvent PoliceCall(UtcTime now, std::uint64_t serial, const Caller& caller, const Call& call) {
  char tail[8];
  std::snprintf(tail, sizeof tail, "%03u", static_cast<unsigned>(serial));
  CityEvent event{.feed_id = std::string(kPoliceFeed),
                  .report_id = "4102" + BeijingDigits(now) + tail,
                  .kind = "POLICE_CALL",
                  .true_time = now};
  const Position shifted = FromWgs84(call.place, CoordinateSystem::kGcj02);
  const Json payload{
      {"type", "call"},
      {"JJDBH", event.report_id},
      {"XZQHDM", call.district},
      {"JJLX", "01"},
      {"JQLYFS", "01"},
      {"BJSJ", BeijingDigits(now)},
      {"JJSJ", BeijingDigits(now)},
      {"BJDH", caller.phone},
      {"BJRMC", caller.name},
      {"BJRZJHM", caller.id_number},
      {"LXDH", caller.phone},
      {"BJDZ", call.address},
      {"JQDZ", call.address},
      {"FXDWJD", Degrees(shifted.longitude)},
      {"FXDWWD", Degrees(shifted.latitude)},
      {"CRS", "GCJ02"},
      {"JQLBDM", call.category},
      {"JQDJDM", "04"},
      {"BJNR", call.text},
      {"YWWXWZ", call.hazardous ? "1" : "0"},
      {"YWBZXL", "0"},
      {"SFSWHCL", "0"},
      {"BKRS", 0},
      {"SSRS", 0},
      {"SWRS", 0},
      {"SFBM", "0"},
  };
  event.payload = payload.dump();
  return event;
}

CityEvent GasAlarm(UtcTime now, std::string_view level, double ppm, double threshold) {
  CityEvent event{.feed_id = std::string(kHazmatFeed),
                  .report_id = "BJ" + std::string(kChlorineSite.id) + BeijingDigits(now, true),
                  .kind = "SENSOR_ALARM",
                  .true_time = now,
                  .incident = std::string(kChlorineIncident),
                  .cameras = {std::string(kTankCameraId), std::string(kGateCameraId)}};
  const Json payload{
      {"dataType", "alarm"},
      {"enterpriseId", kChlorineSite.id},
      {"gatewayId", kSiteGateway},
      {"alarmId", event.report_id},
      {"quotaId", kGasPoint},
      {"level", level},
      {"value", ppm},
      {"threshold", threshold},
      {"unit", "ppm"},
      {"startTime", BeijingDigits(now)},
      {"endTime", nullptr},
      {"state", "active"},
  };
  event.payload = payload.dump();
  return event;
}

CityEvent OdourCall(UtcTime now, std::uint64_t serial, double metres, const Caller& caller,
                    std::string_view address, const std::string& text) {
  CityEvent event = PoliceCall(
      now, serial, caller,
      {.district = kChlorineSite.district_code,
       .category = "800200",
       .address = address,
       .text = text,
       .hazardous = true,
       .place = Away(kChlorineSite.latitude, kChlorineSite.longitude, kDownWindDeg, metres)});
  event.incident = kChlorineIncident;
  return event;
}

CityEvent SiteSmoke(UtcTime now) {
  CityEvent event =
      SkyGuardAlarm(now, SiteTower(), Away(kChlorineSite.latitude, kChlorineSite.longitude, 60, 40),
                    kChlorineSite.district_code, "", 0.87);
  event.incident = kChlorineIncident;
  event.cameras = {std::string(kTowerCameraId), std::string(kTankCameraId)};
  return event;
}

struct Reading {
  std::string_view quota_id;
  double low;
  double high;
  double step;
};

constexpr std::array kSitePoints{
    Reading{"410200007002G0001WD001", 21.5, 22.5, 0.1},
    Reading{"410200007002G0001YL001", 0.61, 0.63, 0.001},
    Reading{"410200007002G0001YW001", 2.80, 2.84, 0.01},
};
constexpr std::array kStoragePoints{
    Reading{"410200019001G0003WD001", 18.0, 19.0, 0.1},
    Reading{"410200019001G0003YW001", 4.10, 4.14, 0.01},
};

CityEvent Readings(UtcTime now, std::string_view enterprise, std::string_view gateway, Json datas) {
  const std::string collected = BeijingDigits(now);
  CityEvent event{.feed_id = std::string(kHazmatFeed),
                  .report_id = std::string(gateway) + ":" + collected,
                  .kind = "SENSOR_READING",
                  .true_time = now};
  const Json payload{
      {"dataType", "energy_data"}, {"enterpriseId", enterprise},    {"gatewayId", gateway},
      {"collectTime", collected},  {"isConnectDataSource", "true"}, {"datas", std::move(datas)},
  };
  event.payload = payload.dump();
  return event;
}

Json Measure(std::mt19937_64& random, std::span<const Reading> points) {
  Json datas = Json::array();
  for (const Reading& point : points) {
    datas.push_back({{"quotaId", point.quota_id},
                     {"value", Rounded(Between(random, point.low, point.high), point.step)}});
  }
  return datas;
}

struct Town {
  std::string_view district;
  std::string_view name;
  double latitude;
  double longitude;
};

// County towns, all more than 10 km from the chlorine site.
constexpr std::array kTowns{
    Town{"410212", "祥符区县府街", 34.7570, 114.4410},
    Town{"410221", "杞县金城大道", 34.5490, 114.7830},
    Town{"410222", "通许县咸平大道", 34.4800, 114.4670},
    Town{"410223", "尉氏县人民路", 34.4110, 114.1930},
    Town{"410225", "兰考县裕禄大道", 34.8220, 114.8210},
};

Position SomewhereIn(const Town& town, std::mt19937_64& random) {
  const double azimuth = Between(random, 0, 360);
  return Away(town.latitude, town.longitude, azimuth, Between(random, 0, 2500));
}

struct Matter {
  std::string_view category;
  std::string_view text;
};

constexpr std::array kCallMatters{
    Matter{"500500", "小区停水半天了,物业没人管"},
    Matter{"400200", "老人被反锁在屋里出不来"},
    Matter{"500500", "路边电线杆倾斜,怕倒下来"},
    Matter{"600900", "工地夜里施工噪声很大"},
};
constexpr std::array kGridMatters{
    Matter{"基础设施", "井盖破损,已放置警示牌"},
    Matter{"环境", "垃圾清运不及时"},
    Matter{"其他", "独居老人走访,一切正常"},
    Matter{"交通", "非机动车占道停放"},
};

CityEvent UnrelatedCall(UtcTime now, std::uint64_t serial, std::mt19937_64& random) {
  const Town& town = kTowns[Pick(random, kTowns.size())];
  const Caller& caller = kCallers[Pick(random, kCallers.size())];
  const Matter& matter = kCallMatters[Pick(random, kCallMatters.size())];
  return PoliceCall(now, serial, caller,
                    {.district = town.district,
                     .category = matter.category,
                     .address = town.name,
                     .text = std::string(matter.text) + ",联系电话" + std::string(caller.phone),
                     .place = SomewhereIn(town, random)});
}

CityEvent GridReport(UtcTime now, std::mt19937_64& random) {
  const Town& town = kTowns[Pick(random, kTowns.size())];
  const Matter& matter = kGridMatters[Pick(random, kGridMatters.size())];
  const Position shifted = FromWgs84(SomewhereIn(town, random), CoordinateSystem::kGcj02);
  CityEvent event{.feed_id = std::string(kGridFeed),
                  .report_id = "WG" + std::string(town.district) + BeijingDigits(now, true),
                  .kind = "GRID_REPORT",
                  .true_time = now};
  const Json payload{
      {"eventId", event.report_id},
      {"reportTime", BeijingIso(now)},
      {"occurTime", BeijingIso(now)},
      {"gridCode", std::string(town.district) + "003005"},
      {"adCode", town.district},
      {"category", matter.category},
      {"description", matter.text},
      {"lon", Degrees(shifted.longitude)},
      {"lat", Degrees(shifted.latitude)},
      {"crs", "GCJ02"},
      {"photos", Json::array()},
      {"state", "reported"},
      {"handler", kCallers[Pick(random, kCallers.size())].name},
  };
  event.payload = payload.dump();
  return event;
}

constexpr std::uint64_t kSweeps = 3;

// The three sweeps of one fire see it within a few tens of metres.
CityEvent StrawSmoke(UtcTime now, std::mt19937_64& random) {
  const Tower tower = DistantTower();
  const Position field = Away(tower.place.latitude, tower.place.longitude, 215, 2400);
  const double azimuth = Between(random, 0, 360);
  const Position fire = Away(field.latitude, field.longitude, azimuth, Between(random, 0, 40));
  return SkyGuardAlarm(now, tower, fire, "410221", "付集村", Between(random, 0.55, 0.8));
}

Duration StorySeconds(double value) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value));
}

}  // namespace

std::vector<ScenarioStep> ChlorineScenario() {
  return {
      {seconds(0), [](UtcTime now) { return GasAlarm(now, "H", 1.2, 1.0); }},
      {seconds(70), [](UtcTime now) { return GasAlarm(now, "HH", 3.4, 3.0); }},
      {seconds(120),
       [](UtcTime now) {
         return OdourCall(now, kScenarioSerial, 800, kCallers[0], "龙亭区校园路中学北门",
                          "我是张伟,校园里有很浓的刺鼻气味,像漂白水,回电13937812345");
       }},
      {seconds(120),
       [](UtcTime now) {
         return OdourCall(now, kScenarioSerial + 1, 1900, kCallers[1], "龙亭区东苑小区",
                          "小区里闻到刺鼻的怪味,好几个人咳嗽,请打13803785678");
       }},
      {seconds(160), [](UtcTime now) { return SiteSmoke(now); }},
  };
}

double ChlorinePpm(std::optional<Duration> elapsed) {
  if (!elapsed) return 0.1;
  const double t = std::chrono::duration<double>(*elapsed).count();
  if (t < 70) return 1.2 + (3.4 - 1.2) * t / 70;
  if (t < 300) return 3.4;
  // The valve is shut: it thins out over ten minutes.
  return std::max(0.1, 3.4 * (1 - (t - 300) / 600));
}

QuietCity::QuietCity(std::uint64_t seed) {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    std::seed_seq mixed{std::uint32_t(seed), std::uint32_t(seed >> 32), std::uint32_t(i)};
    streams_[i].random.seed(mixed);
  }
  streams_[kSiteReadings].due = seconds(1);
  streams_[kStorageReadings].due = seconds(2);
  streams_[kCalls].due = StorySeconds(Between(streams_[kCalls].random, 20, 50));
  streams_[kGrid].due = StorySeconds(Between(streams_[kGrid].random, 15, 60));
  streams_[kStraw].due = StorySeconds(Between(streams_[kStraw].random, 240, 480));
}

QuietCity::Source QuietCity::Next() const {
  const auto first = std::ranges::min_element(streams_, {}, &Stream::due);
  return static_cast<Source>(first - streams_.begin());
}

Duration QuietCity::next_due() const { return streams_[Next()].due; }

CityEvent QuietCity::Happen(UtcTime now, std::optional<Duration> scenario_elapsed) {
  const Source source = Next();
  Stream& stream = streams_[source];
  CityEvent event;
  switch (source) {
    case kSiteReadings: {
      Json datas = Measure(stream.random, kSitePoints);
      datas.push_back(
          {{"quotaId", kGasPoint}, {"value", Rounded(ChlorinePpm(scenario_elapsed), 0.01)}});
      event = Readings(now, kChlorineSite.id, kSiteGateway, std::move(datas));
      break;
    }
    case kStorageReadings:
      event =
          Readings(now, kStorageSite.id, kStorageGateway, Measure(stream.random, kStoragePoints));
      break;
    case kCalls:
      event = UnrelatedCall(now, stream.count % kScenarioSerial, stream.random);
      break;
    case kGrid:
      event = GridReport(now, stream.random);
      break;
    default:
      event = StrawSmoke(now, stream.random);
  }
  MoveOn(source);
  return event;
}

void QuietCity::MoveOn(Source source) {
  Stream& stream = streams_[source];
  ++stream.count;
  switch (source) {
    case kSiteReadings:
      stream.due += seconds(5);
      return;
    case kStorageReadings:
      stream.due += seconds(7);
      return;
    case kCalls:
      stream.due += StorySeconds(Between(stream.random, 30, 90));
      return;
    case kGrid:
      stream.due += StorySeconds(Between(stream.random, 40, 120));
      return;
    default:
      // Sweeps of one fire follow each other; the next fire is a long time off.
      stream.due += stream.count % kSweeps != 0 ? StorySeconds(Between(stream.random, 60, 120))
                                                : StorySeconds(Between(stream.random, 1200, 2400));
  }
}

}  // namespace fusiongateway::demo_city
