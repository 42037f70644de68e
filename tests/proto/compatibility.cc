#include "tests/proto/compatibility.h"

#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace fusiongateway {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::EnumDescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorSet;

// Every message and enum of a descriptor set by its full name.
struct Contract {
  std::map<std::string, const DescriptorProto*> messages;
  std::map<std::string, const EnumDescriptorProto*> enums;
};

void AddMessage(const std::string& scope, const DescriptorProto& message, Contract& contract) {
  const std::string name = scope + "." + message.name();
  contract.messages[name] = &message;
  for (const auto& nested : message.nested_type()) AddMessage(name, nested, contract);
  for (const auto& nested : message.enum_type())
    contract.enums[name + "." + nested.name()] = &nested;
}

Contract Index(const FileDescriptorSet& set) {
  Contract contract;
  for (const auto& file : set.file()) {
    for (const auto& message : file.message_type()) AddMessage(file.package(), message, contract);
    for (const auto& e : file.enum_type()) contract.enums[file.package() + "." + e.name()] = &e;
  }
  return contract;
}

std::string OneofName(const DescriptorProto& message, const FieldDescriptorProto& field) {
  return field.has_oneof_index() ? message.oneof_decl(field.oneof_index()).name() : "";
}

// What of a field may not change, as text: also what an error shows.
std::string Shape(const DescriptorProto& message, const FieldDescriptorProto& field) {
  std::string shape = FieldDescriptorProto::Label_Name(field.label()) + " " +
                      FieldDescriptorProto::Type_Name(field.type()) + field.type_name() + " " +
                      field.name() + " = " + std::to_string(field.number()) + " json " +
                      field.json_name();
  if (const auto oneof = OneofName(message, field); !oneof.empty()) shape += " in oneof " + oneof;
  if (field.proto3_optional()) shape += " optional";
  return shape;
}

// [begin, end] of `range` lies within one of the ranges of `now`.
template <typename Ranges, typename Range>
bool StillReserved(const Ranges& now, const Range& range) {
  return std::any_of(now.begin(), now.end(), [&](const auto& held) {
    return held.start() <= range.start() && held.end() >= range.end();
  });
}

// Reservations of messages and of enums alike.
template <typename Descriptor>
void CompareReserved(const std::string& name, const Descriptor& before, const Descriptor& now,
                     std::vector<std::string>& found) {
  for (const auto& range : before.reserved_range()) {
    if (!StillReserved(now.reserved_range(), range)) {
      found.push_back(name + ": reserved numbers from " + std::to_string(range.start()) +
                      " are reserved no more");
    }
  }
  for (const auto& reserved : before.reserved_name()) {
    if (std::find(now.reserved_name().begin(), now.reserved_name().end(), reserved) ==
        now.reserved_name().end()) {
      found.push_back(name + ": the reserved name " + reserved + " is reserved no more");
    }
  }
}

void CompareMessage(const std::string& name, const DescriptorProto& before,
                    const DescriptorProto& now, std::vector<std::string>& found) {
  for (const auto& field : before.field()) {
    const auto same = std::find_if(now.field().begin(), now.field().end(), [&](const auto& other) {
      return other.number() == field.number();
    });
    if (same == now.field().end()) {
      found.push_back(name + ": field " + Shape(before, field) + " is gone or renumbered");
    } else if (Shape(before, field) != Shape(now, *same)) {
      found.push_back(name + ": field " + Shape(before, field) + " became " + Shape(now, *same));
    }
  }
  CompareReserved(name, before, now, found);
}

void CompareEnum(const std::string& name, const EnumDescriptorProto& before,
                 const EnumDescriptorProto& now, std::vector<std::string>& found) {
  for (const auto& value : before.value()) {
    const bool kept = std::any_of(now.value().begin(), now.value().end(), [&](const auto& other) {
      return other.name() == value.name() && other.number() == value.number();
    });
    if (!kept) {
      found.push_back(name + ": value " + value.name() + " = " + std::to_string(value.number()) +
                      " is gone, renamed or renumbered");
    }
  }
  CompareReserved(name, before, now, found);
}

}  // namespace

std::vector<std::string> Incompatibilities(const FileDescriptorSet& before,
                                           const FileDescriptorSet& now) {
  const Contract old_contract = Index(before);
  const Contract new_contract = Index(now);
  std::vector<std::string> found;
  for (const auto& [name, message] : old_contract.messages) {
    const auto it = new_contract.messages.find(name);
    if (it == new_contract.messages.end()) {
      found.push_back("message " + name + " is gone");
    } else {
      CompareMessage(name, *message, *it->second, found);
    }
  }
  for (const auto& [name, value] : old_contract.enums) {
    const auto it = new_contract.enums.find(name);
    if (it == new_contract.enums.end()) {
      found.push_back("enum " + name + " is gone");
    } else {
      CompareEnum(name, *value, *it->second, found);
    }
  }
  return found;
}

}  // namespace fusiongateway
