#include "delivery/restricted.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>

namespace fusiongateway {
namespace {

bool Restricted(const v1::StreamRecord& record) {
  return IsRestricted(record, [](const std::string& id) { return id != "open-1"; });
}

TEST(Restricted, ReportsAndIncidentsSayItThemselves) {
  v1::StreamRecord report, incident;
  report.mutable_report();
  incident.mutable_incident();
  EXPECT_FALSE(Restricted(report));
  EXPECT_FALSE(Restricted(incident));
  report.mutable_report()->set_restricted(true);
  incident.mutable_incident()->set_restricted(true);
  EXPECT_TRUE(Restricted(report));
  EXPECT_TRUE(Restricted(incident));
}

TEST(Restricted, AnActionIsAsVisibleAsItsIncidentAndHiddenWhenThatIsNotKnown) {
  v1::StreamRecord action;
  action.mutable_action()->set_incident_id("open-1");
  EXPECT_FALSE(Restricted(action));
  for (const char* id : {"secret-1", "forgotten-1", ""}) {
    action.mutable_action()->set_incident_id(id);
    EXPECT_TRUE(Restricted(action)) << id;
  }
}

TEST(Restricted, OfTheOtherBodiesNoneIsAndWhatIsNotKnownIs) {
  const std::set<std::string> spoken_for{"report", "incident", "action"};
  const auto* body = v1::StreamRecord::descriptor()->FindOneofByName("body");
  for (int i = 0; i < body->field_count(); ++i) {
    if (spoken_for.contains(body->field(i)->name())) continue;
    v1::StreamRecord record;
    record.GetReflection()->MutableMessage(&record, body->field(i));
    EXPECT_FALSE(Restricted(record)) << body->field(i)->name();
  }
  EXPECT_TRUE(Restricted(v1::StreamRecord()));
}

}  // namespace
}  // namespace fusiongateway
