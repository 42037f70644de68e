// Whether a wire contract may follow another: schemas only grow. Every message, field, enum and
// value of the earlier one must still be there under the same number, name, type and label, and
// with the same JSON name; what was reserved stays reserved. Additions are free.
#pragma once

#include <string>
#include <vector>

namespace google::protobuf {
class FileDescriptorSet;
}

namespace fusiongateway {

// One sentence for each breach, naming the element; empty: compatible. `before` and `now` come from
// protoc's --descriptor_set_out.
std::vector<std::string> Incompatibilities(const google::protobuf::FileDescriptorSet& before,
                                           const google::protobuf::FileDescriptorSet& now);

}  // namespace fusiongateway
