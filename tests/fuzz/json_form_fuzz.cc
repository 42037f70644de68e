// Fuzz target: the JSON form of the publisher protocol. What can be read is the same message after
// it was written in either form and read again.
#include <google/protobuf/util/message_differencer.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/codec/json_form.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fusiongateway;
  fuzz::QuietProtobuf();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const WireForm form : {WireForm::kJson, WireForm::kProtobuf}) {
    v1::PublisherMessage message;
    const Status status = ParsePublisherMessage(bytes, form, &message);
    if (!status.ok()) {
      fuzz::Require(!status.message().empty(), "a refusal that does not say why");
      continue;
    }
    message.DiscardUnknownFields();
    for (const WireForm written : {WireForm::kJson, WireForm::kProtobuf}) {
      // What protobuf's binary form can carry and its JSON form cannot (an instant of year 20000).
      const std::string text = SerialiseWire(message, written);
      if (text.empty()) continue;
      v1::PublisherMessage again;
      const bool read = ParsePublisherMessage(text, written, &again).ok();
      if (form == WireForm::kProtobuf && written == WireForm::kJson && !read) continue;
      fuzz::Require(read, "what was written cannot be read");
      fuzz::Require(google::protobuf::util::MessageDifferencer::Equals(message, again),
                    "what was written reads differently");
    }
  }
  return 0;
}
