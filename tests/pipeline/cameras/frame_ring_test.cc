#include "pipeline/cameras/frame_ring.h"

#include <gtest/gtest.h>

#include <memory>

namespace fusiongateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kFrame = milliseconds{100};
constexpr std::uint64_t kGroup = 10;  // a key frame a second

AccessUnitPtr Unit(std::uint64_t session, std::uint64_t sequence, std::size_t size = 100) {
  auto unit = std::make_shared<AccessUnit>();
  const Duration at = seconds{session * 1000} + static_cast<std::int64_t>(sequence - 1) * kFrame;
  unit->session = session;
  unit->sequence = sequence;
  unit->captured.utc = UtcTime{at};
  unit->arrival_steady = SteadyTime{at};
  unit->media = at;
  unit->keyframe = (sequence - 1) % kGroup == 0;
  unit->data = std::make_unique<std::uint8_t[]>(size);
  unit->size = size;
  return unit;
}

void Fill(FrameRing& ring, std::uint64_t session, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t i = from; i <= to; ++i) ring.Push(Unit(session, i));
}

UtcTime At(std::uint64_t session, milliseconds ms) { return UtcTime{seconds{session * 1000} + ms}; }

TEST(FrameRingTest, HoldsAtLeastItsSpanAndDropsWholeGroups) {
  FrameRing ring(seconds{3}, 1 << 20);
  Fill(ring, 1, 1, 65);
  const auto held = ring.Held();
  ASSERT_TRUE(held);
  EXPECT_EQ(held->oldest, At(1, milliseconds{3000}));
  EXPECT_EQ(held->newest, At(1, milliseconds{6400}));
  EXPECT_EQ(ring.counters().held, 35u);
  EXPECT_EQ(ring.counters().held_bytes, 3500u);
  EXPECT_EQ(ring.counters().taken, 65u);
}

TEST(FrameRingTest, NeverHoldsMoreThanItsBytes) {
  FrameRing ring(seconds{60}, 2500);
  for (std::uint64_t i = 1; i <= 200; ++i) {
    ring.Push(Unit(1, i));
    ASSERT_LE(ring.counters().held_bytes, 2500u);
    ASSERT_TRUE(ring.KeyFrameAtOrBefore(UtcTime::max()));
  }
}

TEST(FrameRingTest, AGroupLargerThanTheRingIsDroppedAndTheNextKeyFrameBeginsAnew) {
  FrameRing ring(seconds{60}, 800);
  Fill(ring, 1, 1, 10);
  EXPECT_FALSE(ring.Held());
  EXPECT_EQ(ring.counters().unusable, 10u);
  Fill(ring, 1, 11, 12);
  EXPECT_EQ(ring.Newest()->sequence, 12u);
}

TEST(FrameRingTest, UnitsBeforeTheFirstKeyFrameOfASessionAreRefusedAndCounted) {
  FrameRing ring(seconds{60}, 1 << 20);
  Fill(ring, 1, 1, 5);
  Fill(ring, 2, 4, 10);
  EXPECT_EQ(ring.counters().unusable, 7u);
  EXPECT_EQ(ring.Newest()->session, 1u);
  Fill(ring, 2, 11, 12);
  EXPECT_EQ(ring.DecodingChain(2, 12).size(), 2u);
}

TEST(FrameRingTest, NearestIsByCaptureTimeAndSaysWhenItIsOutside) {
  FrameRing ring(seconds{60}, 1 << 20);
  EXPECT_EQ(ring.Nearest(At(1, milliseconds{0})).status().code(), StatusCode::kUnavailable);
  Fill(ring, 1, 1, 20);
  EXPECT_EQ(ring.Nearest(At(1, milliseconds{549})).value()->sequence, 6u);
  EXPECT_EQ(ring.Nearest(At(1, milliseconds{551})).value()->sequence, 7u);
  EXPECT_EQ(ring.Nearest(At(1, milliseconds{0})).value()->sequence, 1u);
  EXPECT_EQ(ring.Nearest(At(1, milliseconds{1900})).value()->sequence, 20u);
  EXPECT_EQ(ring.Nearest(At(1, milliseconds{-1})).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ring.Nearest(At(1, milliseconds{1901})).status().code(), StatusCode::kUnavailable);
}

TEST(FrameRingTest, TheChainOfAFrameBeginsAtItsKeyFrameAndEndsWithIt) {
  FrameRing ring(seconds{60}, 1 << 20);
  Fill(ring, 1, 1, 30);
  const auto chain = ring.DecodingChain(1, 17);
  ASSERT_EQ(chain.size(), 7u);
  EXPECT_EQ(chain.front()->sequence, 11u);
  EXPECT_TRUE(chain.front()->keyframe);
  EXPECT_EQ(chain.back()->sequence, 17u);
  EXPECT_TRUE(ring.DecodingChain(1, 31).empty());
  EXPECT_TRUE(ring.DecodingChain(2, 17).empty());
}

TEST(FrameRingTest, TheLastKeyFrameBeforeATimeIsFound) {
  FrameRing ring(seconds{60}, 1 << 20);
  Fill(ring, 1, 1, 30);
  EXPECT_EQ(ring.KeyFrameAtOrBefore(At(1, milliseconds{1000}))->sequence, 11u);
  EXPECT_EQ(ring.KeyFrameAtOrBefore(At(1, milliseconds{999}))->sequence, 1u);
  EXPECT_EQ(ring.KeyFrameAtOrBefore(At(1, milliseconds{-1})), nullptr);
}

TEST(FrameRingTest, AReaderKeepsItsUnitsAfterTheRingHasDroppedThem) {
  FrameRing ring(seconds{1}, 1 << 20);
  Fill(ring, 1, 1, 5);
  const AccessUnitPtr kept = ring.Find(1, 3);
  Fill(ring, 1, 6, 100);
  EXPECT_EQ(ring.Find(1, 3), nullptr);
  EXPECT_EQ(kept->bytes().size(), 100u);
}

TEST(FrameRingTest, TheFrameRateIsOfMediaTime) {
  FrameRing ring(seconds{60}, 1 << 20);
  EXPECT_EQ(ring.FrameRate(), 0);
  Fill(ring, 1, 1, 100);
  EXPECT_NEAR(ring.FrameRate(), 10.0, 0.01);
}

}  // namespace
}  // namespace fusiongateway
