// Payloads that were taken from publishers and are not decoded yet: a line for each feed and one
// for each test session. Decoded in small pieces, whose line's turn it is (fair_queue.h), by the
// feed's decoder. An isolated feed's plugin is at one piece at a time, a lot; its line stands still
// meanwhile and nobody waits for it. What it leaves of a lot is begun again.
//
// Not bounded by itself: whoever pushes knows what there is room for (bytes, bytes_of). Not
// thread-safe, except that `wake` is called on other threads; takes the time from its caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fusion/base/time.h"
#include "fusiongateway/v1/publisher.pb.h"
#include "pipeline/feeds/fair_queue.h"
#include "pipeline/feeds/feed_decoder.h"
#include "pipeline/feeds/ingress_sink.h"

namespace fusiongateway {

// The session whose payloads they are.
struct PayloadOwner {
  std::string session_id;
  std::string peer;
  std::string feed_id;
  std::string outbox_id;
  bool test = false;
};

// A piece of one message, decoded.
struct DecodedPiece {
  PayloadOwner owner;
  IngressBatch batch;
  bool finished = false;  // the last of its message
  // For people: what the decoder found of a clock meanwhile.
  std::optional<std::string> clock_finding;
};

class WaitingPayloads {
 public:
  using Decoders = std::map<std::string, std::unique_ptr<FeedDecoder>>;
  // Room for so many payloads, or false: what was to be decoded goes on waiting.
  using Reserve = std::function<bool(std::size_t)>;

  // `quota_of_feed`: payloads a second, by feed; none = no limit. `wake` is called when an isolated
  // feed has more for DecodeSome.
  WaitingPayloads(Decoders decoders, const std::map<std::string, std::uint64_t>& quota_of_feed,
                  std::function<void()> wake);

  // Payloads of `publish` from `next` on; `bytes`: what the whole message counts.
  void Push(const PayloadOwner& owner, v1::Publish&& publish, int next, std::size_t bytes,
            const DecodeContext& context);
  // Of a session that ends: it is not acked, so it is sent again.
  void Forget(const PayloadOwner& owner);

  // The next piece, and of test sessions, which need no room, another. kIdle: nothing waits, or
  // nothing that may be decoded now.
  enum class Decoded { kSome, kIdle, kNoRoom };
  Decoded DecodeSome(SteadyTime steady_now, const Reserve& reserve,
                     std::vector<DecodedPiece>* pieces);

  bool any() const { return real_.size() + tests_.size() > 0; }
  // Of messages that are not wholly decoded: all, and a session's.
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t bytes_of(const std::string& session_id) const;

  const Decoders& decoders() const { return decoders_; }

 private:
  struct Message {
    PayloadOwner owner;
    v1::Publish publish;
    int next = 0;
    std::size_t bytes = 0;
    DecodeContext context;
    bool begun = false;  // an isolated feed's plugin is at payloads from `next` on
  };
  using Queue = FairQueue<Message>;
  // What an isolated feed's plugin is at.
  struct Lot {
    std::string session_id;
    bool forgotten = false;                                  // nobody wants it any more
    std::vector<std::pair<Queue*, std::string>> held_lines;  // that stand still until it is done
  };

  Queue& QueueOf(const PayloadOwner& owner) { return owner.test ? tests_ : real_; }
  static const std::string& LineOf(const PayloadOwner& owner) {
    return owner.test ? owner.peer : owner.feed_id;
  }
  Decoded DecodeFrom(Queue* queue, SteadyTime steady_now, const Reserve& reserve,
                     std::vector<DecodedPiece>* pieces);
  // Payloads to be decoded of what stands first in a line, at most so many. Of an isolated feed's:
  // those of its lot that are answered; 0: one was begun, or is to be begun again.
  int CountNow(int most, Message* message);
  DecodedPiece Decode(const Message& message, int count);
  std::vector<DecodeOutcome> Outcomes(const Message& message, int count);
  // Gives an isolated feed's plugin the next piece of a line, which is held meanwhile.
  void BeginLot(int count, Message* message);
  // Releases the lines of lots that are answered; drops those that nobody wants any more.
  void LookAtLots();
  void EndLot(const std::string& feed_id);
  void Finished(const Message& message);

  Decoders decoders_;
  const std::function<void()> wake_;
  Queue real_;                                     // a line a feed
  Queue tests_;                                    // a line a test session
  std::map<std::string, Lot> lots_;                // under way, by isolated feed
  std::map<std::string, std::uint64_t> bytes_of_;  // by session id
  std::uint64_t bytes_ = 0;
};

}  // namespace fusiongateway
