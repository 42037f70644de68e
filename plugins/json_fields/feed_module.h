// Makes a feed plugin's C entry out of a decoder class:
//
//     class Decoder {
//      public:
//       static Result<Decoder> Create(const PluginConfig& config);
//       void Decode(const std::uint8_t* payload, std::size_t length,
//                   const fusion_gateway_emitter& emitter) const;
//     };
//     FUSION_GATEWAY_FEED_MODULE(Decoder, "police110", "1.0")
//
// Exceptions stop here: one out of a decoder becomes a refusal, one out of Create an error.
#pragma once

#include <cstdio>
#include <exception>

#include "plugins/abi/feed_plugin.h"
#include "plugins/json_fields/plugin_config.h"

namespace fusiongateway::plugin {

template <class Decoder>
void* CreateDecoder(const char* config, char* error, std::size_t error_size) {
  try {
    const auto parsed = PluginConfig::FromText(config);
    if (!parsed.ok()) {
      std::snprintf(error, error_size, "%s", parsed.status().message().c_str());
      return nullptr;
    }
    auto decoder = Decoder::Create(*parsed);
    if (!decoder.ok()) {
      std::snprintf(error, error_size, "%s", decoder.status().message().c_str());
      return nullptr;
    }
    return new Decoder(std::move(*decoder));
  } catch (const std::exception& e) {
    std::snprintf(error, error_size, "%s", e.what());
    return nullptr;
  }
}

template <class Decoder>
void DecodeWith(void* instance, const std::uint8_t* payload, std::size_t length,
                const fusion_gateway_emitter* emitter) {
  try {
    static_cast<const Decoder*>(instance)->Decode(payload, length, *emitter);
  } catch (const std::exception&) {
    // What the exception says may quote the payload.
    emitter->refuse(emitter->self, "PLUGIN_ERROR",
                    "the plugin failed on this payload; report it with the masked payload", "");
  }
}

template <class Decoder>
void DestroyDecoder(void* instance) {
  delete static_cast<Decoder*>(instance);
}

}  // namespace fusiongateway::plugin

#define FUSION_GATEWAY_FEED_MODULE(Decoder, plugin_name, plugin_version)                 \
  extern "C" __attribute__((visibility("default"))) const fusion_gateway_feed_plugin_v1* \
  fusion_gateway_feed_plugin(void) {                                                     \
    static const fusion_gateway_feed_plugin_v1 kPlugin = {                               \
        FUSION_GATEWAY_FEED_PLUGIN_ABI,                                                  \
        sizeof(kPlugin),                                                                 \
        plugin_name,                                                                     \
        plugin_version,                                                                  \
        &::fusiongateway::plugin::CreateDecoder<Decoder>,                                \
        &::fusiongateway::plugin::DecodeWith<Decoder>,                                   \
        &::fusiongateway::plugin::DestroyDecoder<Decoder>};                              \
    return &kPlugin;                                                                     \
  }
