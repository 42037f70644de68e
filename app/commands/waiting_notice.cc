#include "app/commands/waiting_notice.h"

#include <fmt/core.h>

#include <algorithm>

namespace fusiongateway {
namespace {

constexpr Duration kFirst = std::chrono::seconds(1);
constexpr Duration kIntervalMax = std::chrono::minutes(1);

}  // namespace

WaitingNotice::WaitingNotice(std::string endpoint, std::string what_zh, std::string what_en,
                             std::string default_endpoint)
    : text_(fmt::format("等待网关 {}：它在运行吗？这是它的{}端口吗（默认 {}）？ · waiting for the "
                        "gateway at {}; is it running, and is this its {} endpoint (default {})?",
                        endpoint, what_zh, default_endpoint, endpoint, what_en, default_endpoint)),
      said_next_(kFirst) {}

std::string WaitingNotice::Waited(Duration more) {
  waited_ += more;
  if (waited_ < said_next_) return "";
  said_next_ = waited_ + std::min(waited_, kIntervalMax);
  return text_;
}

void WaitingNotice::Answered() {
  waited_ = {};
  said_next_ = kFirst;
}

}  // namespace fusiongateway
