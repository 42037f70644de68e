#include "fusion/sequence/secrecy.h"

#include <utility>
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

bool Secrecy::Covers(const Report& report) {
  std::vector<std::string> calls = CallsOf(report);
  bool secret = report.restricted;
  for (const std::string& call : calls) secret = secret || secret_.contains(call);
  if (secret) {
    for (std::string& call : calls) Remember(std::move(call));
  }
  return secret;
}

void Secrecy::Remember(std::string call) {
  if (!secret_.insert(call).second) return;
  order_.push_back(std::move(call));
  if (order_.size() <= kCallsMax) return;
  secret_.erase(order_.front());
  order_.pop_front();
}

}  // namespace fusiongateway
