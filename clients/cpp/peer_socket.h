// One DEALER connection to a gateway, made fresh each time: a DEALER that libzmq reconnects by
// itself comes back under a new identity with its old queue, which is not the session it had. So a
// lost connection is reported, and the caller makes a new PeerSocket and says hello again.
//
// Threading: one thread owns it; only Waker::Wake may be called from others. Nothing waits longer
// than asked. Messages are bounded by libzmq's high-water marks; above them Send says so. Closing
// keeps unsent messages for at most `linger`. libzmq's exceptions stop here.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "fusion/base/status.h"
#include "fusion/base/time.h"

namespace fusiongateway::client {

// CURVE keys in Z85 (40 characters). All empty: no encryption, which a gateway takes on loopback
// only.
struct CurveKeys {
  std::string server_public;
  std::string client_public;
  std::string client_secret;

  bool empty() const {
    return server_public.empty() && client_public.empty() && client_secret.empty();
  }
};

// Ends another thread's PeerSocket::Wait early.
class Waker {
 public:
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  void Wake();
  // Until woken, at most `wait`.
  void Wait(Duration wait);
  // Forgets wake-ups so far.
  void Clear();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

class PeerSocket {
 public:
  enum class Event { kTimeout, kMessage, kWoken, kDisconnected, kKeyRefused };

  // Starts connecting; that the other side is not there yet is no error. Refused: an endpoint or a
  // key that libzmq does not take.
  static Result<std::unique_ptr<PeerSocket>> Connect(const std::string& endpoint,
                                                     const CurveKeys& keys);
  ~PeerSocket();

  // Queues one message. kResourceExhausted when the peer takes none now.
  Status Send(std::string_view bytes);
  // The first thing that happens within `wait`. A message is moved to `message`.
  Event Wait(Duration wait, Waker* waker, std::string* message);
  // Unsent messages may still leave for this long when the socket is destroyed. Default: none.
  void SetLinger(Duration linger);

 private:
  struct Impl;
  explicit PeerSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusiongateway::client
