// What may be fetched of what an alarm links. The address of a picture is chosen by whoever can
// send an alarm, so nothing is asked that the configuration does not name: exact hosts and ports,
// http and https only, and no address of this machine or its own link behind a name.
//
// Pure, but for libcurl's URL parser, which is also what parses the address for the request: what
// is checked is what is asked. Thread-safe once made.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fusion/base/status.h"

struct Curl_URL;

namespace fusiongateway {

// Why there is no picture, as it is told to readers; "HTTP_<status>" beside these.
namespace fetch_failure {
inline constexpr const char* kNotAllowed = "NOT_ALLOWED";  // its host is not in the configuration
inline constexpr const char* kMaskedUrl = "MASKED_URL";    // a person's number stood in it
inline constexpr const char* kTooLarge = "TOO_LARGE";      // beyond the bound of its role
inline constexpr const char* kUnknownType =
    "UNKNOWN_TYPE";                                 // no picture or clip by its first bytes
inline constexpr const char* kTimeout = "TIMEOUT";  // in all tries
inline constexpr const char* kUnreachable =
    "UNREACHABLE";                                       // no connection, or cut off, in all tries
inline constexpr const char* kTls = "TLS";               // its certificate cannot be trusted
inline constexpr const char* kExpired = "EXPIRED";       // the gateway was away for too long
inline constexpr const char* kQueueFull = "QUEUE_FULL";  // too many at once
inline constexpr const char* kNotKept = "NOT_KEPT";      // could not be written: disk full
}  // namespace fetch_failure

// A URL that may be asked.
struct FetchTarget {
  std::shared_ptr<Curl_URL> url;
  std::string host;  // lower case, as the list has it; IPv6 in brackets
  std::uint16_t port = 0;
  std::string scheme;
  bool is_address = false;  // the host is an IP address, which the list names as such
  // "https://nvr-1.example:443": all of it that may be written down. Paths carry tokens.
  std::string origin() const;
};

class AttachmentPolicy {
 public:
  // Each of `hosts` is a host name or an address ("[fd00::1]"), with ":port" where it is not the
  // scheme's own. kInvalidArgument names the one that is neither.
  static Result<AttachmentPolicy> Make(const std::vector<std::string>& hosts);

  // Otherwise kInvalidArgument with the fetch_failure as its message.
  Result<FetchTarget> Check(const std::string& url) const;

 private:
  struct Host {
    std::string name;
    std::uint16_t port = 0;  // 0 = the scheme's own
  };
  std::vector<Host> hosts_;
};

// False for addresses that no host name may lead to: this machine, its link (with the metadata
// services of clouds), many at once, nowhere; also where such an IPv4 address is written in an IPv6
// one. Private ranges are where recorders stand, and may be connected to.
bool MayConnectTo(const sockaddr& address);

// RFC 6838 type by the first bytes; "" for what is no picture or clip that is kept.
std::string_view MediaTypeOf(std::string_view bytes);

// How many bytes an attachment of that role may have.
std::uint64_t BytesMaxOf(std::string_view role);

}  // namespace fusiongateway
