#include "fusion/incident/incident_store.h"

#include <algorithm>
#include <cstdio>

namespace fusiongateway {
namespace {

constexpr std::chrono::hours kBeijing{8};

std::string BeijingDay(UtcTime at) {
  const std::chrono::year_month_day date{
      std::chrono::floor<std::chrono::days>(SaturatingAdd(at, kBeijing))};
  char text[32];
  std::snprintf(text, sizeof text, "%04d%02u%02u", int(date.year()), unsigned(date.month()),
                unsigned(date.day()));
  return text;
}

}  // namespace

std::string IncidentStore::NewId(const std::string& gateway_id, bool restricted, UtcTime at) {
  const std::string day = BeijingDay(at);
  if (day != day_) {
    day_ = day;
    count_of_day_ = 0;
    restricted_count_of_day_ = 0;
  }
  const std::string number = restricted ? "R" + std::to_string(++restricted_count_of_day_)
                                        : std::to_string(++count_of_day_);
  return gateway_id + "-" + day + "-" + number;
}

IncidentSlotPtr IncidentStore::Open(const std::string& gateway_id, bool restricted, UtcTime at) {
  auto incident = std::make_shared<Incident>();
  incident->incident_id = NewId(gateway_id, restricted, at);
  incident->restricted = restricted;
  auto slot = std::make_shared<IncidentSlot>();
  slot->ordinal = ++last_ordinal_;
  ordinals_.emplace(incident->incident_id, slot->ordinal);
  slot->current = std::move(incident);
  slots_.emplace(slot->ordinal, slot);
  return slot;
}

IncidentSlotPtr IncidentStore::Find(std::string_view incident_id) const {
  const auto found = ordinals_.find(std::string(incident_id));
  return found == ordinals_.end() ? nullptr : Find(found->second);
}

IncidentSlotPtr IncidentStore::Find(std::uint64_t ordinal) const {
  const auto found = slots_.find(ordinal);
  return found == slots_.end() ? nullptr : found->second;
}

void IncidentStore::SetExpiry(IncidentSlot* slot, UtcTime time) {
  expiries_.erase({slot->expires_at, slot->ordinal});
  slot->expires_at = time;
  expiries_.emplace(time, slot->ordinal);
}

IncidentSlotPtr IncidentStore::NextExpired(UtcTime at) const {
  if (expiries_.empty() || expiries_.begin()->first > at) return nullptr;
  return Find(expiries_.begin()->second);
}

std::optional<UtcTime> IncidentStore::NextExpiry() const {
  if (expiries_.empty()) return std::nullopt;
  return expiries_.begin()->first;
}

void IncidentStore::MarkClosed(const IncidentSlotPtr& slot, UtcTime at) {
  expiries_.erase({slot->expires_at, slot->ordinal});
  closed_.emplace_back(at, slot);
}

std::vector<IncidentSlotPtr> IncidentStore::Forget(UtcTime at) {
  std::vector<IncidentSlotPtr> forgotten;
  while (!closed_.empty() && (closed_.size() > kClosedMax ||
                              SaturatingSubtract(at, closed_.front().first) > kClosedAgeMax)) {
    IncidentSlotPtr slot = std::move(closed_.front().second);
    closed_.pop_front();
    slots_.erase(slot->ordinal);
    ordinals_.erase(slot->current->incident_id);
    forgotten.push_back(std::move(slot));
  }
  return forgotten;
}

std::vector<IncidentSlotPtr> IncidentStore::All() const {
  std::vector<IncidentSlotPtr> all;
  for (const auto& [ordinal, slot] : slots_) all.push_back(slot);
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a->ordinal < b->ordinal; });
  return all;
}

std::vector<IncidentPtr> IncidentStore::OpenIncidents() const {
  std::vector<std::uint64_t> ordinals;  // those that may expire are those still open
  for (const auto& [time, ordinal] : expiries_) ordinals.push_back(ordinal);
  std::sort(ordinals.begin(), ordinals.end());
  std::vector<IncidentPtr> open;
  for (const std::uint64_t ordinal : ordinals) open.push_back(Find(ordinal)->current);
  return open;
}

}  // namespace fusiongateway
