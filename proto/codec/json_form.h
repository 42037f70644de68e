// The JSON form of the socket protocols: protobuf's JSON mapping, with the one addition that a
// payload element of `publish` may be the native JSON value itself, kept as its exact bytes.
//
// Pure; any thread. Refused: bytes that are not UTF-8, nesting deeper than 64, unknown fields of
// the envelope are ignored (schemas grow).
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "fusion/base/status.h"
#include "fusiongateway/v1/publisher.pb.h"

namespace fusiongateway {

enum class WireForm { kProtobuf, kJson };

// By the first byte: '{' is JSON.
WireForm DetectWireForm(std::string_view message);

// Reads one message in either form. The error's text says what is wrong and is safe to send back.
Status ParseWire(std::string_view bytes, WireForm form, google::protobuf::Message* to);
// As ParseWire; in the JSON form `publish.payloads` elements that are not strings are taken as
// their exact bytes, strings as base64.
Status ParsePublisherMessage(std::string_view bytes, WireForm form, v1::PublisherMessage* to);

// `publish.payloads` alone, taken as in such a message: the array is all of the text.
Result<std::vector<std::string>> ParsePayloads(std::string_view array);

std::string SerialiseWire(const google::protobuf::Message& message, WireForm form);
// One line of JSON, lowerCamelCase, enums by name, defaults left out.
std::string ToJson(const google::protobuf::Message& message);

}  // namespace fusiongateway
