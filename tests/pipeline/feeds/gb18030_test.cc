#include "pipeline/feeds/gb18030.h"

#include <gtest/gtest.h>

namespace fusiongateway {
namespace {

class Gb18030Test : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Gb18030::Open();
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    gb18030_ = std::move(*opened);
  }
  std::unique_ptr<Gb18030> gb18030_;
};

// Code points and bytes of the standard's own tables.
TEST_F(Gb18030Test, ReadsOneTwoAndFourByteCharacters) {
  const auto converted = gb18030_->ToUtf8("A\xB0\xA1 \xC0\xCF \x82\x35\x87\x38 \x90\x30\x81\x30");
  EXPECT_FALSE(converted.malformed_at);
  EXPECT_EQ(converted.text, "A啊 老 \u4DB5 \U00010000");
}

TEST_F(Gb18030Test, ABackslashWithinACharacterIsNoBackslash) {
  // 乗 is 81 5C: read byte by byte it would escape the quote that follows.
  const auto converted = gb18030_->ToUtf8("{\"JQDZ\":\"\x81\x5C\"}");
  EXPECT_FALSE(converted.malformed_at);
  EXPECT_EQ(converted.text, "{\"JQDZ\":\"乗\"}");
}

TEST_F(Gb18030Test, PointsAtTheFirstByteThatIsNone) {
  const auto within = gb18030_->ToUtf8("ab\xFF\xB0\xA1\xFF");
  EXPECT_EQ(within.malformed_at, 2u);
  EXPECT_EQ(within.text, "ab\uFFFD啊\uFFFD");
  const auto cut_off = gb18030_->ToUtf8("\xB0\xA1\xB0");
  EXPECT_EQ(cut_off.malformed_at, 2u);
  EXPECT_EQ(cut_off.text, "啊\uFFFD");
}

TEST_F(Gb18030Test, NothingIsCarriedFromOneTextToTheNext) {
  EXPECT_TRUE(gb18030_->ToUtf8("\x81\x30\x81").malformed_at);
  const auto next = gb18030_->ToUtf8("30");
  EXPECT_FALSE(next.malformed_at);
  EXPECT_EQ(next.text, "30");
}

TEST_F(Gb18030Test, LongTextsAreReadWhole) {
  std::string gb, utf8;
  for (int i = 0; i < 50'000; ++i) {
    gb += "\xB0\xA1";
    utf8 += "啊";
  }
  EXPECT_EQ(gb18030_->ToUtf8(gb).text, utf8);
}

}  // namespace
}  // namespace fusiongateway
