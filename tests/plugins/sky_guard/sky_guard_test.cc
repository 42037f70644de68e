#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

// `more` goes after the fields every alarm has.
std::string Alarm(const std::string& more) {
  return R"({"alarmId":"A1","cameraId":"41020000001310000009","alarmType":"smoke",
             "occurTime":"2026-11-23T10:00:00.250+08:00")" +
         more + "}";
}

TEST(SkyGuard, ReadsAnAlarmWhole) {
  const Report report = DecodeOne("sky_guard", Alarm(R"(,
      "cameraName":"铁塔七号","action":"update","pan":-90,"tilt":-1,"zoom":4,
      "bbox":[0.1,0.2,0.3,0.4],"confidence":0.8,"camLon":114.30,"camLat":34.79,"camHeight":40,
      "fireLon":114.325,"fireLat":34.79,"crs":"WGS84","adCode":"410221","village":"王庄",
      "snapshotUrl":"http://nvr/1.jpg","clipUrl":"http://nvr/1.mp4","reviewState":"unreviewed",
      "handleState":"none","feedback":"")"));
  EXPECT_THAT(report.flags, ::testing::IsEmpty());
  EXPECT_THAT(report.unknown_fields_json, ::testing::IsEmpty());
  EXPECT_EQ(report.kind, ReportKind::kSkyGuardAlarm);
  EXPECT_EQ(report.report_id, "A1");
  EXPECT_EQ(report.action, ReportAction::kUpdate);
  EXPECT_EQ(report.occurred_at, Time("2026-11-23T02:00:00.25Z"));
  EXPECT_EQ(report.time_resolution, std::chrono::milliseconds{1});
  EXPECT_EQ(report.class_code, "19X01");
  EXPECT_EQ(report.severity, Severity::kMinor);
  EXPECT_EQ(report.district_code, "410221");
  EXPECT_EQ(report.device_id, "41020000001310000009");
  EXPECT_THAT(report.camera_ids, ElementsAre("41020000001310000009"));
  ASSERT_EQ(report.attachments.size(), 2u);
  EXPECT_EQ(report.attachments[1].role, "clip");
  ASSERT_TRUE(report.bearing);
  EXPECT_DOUBLE_EQ(report.bearing->azimuth_deg, 270);
  EXPECT_NEAR(report.bearing->origin.longitude, 114.30, 1e-9);
  const auto& alarm = std::get<SkyGuardDetail>(report.detail);
  EXPECT_EQ(alarm.camera_name, "铁塔七号");
  EXPECT_EQ(alarm.handle_state, "none");
  EXPECT_EQ(report.attachments[0].url, "http://nvr/1.jpg");
  ASSERT_TRUE(alarm.bbox);
  EXPECT_DOUBLE_EQ(alarm.bbox->height, 0.4);
}

// domain.md: 40 m, 1° down, 0.1° of tilt error move the fix about 210 m on the near side; the far
// side is wider, and a bound covers both.
TEST(SkyGuard, AFixCarriesTheTiltErrorOfItsTower) {
  const Report report = DecodeOne("sky_guard", Alarm(R"(,"pan":90,"tilt":1,"camHeight":40,
      "camLon":114.30,"camLat":34.79,"fireLon":114.325,"fireLat":34.79,"crs":"WGS84")"));
  ASSERT_TRUE(report.position);
  EXPECT_GE(report.position->uncertainty_m, 208);
  EXPECT_LE(report.position->uncertainty_m, 260);
}

TEST(SkyGuard, AFixNearTheHorizonIsBoundedByTheCamerasRange) {
  const Report report = DecodeOne("sky_guard", Alarm(R"(,"pan":90,"tilt":0.05,"camHeight":40,
      "camLon":114.30,"camLat":34.79,"fireLon":114.325,"fireLat":34.79,"crs":"WGS84")"));
  EXPECT_NEAR(report.position->uncertainty_m, 10'000, 10);
}

TEST(SkyGuard, WithoutAFixThereIsOnlyABearing) {
  const Report report = DecodeOne(
      "sky_guard", Alarm(R"(,"pan":361.0e-1,"camLon":114.30,"camLat":34.79,"crs":"WGS84")"));
  EXPECT_FALSE(report.position);
  ASSERT_TRUE(report.bearing);
  EXPECT_DOUBLE_EQ(report.bearing->azimuth_deg, 36.1);
  EXPECT_GT(report.bearing->uncertainty_deg, 0);
}

TEST(SkyGuard, ABearingTellsHowFarItReaches) {
  const auto range = [](const char* more) {
    const Report report = DecodeOne(
        "sky_guard",
        Alarm(R"(,"pan":36,"camLon":114.30,"camLat":34.79,"crs":"WGS84")" + std::string(more)));
    return report.bearing ? report.bearing->range_m : -1;
  };
  EXPECT_DOUBLE_EQ(range(""), 10'000) << "no tilt: as far as the camera sees";
  EXPECT_DOUBLE_EQ(range(R"(,"tilt":-0.05)"), 10'000) << "the line of sight may miss the ground";
  // 40 m / tan(0.9°): the tilt of 1° may be wrong by 0.1°.
  EXPECT_NEAR(range(R"(,"tilt":-1,"camHeight":40)"), 2546, 1);
}

TEST(SkyGuard, ASweepThatSeesTheSameFireAgainIsALaterVersionOfTheAlarm) {
  const auto sweep = [](const char* time) {
    return DecodeOne("sky_guard", std::string(R"({"alarmId":"A1","cameraId":"41020000001310000009",
        "alarmType":"smoke","action":"start","pan":90,"tilt":-1,"camLon":114.30,"camLat":34.79,
        "crs":"WGS84","occurTime":")") +
                                      time + "\"}");
  };
  const Report first = sweep("2026-11-23T09:56:00+08:00");
  const Report again = sweep("2026-11-23T10:00:00+08:00");
  EXPECT_EQ(first.report_id, again.report_id);
  EXPECT_LT(first.updated_at, again.updated_at);
  EXPECT_EQ(first.bearing, again.bearing);
}

TEST(SkyGuard, APersonsVerdictGoesBeforeWhatTheCameraSays) {
  const struct {
    const char* more;
    ReportAction action;
  } cases[] = {
      {"", ReportAction::kStart},
      {R"(,"action":"start","reviewState":"unreviewed","handleState":"unhandled")",
       ReportAction::kStart},
      {R"(,"action":"update")", ReportAction::kUpdate},
      {R"(,"action":"stop")", ReportAction::kStop},
      {R"(,"reviewState":"true")", ReportAction::kUpdate},
      {R"(,"feedback":"已派人核查")", ReportAction::kUpdate},
      {R"(,"action":"start","reviewState":"true")", ReportAction::kStart},
      {R"(,"action":"update","handleState":"handled")", ReportAction::kStop},
      {R"(,"handleState":"处置中")", ReportAction::kUpdate},
      {R"(,"action":"stop","handleState":"误报")", ReportAction::kCancel},
      {R"(,"action":"update","reviewState":false,"handleState":"handled")", ReportAction::kCancel},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(DecodeOne("sky_guard", Alarm(c.more)).action, c.action) << c.more;
  }
}

TEST(SkyGuard, AReviewedFalseAlarmCancels) {
  EXPECT_EQ(DecodeOne("sky_guard", Alarm(R"(,"reviewState":"false")")).action,
            ReportAction::kCancel);
  EXPECT_EQ(DecodeOne("sky_guard", Alarm(R"(,"reviewState":false)")).action, ReportAction::kCancel);
  EXPECT_EQ(DecodeOne("sky_guard", Alarm(R"(,"reviewState":true)")).severity, Severity::kModerate);
}

TEST(SkyGuard, EpochMillisecondsAreTakenAsNumberOrText) {
  for (const char* time : {"1795399200250", "\"1795399200250\""}) {
    const Report report = DecodeOne("sky_guard",
                                    std::string(R"({"alarmId":"A","cameraId":"C","alarmType":"fire",
            "occurTime":)") + time + "}");
    EXPECT_EQ(report.occurred_at, UtcTime{std::chrono::milliseconds{1795399200250}});
    EXPECT_EQ(report.class_code, "12G00");
  }
}

TEST(SkyGuard, UnknownWordsAreTakenAndFlagged) {
  const Report report =
      DecodeOne("sky_guard", R"({"alarmId":"A","cameraId":"C","alarmType":"dust","action":"again",
                       "handleState":"eaten","reviewState":"perhaps"})");
  EXPECT_THAT(report.flags, Contains("UNKNOWN_CODE:cameraId")) << "not of 20 digits";
  EXPECT_THAT(report.flags, Contains("UNKNOWN_CODE:handleState"));
  EXPECT_THAT(report.flags, Contains("UNKNOWN_CODE:reviewState"));
  EXPECT_THAT(report.flags, Contains("UNKNOWN_CODE:alarmType"));
  EXPECT_THAT(report.flags, Contains("UNKNOWN_CODE:action"));
  EXPECT_EQ(std::get<SkyGuardDetail>(report.detail).alarm_type, "dust");
}

TEST(SkyGuard, RefusalsNameTheFieldAndTheReason) {
  const struct {
    const char* more;
    const char* refusal;
  } cases[] = {
      {R"(,"confidence":"high")", "WRONG_TYPE confidence"},
      {R"(,"confidence":1.5)", "OUT_OF_RANGE confidence"},
      {R"(,"bbox":[0,0,1])", "WRONG_TYPE bbox"},
      {R"(,"bbox":[0,0,1,2])", "OUT_OF_RANGE bbox"},
      {R"(,"bbox":[0,0,1,"x"])", "WRONG_TYPE bbox"},
      {R"(,"pan":720)", "OUT_OF_RANGE pan"},
      {R"(,"camLat":91,"camLon":1)", "OUT_OF_RANGE camLat"},
      {R"(,"village":{})", "WRONG_TYPE village"},
  };
  for (const auto& c : cases) EXPECT_EQ(RefusalOf("sky_guard", Alarm(c.more)), c.refusal) << c.more;
  EXPECT_EQ(RefusalOf("sky_guard", R"({"cameraId":"C","alarmType":"fire"})"),
            "MISSING_FIELD alarmId");
  EXPECT_EQ(RefusalOf("sky_guard", R"({"alarmId":"A","alarmType":"fire"})"),
            "MISSING_FIELD cameraId");
}

}  // namespace
}  // namespace fusiongateway
