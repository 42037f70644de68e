#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway {
namespace {

using ::testing::Contains;

TEST(Grid, ReadsAReportWhole) {
  const Report report = DecodeOne("grid", R"({"eventId":"E1","reportTime":"2026-11-23 10:00:05",
      "occurTime":"20261123095800","gridCode":"410202001001","adCode":"410202",
      "category":"危化品","description":"王小二闻到异味，电话13812345678","lon":114.31,"lat":34.79,
      "crs":"WGS84","photos":["http://grid/1.jpg"],"state":"reported","handler":"王小二"})");
  EXPECT_EQ(report.kind, ReportKind::kGridReport);
  EXPECT_EQ(report.report_id, "E1");
  EXPECT_EQ(report.occurred_at, Time("2026-11-23T09:58:00+08:00"));
  EXPECT_EQ(report.updated_at, Time("2026-11-23T10:00:05+08:00"));
  EXPECT_EQ(report.class_code, "12D02");
  ASSERT_TRUE(report.position);
  EXPECT_DOUBLE_EQ(report.position->longitude, 114.31);
  ASSERT_EQ(report.attachments.size(), 1u);
  const auto& grid = std::get<GridDetail>(report.detail);
  EXPECT_EQ(grid.grid_code, "410202001001");
  EXPECT_EQ(grid.description, "王*闻到异味，电话138****5678");
  EXPECT_EQ(grid.handler, "王*");
  EXPECT_EQ(report.attachments[0].role, "photo");
  EXPECT_EQ(report.attachments[0].url, "http://grid/1.jpg");
  EXPECT_EQ(report.district_code, "410202");
  EXPECT_THAT(report.unknown_fields_json, ::testing::IsEmpty());
  EXPECT_THAT(report.flags, ::testing::IsEmpty());
}

TEST(Grid, TheStateBecomesAnAction) {
  const struct {
    const char* state;
    ReportAction action;
  } cases[] = {{"reported", ReportAction::kStart},
               {"accepted", ReportAction::kUpdate},
               {"handled", ReportAction::kUpdate},
               {"closed", ReportAction::kStop},
               {"returned", ReportAction::kCancel}};
  for (const auto& c : cases) {
    const Report report =
        DecodeOne("grid", std::string(R"({"eventId":"E1","state":")") + c.state + "\"}");
    EXPECT_EQ(report.action, c.action) << c.state;
  }
}

TEST(Grid, WithoutATimeOfItsOwnItHappenedWhenItWasReported) {
  const Report report = DecodeOne("grid", R"({"eventId":"E1","reportTime":"2026-11-23 10:00:05"})");
  EXPECT_EQ(report.occurred_at, Time("2026-11-23T10:00:05+08:00"));
}

TEST(Grid, UnknownCategoriesAreTakenAndFlagged) {
  const Report report = DecodeOne("grid", R"({"eventId":"E1","category":"UFO","state":"probing"})");
  EXPECT_THAT(report.flags, Contains("UNKNOWN_CODE:category"));
  EXPECT_THAT(report.flags, Contains("UNKNOWN_CODE:state"));
  EXPECT_EQ(report.severity, Severity::kMinor);
}

TEST(Grid, RefusalsNameTheFieldAndTheReason) {
  EXPECT_EQ(RefusalOf("grid", "{}"), "MISSING_FIELD eventId");
  EXPECT_EQ(RefusalOf("grid", R"({"eventId":"E1","photos":"a.jpg"})"), "WRONG_TYPE photos");
  EXPECT_EQ(RefusalOf("grid", R"({"eventId":"E1","photos":[1]})"), "WRONG_TYPE photos");
  EXPECT_EQ(RefusalOf("grid", R"({"eventId":"E1","lon":200,"lat":1})"), "OUT_OF_RANGE lon");
  EXPECT_EQ(RefusalOf("grid", R"({"eventId":"E1","reportTime":"soon"})"), "WRONG_TYPE reportTime");
}

}  // namespace
}  // namespace fusiongateway
