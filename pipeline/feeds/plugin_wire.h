// What gateway and plugin process say to each other: frames of a length (8 bytes, the host's own
// order: both ends are one build on one machine) and so many bytes. First the setup and the answer
// "" (ready) or why not; then a payload and what the plugin made of it, again and again.
//
// Pure. Neither end trusts the other's lengths: what does not read back whole is nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/feeds/plugin_host.h"

namespace fusiongateway::plugin_wire {

// Of one frame. A payload is at most a message (1 MiB); an answer beyond this is refused.
inline constexpr std::uint64_t kFrameBytesMax = std::uint64_t{64} << 20;

struct Setup {
  std::string path;
  std::string name;
  std::string config_json;
};

std::string Encode(const Setup& setup);
std::optional<Setup> DecodeSetup(std::string_view bytes);
// More than a frame holds becomes a refusal PLUGIN_ERROR.
std::string Encode(const PluginOutput& output);
std::optional<PluginOutput> DecodeOutput(std::string_view bytes);

}  // namespace fusiongateway::plugin_wire
