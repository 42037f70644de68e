// When was this frame taken? A pure algorithm over what is known of each frame: its arrival, its
// media time (RTP) and, once the camera has sent a sender report, the time the camera claims.
//
// Three lines are kept apart. Media time says how frames lie to each other. The camera's claim says
// where they lie on ITS clock. The arrival says where they can lie on OURS: a frame that took the
// path delay d arrived at capture + d, and the quickest of the recent frames (10 s) took between 0
// and `longest`. That last fact bounds everything:
//   with m = min over recent frames of (arrival - media), a frame of media time t was captured in
//   [t + m - longest, t + m].
// `longest` is path_delay_max as long as the quickest recent frame is as quick as the quickest
// known of this time line. When it is slower (more than 5 ms beyond what drift explains), `longest`
// grows by as much: a loaded host or a full link makes the interval wider, not wrong. That stays so
// for as long as the path stays slow: drift is then what the slow frames themselves show of it,
// minute by minute, and is not held to explain the delay afterwards. A minute in which they move by
// more than drift can counts towards what drift may explain (500 ppm of it either way). Beyond 10 s
// it is another time line.
// A claim is evidence to be checked against this and never the truth by itself.
//
//   source            utc                       uncertainty
//   UNSYNCHRONISED    arrival                   unsynchronised_bound; more where a claim says that
//                                               the frame was up to 10 s on its way, and for the
//                                               first second of a connection that was opened
//                                               longer ago: a camera may hold frames until then
//                     the first second of a time line, until a claim comes (at most 10 s), or a
//                     frame that contradicts its time line
//                     middle of the two           up to both ends
//                     a claim that puts the quickest frame's delay between `longest` and
//                     unsynchronised_bound: a slow path or a slow clock, so both are covered
//   SENDER_REPORT     the claim                 clock_error_max + 1 ms where it is declared, else
//                                               max(d, longest - d) + margin, d the path delay of
//                                               the quickest frame if the claim is right
//   ARRIVAL           media + m - longest / 2   longest / 2 + margin
//                                               no claim, or one that arrival contradicts (zero,
//                                               garbage, eight hours off)
// `margin` is 1 ms of resolution plus what 500 ppm of drift makes of the minimum's age.
// What must hold for a bound to hold: RTP times are times of capture to within 500 ppm; the
// quickest frame known took no longer than path_delay_max (not for SENDER_REPORT with a
// clock_error_max: there that bound must hold); an UNSYNCHRONISED frame took no longer than
// unsynchronised_bound.
//
// Within an epoch a later media time never has an earlier utc than the latest before it: a
// correction backwards is held, and the uncertainty widened by as much, until the true line has
// caught up. Larger ones begin a new epoch: an RTP restart (several consistent frames are needed; a
// single one that jumps is stamped UNSYNCHRONISED and counted), a new session (Restart), a step of
// the camera's or of this host's clock. Every frame gets a stamp; none is ever refused.
//
// Not thread-safe; one per camera.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "fusion/base/time.h"

namespace fusiongateway {

struct FrameClockConfig {
  // As CameraConfig explains them.
  Duration path_delay_max = std::chrono::milliseconds{200};
  Duration unsynchronised_bound = std::chrono::seconds{2};
  std::optional<Duration> clock_error_max;
};

struct FrameTimes {
  UtcTime arrival{};               // this host's clock
  SteadyTime arrival_steady{};     // the same instant; shows steps of the host's clock
  Duration media{};                // RTP time line, unwrapped; its zero is arbitrary
  std::optional<UtcTime> claimed;  // by the camera's sender reports, for this very frame
};

class FrameClock {
 public:
  explicit FrameClock(const FrameClockConfig& config) : config_(config) {}

  // The connection is a new one, opened at `opened`: nothing learnt of the old time line holds.
  // The camera may have held the first frames since then.
  void Restart(std::optional<SteadyTime> opened = std::nullopt);

  Stamp Assign(const FrameTimes& frame);

  std::uint64_t epoch() const { return epoch_; }
  // Frames that contradicted their time line.
  std::uint64_t outlier_count() const { return outlier_count_; }
  // The camera's claims were checked against arrival and are not believed now.
  bool claim_rejected() const { return claim_ == Claim::kRejected; }

 private:
  // Minimum of arrival - media over the recent past, and what the quickest frame known would be
  // now.
  class ArrivalEnvelope {
   public:
    void Add(SteadyTime when, Duration delay);
    void Clear();
    bool empty() const { return rising_.empty(); }
    // Enough frames over enough time for the quickest of them to have been undisturbed.
    bool settled() const;
    Duration minimum() const { return rising_.front().delay; }
    Duration quickest() const { return quickest_->delay; }
    // What drift can have made of the minimum since it was seen.
    Duration Margin(SteadyTime now) const;
    // How much longer than the quickest frame known the minimum's may have been on its way.
    Duration Slowed(SteadyTime now) const;

   private:
    struct Sample {
      SteadyTime when;
      Duration delay;
    };
    // What is known of a path that has become slower than the quickest frame.
    struct SlowPath {
      Sample level;       // its quickest frame of the last whole minute
      Duration unsure{};  // what drift can have been in times that do not show it
    };
    void ClearRecent();
    // How much slower than `quickest_` the minimum is, and what drift may explain of that.
    Duration Slower() const { return minimum() - quickest_->delay; }
    Duration Drift(SteadyTime now) const;
    void EndMinute();

    std::deque<Sample> rising_;  // candidates for the minimum: later ones are larger
    // The quickest frame of the time line, moved along with its drift.
    std::optional<Sample> quickest_;
    std::optional<Sample> of_minute_;  // the quickest frame of this minute
    SteadyTime minute_begun_{};
    std::optional<SlowPath> slow_;
    SteadyTime first_{};
    SteadyTime newest_{};
    std::uint64_t count_ = 0;
  };
  struct Point {
    SteadyTime arrival;
    Duration media{};
  };
  struct Published {
    Duration media{};
    UtcTime utc{};
  };
  // kDoubted: either the claim is wrong or the path is slower than declared.
  enum class Claim : std::uint8_t { kNone, kTrusted, kDoubted, kRejected };

  bool HostClockStepped(const FrameTimes& frame);
  bool OnTimeLine(const FrameTimes& frame) const;
  // Whether enough frames in a row agree on another time line.
  bool RivalWins(const FrameTimes& frame);
  void CheckClaim(const FrameTimes& frame);
  // Where the claim puts the quickest frame's path delay.
  Duration ClaimedDelay(const FrameTimes& frame) const;
  // The longest that the quickest of the recent frames can have been on its way.
  Duration LongestDelay(const FrameTimes& frame) const;
  Stamp BestStamp(const FrameTimes& frame);
  Stamp Unsynchronised(const FrameTimes& frame) const;
  // From the earlier of what arrival and the claim allow to the latest that arrival allows.
  Stamp CoverBoth(const FrameTimes& frame) const;
  void KeepMonotone(Duration media, Stamp& stamp);
  void BeginTimeLine();
  void BeginEpoch();

  FrameClockConfig config_;
  std::uint64_t epoch_ = 1;
  bool epoch_used_ = false;
  std::uint64_t outlier_count_ = 0;

  std::optional<Duration> host_offset_;  // utc - steady at the newest frame
  std::optional<Point> newest_;          // of the time line
  SteadyTime line_begun_{};
  std::optional<SteadyTime> opened_;  // until a time line has settled
  ArrivalEnvelope envelope_;
  std::optional<Point> rival_;
  int rival_count_ = 0;

  Claim claim_ = Claim::kNone;
  int claim_run_ = 0;                     // plausible claims since the last implausible one
  std::optional<Duration> claim_offset_;  // utc - media, as last published from a claim
  std::optional<Published> top_;          // the latest point published in this epoch
};

}  // namespace fusiongateway
