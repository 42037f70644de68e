// The JSON API: one request in, one response out, answered from the backend. Knows nothing of
// sockets; may wait for the backend (a commit, a decode), so it runs on the workers.
//
// Thread-safe. Restricted incidents and reports are answered as if they did not exist.
#pragma once

#include "delivery/wall/http_message.h"
#include "delivery/wall/wall_server.h"
#include "fusiongateway/v1/consumer.pb.h"

namespace fusiongateway {

class WallApi {
 public:
  WallApi(WallBackend& backend, const WallOptions& options)
      : backend_(backend), options_(options) {}

  // True for paths this API answers for; everything else is the page's.
  static bool Owns(const RequestTarget& target);
  // True for a request that decodes a picture, whose number at once is bounded.
  static bool IsSnapshot(const RequestTarget& target);
  // True for a request whose answer may be large, whose number at once is bounded too.
  static bool IsAttachment(const RequestTarget& target);

  // Never throws; a method other than the path's own is 405 with Allow.
  ApiResponse Answer(const ApiRequest& request) const;

 private:
  ApiResponse Incidents(const ApiRequest& request) const;
  ApiResponse Incident(const std::string& incident_id) const;
  ApiResponse Evidence(const std::string& incident_id, const ApiRequest& request) const;
  ApiResponse Act(const std::string& incident_id, const ApiRequest& request) const;
  ApiResponse Attachment(const std::string& digest) const;
  ApiResponse Cameras() const;
  ApiResponse Feeds() const;
  ApiResponse Records(const ApiRequest& request) const;
  ApiResponse Snapshot(const std::string& camera_id, const ApiRequest& request) const;
  ApiResponse SnapshotFailed(const std::string& camera_id, std::optional<UtcTime> at,
                             const Status& why) const;
  ApiResponse Ready() const;

  // The incident, unless it is unknown or restricted: then kNotFound.
  Result<v1::Incident> Visible(const std::string& incident_id) const;

  WallBackend& backend_;
  const WallOptions& options_;
};

// The open incidents that may be seen, with the seq of `stream` they hold at least the state of.
v1::Snapshot VisibleSnapshot(const WallBackend& backend, StreamId stream, bool include_closed);

bool IsVisible(const WallBackend& backend, const v1::StreamRecord& record);

std::optional<StreamId> ParseStreamName(std::string_view name);

}  // namespace fusiongateway
