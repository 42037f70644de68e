#include "delivery/journal/incident_delta.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/delivery/journal/journal_samples.h"

namespace fusiongateway {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Fills messages of any type with whatever a seed gives, so that fields to come are covered too.
class RandomFiller {
 public:
  explicit RandomFiller(unsigned seed) : random_(seed) {}

  // Each field is left, set or cleared; lists grow, shrink and change anywhere.
  void Mutate(Message* message, int depth = 0) {
    const auto* descriptor = message->GetDescriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      if (Chance(60)) continue;
      if (field->is_repeated()) {
        MutateList(message, field, depth);
      } else if (Chance(25)) {
        message->GetReflection()->ClearField(message, field);
      } else {
        SetSingular(message, field, depth);
      }
    }
  }

 private:
  bool Chance(unsigned percent) { return random_() % 100 < percent; }
  std::string Text() { return std::string(random_() % 6, static_cast<char>('a' + random_() % 26)); }

  void SetSingular(Message* message, const FieldDescriptor* field, int depth) {
    const auto* reflection = message->GetReflection();
    const auto number = random_() % 4;  // zero and repeats are wanted
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (depth < 3) Mutate(reflection->MutableMessage(message, field), depth + 1);
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        reflection->SetString(message, field, Text());
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        reflection->SetDouble(message, field, number == 3 ? -0.0 : static_cast<double>(number) / 3);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection->SetBool(message, field, number > 1);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection->SetEnumValue(message, field, static_cast<int>(number));
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        reflection->SetInt32(message, field, static_cast<std::int32_t>(number));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection->SetInt64(message, field, static_cast<std::int64_t>(number));
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        reflection->SetUInt32(message, field, static_cast<std::uint32_t>(number));
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        reflection->SetUInt64(message, field, number);
        break;
      default:
        FAIL() << "a new type of field: " << field->full_name();
    }
  }

  void MutateList(Message* message, const FieldDescriptor* field, int depth) {
    const auto* reflection = message->GetReflection();
    const bool messages = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    int size = reflection->FieldSize(*message, field);
    if (size > 0 && Chance(20)) reflection->ClearField(message, field);
    size = reflection->FieldSize(*message, field);
    if (size > 1 && Chance(40)) {
      reflection->SwapElements(message, field, static_cast<int>(random_() % size), size - 1);
      if (Chance(50)) reflection->RemoveLast(message, field);
    }
    size = reflection->FieldSize(*message, field);
    if (messages && size > 0 && Chance(40)) {
      Mutate(reflection->MutableRepeatedMessage(message, field, static_cast<int>(random_() % size)),
             depth + 1);
    }
    for (unsigned grow = random_() % 3; grow > 0 && depth < 3; --grow) {
      if (messages) {
        Mutate(reflection->AddMessage(message, field), depth + 1);
      } else {
        ASSERT_EQ(field->cpp_type(), FieldDescriptor::CPPTYPE_STRING) << "a new type of list";
        reflection->AddString(message, field, Text());
      }
    }
  }

  std::mt19937 random_;
};

TEST(IncidentDeltaTest, AppliedToItsBaseGivesTheRevisionByteForByte) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    RandomFiller filler(seed);
    v1::Incident base;
    filler.Mutate(&base);
    for (int revision = 0; revision < 10; ++revision) {
      v1::Incident next = base;
      filler.Mutate(&next);
      v1::IncidentDelta delta;
      ASSERT_TRUE(delta.ParseFromString(MakeIncidentDelta(base, next).SerializeAsString()));
      v1::Incident rebuilt = base;
      const Status status = ApplyIncidentDelta(delta, &rebuilt);
      ASSERT_TRUE(status.ok()) << status.message() << ", seed " << seed;
      ASSERT_EQ(rebuilt.SerializeAsString(), next.SerializeAsString())
          << "seed " << seed << "\nbase: " << base.ShortDebugString()
          << "\nnext: " << next.ShortDebugString() << "\ndelta: " << delta.ShortDebugString();
      base = next;
    }
  }
}

v1::Incident OnWire(const Incident& incident) {
  v1::Incident wire;
  ToWire(incident, &wire);
  return wire;
}

v1::Incident Rest(const Incident& incident) {
  v1::Incident rest;
  ToWireWithoutEvidence(incident, &rest);
  return rest;
}

void ExpectRebuilt(const Incident& base, const Incident& next, const std::string& what) {
  const auto delta = MakeIncidentDelta(base, Rest(base), next, Rest(next));
  v1::Incident rebuilt = OnWire(base);
  const Status status = ApplyIncidentDelta(delta, &rebuilt);
  ASSERT_TRUE(status.ok()) << status.message() << ", " << what;
  ASSERT_EQ(rebuilt.SerializeAsString(), OnWire(next).SerializeAsString()) << what;
}

TEST(IncidentDeltaTest, MadeOfTheEnginesRevisionsItGivesTheSameAsOfTheirWireForms) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    RandomFiller filler(seed);
    v1::Incident wire;
    filler.Mutate(&wire);
    for (int revision = 0; revision < 10; ++revision) {
      const Incident base = FromWire(wire);
      filler.Mutate(&wire);
      ExpectRebuilt(base, FromWire(wire), "seed " + std::to_string(seed));
    }
  }
}

TEST(IncidentDeltaTest, GrowsBeyondWhatTheWireCarriesByOneEvidenceAtATime) {
  Incident base;
  for (std::size_t count = 0; count < 2 * kWireEvidenceMax; ++count) {
    Incident next = base;
    Evidence evidence;
    evidence.report_id = "R" + std::to_string(count);
    next.evidence.push_back(evidence);
    ExpectRebuilt(base, next, std::to_string(count));
    EXPECT_EQ(MakeIncidentDelta(base, Rest(base), next, Rest(next)).changed().evidence_size(), 1);
    base = next;
  }
}

TEST(IncidentDeltaTest, EqualRevisionsMakeAnEmptyDelta) {
  v1::Incident incident;
  RandomFiller(7).Mutate(&incident);
  const auto delta = MakeIncidentDelta(incident, incident);
  EXPECT_EQ(delta.changed().ByteSizeLong(), 0u);
  EXPECT_EQ(delta.cleared_size() + delta.appended_size() + delta.edited_size(), 0);
}

v1::Incident WithEvidence(int from, int count) {
  v1::Incident incident;
  for (int i = from; i < from + count; ++i) {
    auto* evidence = incident.add_evidence();
    evidence->set_report_id("report-" + std::to_string(i));
    evidence->set_summary(std::string(100, 'x'));
  }
  return incident;
}

TEST(IncidentDeltaTest, ANewEvidenceIsStoredAlone) {
  const auto delta = MakeIncidentDelta(WithEvidence(0, 40), WithEvidence(0, 41));
  ASSERT_EQ(delta.appended_size(), 1);
  EXPECT_EQ(delta.changed().evidence_size(), 1);
}

TEST(IncidentDeltaTest, TheWindowOfEvidenceThatSlidesIsStoredAsItsNewestAlone) {
  v1::Incident base = WithEvidence(0, 16), next = base;
  base.MergeFrom(WithEvidence(20, 48));
  next.MergeFrom(WithEvidence(21, 48));
  const auto delta = MakeIncidentDelta(base, next);
  EXPECT_EQ(delta.changed().evidence_size(), 1);
  v1::Incident rebuilt = base;
  ASSERT_TRUE(ApplyIncidentDelta(delta, &rebuilt).ok());
  EXPECT_EQ(rebuilt.SerializeAsString(), next.SerializeAsString());
}

TEST(IncidentDeltaTest, OneChangedEvidenceInTheMiddleIsStoredAlone) {
  const v1::Incident base = WithEvidence(0, 40);
  v1::Incident next = base;
  next.mutable_evidence(3)->set_repeat_count(9);
  EXPECT_EQ(MakeIncidentDelta(base, next).changed().evidence_size(), 1);
}

TEST(IncidentDeltaTest, ADeltaOfAnotherBaseIsDataLoss) {
  v1::Incident base = WithEvidence(0, 16), next = base;
  base.MergeFrom(WithEvidence(20, 48));
  next.MergeFrom(WithEvidence(21, 48));
  v1::Incident other = WithEvidence(0, 3);
  EXPECT_EQ(ApplyIncidentDelta(MakeIncidentDelta(base, next), &other).code(),
            StatusCode::kDataLoss);
}

}  // namespace
}  // namespace fusiongateway
