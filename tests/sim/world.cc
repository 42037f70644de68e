#include "tests/sim/world.h"

#include <cstdio>
#include <utility>

namespace fusiongateway::sim {
namespace {

constexpr UtcTime kStart{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} +
                         std::chrono::hours{2}};
constexpr std::size_t kFailuresMax = 20;

}  // namespace

World::World(std::uint64_t seed, bool tracing) : random_(seed), tracing_(tracing), clock_(kStart) {}

void World::After(Duration wait, std::function<void()> event) {
  events_.push({now() + wait, ++event_count_, std::move(event)});
}

bool World::RunUntil(Duration deadline, const std::function<bool()>& done) {
  while (!done()) {
    if (events_.empty() || events_.top().due > deadline) return false;
    const Event event = events_.top();
    events_.pop();
    if (event.due > now()) clock_.Advance(event.due - now());
    event.run();
  }
  return true;
}

void World::Note(const std::string& text) {
  const auto mix = [this](unsigned char byte) { hash_ = (hash_ ^ byte) * 1099511628211u; };
  for (std::int64_t time = now().count(); time != 0; time >>= 8) {
    mix(static_cast<unsigned char>(time));
  }
  for (const char c : text) mix(static_cast<unsigned char>(c));
  if (tracing_) {
    std::printf("%9.3f ms  %s\n", static_cast<double>(now().count()) / 1e6, text.c_str());
  }
}

void World::Fail(const std::string& what) {
  Note("FAILED: " + what);
  if (failures_.size() < kFailuresMax) failures_.push_back(what);
}

}  // namespace fusiongateway::sim
