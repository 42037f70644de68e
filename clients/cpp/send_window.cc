#include "clients/cpp/send_window.h"

namespace fusiongateway::client {

void SendWindow::Reset(std::uint64_t through_seq, std::uint64_t payloads, std::uint64_t bytes) {
  through_ = through_seq;
  bytes_ = 0;
  in_flight_.clear();
  SetCredit(payloads, bytes);
}

bool SendWindow::MaySend(std::uint64_t bytes) const {
  if (in_flight_.size() >= credit_payloads_) return false;
  return in_flight_.empty() || bytes_ + bytes <= credit_bytes_;
}

std::uint64_t SendWindow::PayloadsLeft() const {
  return credit_payloads_ > in_flight_.size() ? credit_payloads_ - in_flight_.size() : 0;
}

void SendWindow::Sent(std::uint64_t bytes) {
  in_flight_.push_back(bytes);
  bytes_ += bytes;
}

void SendWindow::Acked(std::uint64_t through_seq) {
  while (through_ < through_seq) {
    if (!in_flight_.empty()) {
      bytes_ -= in_flight_.front();
      in_flight_.pop_front();
      ++through_;
    } else {
      through_ = through_seq;
    }
  }
}

void SendWindow::SetCredit(std::uint64_t payloads, std::uint64_t bytes) {
  credit_payloads_ = payloads;
  credit_bytes_ = bytes;
}

void SendWindow::Rewind(std::uint64_t next_seq) {
  while (!in_flight_.empty() && last_sent() >= next_seq) {
    bytes_ -= in_flight_.back();
    in_flight_.pop_back();
  }
}

}  // namespace fusiongateway::client
