#include "fusion/sequence/secrecy.h"

#include <algorithm>
#include <variant>
#include <vector>

namespace fusiongateway {
namespace {

// The calls a report belongs to, within its feed; its own id where it is no police document.
std::vector<std::string> CallsOf(const Report& report) {
  std::vector<std::string> calls{report.feed_id + '/' + report.report_id};
  if (const auto* police = std::get_if<PoliceCallDetail>(&report.detail)) {
    for (const std::string* id : {&police->call_id, &police->main_call_id}) {
      if (!id->empty()) calls.push_back(report.feed_id + '/' + *id);
    }
  }
  return calls;
}

}  // namespace

bool Secrecy::Covers(const Report& report, std::vector<std::string>* learned) {
  if (!Knows(report)) return false;
  for (std::string& call : CallsOf(report)) {
    if (Remember(call)) learned->push_back(std::move(call));
  }
  return true;
}

bool Secrecy::Knows(const Report& report) const {
  if (report.restricted) return true;
  if (secret_.empty()) return false;
  const std::vector<std::string> calls = CallsOf(report);
  return std::any_of(calls.begin(), calls.end(),
                     [this](const std::string& call) { return secret_.contains(call); });
}

bool Secrecy::Remember(const std::string& call) {
  if (!secret_.insert(call).second) return false;
  order_.push_back(call);
  if (order_.size() <= kCallsMax) return true;
  secret_.erase(order_.front());
  order_.pop_front();
  return true;
}

}  // namespace fusiongateway
