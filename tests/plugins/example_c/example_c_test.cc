#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway {
namespace {

TEST(ExampleC, APluginInPlainCIsLoadedAndHeard) {
  const Report report = DecodeOne("example_c", "siren-7 on");
  EXPECT_EQ(report.report_id, "siren-7");
  EXPECT_EQ(report.action, ReportAction::kStart);
  EXPECT_EQ(report.aligned.source, ClockSource::kUnsynchronised);
  EXPECT_EQ(DecodeOne("example_c", "siren-7 off").action, ReportAction::kStop);
}

TEST(ExampleC, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(RefusalOf("example_c", ""), "MISSING_FIELD id");
  EXPECT_EQ(RefusalOf("example_c", "siren-7 loud"), "UNKNOWN_TYPE state");
}

}  // namespace
}  // namespace fusiongateway
