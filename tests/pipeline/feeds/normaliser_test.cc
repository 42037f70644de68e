#include "pipeline/feeds/normaliser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/codec/codec.h"
#include "tests/pipeline/feeds/feed_decoder_fixture.h"

namespace fusiongateway {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

bool Contains(const Stamp& stamp, UtcTime truth) {
  return stamp.Earliest() <= truth && truth <= stamp.Latest();
}

TEST(Alignment, AWholeSecondStandsForTheSecondThatBeginsThere) {
  FeedConfig config;
  config.clock_error_max = seconds{2};
  const UtcTime written = TestArrival() - seconds{5};
  const auto aligned = Align(written, seconds{1}, TestArrival(), std::nullopt, config);
  EXPECT_EQ(aligned.stamp.utc, written + milliseconds{500});
  EXPECT_EQ(aligned.stamp.uncertainty, seconds{2} + milliseconds{500});
  EXPECT_EQ(aligned.stamp.source, ClockSource::kDeclared);
  EXPECT_THAT(aligned.flags, IsEmpty());
}

// Sources with every error within their declared bound, writing their time cut to its resolution.
TEST(Alignment, TheTruthLiesWithinTheIntervalOfADeclaredClock) {
  FeedConfig config;
  config.clock_error_max = seconds{5};
  for (const Duration resolution : {Duration{1}, Duration{milliseconds{1}}, Duration{seconds{1}},
                                    Duration{std::chrono::minutes{1}}}) {
    for (int error_ms = -5000; error_ms <= 5000; error_ms += 250) {
      for (int age_ms = 0; age_ms < 120'000; age_ms += 7'919) {
        const UtcTime truth = TestArrival() - milliseconds{age_ms};
        const Duration shown = (truth + milliseconds{error_ms}).time_since_epoch();
        const UtcTime written{shown - shown % resolution};
        const auto aligned = Align(written, resolution, TestArrival(), std::nullopt, config);
        EXPECT_TRUE(Contains(aligned.stamp, truth)) << error_ms << " " << age_ms;
      }
    }
  }
}

TEST(Alignment, AMeasuredPublisherClockIsCorrectedAndItsBoundIsNarrow) {
  PeerClockEstimate measured;
  measured.offset = seconds{-90};
  measured.bound = milliseconds{2};
  measured.measured_at = TestArrival();
  measured.epoch = 3;
  measured.epoch_began = TestArrival() - hours{1};
  const UtcTime truth = TestArrival() - seconds{3};
  const auto aligned =
      Align(truth + seconds{90}, Duration{1}, TestArrival(), measured, FeedConfig{});
  EXPECT_EQ(aligned.stamp.source, ClockSource::kProbed);
  EXPECT_EQ(aligned.stamp.epoch, 3u);
  EXPECT_TRUE(Contains(aligned.stamp, truth));
  EXPECT_LT(aligned.stamp.uncertainty, milliseconds{4});
  EXPECT_THAT(aligned.flags, IsEmpty());
}

TEST(Alignment, AMeasurementSaysNothingOfTheTimeBeforeAStep) {
  PeerClockEstimate measured;
  measured.measured_at = measured.epoch_began = TestArrival() - seconds{10};
  const auto aligned =
      Align(TestArrival() - seconds{20}, Duration{1}, TestArrival(), measured, FeedConfig{});
  EXPECT_EQ(aligned.stamp.source, ClockSource::kDeclared);
}

TEST(Alignment, WithoutATimeItIsTheArrivalWithAFiniteBound) {
  const auto aligned = Align(std::nullopt, {}, TestArrival(), std::nullopt, FeedConfig{});
  EXPECT_EQ(aligned.stamp.utc, TestArrival());
  EXPECT_EQ(aligned.stamp.uncertainty, FeedConfig{}.unsynchronised_bound);
  EXPECT_EQ(aligned.stamp.source, ClockSource::kUnsynchronised);
}

TEST(Alignment, ATimeAfterItsArrivalDisprovesItsBound) {
  FeedConfig config;
  config.clock_error_max = seconds{5};
  config.future_max = seconds{60};
  const auto slightly = Align(TestArrival() + seconds{4}, {}, TestArrival(), std::nullopt, config);
  EXPECT_THAT(slightly.flags, IsEmpty()) << "within the declared error";
  const auto off = Align(TestArrival() + seconds{30}, {}, TestArrival(), std::nullopt, config);
  EXPECT_THAT(off.flags, ElementsAre("CLOCK_OFF"));
  EXPECT_EQ(off.stamp.source, ClockSource::kUnsynchronised);
  const auto future = Align(TestArrival() + seconds{90}, {}, TestArrival(), std::nullopt, config);
  EXPECT_THAT(future.flags, ElementsAre("FUTURE_TIME", "CLOCK_OFF"));
  EXPECT_EQ(future.stamp.utc, TestArrival());
}

TEST(Alignment, ATimeLongBeforeItsArrivalIsKeptAndFlagged) {
  const UtcTime old = TestArrival() - hours{48};
  const auto aligned = Align(old, {}, TestArrival(), std::nullopt, FeedConfig{});
  EXPECT_THAT(aligned.flags, ElementsAre("PAST_TIME"));
  EXPECT_EQ(aligned.stamp.utc, old);
}

v1::Report Minimal() {
  v1::Report report;
  report.set_report_id("R1");
  report.set_kind(v1::SENSOR_ALARM);
  return report;
}

std::optional<Refusal> Normalise(v1::Report* report,
                                 const std::optional<PeerClockEstimate>& clock = std::nullopt) {
  const Normaliser normaliser(TestFeed("report"), TestSites(), *CodeTables::Read(FG_TABLES_DIR));
  Masker masker(TestArrival());
  DeviceClocks clocks(TestFeed("report"));
  const auto align = [&](const ReportTime& time) { return clocks.AlignAndLearn(time, clock); };
  return normaliser.Normalise(TestArrival(), align, &masker, report);
}

TEST(Normaliser, AClockBehindThePublisherIsNotThePublishersClock) {
  PeerClockEstimate measured;
  measured.measured_at = TestArrival();
  measured.epoch_began = UtcTime::min();
  v1::Report report = Minimal();
  ToWire(TestArrival() - seconds{1}, report.mutable_occurred_at());
  EXPECT_FALSE(Normalise(&report, measured));
  EXPECT_EQ(report.aligned().source(), v1::PROBED);

  report.set_clock_id("GW1");
  EXPECT_FALSE(Normalise(&report, measured));
  EXPECT_EQ(report.aligned().source(), v1::DECLARED);
}

TEST(Normaliser, ASourcesTimeIsKeptAsItSaidItEvenInTheFuture) {
  v1::Report report = Minimal();
  ToWire(TestArrival() + hours{3}, report.mutable_occurred_at());
  EXPECT_FALSE(Normalise(&report));
  EXPECT_EQ(FromWire(report.occurred_at()), TestArrival() + hours{3});
  EXPECT_EQ(FromWire(report.updated_at()), TestArrival() + hours{3});
  EXPECT_THAT(FromWire(report).flags, ::testing::Contains("FUTURE_TIME"));
}

TEST(Normaliser, SiteAndDistrictFollowFromTheDevice) {
  v1::Report report = Minimal();
  report.set_device_id("410200007002G0001QT001");
  EXPECT_FALSE(Normalise(&report));
  EXPECT_EQ(report.site_id(), "chlorine-works");
  EXPECT_EQ(report.district_code(), "410212");

  report = Minimal();
  report.mutable_sensor()->set_enterprise_id("410200007");
  EXPECT_FALSE(Normalise(&report));
  EXPECT_EQ(report.site_id(), "chlorine-works");
}

TEST(Normaliser, UnknownCodesNeverRefuseAReport) {
  v1::Report report = Minimal();
  report.set_class_code("99Z99");
  report.set_district_code("110000");
  report.set_severity(static_cast<v1::Severity>(77));
  report.set_action(static_cast<v1::ReportAction>(77));
  EXPECT_FALSE(Normalise(&report));
  EXPECT_EQ(report.class_code(), "");
  EXPECT_EQ(report.district_code(), "110000") << "of the right form, so kept";
  EXPECT_EQ(report.severity(), v1::SEVERITY_UNSPECIFIED);
  EXPECT_EQ(report.action(), v1::START);
  EXPECT_THAT(FromWire(report).flags, ::testing::UnorderedElementsAre("UNKNOWN_CODE:class_code",
                                                                      "UNKNOWN_CODE:district_code",
                                                                      "UNKNOWN_CODE:severity"));
}

TEST(Normaliser, AnAttachmentsAccountIsMaskedAndFlagged) {
  const auto outcome = DecodeWith(
      "report",
      R"({"reportId":"r","kind":"GRID_REPORT","attachments":[{"url":"http://u:p@h/1"}]})");
  ASSERT_EQ(outcome.reports.size(), 1u);
  EXPECT_EQ(outcome.reports[0].attachments.at(0).url, "http://***@h/1");
  EXPECT_THAT(outcome.reports[0].flags, ::testing::Contains("URL_ACCOUNT"));
}

TEST(Normaliser, ASummaryIsOneLineOfAtMost512Bytes) {
  v1::Report report = Minimal();
  std::string text = "第一行\n第二行";
  while (text.size() < 2000) text += "氯";
  report.set_summary(text);
  EXPECT_FALSE(Normalise(&report));
  EXPECT_LE(report.summary().size(), 512u);
  EXPECT_GT(report.summary().size(), 508u);
  EXPECT_EQ(report.summary().find('\n'), std::string::npos);
  EXPECT_EQ(report.summary().substr(report.summary().size() - 3), "氯") << "cut between characters";
}

TEST(Normaliser, APositionWithoutAnErrorGetsTheFeeds) {
  v1::Report report = Minimal();
  report.mutable_position()->set_latitude(34.796206);
  report.mutable_position()->set_longitude(114.312943);
  EXPECT_FALSE(Normalise(&report));
  EXPECT_EQ(report.position().uncertainty_m(), FeedConfig{}.position_uncertainty_m);
  EXPECT_EQ(report.position().original_crs(), v1::GCJ02) << "the feed's default";
  EXPECT_NEAR(report.position().longitude(), 114.3071, 1e-5);
}

TEST(Normaliser, WhatNoHonestSourceSendsIsRefused) {
  const auto refused = [](auto change) {
    v1::Report report = Minimal();
    change(report);
    const auto refusal = Normalise(&report);
    return refusal ? refusal->code + " " + refusal->field : "taken";
  };
  EXPECT_EQ(refused([](v1::Report& r) { r.clear_report_id(); }), "MISSING_FIELD reportId");
  EXPECT_EQ(refused([](v1::Report& r) { r.clear_kind(); }), "UNKNOWN_TYPE kind");
  EXPECT_EQ(refused([](v1::Report& r) { r.set_confidence(2); }), "OUT_OF_RANGE confidence");
  EXPECT_EQ(refused([](v1::Report& r) { r.set_confidence(0.0 / 0.0); }), "OUT_OF_RANGE confidence");
  EXPECT_EQ(refused([](v1::Report& r) { r.mutable_position()->set_latitude(0.0 / 0.0); }),
            "OUT_OF_RANGE position");
  EXPECT_EQ(refused([](v1::Report& r) { r.mutable_bearing()->set_azimuth_deg(360); }),
            "OUT_OF_RANGE bearing");
  EXPECT_EQ(refused([](v1::Report& r) { r.mutable_occurred_at()->set_seconds(-1); }),
            "OUT_OF_RANGE occurredAt");
  EXPECT_EQ(refused([](v1::Report& r) { r.set_time_resolution_ns(~0ull); }),
            "OUT_OF_RANGE timeResolutionNs");
  EXPECT_EQ(refused([](v1::Report& r) {
              for (int i = 0; i < 300; ++i) r.add_flags("x");
            }),
            "OUT_OF_RANGE ");
}

}  // namespace
}  // namespace fusiongateway
