// How far a publisher may send: the gateway's absolute credit beyond what it has acked, and what is
// on its way. Pure bookkeeping; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace fusiongateway::client {

class SendWindow {
 public:
  // Starts a session: everything through `through_seq` is with the gateway, nothing is on its way.
  void Reset(std::uint64_t through_seq, std::uint64_t payloads, std::uint64_t bytes);
  // A payload of that size may go now. With nothing on the way a payload larger than the credit in
  // bytes may go too: it would otherwise never go.
  bool MaySend(std::uint64_t bytes) const;
  // How many payloads the credit lets through now, if they are small.
  std::uint64_t PayloadsLeft() const;
  // The payload after last_sent() is on its way.
  void Sent(std::uint64_t bytes);
  void Acked(std::uint64_t through_seq);
  void SetCredit(std::uint64_t payloads, std::uint64_t bytes);
  // The gateway refused `next_seq` and everything after it: they are not on their way any more.
  void Rewind(std::uint64_t next_seq);

  std::uint64_t last_sent() const { return through_ + in_flight_.size(); }
  std::size_t in_flight() const { return in_flight_.size(); }

 private:
  std::uint64_t through_ = 0;
  std::uint64_t credit_payloads_ = 0;
  std::uint64_t credit_bytes_ = 0;
  std::uint64_t bytes_ = 0;
  // Sizes of through_ + 1, through_ + 2, …
  std::deque<std::uint64_t> in_flight_;
};

}  // namespace fusiongateway::client
