// The machine-readable time of a demo picture: a band of black and white cells along its bottom
// edge that holds one UTC instant to the nanosecond. Tests decode it from pixels, after H.264 and
// JPEG, to learn when a picture was truly taken.
//
// The band spans the picture's width and the lowest twelfth of its height: 2 rows of 48 cells, read
// row by row from the upper left. Cells 0–7 are 10110100 (they find the band and set black and
// white), 8–71 the Unix time in nanoseconds as a signed 64-bit integer, most significant bit first,
// 72–87 its CRC-16/CCITT-FALSE, 88–95 are 01001011. White is 1. As every measure is a fraction of
// the picture, scaling (in either direction, evenly or not) leaves it readable; cropping does not.
//
// Pure functions; safe from any thread.
#pragma once

#include <opencv2/core/mat.hpp>
#include <opencv2/core/types.hpp>

#include "fusion/base/time.h"

namespace fusiongateway::demo_city {

// Where the band lies in a picture of this size.
cv::Rect TimePatternBand(cv::Size picture);

// Writes the band into `picture` (8-bit, one channel or BGR, at least 96 × 48). The brightness
// plane of a YUV picture serves as one channel.
Status DrawTimePattern(cv::Mat& picture, UtcTime time);

// The instant in the band of `picture` (8-bit, one channel or BGR). Refused, with the reason: a
// picture too small or of another type (kInvalidArgument), no band, too little contrast, or a
// checksum that does not hold (kDataLoss). A wrong time is never returned for a damaged band, but
// for the 1 in 2^32 that the checksum and the frame cells let through.
Result<UtcTime> DecodeTimePattern(const cv::Mat& picture);

}  // namespace fusiongateway::demo_city
