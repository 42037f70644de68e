#include "app/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstdint>

namespace fusiongateway {
namespace {

using ::testing::HasSubstr;

// Fills a struct of nothing but 64-bit counters with numbers that occur nowhere else, and looks for
// each of them in what is exported.
class Numbers {
 public:
  template <typename Counters>
  Counters Fill() {
    std::array<std::uint64_t, sizeof(Counters) / sizeof(std::uint64_t)> values;
    for (std::uint64_t& value : values) value = ++last_;
    return std::bit_cast<Counters>(values);
  }
  void ExpectAllIn(const std::string& text) const {
    for (std::uint64_t value = kFirst + 1; value <= last_; ++value) {
      EXPECT_THAT(text, HasSubstr(" " + std::to_string(value) + "\n"))
          << "counter " << value - kFirst << " is exported nowhere";
    }
  }

 private:
  static constexpr std::uint64_t kFirst = 71'000;
  std::uint64_t last_ = kFirst;
};

TEST(Metrics, EveryCounterOfDeliveryIsExported) {
  Numbers numbers;
  MetricsInput input;
  input.stream = numbers.Fill<StreamCounters>();
  input.wall = numbers.Fill<WallStatistics>();
  input.journal = numbers.Fill<JournalStatistics>();
  input.stills = numbers.Fill<KeptFilesStatistics>();
  input.attachments = numbers.Fill<KeptFilesStatistics>();
  numbers.ExpectAllIn(MetricsText(input));
}

TEST(Metrics, AThreadThatHasEndedShows) {
  MetricsInput input;
  input.threads_running = {{"stream", false}, {"wall", true}};
  const std::string text = MetricsText(input);
  EXPECT_THAT(text, HasSubstr("fusion_gateway_thread_running{thread=\"stream\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("fusion_gateway_thread_running{thread=\"wall\"} 1\n"));
}

}  // namespace
}  // namespace fusiongateway
