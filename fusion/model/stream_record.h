// StreamRecord and the bodies it can carry, and LogEntry, the input the engine is a pure function
// of. The domain's forms of fusiongateway.v1's stream.proto and journal.proto.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "fusion/base/time.h"
#include "fusion/model/engine_config.h"
#include "fusion/model/incident.h"
#include "fusion/model/report.h"

namespace fusiongateway {

enum class StreamId : std::uint8_t { kLive = 0, kSettled = 1 };
// "live" | "settled".
std::string_view ToString(StreamId stream);

struct FrameMark {
  std::string camera_id;
  std::string frame_id;
  Stamp captured;
  bool keyframe = false;
  std::string reason;
  friend bool operator==(const FrameMark&, const FrameMark&) = default;
};

struct FeedStatus {
  enum class State : std::uint8_t {
    kUnspecified = 0,
    kConnected = 1,
    kDisconnected = 2,
    kIdle = 3
  };
  std::string feed_id;
  State state = State::kUnspecified;
  std::string client;
  std::string note;
  std::uint64_t accepted = 0, duplicates = 0, rejected = 0, late = 0, stale = 0;
  friend bool operator==(const FeedStatus&, const FeedStatus&) = default;
};

struct CameraStatus {
  enum class State : std::uint8_t {
    kUnspecified = 0,
    kConnecting = 1,
    kStreaming = 2,
    kStalled = 3,
    kDown = 4,
  };
  std::string camera_id;
  State state = State::kUnspecified;
  std::string note;
  ClockSource clock_source = ClockSource::kUnspecified;
  Duration uncertainty{};
  double frame_rate = 0;
  std::uint32_t width = 0, height = 0;
  std::string codec;
  std::uint64_t reconnect_count = 0;
  friend bool operator==(const CameraStatus&, const CameraStatus&) = default;
};

struct HostClock {
  bool synchronised = false;
  Duration error_max{};
  std::uint64_t epoch = 1;
  friend bool operator==(const HostClock&, const HostClock&) = default;
};

struct Watermark {
  UtcTime settled_through{};
  std::string blocker_feed_id;
  friend bool operator==(const Watermark&, const Watermark&) = default;
};

struct OperatorAction {
  std::string action_id;
  std::string incident_id;
  std::string action;
  std::string actor;
  std::string reason;
  std::uint64_t expected_revision = 0;
  std::uint64_t resulting_revision = 0;
  UtcTime at{};
  Grade grade = Grade::kUnspecified;
  friend bool operator==(const OperatorAction&, const OperatorAction&) = default;
};

struct FrameFound {
  std::string incident_id;
  std::string camera_id;
  std::string feed_id;
  std::string report_id;
  std::string frame_id;
  Stamp captured;
  bool keyframe = false;
  std::string reason;
  friend bool operator==(const FrameFound&, const FrameFound&) = default;
};

struct AttachmentFetched {
  std::string feed_id;
  std::string report_id;
  FetchedAttachment fetched;
  friend bool operator==(const AttachmentFetched&, const AttachmentFetched&) = default;
};

struct JournalOpened {
  std::string gateway_id;
  std::string journal_id;
  std::string engine_version;
  friend bool operator==(const JournalOpened&, const JournalOpened&) = default;
};

struct ConfigLoaded {
  std::shared_ptr<const EngineConfig> config;
};

struct Tick {
  friend bool operator==(const Tick&, const Tick&) = default;
};

// Reports are shared, never copied: the log, the live record and the settled record are one object.
using ReportPtr = std::shared_ptr<const Report>;
using IncidentPtr = std::shared_ptr<const Incident>;

// One input of the engine. `at` is the gateway's clock at admission and never goes backwards.
struct LogEntry {
  std::uint64_t position = 0;  // from 1, gapless
  UtcTime at{};
  std::variant<Tick, ReportPtr, JournalOpened, ConfigLoaded, OperatorAction, CameraStatus,
               FrameFound, FeedStatus, HostClock, AttachmentFetched>
      body;
};

struct Origin {
  std::string gateway_id;
  std::string journal_id;
  std::uint64_t seq = 0;
  friend bool operator==(const Origin&, const Origin&) = default;
};

struct StreamRecord {
  std::uint64_t seq = 0;
  Origin origin;
  UtcTime at{};  // on the gateway's clock: its uncertainty relative to that clock is zero
  bool provisional = false;
  bool late = false;
  std::uint64_t amends_seq = 0;
  std::variant<ReportPtr, IncidentPtr, FrameMark, FeedStatus, CameraStatus, HostClock, Watermark,
               OperatorAction>
      body;
  // Position in the log of the report in `body`, for reports; 0 otherwise.
  std::uint64_t report_position = 0;
  // settled incidents: seq of the live record that carries this very state; 0 otherwise.
  std::uint64_t same_as_live_seq = 0;
};

}  // namespace fusiongateway
