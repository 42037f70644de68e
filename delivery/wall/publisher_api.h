// Publishing over HTTP (docs/wire-protocol.md, "Over HTTP"): requests as what is asked of the
// publisher protocol, and its answers as responses. Decides nothing itself. Knows nothing of
// sockets. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "delivery/wall/http_message.h"
#include "pipeline/feeds/publisher_exchanges.h"

namespace fusiongateway {

// True for /api/v1/feeds/{id}/reports, publisher, probe and dispositions.
bool IsPublisherPath(const RequestTarget& target);
// The {id} of such a path.
const std::string& PublishersFeed(const RequestTarget& target);

// The token of an Authorization header; empty if it holds none.
std::string_view BearerToken(std::string_view authorization);

// `allowed_feed`: the feed that the request's token is for. Refused: another method than the
// path's, parameters that are missing, unknown or cannot be, a body that cannot be read.
std::variant<ApiResponse, PublisherRequest> ReadPublisherRequest(const ApiRequest& request,
                                                                 const std::string& allowed_feed);

ApiResponse ToResponse(const PublisherAnswer& answer);
ApiResponse TokenRequired();
ApiResponse TokenOfAnotherFeed();

}  // namespace fusiongateway
