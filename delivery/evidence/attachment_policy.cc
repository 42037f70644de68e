#include "delivery/evidence/attachment_policy.h"

#include <curl/curl.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace fusiongateway {
namespace {

constexpr std::size_t kUrlBytesMax = 2048;
constexpr std::uint64_t kPictureBytesMax = std::uint64_t{8} << 20;
constexpr std::uint64_t kClipBytesMax = std::uint64_t{32} << 20;

using CurlUrl = std::shared_ptr<CURLU>;

// "" if it is not there.
std::string PartOf(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

CurlUrl Parse(const std::string& text) {
  CurlUrl url(curl_url(), curl_url_cleanup);
  // Nothing guessed, no credentials.
  const bool ok =
      url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER) == CURLUE_OK;
  return ok ? url : nullptr;
}

// Lower case; none for what is no host that could stand in the list: other letters, a dot at its
// end, a zone.
std::optional<std::string> HostOf(CURLU* url) {
  std::string host = PartOf(url, CURLUPART_HOST);
  for (char& c : host) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._:[]").find(c) != std::string_view::npos;
    if (!plain) return std::nullopt;
  }
  if (host.empty() || host.back() == '.') return std::nullopt;
  if (!PartOf(url, CURLUPART_ZONEID).empty()) return std::nullopt;
  return host;
}

std::uint16_t PortOf(CURLU* url, unsigned flags) {
  const std::string text = PartOf(url, CURLUPART_PORT, flags);
  std::uint16_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port;
}

// Four numbers and three dots, as curl writes every form of an IPv4 address; or brackets.
bool IsAddress(const std::string& host) {
  return host.front() == '[' || host.find_first_not_of("0123456789.") == std::string::npos;
}

// What the masking of personal data leaves in a text.
bool LooksMasked(const std::string& url) {
  return url.find('*') != std::string::npos || url.find("[证件号]") != std::string::npos;
}

bool HasOddBytes(const std::string& url) {
  return std::any_of(url.begin(), url.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7F || c == '\\';
  });
}

bool MayConnectToIpv4(std::uint32_t address) {
  struct Range {
    std::uint32_t network;
    int bits;
  };
  static constexpr std::array<Range, 6> kRefused{{
      {0x00'00'00'00, 8},   // this network
      {0x7F'00'00'00, 8},   // loopback
      {0xA9'FE'00'00, 16},  // link-local, with most clouds' metadata service
      {0x64'64'64'C8, 32},  // 100.100.100.200: Alibaba Cloud's
      {0xE0'00'00'00, 4},   // multicast
      {0xF0'00'00'00, 4},   // reserved, broadcast
  }};
  return std::none_of(kRefused.begin(), kRefused.end(), [address](const Range& range) {
    return (address ^ range.network) >> (32 - range.bits) == 0;
  });
}

bool MayConnectToIpv6(const std::array<std::uint8_t, 16>& address) {
  const auto begins_with = [&address](std::initializer_list<int> prefix) {
    return std::equal(prefix.begin(), prefix.end(), address.begin());
  };
  const auto ipv4_at = [&address](std::size_t at) {
    return std::uint32_t{address[at]} << 24 | std::uint32_t{address[at + 1]} << 16 |
           std::uint32_t{address[at + 2]} << 8 | std::uint32_t{address[at + 3]};
  };
  const bool mapped = begins_with({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF});
  const bool compatible = begins_with({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});  // also :: and ::1
  const bool translated = begins_with({0x00, 0x64, 0xFF, 0x9B});
  if (mapped || compatible || translated) return MayConnectToIpv4(ipv4_at(12));
  if (begins_with({0x20, 0x02})) return MayConnectToIpv4(ipv4_at(2));  // 6to4
  if (begins_with({0xFD, 0x00, 0x0E, 0xC2})) return false;             // AWS's metadata service
  const bool link_local = address[0] == 0xFE && (address[1] & 0xC0) == 0x80;
  return !link_local && address[0] != 0xFF;
}

bool StandsAt(std::string_view bytes, std::size_t at, std::string_view what) {
  return bytes.size() >= at + what.size() && bytes.substr(at, what.size()) == what;
}

}  // namespace

std::string FetchTarget::origin() const {
  return scheme + "://" + host + ":" + std::to_string(port);
}

Result<AttachmentPolicy> AttachmentPolicy::Make(const std::vector<std::string>& hosts) {
  AttachmentPolicy policy;
  for (const std::string& entry : hosts) {
    const Status wrong = InvalidArgument(
        "\"" + entry +
        "\" is no host: give a name or an address, and \":port\" if it is not 80 or "
        "443; no scheme, path or pattern");
    if (entry.find_first_of("/@?#*%\\ ") != std::string::npos) return wrong;
    const CurlUrl url = Parse("http://" + entry + "/");
    const auto host = url ? HostOf(url.get()) : std::nullopt;
    if (!host) return wrong;
    policy.hosts_.push_back({*host, PortOf(url.get(), 0)});
  }
  return policy;
}

Result<FetchTarget> AttachmentPolicy::Check(const std::string& url) const {
  const Status not_allowed = InvalidArgument(fetch_failure::kNotAllowed);
  if (LooksMasked(url)) return InvalidArgument(fetch_failure::kMaskedUrl);
  if (url.size() > kUrlBytesMax || HasOddBytes(url)) return not_allowed;
  const CurlUrl parsed = Parse(url);
  if (!parsed || url.find('#') != std::string::npos) return not_allowed;
  FetchTarget target;
  target.url = parsed;
  target.scheme = PartOf(parsed.get(), CURLUPART_SCHEME);
  const auto host = HostOf(parsed.get());
  if (!host || (target.scheme != "http" && target.scheme != "https")) return not_allowed;
  target.host = *host;
  target.port = PortOf(parsed.get(), CURLU_DEFAULT_PORT);
  target.is_address = IsAddress(target.host);
  const std::uint16_t own_port = target.scheme == "https" ? 443 : 80;
  const bool listed = std::any_of(hosts_.begin(), hosts_.end(), [&](const Host& known) {
    return known.name == target.host && (known.port ? known.port : own_port) == target.port;
  });
  if (!listed) return not_allowed;
  return target;
}

bool MayConnectTo(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    return MayConnectToIpv4(ntohl(in.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof in);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return MayConnectToIpv6(bytes);
  }
  return false;
}

std::string_view MediaTypeOf(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (StandsAt(bytes, 0, "\xFF\xD8\xFF"sv)) return "image/jpeg";
  if (StandsAt(bytes, 0, "\x89PNG\r\n\x1A\n"sv)) return "image/png";
  if (StandsAt(bytes, 0, "RIFF"sv) && StandsAt(bytes, 8, "WEBP"sv)) return "image/webp";
  if (StandsAt(bytes, 4, "ftypavif"sv)) return "image/avif";
  if (StandsAt(bytes, 4, "ftyphei"sv) || StandsAt(bytes, 4, "ftypmif1"sv)) return "image/heic";
  if (StandsAt(bytes, 4, "ftyp"sv)) return "video/mp4";
  constexpr std::size_t kTsPacket = 188;
  if (StandsAt(bytes, 0, "G"sv) && StandsAt(bytes, kTsPacket, "G"sv) &&
      StandsAt(bytes, 2 * kTsPacket, "G"sv)) {
    return "video/mp2t";
  }
  return "";
}

std::uint64_t BytesMaxOf(std::string_view role) {
  return role == "clip" ? kClipBytesMax : kPictureBytesMax;
}

}  // namespace fusiongateway
