#include "app/demo_city/time_pattern.h"

#include <array>
#include <bitset>
#include <cstdint>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>

namespace fusiongateway::demo_city {
namespace {

constexpr int kColumns = 48;
constexpr int kRows = 2;
constexpr int kCells = kColumns * kRows;
constexpr int kBandFraction = 12;
constexpr int kWidthMin = 2 * kColumns;
constexpr int kHeightMin = 2 * kRows * kBandFraction;
constexpr std::uint8_t kHead = 0b10110100;
constexpr std::uint8_t kTail = 0b01001011;
// The bounds of video brightness: outside them an encoder may clip.
constexpr double kWhite = 235;
constexpr double kBlack = 16;
constexpr double kContrastMin = 40;

using Cells = std::bitset<kCells>;  // cell 0 is bit kCells-1: the order in which they are read

std::uint16_t Crc16(std::uint64_t value) {
  std::uint16_t crc = 0xFFFF;
  for (int byte = 7; byte >= 0; --byte) {
    crc ^= static_cast<std::uint16_t>(((value >> (8 * byte)) & 0xFF) << 8);
    for (int bit = 0; bit < 8; ++bit) {
      const bool carry = (crc & 0x8000) != 0;
      crc = static_cast<std::uint16_t>(crc << 1);
      if (carry) crc ^= 0x1021;
    }
  }
  return crc;
}

Cells Encode(UtcTime time) {
  const auto value = static_cast<std::uint64_t>(time.time_since_epoch().count());
  Cells cells(kHead);
  cells = (cells << 64) | Cells(value);
  cells = (cells << 16) | Cells(Crc16(value));
  return (cells << 8) | Cells(kTail);
}

bool CellAt(const Cells& cells, int index) {
  return cells[static_cast<std::size_t>(kCells - 1 - index)];
}

// The pixels of one cell, without `inset` of its size on each side.
cv::Rect CellRect(cv::Size picture, int index, double inset) {
  const cv::Rect band = TimePatternBand(picture);
  const double width = static_cast<double>(band.width) / kColumns;
  const double height = static_cast<double>(band.height) / kRows;
  const int column = index % kColumns;
  const int row = index / kColumns;
  const int left = cvRound((column + inset) * width);
  const int right = cvRound((column + 1 - inset) * width);
  const int top = cvRound((row + inset) * height);
  const int bottom = cvRound((row + 1 - inset) * height);
  return {band.x + left, band.y + top, std::max(1, right - left), std::max(1, bottom - top)};
}

Status CheckPicture(const cv::Mat& picture) {
  if (picture.type() != CV_8UC1 && picture.type() != CV_8UC3) {
    return InvalidArgument("time pattern: the picture must be 8-bit with one channel or BGR");
  }
  if (picture.cols < kWidthMin || picture.rows < kHeightMin) {
    return InvalidArgument("time pattern: the picture is " + std::to_string(picture.cols) + "x" +
                           std::to_string(picture.rows) + ", smaller than " +
                           std::to_string(kWidthMin) + "x" + std::to_string(kHeightMin));
  }
  return {};
}

// The mean brightness of each cell's inner part, where a codec's blur does not reach.
std::array<double, kCells> MeasureCells(const cv::Mat& picture) {
  const cv::Rect band = TimePatternBand(picture.size());
  cv::Mat gray = picture;
  if (picture.channels() == 3) {
    gray = cv::Mat::zeros(picture.size(), CV_8UC1);
    cv::Mat into = gray(band);
    cv::cvtColor(picture(band), into, cv::COLOR_BGR2GRAY);
  }
  std::array<double, kCells> mean{};
  for (int i = 0; i < kCells; ++i) mean[i] = cv::mean(gray(CellRect(gray.size(), i, 0.25)))[0];
  return mean;
}

}  // namespace

cv::Rect TimePatternBand(cv::Size picture) {
  const int height = cvRound(static_cast<double>(picture.height) / kBandFraction);
  return {0, picture.height - height, picture.width, height};
}

Status DrawTimePattern(cv::Mat& picture, UtcTime time) {
  if (Status status = CheckPicture(picture); !status.ok()) return status;
  const Cells cells = Encode(time);
  for (int i = 0; i < kCells; ++i) {
    picture(CellRect(picture.size(), i, 0))
        .setTo(cv::Scalar::all(CellAt(cells, i) ? kWhite : kBlack));
  }
  return {};
}

Result<UtcTime> DecodeTimePattern(const cv::Mat& picture) {
  if (Status status = CheckPicture(picture); !status.ok()) return status;
  const std::array<double, kCells> mean = MeasureCells(picture);

  // The frame cells are half white, half black: their mean is the threshold, their spread the
  // contrast.
  const Cells frame = Encode(UtcTime{});
  double white = 0;
  double black = 0;
  for (int i = 0; i < 8; ++i) {
    for (const int cell : {i, kCells - 8 + i})
      (CellAt(frame, cell) ? white : black) += mean[cell] / 8;
  }
  if (white - black < kContrastMin)
    return DataLoss("time pattern: no band, or too little contrast");

  Cells cells;
  for (int i = 0; i < kCells; ++i) {
    cells[static_cast<std::size_t>(kCells - 1 - i)] = mean[i] > (white + black) / 2;
  }
  const auto field = [&cells](int from, int bits) {
    const Cells mask = ~Cells() >> (kCells - bits);
    return ((cells >> (kCells - from - bits)) & mask).to_ullong();
  };
  if (field(0, 8) != kHead || field(88, 8) != kTail) return DataLoss("time pattern: no band");
  const std::uint64_t value = field(8, 64);
  if (field(72, 16) != Crc16(value)) return DataLoss("time pattern: the checksum does not hold");
  return UtcTime{Duration{static_cast<std::int64_t>(value)}};
}

}  // namespace fusiongateway::demo_city
