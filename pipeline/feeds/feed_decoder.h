// From one payload of a feed to Reports: the feed's plugin, then the normaliser (privacy,
// coordinates, codes, alignment).
//
// One instance per feed, used by one thread at a time; instances are independent of each other. The
// payload is borrowed for the call. Decode never throws and reads no clock, file or socket.
// A payload is taken whole or refused whole. Whatever leaves is masked: reports, the refusal's text
// and the payload kept as a dead letter. It keeps what the reports show of their clocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusion/base/status.h"
#include "fusion/base/time.h"
#include "fusion/clock/peer_clock.h"
#include "fusion/model/engine_config.h"
#include "fusion/model/report.h"
#include "fusiongateway/v1/report.pb.h"
#include "pipeline/feeds/codes.h"
#include "pipeline/feeds/device_clocks.h"
#include "pipeline/feeds/feed_config.h"
#include "pipeline/feeds/plugin_process.h"
#include "pipeline/feeds/refusal.h"

namespace fusiongateway {

struct DecodeContext {
  // When the payload arrived, on the gateway's clock.
  UtcTime received_at{};
  // The publisher's own clock, if probes have measured it.
  std::optional<PeerClockEstimate> publisher_clock;
  // That clock has stepped, and how far is not known yet.
  bool publisher_clock_doubted = false;
  // Only tried: the payload teaches nothing of the clocks behind it.
  bool trial = false;
};

struct DecodeOutcome {
  std::vector<Report> reports;
  // Set: nothing was taken.
  std::optional<Refusal> refusal;
  // The payload without personal data; only with a refusal.
  std::string masked_payload;
};

struct FeedDecoderCounters {
  // Payloads on which the plugin broke its contract.
  std::uint64_t plugin_error_count = 0;
  // Reports with a flag "UNKNOWN_CODE:…".
  std::uint64_t unknown_code_count = 0;
  FeedClockCounters clocks;
};

// Code tables, and the feed's plugin made with them. Made on any thread, while a decoder of the
// same feed runs on another.
struct FeedTables {
  std::shared_ptr<FeedPlugin> plugin;
  CodeTables codes;
};

class FeedDecoder {
 public:
  // Loads the feed's plugin. Refused: a module that cannot be loaded, speaks another ABI version,
  // bears another name, or does not accept its configuration; a text encoding that the system
  // lacks. `processes` is asked for one if the feed is isolated.
  static Result<std::unique_ptr<FeedDecoder>> Create(const FeedConfig& config,
                                                     const std::vector<EngineConfig::Site>& sites,
                                                     const CodeTables& tables,
                                                     const PluginProcessOptions& processes = {});
  static Result<FeedTables> MakeTables(const FeedConfig& config,
                                       const std::vector<EngineConfig::Site>& sites,
                                       const CodeTables& tables,
                                       const PluginProcessOptions& processes = {});
  ~FeedDecoder();
  FeedDecoder(const FeedDecoder&) = delete;
  FeedDecoder& operator=(const FeedDecoder&) = delete;

  DecodeOutcome Decode(std::string_view payload, const DecodeContext& context);

  // The plugin is in a process of its own: Decode waits for it, perhaps for long. Who must not wait
  // begins a lot of payloads, is woken (on another thread) when the plugin is done with them, and
  // finishes them, or drops them if nobody wants them any more. One lot at a time. Only the first
  // of a lot may be answered, or none if it was cut short: the others are to be begun again.
  bool isolated() const;
  void Begin(std::vector<std::string> payloads, const DecodeContext& context,
             const std::function<void()>& wake);
  bool begun() const;
  bool answered() const;  // begun, and may be finished or dropped
  std::size_t answered_count() const;
  void CutLot();  // that was begun: answered soon, as far as it is
  std::vector<DecodeOutcome> Finish();
  void DropLot();
  PluginProcessCounters process_counters() const;

  // The payload as a dead letter would keep it. Counts nothing.
  std::string Masked(std::string_view payload, UtcTime received_at);

  // A report of this feed that an earlier run took: teaches its clock, so that a restart does not
  // forget which clocks are wrong. In the order of their arrival.
  void Recall(const v1::Report& report);
  // For people: what was found of a clock of this feed, masked, once.
  std::optional<std::string> TakeClockFinding();
  // Other code tables from the next payload on, cutting a lot short; all that the decoder remembers
  // stays.
  void TakeTables(FeedTables tables);

  FeedDecoderCounters counters() const;

 private:
  struct Impl;
  explicit FeedDecoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusiongateway
