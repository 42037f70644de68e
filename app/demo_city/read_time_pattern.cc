// read-time-pattern FILE|-: prints the capture time that a demo picture (JPEG or PNG) carries, as
// RFC 3339. Exit status 0 done, 1 no time in the picture, 2 bad usage or an unreadable file.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <opencv2/imgcodecs.hpp>
#include <string_view>
#include <vector>

#include "app/demo_city/time_pattern.h"

int main(int argc, char** argv) {
  using namespace fusiongateway;
  if (argc != 2 || std::string_view(argv[1]) == "--help") {
    std::fprintf(stderr,
                 "usage: read-time-pattern FILE|-    (a JPEG or PNG of a demo camera)\n"
                 "example: curl -s http://127.0.0.1:8080/api/v1/cameras/tank-101/snapshot | "
                 "read-time-pattern -\n");
    return 2;
  }
  const std::string_view path = argv[1];
  std::ifstream file;
  if (path != "-") file.open(argv[1], std::ios::binary);
  std::istream& in = path == "-" ? std::cin : file;
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  cv::Mat picture;
  try {
    if (!bytes.empty()) picture = cv::imdecode(bytes, cv::IMREAD_COLOR);
  } catch (const cv::Exception&) {
    picture.release();
  }
  if (picture.empty()) {
    std::fprintf(stderr, "read-time-pattern: %s: not a readable JPEG or PNG\n", argv[1]);
    return 2;
  }
  const Result<UtcTime> time = demo_city::DecodeTimePattern(picture);
  if (!time.ok()) {
    std::fprintf(stderr, "read-time-pattern: %s: %s\n", argv[1], time.status().message().c_str());
    return 1;
  }
  std::printf("%s\n", FormatRfc3339(*time).c_str());
  return 0;
}
