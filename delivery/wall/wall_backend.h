// What the wall's HTTP and WebSocket server asks of the gateway. Implemented by app/gateway; a test
// gives its own. Every member may be called from the server's threads and answers without waiting
// for the fusion loop, except Act, SubmitLetter and DropLetter, which wait for their commit.
// FeedOfToken and Exchange are called from the I/O thread and must not wait for anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "delivery/evidence/attachment_store.h"
#include "delivery/journal/journal.h"
#include "fusion/base/status.h"
#include "fusion/engine.h"
#include "fusiongateway/v1/incident.pb.h"
#include "fusiongateway/v1/stream.pb.h"
#include "pipeline/cameras/frame_store.h"
#include "pipeline/feeds/publisher_exchanges.h"

namespace fusiongateway {

// Static facts of a camera beside its CameraStatus.
struct CameraFacts {
  std::string camera_id;
  std::string name;
  std::string role;
  std::string site_id;
  std::optional<Position> position;
};

class WallBackend {
 public:
  virtual ~WallBackend() = default;

  virtual const Journal& journal() const = 0;
  virtual FrameStore& frames() = 0;

  // Current state of open incidents and those that ended recently, newest first.
  virtual std::vector<v1::Incident> Incidents(bool include_closed, std::size_t max) const = 0;
  // The stream's records that incidents read afterwards know of, at least.
  virtual std::uint64_t IncidentsThrough(StreamId stream) const = 0;
  virtual Result<v1::Incident> FindIncident(const std::string& incident_id) const = 0;
  // All evidence, from `after` (0-based index) on, at most `max`.
  virtual Result<std::vector<v1::Evidence>> EvidencePage(const std::string& incident_id,
                                                         std::size_t after,
                                                         std::size_t max) const = 0;
  // What was fetched of an alarm's links, by "sha256-<hex>"; kNotFound also for what nobody may
  // see.
  virtual Result<KeptAttachment> FindAttachment(const std::string& digest) const = 0;
  virtual std::vector<CameraFacts> CameraList() const = 0;
  virtual std::vector<v1::FeedStatus> Feeds() const = 0;
  // Logs the action, waits for its commit, and says what became of it. A repeated action_id returns
  // the first result; a stale expected_revision is kFailedPrecondition.
  virtual Result<ActionResult> Act(const OperatorAction& action) = 0;

  // Decodes an open dead letter again, or `payload` in its place, as of its first arrival, and
  // takes the reports; what became of it, on disk. kNotFound; kFailedPrecondition: dealt with
  // before.
  virtual Result<LetterResult> SubmitLetter(const std::string& feed_id, std::uint64_t id,
                                            const std::optional<std::string>& payload) = 0;
  virtual Result<LetterResult> DropLetter(const std::string& feed_id, std::uint64_t id) = 0;

  // Publishing over HTTP: the feed that this token is for, none if it is nobody's; and one exchange
  // with the publisher protocol, answered once, from any thread.
  virtual std::optional<std::string> FeedOfToken(std::string_view token) const = 0;
  virtual void Exchange(PublisherRequest request, PublisherAnswered answered) = 0;

  // "" when ready; otherwise why not, for people.
  virtual std::string NotReadyBecause() const = 0;
  // Prometheus text format.
  virtual std::string MetricsText() const = 0;
};

}  // namespace fusiongateway
