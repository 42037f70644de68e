#include "delivery/stream/record_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fusiongateway {
namespace {

v1::StreamRecord ReportRecord(const std::string& district, v1::Severity severity) {
  v1::StreamRecord record;
  record.mutable_report()->set_district_code(district);
  record.mutable_report()->set_severity(severity);
  return record;
}

RecordFilter MakeOrDie(const v1::Filter& filter) {
  auto made = RecordFilter::Make(filter);
  EXPECT_TRUE(made.ok()) << made.status().message();
  return made.ok() ? *made : RecordFilter();
}

TEST(RecordFilterTest, AnEmptyFilterLetsEverythingThrough) {
  const RecordFilter filter = MakeOrDie({});
  EXPECT_TRUE(filter.Passes(ReportRecord("", v1::SEVERITY_UNSPECIFIED)));
  v1::StreamRecord clock;
  clock.mutable_clock();
  EXPECT_TRUE(filter.Passes(clock));
}

TEST(RecordFilterTest, ADistrictLetsThroughWhatLiesWithinIt) {
  v1::Filter wanted;
  wanted.add_district_codes("410200");
  const RecordFilter filter = MakeOrDie(wanted);
  EXPECT_TRUE(filter.Passes(ReportRecord("410202", v1::INFO)));
  EXPECT_TRUE(filter.Passes(ReportRecord("410200", v1::INFO)));
  EXPECT_FALSE(filter.Passes(ReportRecord("410302", v1::INFO)));
  EXPECT_FALSE(filter.Passes(ReportRecord("", v1::INFO)));
  v1::StreamRecord clock;
  clock.mutable_clock();
  EXPECT_FALSE(filter.Passes(clock));
}

TEST(RecordFilterTest, NoDistrictIsADistrictOfItsOwn) {
  v1::Filter wanted;
  wanted.add_district_codes("000000");
  const RecordFilter filter = MakeOrDie(wanted);
  EXPECT_TRUE(filter.Passes(ReportRecord("", v1::INFO)));
  EXPECT_TRUE(filter.Passes(ReportRecord("000000", v1::INFO)));
  EXPECT_FALSE(filter.Passes(ReportRecord("410202", v1::INFO)));
}

TEST(RecordFilterTest, SeverityAndBodiesSelect) {
  v1::Filter wanted;
  wanted.set_min_severity(v1::SEVERE);
  wanted.add_bodies("incident");
  const RecordFilter filter = MakeOrDie(wanted);
  v1::StreamRecord record;
  record.mutable_incident()->set_severity(v1::SEVERE);
  EXPECT_TRUE(filter.Passes(record));
  record.mutable_incident()->set_severity(v1::MODERATE);
  EXPECT_FALSE(filter.Passes(record));
  EXPECT_FALSE(filter.Passes(ReportRecord("410202", v1::EXTREME)));
}

TEST(RecordFilterTest, WhatCannotMatchIsRefusedByName) {
  v1::Filter wanted;
  wanted.add_bodies("incidents");
  EXPECT_THAT(RecordFilter::Make(wanted).status().message(), ::testing::HasSubstr("\"incidents\""));
  v1::Filter place;
  place.add_district_codes("4102");
  EXPECT_THAT(RecordFilter::Make(place).status().message(), ::testing::HasSubstr("six digits"));
  v1::Filter severity;
  severity.set_min_severity(static_cast<v1::Severity>(99));
  EXPECT_THAT(RecordFilter::Make(severity).status().message(), ::testing::HasSubstr("EXTREME"));
}

}  // namespace
}  // namespace fusiongateway
