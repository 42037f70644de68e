#include "app/commands/record_text.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "fusiongateway/v1/stream.pb.h"

namespace fusiongateway {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::StreamRecord Record(const std::string& text) {
  v1::StreamRecord record;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &record));
  return record;
}

constexpr char kIncident[] = R"(
  seq: 7
  incident {
    incident_id: "kf-20261123-1" revision: 3 state: UNVERIFIED class_code: "12D02"
    title: "氯气泄漏" severity: SEVERE evidence_count: 5 confidence: 0.97
    updated { utc { seconds: 1795399270 nanos: 250000000 } uncertainty { nanos: 500000000 } }
    cameras {
      camera_id: "tank-101" rank: 1 why: "site camera · tank · 35 m"
      frames { frame_id: "tank-101/1/250" offset { nanos: -40000000 }
               captured { uncertainty { nanos: 8000000 } } report_id: "A-1" }
    }
  })";

TEST(RecordTextTest, IncidentShowsStateEvidenceAndCamerasChineseFirst) {
  const std::string text = RecordText(Record(kIncident), false);
  EXPECT_THAT(text, HasSubstr("2026-11-23"));
  EXPECT_THAT(text,
              HasSubstr("±500 ms 事件 incident kf-20261123-1 r3 待核实 unverified 12D02 氯气泄漏"));
  EXPECT_THAT(text, HasSubstr("证据 evidence 5"));
  EXPECT_THAT(text, HasSubstr("tank-101/1/250 -0.040 s ±8 ms ← A-1"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(RecordTextTest, ColourFollowsSeverityAndIsEnded) {
  const std::string text = RecordText(Record(kIncident), true);
  EXPECT_THAT(text, HasSubstr("\x1b[31m"));
  EXPECT_THAT(text, testing::EndsWith("\x1b[0m\n"));
}

TEST(RecordTextTest, TimesAreBeijingTime) {
  const std::string text = RecordText(
      Record("seq: 1 watermark { settled_through { seconds: 1795399200 nanos: 1000000 } }"), false);
  EXPECT_THAT(text, HasSubstr("水位 watermark 2026-11-23 10:00:00.001"));
}

TEST(RecordTextTest, ACameraWithoutAClockYetShowsNone) {
  const std::string text =
      RecordText(Record("seq: 1 camera { camera_id: \"gate-1\" state: CONNECTING }"), false);
  EXPECT_THAT(text, testing::AllOf(HasSubstr("gate-1 CONNECTING"), Not(HasSubstr("UNSPECIFIED")),
                                   Not(HasSubstr("±"))));
  EXPECT_THAT(RecordText(Record("seq: 1 camera { camera_id: \"gate-1\" clock_source: "
                                "SENDER_REPORT uncertainty { nanos: 20000000 } }"),
                         false),
              HasSubstr("SENDER_REPORT ±20 ms"));
}

TEST(RecordTextTest, EveryBodyHasAText) {
  const auto* body = v1::StreamRecord::descriptor()->FindOneofByName("body");
  for (int i = 0; i < body->field_count(); ++i) {
    v1::StreamRecord record;
    record.GetReflection()->MutableMessage(&record, body->field(i));
    EXPECT_GT(RecordText(record, false).size(), 12u) << body->field(i)->name();
  }
}

TEST(RecordTextTest, LateAndAmendedRecordsSaySo) {
  EXPECT_THAT(RecordText(Record("seq: 9 late: true amends_seq: 4 feed { feed_id: \"g\" }"), false),
              testing::AllOf(HasSubstr("迟到 late"), HasSubstr("更正 amends 4")));
}

}  // namespace
}  // namespace fusiongateway
