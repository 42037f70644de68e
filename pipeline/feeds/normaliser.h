// Makes a plugin's Report one of the gateway's: WGS-84, known codes, its site and district, a time
// with its bound, and nothing of persons in it.
//
// One thread at a time. Refused: what no honest source sends (no id or kind, a
// place off the earth, a time outside 1970 .. 2200). Odd but possible things are taken and flagged.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fusion/base/time.h"
#include "fusion/model/engine_config.h"
#include "fusiongateway/v1/report.pb.h"
#include "pipeline/feeds/codes.h"
#include "pipeline/feeds/device_clocks.h"
#include "pipeline/feeds/feed_config.h"
#include "pipeline/feeds/masking.h"
#include "pipeline/feeds/refusal.h"

namespace fusiongateway {

ReportTime ReportTimeOf(const v1::Report& report, UtcTime received_at);

class Normaliser {
 public:
  Normaliser(FeedConfig config, const std::vector<EngineConfig::Site>& sites, CodeTables tables);

  // Other code tables from here on.
  void TakeTables(CodeTables tables) { tables_ = std::move(tables); }

  // Turns what a report tells of its time into the stamp it is aligned at.
  using Aligner = std::function<AlignedTime(const ReportTime&)>;

  std::optional<Refusal> Normalise(UtcTime received_at, const Aligner& aligner, Masker* masker,
                                   v1::Report* report) const;

 private:
  struct SiteFacts {
    std::string site_id;
    std::string district_code;
  };

  void SetPlaces(v1::Report* report) const;
  void SetSite(v1::Report* report) const;
  void SetCodes(v1::Report* report) const;
  static void SetTimes(UtcTime received_at, const Aligner& aligner, v1::Report* report);
  void SetDrill(v1::Report* report) const;
  const SiteFacts* FindSite(const std::string& id) const;

  const FeedConfig config_;
  CodeTables tables_;
  std::map<std::string, SiteFacts, std::less<>> sites_by_id_;
};

}  // namespace fusiongateway
