#include "app/commands/keygen.h"

#include <fcntl.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "pipeline/feeds/feed_tokens.h"

namespace fusiongateway {
namespace {

int MakeHttpToken(const std::string& feed_id) {
  const std::string token = FeedTokens::Make();
  if (token.empty()) {
    std::fprintf(stderr, "no token: this machine has no source of random numbers\n");
    return 1;
  }
  std::printf("token: %s\nhttp_tokens_sha256: [\"%s\"]\n", token.c_str(),
              FeedTokens::HashOf(token).c_str());
  std::fprintf(
      stderr,
      "The token is shown this once: give it to the publisher of feed \"%s\" and to nobody "
      "else. Put the second line into that feed's entry of the configuration and restart "
      "the gateway.\n",
      feed_id.c_str());
  return 0;
}

}  // namespace

int RunKeygen(const KeygenOptions& options) {
  if (!options.http_token_feed.empty()) return MakeHttpToken(options.http_token_feed);
  std::array<char, 41> public_key{};
  std::array<char, 41> secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0) {
    std::fprintf(stderr, "no key: this libzmq was built without CURVE\n");
    return 1;
  }
  const int fd = open(options.file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    std::fprintf(stderr, "%s: %s; a key file is never overwritten\n", options.file.c_str(),
                 std::strerror(errno));
    return 1;
  }
  const std::string text = std::string("# CURVE key pair (Z85). Keep the secret key secret.\n") +
                           "public_key: " + public_key.data() +
                           "\nsecret_key: " + secret_key.data() + "\n";
  const bool written =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  if (close(fd) != 0 || !written) {
    std::fprintf(stderr, "%s: cannot be written: %s\n", options.file.c_str(), std::strerror(errno));
    return 1;
  }
  std::printf("%s\n", public_key.data());
  std::fprintf(stderr,
               "secret key in %s; standard output has the public key: give it to whom you connect "
               "to, or who connects to you\n",
               options.file.c_str());
  return 0;
}

}  // namespace fusiongateway
