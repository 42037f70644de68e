#include "delivery/wall/record_texts.h"

#include <gtest/gtest.h>

#include "proto/codec/json_form.h"

namespace fusiongateway {
namespace {

v1::StreamRecord Record(std::uint64_t seq) {
  v1::StreamRecord record;
  record.set_seq(seq);
  record.mutable_incident()->set_title(std::string(100, 'x'));
  return record;
}

TEST(RecordTexts, ARecordIsMadeOnceForAllWhoAskAndOncePerStream) {
  RecordTexts texts(10'000);
  const auto text = texts.Of(StreamId::kLive, Record(1));
  EXPECT_EQ(*text, ToJson(Record(1)));
  EXPECT_EQ(texts.Of(StreamId::kLive, Record(1)), text);
  EXPECT_NE(texts.Of(StreamId::kSettled, Record(1)), text);
  EXPECT_NE(*texts.Of(StreamId::kLive, Record(2)), *text);
}

TEST(RecordTexts, NoMoreBytesAreKeptThanTheLimitAndTheOldestGoFirst) {
  RecordTexts texts(1000);
  std::vector<std::weak_ptr<const std::string>> made;
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    made.push_back(texts.Of(StreamId::kLive, Record(seq)));
  }
  std::size_t kept = 0;
  for (const auto& text : made) kept += text.expired() ? 0 : text.lock()->size();
  EXPECT_GT(kept, 500u);
  EXPECT_LE(kept, 1000u);
  EXPECT_FALSE(made.back().expired());
  EXPECT_EQ(*texts.Of(StreamId::kLive, Record(1)), ToJson(Record(1)));
}

TEST(RecordTexts, ARecordBeyondTheLimitIsMadeAndNotKept) {
  RecordTexts texts(50);
  const auto text = texts.Of(StreamId::kLive, Record(1));
  EXPECT_EQ(*text, ToJson(Record(1)));
  EXPECT_EQ(text.use_count(), 1);
}

}  // namespace
}  // namespace fusiongateway
