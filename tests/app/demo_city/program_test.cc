// The programs demo-city and read-time-pattern as a user runs them.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <string>

#include "app/demo_city/city.h"
#include "app/demo_city/time_pattern.h"

namespace fusiongateway::demo_city {
namespace {

struct Outcome {
  int status = -1;
  std::string output;  // standard output and error together
};

Outcome Shell(const std::string& command) {
  Outcome outcome;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return outcome;
  char buffer[512];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) outcome.output += buffer;
  const int status = pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

TEST(DemoCityProgram, ListsTheCamerasWithTheirAddresses) {
  const Outcome outcome = Shell(DEMO_CITY " --list-cameras --rtsp-port 9554");
  EXPECT_EQ(outcome.status, 0);
  for (const CityCamera& camera : Cameras()) {
    EXPECT_NE(outcome.output.find(RtspUrl(9554, camera.id)), std::string::npos) << outcome.output;
  }
}

TEST(DemoCityProgram, EndsByItselfAfterItsDuration) {
  const Outcome outcome =
      Shell("timeout 20 " DEMO_CITY " --rtsp-port 0 --no-publishers --duration 0.3");
  EXPECT_EQ(outcome.status, 0) << outcome.output;
}

TEST(DemoCityProgram, EndsCleanlyWhenToldToStop) {
  for (const char* signal : {"INT", "TERM"}) {
    const Outcome outcome = Shell(std::string("timeout --preserve-status -k 10 -s ") + signal +
                                  " 1 " DEMO_CITY " --rtsp-port 0 --no-publishers");
    EXPECT_EQ(outcome.status, 0) << signal << ": " << outcome.output;
  }
}

TEST(DemoCityProgram, BadUsageIsStatusTwoAndNamesTheOption) {
  const Outcome outcome = Shell(DEMO_CITY " --scenario flood");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_NE(outcome.output.find("--scenario"), std::string::npos) << outcome.output;
}

TEST(ReadTimePatternProgram, PrintsTheTimeOfAPicture) {
  const auto path =
      std::filesystem::temp_directory_path() / ("fg-pattern-" + std::to_string(getpid()) + ".jpg");
  cv::Mat picture(360, 640, CV_8UC3, cv::Scalar(90, 120, 30));
  ASSERT_TRUE(DrawTimePattern(picture, UtcTime{Duration{1'795'428'000'123'456'789}}).ok());
  cv::imwrite(path.string(), picture);
  const std::string expected = FormatRfc3339(UtcTime{Duration{1'795'428'000'123'456'789}}) + "\n";
  EXPECT_EQ(Shell(READ_TIME_PATTERN " " + path.string()).output, expected);
  EXPECT_EQ(Shell(READ_TIME_PATTERN " - < " + path.string()).output, expected);
  cv::imwrite(path.string(), cv::Mat(360, 640, CV_8UC3, cv::Scalar(90, 120, 30)));
  EXPECT_EQ(Shell(READ_TIME_PATTERN " " + path.string()).status, 1);
  std::filesystem::remove(path);
  EXPECT_EQ(Shell(READ_TIME_PATTERN " " + path.string()).status, 2);
}

}  // namespace
}  // namespace fusiongateway::demo_city
