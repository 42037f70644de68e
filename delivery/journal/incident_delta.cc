#include "delivery/journal/incident_delta.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/codec/codec.h"

namespace fusiongateway {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void CopySingular(const Message& from, const FieldDescriptor* field, Message* to) {
  const Reflection* reflection = from.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->SetInt32(to, field, reflection->GetInt32(from, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection->SetInt64(to, field, reflection->GetInt64(from, field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection->SetUInt32(to, field, reflection->GetUInt32(from, field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection->SetUInt64(to, field, reflection->GetUInt64(from, field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection->SetDouble(to, field, reflection->GetDouble(from, field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return reflection->SetFloat(to, field, reflection->GetFloat(from, field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->SetBool(to, field, reflection->GetBool(from, field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->SetEnumValue(to, field, reflection->GetEnumValue(from, field));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection->SetString(to, field, reflection->GetString(from, field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return reflection->MutableMessage(to, field)->CopyFrom(reflection->GetMessage(from, field));
  }
}

void CopyElement(const Message& from, const FieldDescriptor* field, int index, Message* to) {
  const Reflection* reflection = from.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->AddInt32(to, field, reflection->GetRepeatedInt32(from, field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection->AddInt64(to, field, reflection->GetRepeatedInt64(from, field, index));
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection->AddUInt32(to, field, reflection->GetRepeatedUInt32(from, field, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection->AddUInt64(to, field, reflection->GetRepeatedUInt64(from, field, index));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection->AddDouble(to, field, reflection->GetRepeatedDouble(from, field, index));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return reflection->AddFloat(to, field, reflection->GetRepeatedFloat(from, field, index));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->AddBool(to, field, reflection->GetRepeatedBool(from, field, index));
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->AddEnumValue(to, field,
                                      reflection->GetRepeatedEnumValue(from, field, index));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection->AddString(to, field, reflection->GetRepeatedString(from, field, index));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      reflection->AddMessage(to, field)->CopyFrom(
          reflection->GetRepeatedMessage(from, field, index));
      return;
  }
}

// Equal exactly when written the same on the wire; doubles by their bits.
bool SameSingular(const Message& a, const Message& b, const FieldDescriptor* field) {
  const Reflection* reflection = a.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->GetInt32(a, field) == reflection->GetInt32(b, field);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection->GetInt64(a, field) == reflection->GetInt64(b, field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection->GetUInt32(a, field) == reflection->GetUInt32(b, field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection->GetUInt64(a, field) == reflection->GetUInt64(b, field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return std::bit_cast<std::uint64_t>(reflection->GetDouble(a, field)) ==
             std::bit_cast<std::uint64_t>(reflection->GetDouble(b, field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return std::bit_cast<std::uint32_t>(reflection->GetFloat(a, field)) ==
             std::bit_cast<std::uint32_t>(reflection->GetFloat(b, field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(a, field) == reflection->GetBool(b, field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->GetEnumValue(a, field) == reflection->GetEnumValue(b, field);
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch_a, scratch_b;
      return reflection->GetStringReference(a, field, &scratch_a) ==
             reflection->GetStringReference(b, field, &scratch_b);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return reflection->GetMessage(a, field).SerializePartialAsString() ==
             reflection->GetMessage(b, field).SerializePartialAsString();
  }
  return false;
}

std::vector<std::string> ElementBytes(const Message& message, const FieldDescriptor* field) {
  const Reflection* reflection = message.GetReflection();
  const int count = reflection->FieldSize(message, field);
  std::vector<std::string> elements;
  elements.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      elements.push_back(
          reflection->GetRepeatedMessage(message, field, i).SerializePartialAsString());
    } else {
      const std::unique_ptr<Message> alone(message.New());
      CopyElement(message, field, i, alone.get());
      elements.push_back(alone->SerializePartialAsString());
    }
  }
  return elements;
}

// The runs that build `next` from `base`, taking base elements in order wherever they fit.
template <typename Element, typename Same>
v1::ListEdit MakeListEdit(const std::vector<Element>& base, const std::vector<Element>& next,
                          Same same) {
  v1::ListEdit edit;
  v1::ListEdit::Run* run = nullptr;
  std::size_t cursor = 0;
  for (const Element& element : next) {
    const auto found = std::find_if(base.begin() + static_cast<std::ptrdiff_t>(cursor), base.end(),
                                    [&](const Element& other) { return same(other, element); });
    const bool fresh = found == base.end();
    const auto at = static_cast<std::size_t>(found - base.begin());
    const bool extends = run != nullptr && run->fresh() == fresh && (fresh || at == cursor);
    if (!extends) {
      run = edit.add_runs();
      run->set_fresh(fresh);
      if (!fresh) run->set_base_index(static_cast<std::uint32_t>(at));
    }
    run->set_count(run->count() + 1);
    if (!fresh) cursor = at + 1;
  }
  return edit;
}

bool IsAppend(const v1::ListEdit& edit, std::size_t base_count) {
  return edit.runs_size() == 2 && !edit.runs(0).fresh() && edit.runs(0).base_index() == 0 &&
         edit.runs(0).count() == base_count && edit.runs(1).fresh();
}

// Says in `delta` how the list of field `number` came to be: `edit` builds it from a base of
// `base_count`, and `changed` holds its fresh elements.
void TellListEdit(int number, v1::ListEdit edit, std::size_t base_count, v1::IncidentDelta* delta) {
  if (edit.runs_size() == 1 && edit.runs(0).fresh()) return;  // all new: `changed` is the list
  if (IsAppend(edit, base_count)) {
    delta->add_appended(static_cast<std::uint32_t>(number));
    return;
  }
  edit.set_field(static_cast<std::uint32_t>(number));
  *delta->add_edited() = std::move(edit);
}

// Calls `take` with the index of each element of the new list that `edit` says is fresh.
template <typename Take>
void EachFresh(const v1::ListEdit& edit, Take take) {
  int index = 0;
  for (const auto& run : edit.runs()) {
    for (std::uint32_t i = 0; i < run.count(); ++i, ++index) {
      if (run.fresh()) take(index);
    }
  }
}

void DiffRepeated(const Message& base, const Message& next, const FieldDescriptor* field,
                  v1::IncidentDelta* delta) {
  const Reflection* reflection = base.GetReflection();
  if (reflection->FieldSize(base, field) == 0 && reflection->FieldSize(next, field) == 0) return;
  const auto old_elements = ElementBytes(base, field);
  const auto new_elements = ElementBytes(next, field);
  if (old_elements == new_elements) return;
  if (new_elements.empty()) {
    delta->add_cleared(static_cast<std::uint32_t>(field->number()));
    return;
  }
  v1::ListEdit edit = MakeListEdit(old_elements, new_elements, std::equal_to<>{});
  EachFresh(edit, [&](int i) { CopyElement(next, field, i, delta->mutable_changed()); });
  TellListEdit(field->number(), std::move(edit), old_elements.size(), delta);
}

void DiffEvidence(const Incident& base, const Incident& next, v1::IncidentDelta* delta) {
  const auto old_elements = EvidenceOnWire(base);
  const auto new_elements = EvidenceOnWire(next);
  const auto same = [](const Evidence* a, const Evidence* b) { return a == b || *a == *b; };
  if (std::equal(old_elements.begin(), old_elements.end(), new_elements.begin(), new_elements.end(),
                 same)) {
    return;
  }
  if (new_elements.empty()) {
    delta->add_cleared(v1::Incident::kEvidenceFieldNumber);
    return;
  }
  v1::ListEdit edit = MakeListEdit(old_elements, new_elements, same);
  EachFresh(edit, [&](int i) {
    ToWire(*new_elements[static_cast<std::size_t>(i)], delta->mutable_changed()->add_evidence());
  });
  TellListEdit(v1::Incident::kEvidenceFieldNumber, std::move(edit), old_elements.size(), delta);
}

void DiffSingular(const Message& base, const Message& next, const FieldDescriptor* field,
                  v1::IncidentDelta* delta) {
  const Reflection* reflection = base.GetReflection();
  const bool had = reflection->HasField(base, field);
  if (!reflection->HasField(next, field)) {
    if (had) delta->add_cleared(static_cast<std::uint32_t>(field->number()));
    return;
  }
  if (had && SameSingular(base, next, field)) return;
  CopySingular(next, field, delta->mutable_changed());
}

Status Unfit() { return DataLoss("journal: an incident's delta does not fit its base"); }

// Replaces `incident`'s list by the runs of `edit`.
Status ApplyEdit(const v1::ListEdit& edit, const v1::Incident& changed, v1::Incident* incident) {
  const FieldDescriptor* field =
      v1::Incident::descriptor()->FindFieldByNumber(static_cast<int>(edit.field()));
  if (field == nullptr || !field->is_repeated()) return Unfit();
  const Reflection* reflection = incident->GetReflection();
  const auto base_count = static_cast<std::uint64_t>(reflection->FieldSize(*incident, field));
  const auto fresh_count = static_cast<std::uint64_t>(reflection->FieldSize(changed, field));
  std::uint64_t fresh_used = 0;
  v1::Incident built;
  for (const auto& run : edit.runs()) {
    const std::uint64_t from = run.fresh() ? fresh_used : run.base_index();
    if (from + run.count() > (run.fresh() ? fresh_count : base_count)) return Unfit();
    for (std::uint64_t i = from; i < from + run.count(); ++i) {
      CopyElement(run.fresh() ? changed : *incident, field, static_cast<int>(i), &built);
    }
    if (run.fresh()) fresh_used += run.count();
  }
  if (fresh_used != fresh_count) return Unfit();
  reflection->SwapFields(incident, &built, {field});
  return {};
}

bool IsEdited(const v1::IncidentDelta& delta, const FieldDescriptor* field) {
  const auto number = static_cast<std::uint32_t>(field->number());
  return std::any_of(delta.edited().begin(), delta.edited().end(),
                     [number](const v1::ListEdit& edit) { return edit.field() == number; });
}

bool IsAppended(const v1::IncidentDelta& delta, const FieldDescriptor* field) {
  return std::find(delta.appended().begin(), delta.appended().end(),
                   static_cast<std::uint32_t>(field->number())) != delta.appended().end();
}

}  // namespace

v1::IncidentDelta MakeIncidentDelta(const v1::Incident& base, const v1::Incident& next) {
  v1::IncidentDelta delta;
  delta.mutable_changed();
  const auto* descriptor = v1::Incident::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    if (field->is_repeated()) {
      DiffRepeated(base, next, field, &delta);
    } else {
      DiffSingular(base, next, field, &delta);
    }
  }
  return delta;
}

v1::IncidentDelta MakeIncidentDelta(const Incident& base, const v1::Incident& base_rest,
                                    const Incident& next, const v1::Incident& next_rest) {
  v1::IncidentDelta delta = MakeIncidentDelta(base_rest, next_rest);
  DiffEvidence(base, next, &delta);
  return delta;
}

Status ApplyIncidentDelta(const v1::IncidentDelta& delta, v1::Incident* incident) {
  const Reflection* reflection = incident->GetReflection();
  for (const std::uint32_t number : delta.cleared()) {
    const FieldDescriptor* field =
        v1::Incident::descriptor()->FindFieldByNumber(static_cast<int>(number));
    if (field == nullptr) return Unfit();
    reflection->ClearField(incident, field);
  }
  for (const auto& edit : delta.edited()) {
    if (Status s = ApplyEdit(edit, delta.changed(), incident); !s.ok()) return s;
  }
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(delta.changed(), &fields);
  for (const FieldDescriptor* field : fields) {
    if (!field->is_repeated()) {
      CopySingular(delta.changed(), field, incident);
      continue;
    }
    if (IsEdited(delta, field)) continue;
    if (!IsAppended(delta, field)) reflection->ClearField(incident, field);
    const int count = reflection->FieldSize(delta.changed(), field);
    for (int i = 0; i < count; ++i) CopyElement(delta.changed(), field, i, incident);
  }
  return {};
}

}  // namespace fusiongateway
