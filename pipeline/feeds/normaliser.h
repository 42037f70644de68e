// Makes a plugin's Report one of the gateway's: WGS-84, known codes, its site and district, a time
// with its bound, and nothing of persons in it.
//
// Immutable after construction; any thread. Refused: what no honest source sends (no id or kind, a
// place off the earth, a time outside 1970 .. 2200). Odd but possible things are taken and flagged.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fusion/base/time.h"
#include "fusion/clock/peer_clock.h"
#include "fusion/model/engine_config.h"
#include "fusiongateway/v1/report.pb.h"
#include "pipeline/feeds/codes.h"
#include "pipeline/feeds/feed_config.h"
#include "pipeline/feeds/masking.h"
#include "pipeline/feeds/refusal.h"

namespace fusiongateway {

// Where a report's time comes from. `occurred_at` and `resolution` as the source wrote them;
// `measured` its own clock, if probes did so.
struct AlignedTime {
  Stamp stamp;
  // "FUTURE_TIME", "PAST_TIME", "CLOCK_OFF".
  std::vector<std::string> flags;
};

// A written time stands for [occurred_at, occurred_at + resolution). PROBED if the publisher's own
// clock stamped it and is measured, else DECLARED. A time that is wholly after its arrival proves
// the bound wrong: CLOCK_OFF, and like no time at all it is UNSYNCHRONISED: the arrival, with the
// configured bound.
AlignedTime Align(std::optional<UtcTime> occurred_at, Duration resolution, UtcTime received_at,
                  const std::optional<PeerClockEstimate>& measured, const FeedConfig& config);

class Normaliser {
 public:
  Normaliser(FeedConfig config, const std::vector<EngineConfig::Site>& sites, CodeTables tables);

  // `publisher_clock`: of the publisher itself, used where the report's clock_id is empty.
  std::optional<Refusal> Normalise(UtcTime received_at,
                                   const std::optional<PeerClockEstimate>& publisher_clock,
                                   Masker* masker, v1::Report* report) const;

 private:
  struct SiteFacts {
    std::string site_id;
    std::string district_code;
  };

  void SetPlaces(v1::Report* report) const;
  void SetSite(v1::Report* report) const;
  void SetCodes(v1::Report* report) const;
  void SetTimes(UtcTime received_at, const std::optional<PeerClockEstimate>& publisher_clock,
                v1::Report* report) const;
  void SetDrill(v1::Report* report) const;
  const SiteFacts* FindSite(const std::string& id) const;

  const FeedConfig config_;
  const CodeTables tables_;
  std::map<std::string, SiteFacts, std::less<>> sites_by_id_;
};

}  // namespace fusiongateway
