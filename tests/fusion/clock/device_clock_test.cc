#include "fusion/clock/device_clock.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <random>
#include <vector>

namespace fusiongateway {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Fit = DeviceClock::Fit;

constexpr OffsetInterval kWithinFive{-seconds{5}, seconds{5}};

UtcTime At(Duration since_start) { return UtcTime{hours{24 * 365 * 56}} + since_start; }

// A device that writes its clock cut to a resolution.
struct Device {
  Duration ahead{};
  std::int64_t rate_ppm = 0;
  Duration resolution = seconds{1};

  UtcTime Reads(UtcTime truth) const {
    const Duration elapsed = truth - At({});
    return truth + ahead + Duration{elapsed.count() / 1'000'000 * rate_ppm};
  }
  DeviceTime Tells(UtcTime truth, Duration delay) const {
    const Duration shown = Reads(truth).time_since_epoch();
    return {UtcTime{shown - shown % resolution}, resolution, truth + delay};
  }
};

bool Contains(const Stamp& stamp, UtcTime truth) {
  return stamp.Earliest() <= truth && truth <= stamp.Latest();
}

// Prompt reports, five seconds apart, of which it learns; the truth's time of the last.
void Learn(DeviceClock* clock, const Device& device, int from, int count) {
  for (int i = from; i < from + count; ++i) {
    const UtcTime truth = At(seconds{5 * i} + milliseconds{137 * (i % 7)});
    clock->Add(device.Tells(truth, milliseconds{40 + 90 * (i % 5)}), kWithinFive);
  }
}

TEST(DeviceClock, KnowsNothingBeforeThreeReportsAgree) {
  DeviceClock clock({});
  const Device fast{seconds{90}};
  Learn(&clock, fast, 0, 2);
  EXPECT_FALSE(clock.OffsetAt(At(seconds{10})));
  Learn(&clock, fast, 2, 1);
  EXPECT_TRUE(clock.OffsetAt(At(seconds{10})));
}

TEST(DeviceClock, OneTimeToldAgainAndAgainIsOneReport) {
  DeviceClock clock({});
  for (int i = 0; i < 20; ++i) {
    clock.Add({At(hours{2}), seconds{1}, At(milliseconds{250 * i})}, kWithinFive);
  }
  EXPECT_FALSE(clock.OffsetAt(At(seconds{5})));
}

TEST(DeviceClock, ABurstInOneSecondIsOneReport) {
  DeviceClock clock({});
  for (int i = 0; i < 100; ++i) {
    clock.Add({At(hours{2} + milliseconds{10 * i}), milliseconds{1}, At(milliseconds{9 * i})},
              kWithinFive);
  }
  EXPECT_FALSE(clock.OffsetAt(At(seconds{1})));
}

TEST(DeviceClock, AFastClockIsCorrectedToWithinASecondByItsQuickestReports) {
  DeviceClock clock({});
  const Device fast{seconds{90}};
  Learn(&clock, fast, 0, 12);
  for (int ms = 0; ms < 1000; ms += 50) {
    const UtcTime truth = At(seconds{61} + milliseconds{ms});
    const DeviceTime told = fast.Tells(truth, milliseconds{120});
    const Stamp stamp = clock.StampOf(told, false);
    EXPECT_TRUE(Contains(stamp, truth));
    EXPECT_LE(Magnitude(stamp.utc - truth), seconds{1}) << ms;
    EXPECT_LE(stamp.uncertainty, seconds{5});
    EXPECT_EQ(stamp.source, ClockSource::kArrival);
    EXPECT_EQ(stamp.epoch, 1u);
  }
}

TEST(DeviceClock, EightHoursEitherWayAreATimeZone) {
  for (const Duration ahead : {Duration{hours{8}}, -Duration{hours{8}}}) {
    DeviceClock clock({});
    Learn(&clock, Device{ahead}, 0, 12);
    const auto offset = clock.OffsetAt(At(seconds{60}));
    ASSERT_TRUE(offset);
    EXPECT_EQ(HalfHoursOff(*offset, kWithinFive), ahead > Duration{} ? -16 : 16);
  }
  DeviceClock clock({});
  Learn(&clock, Device{seconds{90}}, 0, 12);
  EXPECT_EQ(HalfHoursOff(*clock.OffsetAt(At(seconds{60})), kWithinFive), 0);
  EXPECT_EQ(HalfHoursOff({-seconds{6}, seconds{1}}, kWithinFive), 0) << "right is no zone";
}

TEST(DeviceClock, ABacklogKeepsItsOldTimesAndDoesNotMoveTheClock) {
  DeviceClock clock({});
  const Device fast{seconds{90}};
  Learn(&clock, fast, 0, 12);
  // Ten minutes' outage; then everything at ten times the speed of life.
  for (int i = 0; i < 120; ++i) {
    const UtcTime truth = At(minutes{1} + seconds{5 * i});
    const Duration received = minutes{11} + milliseconds{500 * i};
    const DeviceTime told = fast.Tells(truth, At(received) - truth);
    clock.Add(told, kWithinFive);
    EXPECT_EQ(clock.epoch(), 1u);
    const bool back = clock.WentBack(told);
    EXPECT_FALSE(back);
    const Stamp stamp = clock.StampOf(told, back);
    EXPECT_TRUE(Contains(stamp, truth)) << i;
    EXPECT_LE(Magnitude(stamp.utc - truth), seconds{1}) << i;
    EXPECT_LE(stamp.uncertainty, seconds{8});
  }
}

TEST(DeviceClock, OldEventsToldAmongPromptOnesMoveNothing) {
  DeviceClock clock({});
  const Device right;
  for (int i = 0; i < 200; ++i) {
    Learn(&clock, right, i, 1);
    const DeviceTime old = right.Tells(At(-minutes{20}), minutes{20} + seconds{5 * i});
    clock.Add(old, kWithinFive);
    if (i >= 3) {
      EXPECT_EQ(clock.FitOf(old, kWithinFive), Fit::kLate);
    }
  }
  EXPECT_EQ(clock.epoch(), 1u);
  EXPECT_LE(clock.OffsetAt(At(seconds{1000}))->highest, seconds{1});
}

TEST(DeviceClock, AWildTimeIsNotBelievedAndHarmsNoOther) {
  DeviceClock clock({});
  const Device right;
  Learn(&clock, right, 0, 12);
  clock.Add({At(hours{24 * 365 * 70}), seconds{1}, At(seconds{60})}, kWithinFive);
  clock.Add({At(hours{24 * 365 * 71}), seconds{1}, At(seconds{62})}, kWithinFive);
  const DeviceTime told = right.Tells(At(seconds{65}), milliseconds{100});
  EXPECT_EQ(clock.FitOf(told, kWithinFive), Fit::kAgrees);
  EXPECT_EQ(clock.epoch(), 1u);
}

TEST(DeviceClock, AStepForwardIsBelievedFromTheThirdReportAndBeginsAnEpoch) {
  DeviceClock clock({});
  Learn(&clock, Device{}, 0, 12);
  const Device after{seconds{90}};
  Learn(&clock, after, 12, 2);
  EXPECT_EQ(clock.FitOf(after.Tells(At(seconds{71}), seconds{1}), kWithinFive), Fit::kAhead);
  EXPECT_EQ(clock.epoch(), 1u);
  Learn(&clock, after, 14, 1);
  EXPECT_EQ(clock.epoch(), 2u);
  const UtcTime truth = At(seconds{76});
  EXPECT_TRUE(Contains(clock.StampOf(after.Tells(truth, seconds{1}), false), truth));
}

TEST(DeviceClock, AStepBackIsBelievedWhenABacklogWouldHaveCaughtUp) {
  DeviceClock clock({});
  Learn(&clock, Device{}, 0, 12);
  const Device after{-seconds{90}};
  int i = 12;
  for (; clock.epoch() == 1 && i < 40; ++i) {
    Learn(&clock, after, i, 1);
    const UtcTime truth = At(seconds{5 * i} + milliseconds{137 * (i % 7)});
    const DeviceTime told = after.Tells(truth, milliseconds{40 + 90 * (i % 5)});
    const bool late = clock.FitOf(told, kWithinFive) == Fit::kLate;
    EXPECT_TRUE(Contains(clock.StampOf(told, late && clock.WentBack(told)), truth)) << i;
  }
  EXPECT_EQ(clock.epoch(), 2u);
  EXPECT_GE(i, 12 + 4);
  EXPECT_LE(i, 12 + 7) << "half a minute of reports";
}

TEST(DeviceClock, WhatWasToldBeforeAStepHasTheBoundOfBothClocks) {
  DeviceClock clock({});
  const Device before;
  const Device after{seconds{90}};
  Learn(&clock, before, 0, 12);
  Learn(&clock, after, 12, 12);
  ASSERT_EQ(clock.epoch(), 2u);
  const UtcTime truth = At(seconds{30});
  const DeviceTime told = before.Tells(truth, seconds{95});
  ASSERT_EQ(clock.FitOf(told, kWithinFive), Fit::kLate);
  EXPECT_TRUE(Contains(clock.StampOf(told, false), truth));
}

TEST(DeviceClock, SilenceWidensAndInTheEndForgets) {
  DeviceClock clock({});
  Learn(&clock, Device{seconds{90}}, 0, 12);
  const auto width = [&](Duration at) {
    const auto offset = clock.OffsetAt(At(at));
    return offset->highest - offset->lowest;
  };
  EXPECT_LE(width(minutes{1}), seconds{6} + milliseconds{100});
  EXPECT_GE(width(hours{10}), seconds{6} + 2 * seconds{7}) << "200 ppm either way";
  clock.Add(Device{}.Tells(At(hours{20}), {}), kWithinFive);
  EXPECT_FALSE(clock.OffsetAt(At(hours{20})));
}

// The world of the properties below: one device with any clock, resolution and way. All of it
// follows from one number, which a failure prints.
class World {
 public:
  explicit World(std::uint32_t seed) : random_(seed) {
    device.ahead = milliseconds{Within(-30'000'000, 30'000'000)};
    device.rate_ppm = Within(-190, 190);
    device.resolution = std::vector<Duration>{milliseconds{1}, milliseconds{100}, seconds{1},
                                              minutes{1}}[static_cast<std::size_t>(Within(0, 3))];
    delay_max = milliseconds{Within(50, 20'000)};
    quickest_ = OneIn(2) ? Duration{} : delay_max / Within(1, 20);
    clock = DeviceClock({.delay_max = delay_max});
  }

  std::int64_t Within(std::int64_t from, std::int64_t to) {
    return std::uniform_int_distribution<std::int64_t>(from, to)(random_);
  }
  bool OneIn(int n) { return Within(1, n) == 1; }
  // Mostly about as quick as can be; now and then all that is allowed.
  Duration Delay() {
    if (OneIn(5)) return delay_max;
    return Duration{Within(quickest_.count(), delay_max.count())};
  }
  void Pass(Duration most) { now += Duration{Within(0, most.count())}; }
  DeviceTime Hear(UtcTime truth, Duration delay) {
    const DeviceTime told = device.Tells(truth, delay);
    clock.Add(told, kWithinFive);
    return told;
  }

  Device device;
  Duration delay_max{};
  DeviceClock clock{DeviceClock::Options{}};
  UtcTime now = At({});

 private:
  std::mt19937 random_;
  Duration quickest_{};
};

TEST(DeviceClock, EveryPromptReportsTruthLiesWithinItsBoundWhateverItsClockDid) {
  int judged = 0, doubtful = 0;
  rc::check([&](std::uint32_t seed) {
    World world(seed);
    for (int i = 0; i < 200; ++i) {
      world.Pass(seconds{30});
      if (world.OneIn(25)) world.device.ahead += milliseconds{world.Within(-8'000'000, 8'000'000)};
      const UtcTime truth = world.now;
      const DeviceTime told = world.Hear(truth, world.Delay());
      const Fit fit = world.clock.FitOf(told, kWithinFive);
      if (!world.clock.OffsetAt(world.now) || fit == Fit::kAhead) continue;
      // A step back by less than the silence before it looks like a backlog.
      if (fit == Fit::kLate && !world.clock.WentBack(told)) continue;
      const Stamp stamp = world.clock.StampOf(told, fit == Fit::kLate);
      RC_ASSERT(Contains(stamp, truth));
      if (fit == Fit::kAgrees) RC_ASSERT(stamp.uncertainty <= world.delay_max);
      ++(fit == Fit::kAgrees ? judged : doubtful);
    }
  });
  EXPECT_GT(judged, 5000);
  EXPECT_GT(doubtful, 200);
}

TEST(DeviceClock, EveryBacklogsTruthLiesWithinItsBoundWhichIsNarrow) {
  int judged = 0;
  rc::check([&](std::uint32_t seed) {
    World world(seed);
    for (int i = 0; i < 30; ++i) {
      world.now += seconds{2} + world.device.resolution;
      world.Pass(seconds{60});
      world.Hear(world.now, world.Delay());
    }
    RC_ASSERT(world.clock.OffsetAt(world.now).has_value());
    // Stored while the way is cut, then handed on in order.
    const UtcTime cut = world.now + world.delay_max + seconds{1};
    const Duration outage = seconds{world.Within(30, 7200)};
    const int stored = static_cast<int>(world.Within(1, 60));
    UtcTime arrival = cut + outage;
    for (int i = 0; i < stored; ++i) {
      const UtcTime truth = cut + outage / stored * i;
      arrival += milliseconds{world.Within(0, 200)};
      const DeviceTime told = world.Hear(truth, arrival - truth);
      RC_ASSERT(world.clock.epoch() == 1u);
      RC_ASSERT(world.clock.FitOf(told, kWithinFive) != Fit::kAhead);
      if (world.clock.FitOf(told, kWithinFive) == Fit::kAgrees) continue;
      RC_ASSERT(!world.clock.WentBack(told));
      const Stamp stamp = world.clock.StampOf(told, false);
      RC_ASSERT(Contains(stamp, truth));
      RC_ASSERT(stamp.uncertainty <= world.delay_max + 2 * world.device.resolution +
                                         2 * Drift(outage + minutes{70}, kDriftPpm));
      ++judged;
    }
  });
  EXPECT_GT(judged, 1000);
}

}  // namespace
}  // namespace fusiongateway
