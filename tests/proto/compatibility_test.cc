#include "tests/proto/compatibility.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>

namespace fusiongateway {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorSet;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

FileDescriptorSet Read(const std::string& path) {
  FileDescriptorSet set;
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good() && set.ParseFromIstream(&file)) << "cannot read " << path;
  return set;
}

FileDescriptorSet Baseline() { return Read(FG_PROTO_BASELINE); }

DescriptorProto& Message(FileDescriptorSet& set, const std::string& name) {
  for (auto& file : *set.mutable_file()) {
    for (auto& message : *file.mutable_message_type()) {
      if (message.name() == name) return message;
    }
  }
  throw std::runtime_error("no message " + name + " in the baseline");
}

FieldDescriptorProto& Field(FileDescriptorSet& set, const std::string& message,
                            const std::string& name) {
  for (auto& field : *Message(set, message).mutable_field()) {
    if (field.name() == name) return field;
  }
  throw std::runtime_error("no field " + message + "." + name + " in the baseline");
}

TEST(WireContract, HoldsEverythingOfItsBaseline) {
  const FileDescriptorSet baseline = Baseline();
  ASSERT_GT(baseline.file_size(), 0);
  EXPECT_THAT(Incompatibilities(baseline, Read(FG_PROTO_CURRENT)), IsEmpty());
}

TEST(WireContract, TheBaselineHoldsTheMessagesOfEverySocket) {
  FileDescriptorSet baseline = Baseline();
  for (const char* name : {"PublisherMessage", "GatewayMessage", "ConsumerMessage", "StreamMessage",
                           "StreamRecord", "Report", "Incident", "RelayMessage", "LogEntry"}) {
    EXPECT_NO_THROW(Message(baseline, name)) << name;
  }
}

TEST(Compatibility, AContractMayFollowItself) {
  EXPECT_THAT(Incompatibilities(Baseline(), Baseline()), IsEmpty());
}

TEST(Compatibility, AnAddedFieldMessageOrEnumValueIsFree) {
  FileDescriptorSet now = Baseline();
  FieldDescriptorProto& added = *Message(now, "Report").add_field();
  added.set_name("brand_new");
  added.set_number(900);
  now.mutable_file(0)->add_message_type()->set_name("BrandNew");
  auto& value = *now.mutable_file(0)->mutable_enum_type(0)->add_value();
  value.set_name("BRAND_NEW");
  value.set_number(900);
  EXPECT_THAT(Incompatibilities(Baseline(), now), IsEmpty());
}

TEST(Compatibility, AFieldThatIsGoneIsFound) {
  FileDescriptorSet now = Baseline();
  auto& fields = *Message(now, "Publish").mutable_field();
  fields.RemoveLast();
  EXPECT_THAT(Incompatibilities(Baseline(), now), ElementsAre(HasSubstr("gone or renumbered")));
}

TEST(Compatibility, ARenumberedFieldIsFound) {
  FileDescriptorSet now = Baseline();
  Field(now, "Publish", "sent_at").set_number(77);
  EXPECT_THAT(Incompatibilities(Baseline(), now), ElementsAre(HasSubstr("sent_at")));
}

TEST(Compatibility, ARenamedFieldIsFoundByNameAndByJsonName) {
  FileDescriptorSet renamed = Baseline();
  Field(renamed, "Publish", "first_seq").set_name("start_seq");
  EXPECT_THAT(Incompatibilities(Baseline(), renamed), ElementsAre(HasSubstr("start_seq")));
  FileDescriptorSet json = Baseline();
  Field(json, "Publish", "first_seq").set_json_name("first");
  EXPECT_THAT(Incompatibilities(Baseline(), json), ElementsAre(HasSubstr("json first")));
}

TEST(Compatibility, AnotherTypeOrLabelIsFound) {
  FileDescriptorSet type = Baseline();
  Field(type, "Publish", "first_seq").set_type(FieldDescriptorProto::TYPE_INT32);
  EXPECT_THAT(Incompatibilities(Baseline(), type), ElementsAre(HasSubstr("TYPE_INT32")));
  FileDescriptorSet label = Baseline();
  Field(label, "Publish", "first_seq").set_label(FieldDescriptorProto::LABEL_REPEATED);
  EXPECT_THAT(Incompatibilities(Baseline(), label), ElementsAre(HasSubstr("LABEL_REPEATED")));
  FileDescriptorSet message = Baseline();
  Field(message, "Report", "aligned").set_type_name(".fusiongateway.v1.Position");
  EXPECT_THAT(Incompatibilities(Baseline(), message), ElementsAre(HasSubstr("v1.Position")));
}

TEST(Compatibility, AFieldMovedOutOfItsOneofIsFound) {
  FileDescriptorSet now = Baseline();
  Field(now, "PublisherMessage", "hello").clear_oneof_index();
  EXPECT_THAT(Incompatibilities(Baseline(), now), ElementsAre(HasSubstr("in oneof message")));
}

TEST(Compatibility, AMessageThatIsGoneOrRenamedIsFound) {
  FileDescriptorSet now = Baseline();
  Message(now, "Heartbeat").set_name("KeepAlive");
  EXPECT_THAT(Incompatibilities(Baseline(), now),
              ElementsAre("message fusiongateway.v1.Heartbeat is gone"));
}

TEST(Compatibility, ANestedEnumIsHeldToo) {
  FileDescriptorSet now = Baseline();
  Message(now, "CameraStatus").mutable_enum_type(0)->mutable_value(1)->set_number(55);
  EXPECT_THAT(Incompatibilities(Baseline(), now),
              ElementsAre(HasSubstr("fusiongateway.v1.CameraStatus.State")));
}

TEST(Compatibility, WhatWasReservedStaysReserved) {
  FileDescriptorSet before = Baseline();
  auto& range = *Message(before, "Report").add_reserved_range();
  range.set_start(90);
  range.set_end(93);
  Message(before, "Report").add_reserved_name("forgotten");
  EXPECT_THAT(Incompatibilities(before, before), IsEmpty());
  EXPECT_THAT(Incompatibilities(before, Baseline()),
              ElementsAre(HasSubstr("from 90"), HasSubstr("forgotten")));
}

}  // namespace
}  // namespace fusiongateway
