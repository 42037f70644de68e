// Fuzz target: the check of addresses that alarms link. What may be asked leads to a host and port
// of the list over http or https, and is the same when what was parsed is parsed again.
#include <curl/curl.h>

#include <cstdint>
#include <string>

#include "delivery/evidence/attachment_policy.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fusiongateway;
  static const AttachmentPolicy policy =
      *AttachmentPolicy::Make({"nvr-1.example", "127.0.0.1:9000", "[::1]:81"});
  const std::string url(reinterpret_cast<const char*>(data), size);
  (void)MediaTypeOf(url);
  const auto target = policy.Check(url);
  if (!target.ok()) {
    fuzz::Require(!target.status().message().empty(), "a refusal that does not say why");
    return 0;
  }
  const std::string origin = target->origin();
  fuzz::Require(origin == "http://nvr-1.example:80" || origin == "https://nvr-1.example:443" ||
                    origin == "http://127.0.0.1:9000" || origin == "https://127.0.0.1:9000" ||
                    origin == "http://[::1]:81" || origin == "https://[::1]:81",
                "an origin that is not in the list");
  char* text = nullptr;
  fuzz::Require(curl_url_get(target->url.get(), CURLUPART_URL, &text, 0) == CURLUE_OK,
                "a target that is no URL");
  const auto again = policy.Check(text);
  curl_free(text);
  fuzz::Require(again.ok() && again->origin() == origin,
                "a target that is another when read again");
  return 0;
}
