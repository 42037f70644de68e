#include "proto/codec/json_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;

Status Parse(const std::string& text, v1::PublisherMessage* message) {
  return ParsePublisherMessage(text, DetectWireForm(text), message);
}

TEST(JsonFormTest, ANativePayloadKeepsItsExactBytes) {
  v1::PublisherMessage message;
  const std::string native = R"({ "b" : 1.50,  "a":"\u5f20 }]", "n":{"x":[1,2,{"y":null}]}})";
  ASSERT_TRUE(
      Parse(R"({"publish":{"session":"s","firstSeq":"7","payloads":[ )" + native + R"( ,[1, 2]]}})",
            &message)
          .ok());
  ASSERT_EQ(message.publish().payloads_size(), 2);
  EXPECT_EQ(message.publish().payloads(0), native);
  EXPECT_EQ(message.publish().payloads(1), "[1, 2]");
  EXPECT_EQ(message.publish().first_seq(), 7u);
  EXPECT_EQ(message.publish().session(), "s");
}

TEST(JsonFormTest, AStringPayloadIsBase64) {
  v1::PublisherMessage message;
  ASSERT_TRUE(Parse(R"({"publish":{"payloads":["aGVsbG8="]}})", &message).ok());
  EXPECT_EQ(message.publish().payloads(0), "hello");
}

TEST(JsonFormTest, AFirstSeqMayBeNumberOrString) {
  v1::PublisherMessage message;
  ASSERT_TRUE(Parse(R"({"publish":{"firstSeq":7,"payloads":[{}]}})", &message).ok());
  EXPECT_EQ(message.publish().first_seq(), 7u);
}

TEST(JsonFormTest, ABrokenPayloadIsHandedOnForItsPluginToRefuse) {
  v1::PublisherMessage message;
  ASSERT_TRUE(Parse(R"({"publish":{"payloads":[{"a":1},{"a": ,,},{"a":2}]}})", &message).ok());
  ASSERT_EQ(message.publish().payloads_size(), 3);
  EXPECT_EQ(message.publish().payloads(1), R"({"a": ,,})");
  EXPECT_EQ(message.publish().payloads(2), R"({"a":2})");
}

TEST(JsonFormTest, AStringThatIsNotBase64IsHandedOnForItsPluginToRefuse) {
  v1::PublisherMessage message;
  ASSERT_TRUE(Parse(R"({"publish":{"payloads":[{"a":1},"not base64!",{"a":2}]}})", &message).ok());
  ASSERT_EQ(message.publish().payloads_size(), 3);
  EXPECT_EQ(message.publish().payloads(1), R"("not base64!")");
}

TEST(JsonFormTest, PayloadsOfAnotherObjectAreNotTouched) {
  v1::PublisherMessage message;
  ASSERT_TRUE(Parse(R"({"extra":{"payloads":[{"x":1}]},"hello":{"feedId":"f"}})", &message).ok());
  EXPECT_EQ(message.hello().feed_id(), "f");
}

TEST(JsonFormTest, TruncatedTextIsRefusedWherever) {
  const std::string whole =
      R"({"publish":{"session":"s","firstSeq":"7","payloads":[{"a":"b"},"aGk="]}})";
  for (std::size_t length = 1; length < whole.size(); ++length) {
    v1::PublisherMessage message;
    EXPECT_FALSE(Parse(whole.substr(0, length), &message).ok()) << length;
  }
}

TEST(JsonFormTest, DeepNestingOutsidePayloadsIsRefusedAndInsideCostsNoStack) {
  v1::PublisherMessage message;
  const std::string deep(100'000, '[');
  EXPECT_FALSE(Parse(R"({"x":)" + deep + "}", &message).ok());
  EXPECT_FALSE(Parse(R"({"publish":{"payloads":[)" + deep, &message).ok());
}

TEST(JsonFormTest, UnknownFieldsOfTheEnvelopeAreIgnored) {
  v1::PublisherMessage message;
  EXPECT_TRUE(Parse(R"({"heartbeat":{"session":"s","later":1},"new":true})", &message).ok());
  EXPECT_EQ(message.heartbeat().session(), "s");
}

TEST(JsonFormTest, AnErrorSaysWhatIsWrong) {
  v1::PublisherMessage message;
  const Status status = Parse(R"({"publish":{"firstSeq":"seven","payloads":[]}})", &message);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("seven"));
}

}  // namespace
}  // namespace fusiongateway
