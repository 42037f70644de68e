#include "proto/codec/codec.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace fusiongateway {
namespace {

// Sets every field of a message to some value, to any depth: what the codec forgets shows.
class Filler {
 public:
  explicit Filler(std::uint64_t seed) : random_(seed) {}

  void Fill(google::protobuf::Message* message) {
    const auto* descriptor = message->GetDescriptor();
    if (descriptor->full_name() == "google.protobuf.Timestamp") return FillInstant(message, 2e9);
    if (descriptor->full_name() == "google.protobuf.Duration") return FillInstant(message, 1e6);
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const auto* field = descriptor->field(i);
      // One member of each oneof: the last written stays.
      if (field->is_repeated()) {
        for (int n = 0; n < 2; ++n) Set(message, field, true);
      } else if (field->containing_oneof() == nullptr || random_() % 2 == 0) {
        Set(message, field, false);
      }
    }
  }

 private:
  void FillInstant(google::protobuf::Message* message, double seconds_max) {
    const auto* descriptor = message->GetDescriptor();
    const auto* reflection = message->GetReflection();
    reflection->SetInt64(
        message, descriptor->FindFieldByName("seconds"),
        static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(seconds_max)));
    reflection->SetInt32(message, descriptor->FindFieldByName("nanos"),
                         static_cast<std::int32_t>(random_() % 1'000'000'000));
  }

  void Set(google::protobuf::Message* message, const google::protobuf::FieldDescriptor* field,
           bool add) {
    using google::protobuf::FieldDescriptor;
    const auto* r = message->GetReflection();
    const std::uint64_t value = 1 + random_() % 1000;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Fill(add ? r->AddMessage(message, field) : r->MutableMessage(message, field));
      case FieldDescriptor::CPPTYPE_STRING:
        return add ? r->AddString(message, field, std::to_string(value))
                   : r->SetString(message, field, std::to_string(value));
      case FieldDescriptor::CPPTYPE_BOOL:
        return r->SetBool(message, field, true);
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return r->SetDouble(message, field, static_cast<double>(value) / 8);
      case FieldDescriptor::CPPTYPE_UINT32:
        return r->SetUInt32(message, field, static_cast<std::uint32_t>(value));
      case FieldDescriptor::CPPTYPE_UINT64:
        return r->SetUInt64(message, field, value);
      case FieldDescriptor::CPPTYPE_ENUM: {
        const auto* type = field->enum_type();
        return r->SetEnum(message, field,
                          type->value(1 + static_cast<int>(value) % (type->value_count() - 1)));
      }
      default:
        FAIL() << "the contract uses a type this test does not know: " << field->full_name();
    }
  }

  std::mt19937_64 random_;
};

template <typename Wire>
void ExpectRoundTrip() {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Wire wire;
    Filler(seed).Fill(&wire);
    const auto domain = FromWire(wire);
    Wire again;
    ToWire(domain, &again);
    std::string difference;
    google::protobuf::util::MessageDifferencer differencer;
    differencer.ReportDifferencesToString(&difference);
    ASSERT_TRUE(differencer.Compare(wire, again)) << "seed " << seed << ": " << difference;
  }
}

TEST(CodecTest, EveryFieldOfAReportCrossesBothWays) { ExpectRoundTrip<v1::Report>(); }
TEST(CodecTest, EveryFieldOfAnIncidentCrossesBothWays) { ExpectRoundTrip<v1::Incident>(); }
TEST(CodecTest, EveryFieldOfACameraStatusCrossesBothWays) { ExpectRoundTrip<v1::CameraStatus>(); }
TEST(CodecTest, EveryFieldOfAFeedStatusCrossesBothWays) { ExpectRoundTrip<v1::FeedStatus>(); }
TEST(CodecTest, EveryFieldOfAnOperatorActionCrossesBothWays) {
  ExpectRoundTrip<v1::OperatorAction>();
}
TEST(CodecTest, EveryFieldOfTheEngineConfigCrossesBothWays) { ExpectRoundTrip<v1::EngineConfig>(); }

TEST(CodecTest, EveryKindOfLogEntryCrossesBothWays) {
  const auto* descriptor = v1::LogEntry::descriptor();
  for (int i = 0; i < descriptor->oneof_decl(0)->field_count(); ++i) {
    v1::LogEntry wire;
    wire.mutable_at()->set_seconds(1'790'000'000);
    const auto* field = descriptor->oneof_decl(0)->field(i);
    Filler(7).Fill(wire.GetReflection()->MutableMessage(&wire, field));
    const auto entry = FromWire(wire, 9);
    ASSERT_TRUE(entry.ok()) << field->name();
    EXPECT_EQ(entry->position, 9u);
    v1::LogEntry again;
    ToWire(*entry, &again);
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(wire, again)) << field->name();
  }
}

TEST(CodecTest, ALogEntryOfAnUnknownKindIsDataLossAndNotSkipped) {
  EXPECT_EQ(FromWire(v1::LogEntry(), 3).status().code(), StatusCode::kDataLoss);
}

TEST(CodecTest, InstantsBeyondTheRangeAreHeldAtItsEnds) {
  google::protobuf::Timestamp far;
  far.set_seconds(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(FromWire(far), UtcTime::max());
  far.set_seconds(std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(FromWire(far), UtcTime::min());
}

TEST(CodecTest, InstantsBefore1970KeepTheirNanoseconds) {
  const UtcTime before{-std::chrono::nanoseconds{1}};
  google::protobuf::Timestamp wire;
  ToWire(before, &wire);
  EXPECT_EQ(wire.seconds(), -1);
  EXPECT_EQ(wire.nanos(), 999'999'999);
  EXPECT_EQ(FromWire(wire), before);
}

TEST(CodecTest, TheWireCarriesTheFirstAndTheLatestEvidence) {
  Incident incident;
  for (int i = 0; i < 100; ++i) {
    incident.evidence.push_back(Evidence{.report_id = std::to_string(i)});
  }
  incident.evidence_count = 100;
  v1::Incident wire;
  ToWire(incident, &wire);
  ASSERT_EQ(wire.evidence_size(), 64);
  EXPECT_EQ(wire.evidence_count(), 100u);
  EXPECT_EQ(wire.evidence(15).report_id(), "15");
  EXPECT_EQ(wire.evidence(16).report_id(), "52");
  EXPECT_EQ(wire.evidence(63).report_id(), "99");
}

}  // namespace
}  // namespace fusiongateway
