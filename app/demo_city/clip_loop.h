// ClipLoop: a recorded clip, decoded by GStreamer and played round and round at the cameras' rate.
// Decoding keeps two pictures ahead and no more: an idle camera costs nothing. A clip that ends,
// or whose decoder fails, is started again at the next call.
#pragma once

#include <filesystem>
#include <memory>
#include <opencv2/core/types.hpp>

#include "app/demo_city/picture_source.h"

namespace fusiongateway::demo_city {

struct ClipLoopOptions {
  std::filesystem::path path;
  cv::Size size;
  Duration start{};       // the first round begins here, later ones at the clip's beginning
  bool mirrored = false;  // left and right exchanged
};

class ClipLoop : public PictureSource {
 public:
  explicit ClipLoop(ClipLoopOptions options);
  ~ClipLoop() override;

  Status Next(const SceneTime& at, cv::Mat& i420) override;

 private:
  struct Decoder;
  Status Open(Duration start);
  Status Take(cv::Mat& i420);

  const ClipLoopOptions options_;
  std::unique_ptr<Decoder> decoder_;
  bool played_ = false;
};

}  // namespace fusiongateway::demo_city
