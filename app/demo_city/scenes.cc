#include "app/demo_city/scenes.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

namespace fusiongateway::demo_city {
namespace {

// Scenes are composed on this canvas and scaled when a camera is of another size.
constexpr int kWidth = 640;
constexpr int kHeight = 360;

const cv::Scalar kChlorine(96, 214, 190);  // blue, green, red: greenish yellow
const cv::Scalar kSmoke(150, 150, 150);
const cv::Scalar kSteel(188, 186, 178);
const cv::Scalar kInk(40, 40, 40);

double Seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

// A fixed, even spread of [0, 1) over (seed, index): the same picture for the same seed everywhere.
double Noise(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t x = seed * 0x9E3779B97F4A7C15ULL + index * 0xBF58476D1CE4E5B9ULL + 1;
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9ULL;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBULL;
  x ^= x >> 31;
  return static_cast<double>(x >> 11) / static_cast<double>(1ULL << 53);
}

// A soft round puff of `colour`, its middle covered to `strength` (0..1).
void DrawPuff(cv::Mat& canvas, cv::Point2d centre, double radius, const cv::Scalar& colour,
              double strength) {
  const cv::Rect box(cvFloor(centre.x - radius), cvFloor(centre.y - radius), cvCeil(2 * radius) + 1,
                     cvCeil(2 * radius) + 1);
  const cv::Rect seen = box & cv::Rect({0, 0}, canvas.size());
  const int blue = cvRound(colour[0]);
  const int green = cvRound(colour[1]);
  const int red = cvRound(colour[2]);
  for (int y = seen.y; y < seen.br().y; ++y) {
    auto* row = canvas.ptr<cv::Vec3b>(y);
    for (int x = seen.x; x < seen.br().x; ++x) {
      const double dx = (x - centre.x) / radius;
      const double dy = (y - centre.y) / radius;
      const double inside = 1 - dx * dx - dy * dy;
      if (inside <= 0) continue;
      const int cover = static_cast<int>(256 * strength * inside * inside);
      cv::Vec3b& pixel = row[x];
      pixel[0] = static_cast<uchar>(pixel[0] + ((blue - pixel[0]) * cover >> 8));
      pixel[1] = static_cast<uchar>(pixel[1] + ((green - pixel[1]) * cover >> 8));
      pixel[2] = static_cast<uchar>(pixel[2] + ((red - pixel[2]) * cover >> 8));
    }
  }
}

// A cloud that streams from one place: each puff drifts, grows and thins out, again and again.
struct Plume {
  cv::Point2d from;
  cv::Point2d drift;  // pixels that a puff travels in its life
  double radius_from = 6;
  double radius_to = 40;
  double spread = 12;  // pixels sideways at the end of its life
  double life_seconds = 9;
  int puffs = 26;
  cv::Scalar colour;
  double strength = 0.5;
};

// `age` is for how long the plume has streamed, in the story's time: it reaches its full length and
// strength after `kPlumeGrowth`.
void DrawPlume(cv::Mat& canvas, const Plume& plume, double now_seconds, Duration age,
               std::uint64_t seed) {
  constexpr double kPlumeGrowth = 25;
  const double grown = std::clamp(Seconds(age) / kPlumeGrowth, 0.0, 1.0);
  for (int i = 0; i < plume.puffs; ++i) {
    const auto index = static_cast<std::uint64_t>(i);
    const double turn = now_seconds / plume.life_seconds + Noise(seed, index);
    const double phase = turn - std::floor(turn);
    if (phase > 0.08 + grown) continue;
    const double side = (Noise(seed, index + 1000) - 0.5) * 2 * plume.spread * phase;
    const double length = std::hypot(plume.drift.x, plume.drift.y);
    const cv::Point2d across(-plume.drift.y / length, plume.drift.x / length);
    const cv::Point2d centre = plume.from + plume.drift * phase + across * side;
    const double radius = plume.radius_from + (plume.radius_to - plume.radius_from) * phase;
    const double thin = std::sin(std::numbers::pi * std::min(1.0, phase * 0.9 + 0.1));
    DrawPuff(canvas, centre, radius, plume.colour, plume.strength * (0.4 + 0.6 * grown) * thin);
  }
}

void DrawSky(cv::Mat& canvas, int horizon, const cv::Scalar& high, const cv::Scalar& low) {
  for (int y = 0; y < horizon; ++y) {
    const double part = static_cast<double>(y) / horizon;
    canvas.row(y).setTo(high * (1 - part) + low * part);
  }
}

void Box(cv::Mat& canvas, cv::Rect box, const cv::Scalar& colour) {
  cv::rectangle(canvas, box, colour, cv::FILLED);
  cv::rectangle(canvas, box, colour * 0.6, 1, cv::LINE_AA);
}

void Label(cv::Mat& canvas, const std::string& text, cv::Point at, double size,
           const cv::Scalar& colour) {
  cv::putText(canvas, text, at, cv::FONT_HERSHEY_DUPLEX, size, colour, 1, cv::LINE_AA);
}

// An upright cylinder with a domed top, shaded from the left.
void DrawTank(cv::Mat& canvas, cv::Rect body, const std::string& name) {
  const int dome = body.width / 7;
  for (int x = 0; x < body.width; ++x) {
    const double part = static_cast<double>(x) / body.width;
    const double light = 0.55 + 0.45 * std::sin(std::numbers::pi * (0.25 + 0.75 * part));
    const double edge = std::sqrt(std::max(0.0, 1 - std::pow(2 * part - 1, 2)));
    cv::line(canvas, {body.x + x, body.y - cvRound(dome * edge)},
             {body.x + x, body.br().y + cvRound(dome * 0.6 * edge)}, kSteel * light, 1);
  }
  for (const int share : {1, 2}) {
    cv::ellipse(canvas, {body.x + body.width / 2, body.y + body.height * share / 3},
                {body.width / 2, cvRound(dome * 0.6)}, 0, 0, 180, kSteel * 0.55, 1, cv::LINE_AA);
  }
  const int ladder = body.x + body.width * 4 / 5;
  for (const int rail : {ladder, ladder + 7}) {
    cv::line(canvas, {rail, body.y - dome / 2}, {rail, body.br().y}, kInk, 1, cv::LINE_AA);
  }
  for (int y = body.y; y < body.br().y; y += 7)
    cv::line(canvas, {ladder, y}, {ladder + 7, y}, kInk, 1);
  Label(canvas, name, {body.x + body.width / 6, body.y + body.height / 4}, body.width / 170.0,
        cv::Scalar(130, 60, 20));
}

void DrawPerson(cv::Mat& canvas, cv::Point feet, double height, const cv::Scalar& vest,
                double step) {
  const cv::Point hip(feet.x, cvRound(feet.y - height * 0.45));
  const cv::Point neck(feet.x, cvRound(feet.y - height * 0.82));
  const int stride = cvRound(height * 0.16 * std::sin(step * 2 * std::numbers::pi));
  const int bone = std::max(2, cvRound(height / 9));
  cv::line(canvas, hip, {feet.x - stride, feet.y}, kInk, bone, cv::LINE_AA);
  cv::line(canvas, hip, {feet.x + stride, feet.y}, kInk, bone, cv::LINE_AA);
  cv::line(canvas, neck, hip, vest, bone * 2, cv::LINE_AA);
  cv::circle(canvas, {neck.x, cvRound(neck.y - height * 0.1)}, bone, {30, 190, 240}, cv::FILLED,
             cv::LINE_AA);
}

void DrawCar(cv::Mat& canvas, cv::Point left_bottom, int length, const cv::Scalar& colour) {
  const int height = length / 4;
  const int x = left_bottom.x;
  const int y = left_bottom.y;
  const std::vector<cv::Point> cabin{{x + length / 5, y - height},
                                     {x + length / 3, y - height * 2},
                                     {x + length * 3 / 4, y - height * 2},
                                     {x + length * 9 / 10, y - height}};
  cv::fillConvexPoly(canvas, cabin, colour * 0.5, cv::LINE_AA);
  cv::rectangle(canvas, {x, y - height, length, height - 3}, colour, cv::FILLED);
  for (const int wheel : {x + length / 5, x + length * 4 / 5}) {
    cv::circle(canvas, {wheel, y - 3}, std::max(2, length / 11), kInk, cv::FILLED, cv::LINE_AA);
  }
}

// Clouds in the sky, drifting slowly: also what shows that a quiet picture is alive.
void DrawClouds(cv::Mat& canvas, int horizon, double now_seconds, std::uint64_t seed) {
  constexpr int kClouds = 4;
  constexpr double kSpan = kWidth + 240;
  for (std::uint64_t i = 0; i < kClouds; ++i) {
    const double x =
        std::fmod(now_seconds * (2 + 2 * Noise(seed, 40 + i)) + kSpan * Noise(seed, 50 + i),
                  kSpan) -
        120;
    const double y = 30 + (horizon - 70) * 0.6 * Noise(seed, 60 + i);
    for (std::uint64_t k = 0; k < 4; ++k) {
      const double dx = (Noise(seed, 100 * i + k) - 0.5) * 90;
      DrawPuff(canvas, {x + dx, y + 8 * Noise(seed, 100 * i + k + 50)},
               22 + 14 * Noise(seed, i + k), {250, 248, 246}, 0.45);
    }
  }
}

// A still background, drawn once, and what moves before it, drawn for every picture.
class Scene : public PictureSource {
 public:
  Scene(cv::Size size, std::uint64_t seed) : size_(size), seed_(seed) {}

  Status Next(const SceneTime& at, cv::Mat& i420) final {
    if (background_.empty()) {
      background_ = cv::Mat(kHeight, kWidth, CV_8UC3, cv::Scalar::all(90));
      DrawBackground(background_);
    }
    background_.copyTo(canvas_);
    // A day's seconds: enough digits left for smooth motion.
    const double now = Seconds(at.now.time_since_epoch() % std::chrono::hours(24));
    DrawMoving(canvas_, now, at.story);
    if (size_ != canvas_.size()) {
      cv::resize(canvas_, scaled_, size_, 0, 0, cv::INTER_LINEAR);
      cv::cvtColor(scaled_, i420, cv::COLOR_BGR2YUV_I420);
    } else {
      cv::cvtColor(canvas_, i420, cv::COLOR_BGR2YUV_I420);
    }
    return {};
  }

 protected:
  virtual void DrawBackground(cv::Mat& canvas) const = 0;
  virtual void DrawMoving(cv::Mat& canvas, double now, std::optional<Duration> story) const = 0;
  std::uint64_t seed() const { return seed_; }

 private:
  const cv::Size size_;
  const std::uint64_t seed_;
  cv::Mat background_;
  cv::Mat canvas_;
  cv::Mat scaled_;
};

class TankScene final : public Scene {
 public:
  using Scene::Scene;

 private:
  void DrawBackground(cv::Mat& canvas) const override {
    DrawSky(canvas, 190, {214, 178, 130}, {236, 224, 208});
    cv::rectangle(canvas, {0, 190, kWidth, kHeight - 190}, {120, 132, 136}, cv::FILLED);
    Box(canvas, {0, 168, 150, 30}, {150, 160, 168});
    Box(canvas, {500, 150, 140, 48}, {140, 150, 170});
    DrawTank(canvas, {90, 96, 130, 150}, "T-101");
    DrawTank(canvas, {290, 106, 120, 138}, "T-102");
    DrawTank(canvas, {470, 120, 100, 120}, "T-103");
    cv::rectangle(canvas, {40, 262, 560, 14}, {150, 156, 160}, cv::FILLED);
    cv::line(canvas, {40, 262}, {600, 262}, {190, 196, 200}, 2, cv::LINE_AA);
    for (const int y : {226, 236}) {
      cv::line(canvas, {218, y}, {620, y}, {60, 150, 210}, 4, cv::LINE_AA);
    }
    cv::circle(canvas, {232, 231}, 9, {30, 30, 190}, 2, cv::LINE_AA);
    cv::line(canvas, {232, 222}, {232, 240}, {30, 30, 190}, 2, cv::LINE_AA);
    cv::line(canvas, {52, 258}, {52, 150}, kInk, 2, cv::LINE_AA);
    Label(canvas, "CHLORINE  Cl2", {300, 292}, 0.5, {30, 30, 160});
  }

  void DrawMoving(cv::Mat& canvas, double now, std::optional<Duration> story) const override {
    DrawClouds(canvas, 190, now, seed());
    const bool leaking = story && *story >= kLeakBegins;
    // The wind sock, the gas detector's beacon, and a worker on the round who leaves when it leaks.
    const double wave = 6 * std::sin(now * 2.2);
    const std::vector<cv::Point> sock{
        {52, 150}, {52, 164}, {92, cvRound(162 + wave)}, {92, cvRound(156 + wave)}};
    cv::fillConvexPoly(canvas, sock, {40, 110, 240}, cv::LINE_AA);
    const bool flash = leaking && std::fmod(now, 1.0) < 0.5;
    cv::circle(canvas, {262, 206}, 7, flash ? cv::Scalar(40, 40, 250) : cv::Scalar(70, 120, 70),
               cv::FILLED, cv::LINE_AA);
    if (!leaking) {
      const double walk = std::fmod(now * 14, 2 * 480.0);
      const int x = cvRound(80 + (walk < 480 ? walk : 960 - walk));
      DrawPerson(canvas, {x, 316}, 46, {40, 120, 250}, now * 0.9);
      return;
    }
    const Duration age = *story - kLeakBegins;
    DrawPlume(canvas,
              {.from = {236, 238},
               .drift = {300, 20},
               .radius_from = 10,
               .radius_to = 74,
               .spread = 46,
               .puffs = 34,
               .colour = kChlorine,
               .strength = 0.62},
              now, age, seed());
  }
};

class GateScene final : public Scene {
 public:
  using Scene::Scene;

 private:
  void DrawBackground(cv::Mat& canvas) const override {
    DrawSky(canvas, 150, {220, 186, 140}, {238, 228, 214});
    cv::rectangle(canvas, {0, 150, kWidth, kHeight - 150}, {104, 140, 118}, cv::FILLED);
    DrawTank(canvas, {60, 96, 54, 54}, "");
    DrawTank(canvas, {126, 102, 46, 48}, "");
    Box(canvas, {0, 142, 250, 46}, {150, 168, 190});
    Box(canvas, {450, 142, 190, 46}, {150, 168, 190});
    const std::vector<cv::Point> road{{262, 188}, {440, 188}, {640, 360}, {60, 360}};
    cv::fillConvexPoly(canvas, road, {112, 112, 112}, cv::LINE_AA);
    for (int i = 0; i < 5; ++i) {
      const int y = 196 + i * i * 7;
      cv::line(canvas, {350, y}, {350, y + 6 + i * 4}, {235, 235, 235}, 2 + i, cv::LINE_AA);
    }
    Box(canvas, {462, 128, 84, 92}, {206, 216, 224});
    Box(canvas, {474, 150, 34, 30}, {190, 160, 110});
    for (const int x : {256, 440}) Box(canvas, {x, 112, 12, 84}, {120, 130, 140});
    Box(canvas, {240, 96, 228, 24}, {150, 70, 40});
    Label(canvas, "LONGYU CHEMICAL  GATE 1", {252, 113}, 0.45, {245, 245, 245});
  }

  void DrawMoving(cv::Mat& canvas, double now, std::optional<Duration> story) const override {
    DrawClouds(canvas, 150, now, seed());
    // A car comes every 24 s and leaves towards the camera; the barrier lifts for it. Nobody drives
    // in or out of a leak.
    const bool leaking = story && *story >= kLeakBegins;
    const double turn = std::fmod(now, 24.0);
    const bool open = !leaking && turn < 9;
    const double angle = open ? -1.2 * std::sin(std::numbers::pi * turn / 9) : 0;
    const cv::Point hinge(272, 196);
    cv::line(canvas, hinge,
             {hinge.x + cvRound(164 * std::cos(angle)), hinge.y + cvRound(164 * std::sin(angle))},
             {50, 50, 220}, 5, cv::LINE_AA);
    if (open) {
      const double near = turn / 9;
      DrawCar(canvas, {cvRound(330 - 130 * near * near), cvRound(206 + 170 * near * near)},
              cvRound(40 + 150 * near * near), {170, 110, 60});
    }
    DrawPerson(canvas, {572, 246}, 50, {60, 200, 250}, leaking ? now * 2 : 0.0);
    // The cloud reaches the gate a while after it leaves the tank.
    constexpr Duration kReachesGate = std::chrono::seconds(30);
    if (!leaking || *story < kLeakBegins + kReachesGate) return;
    DrawPlume(canvas,
              {.from = {100, 146},
               .drift = {420, 40},
               .radius_from = 12,
               .radius_to = 58,
               .spread = 30,
               .life_seconds = 14,
               .puffs = 30,
               .colour = kChlorine,
               .strength = 0.5},
              now, *story - kLeakBegins - kReachesGate, seed());
  }
};

class TowerScene final : public Scene {
 public:
  using Scene::Scene;

 private:
  void DrawBackground(cv::Mat& canvas) const override {
    DrawSky(canvas, 130, {226, 190, 140}, {240, 232, 222});
    for (int y = 130; y < kHeight; ++y) {
      canvas.row(y).setTo(cv::Scalar(110 - (y - 130) * 0.2, 158 - (y - 130) * 0.15, 134));
    }
    // Fields in perspective, a river, the town on the horizon.
    for (std::uint64_t i = 0; i < 40; ++i) {
      const double depth = Noise(seed(), 200 + i);
      const int y = cvRound(140 + 200 * depth * depth);
      const int w = cvRound(40 + 120 * depth);
      const int x = cvRound(Noise(seed(), 300 + i) * (kWidth + 80)) - 80;
      const double tint = 0.85 + 0.3 * Noise(seed(), 400 + i);
      const std::vector<cv::Point> field{
          {x, y}, {x + w, y}, {x + w + w / 4, y + w / 5}, {x - w / 6, y + w / 5}};
      cv::fillConvexPoly(canvas, field, cv::Scalar(84, 150, 128) * tint, cv::LINE_AA);
    }
    const std::vector<cv::Point> river{{0, 250},   {180, 222}, {400, 240}, {640, 206},
                                       {640, 222}, {400, 258}, {180, 240}, {0, 272}};
    cv::fillPoly(canvas, std::vector<std::vector<cv::Point>>{river}, {196, 170, 130}, cv::LINE_AA);
    for (std::uint64_t i = 0; i < 34; ++i) {
      const int h = cvRound(6 + 22 * Noise(seed(), 500 + i));
      const int x = cvRound(Noise(seed(), 600 + i) * kWidth);
      Box(canvas, {x, 134 - h, cvRound(8 + 12 * Noise(seed(), 700 + i)), h}, {176, 170, 166});
    }
    DrawPlant(canvas);
  }

  static void DrawPlant(cv::Mat& canvas) {
    Box(canvas, {288, 168, 130, 22}, {160, 168, 176});
    DrawTank(canvas, {300, 150, 22, 30}, "");
    DrawTank(canvas, {328, 152, 20, 28}, "");
    DrawTank(canvas, {354, 154, 18, 26}, "");
    Box(canvas, {392, 104, 9, 80}, {120, 130, 190});
    Box(canvas, {404, 156, 44, 30}, {150, 150, 180});
  }

  void DrawMoving(cv::Mat& canvas, double now, std::optional<Duration> story) const override {
    DrawClouds(canvas, 120, now, seed());
    const double drive = std::fmod(now * 6, kWidth + 40.0);
    DrawCar(canvas, {cvRound(drive) - 20, 206}, 12, {60, 60, 180});
    DrawCar(canvas, {cvRound(kWidth - drive), 212}, 12, {200, 200, 200});
    if (!story) return;
    // Low and green from the leak's first minute; the smoke that the tower alarms on comes later.
    constexpr Duration kCloudSeen = std::chrono::seconds(60);
    if (*story >= kLeakBegins + kCloudSeen) {
      DrawPlume(canvas,
                {.from = {318, 178},
                 .drift = {150, 8},
                 .radius_from = 5,
                 .radius_to = 24,
                 .spread = 8,
                 .life_seconds = 16,
                 .puffs = 24,
                 .colour = kChlorine,
                 .strength = 0.5},
                now, *story - kLeakBegins - kCloudSeen, seed());
    }
    if (*story >= kTowerSmokeRises) {
      DrawPlume(canvas,
                {.from = {316, 150},
                 .drift = {150, -118},
                 .radius_from = 6,
                 .radius_to = 42,
                 .spread = 22,
                 .life_seconds = 14,
                 .puffs = 36,
                 .colour = kSmoke,
                 .strength = 0.62},
                now, *story - kTowerSmokeRises, seed() + 1);
    }
  }
};

// Stands in for a clip that is absent: a crossing with a few cars.
class StreetScene final : public Scene {
 public:
  using Scene::Scene;

 private:
  void DrawBackground(cv::Mat& canvas) const override {
    DrawSky(canvas, 120, {216, 184, 142}, {236, 226, 212});
    for (std::uint64_t i = 0; i < 9; ++i) {
      const int h = cvRound(50 + 60 * Noise(seed(), i));
      const int x = static_cast<int>(i) * 74 - 10;
      Box(canvas, {x, 150 - h, 68, h},
          cv::Scalar(150, 160, 176) * (0.8 + 0.3 * Noise(seed(), 20 + i)));
      for (int y = 160 - h; y < 140; y += 16) {
        for (int w = x + 8; w < x + 56; w += 16) Box(canvas, {w, y, 8, 8}, {190, 170, 130});
      }
    }
    cv::rectangle(canvas, {0, 150, kWidth, 60}, {150, 158, 160}, cv::FILLED);
    cv::rectangle(canvas, {0, 210, kWidth, 110}, {104, 104, 104}, cv::FILLED);
    for (int x = 0; x < kWidth; x += 60)
      cv::rectangle(canvas, {x, 262, 34, 5}, {230, 230, 230}, cv::FILLED);
    cv::rectangle(canvas, {0, 320, kWidth, 40}, {140, 150, 150}, cv::FILLED);
  }

  void DrawMoving(cv::Mat& canvas, double now, std::optional<Duration>) const override {
    for (std::uint64_t i = 0; i < 3; ++i) {
      const double speed = 40 + 30 * Noise(seed(), 30 + i);
      const double span = kWidth + 240;
      const int x = cvRound(std::fmod(now * speed + span * Noise(seed(), 35 + i), span)) - 120;
      const cv::Scalar colour(60 + 150 * Noise(seed(), i), 90, 60 + 150 * Noise(seed(), 7 + i));
      DrawCar(canvas, {x, 250}, 90, colour);
      DrawCar(canvas, {kWidth - x, 308}, 100, colour * 0.8);
    }
    const double walk = std::fmod(now * 18, kWidth + 60.0);
    DrawPerson(canvas, {cvRound(walk) - 30, 204}, 44, {120, 80, 160}, now * 1.1);
  }
};

}  // namespace

std::unique_ptr<PictureSource> MakeScene(PictureKind kind, cv::Size size, std::uint64_t seed) {
  switch (kind) {
    case PictureKind::kTankScene:
      return std::make_unique<TankScene>(size, seed);
    case PictureKind::kGateScene:
      return std::make_unique<GateScene>(size, seed);
    case PictureKind::kTowerScene:
      return std::make_unique<TowerScene>(size, seed);
    case PictureKind::kStreetScene:
    case PictureKind::kClip:
      break;
  }
  return std::make_unique<StreetScene>(size, seed);
}

}  // namespace fusiongateway::demo_city
