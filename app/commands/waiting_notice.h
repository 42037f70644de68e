// Says that a command waits for the gateway: after the first second, then each time after twice as
// long, at most once a minute. One thread.
#pragma once

#include <string>

#include "fusion/base/time.h"

namespace fusiongateway {

class WaitingNotice {
 public:
  // `what` is which socket of the gateway is asked for, in both languages.
  WaitingNotice(std::string endpoint, std::string what_zh, std::string what_en,
                std::string default_endpoint);

  // So much more time has passed without the gateway. What is to be said now, or nothing.
  std::string Waited(Duration more);
  // The gateway is there.
  void Answered();

 private:
  const std::string text_;
  Duration waited_{};
  Duration said_next_;
};

}  // namespace fusiongateway
