#include "pipeline/feeds/plugin_host.h"

#include <dlfcn.h>

#include <utility>

#include "plugins/abi/feed_plugin.h"
#include "proto/codec/json_form.h"

namespace fusiongateway {
namespace {

struct Module {
  void* handle = nullptr;
  const fusion_gateway_feed_plugin_v1* plugin = nullptr;

  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module() {
    if (handle) dlclose(handle);
  }
};

constexpr std::size_t kTextBytesMax = 4096;

std::string Bounded(const char* text) {
  return text ? std::string(text).substr(0, kTextBytesMax) : std::string();
}

// What one decode call collects. Called from C: nothing may throw out of it.
struct Collector {
  PluginOutput output;

  void Refuse(std::string code, std::string message, std::string field) {
    if (!output.refusal) {
      output.refusal = Refusal{std::move(code), std::move(message), std::move(field)};
    }
  }

  void PluginError(std::string message) { Refuse("PLUGIN_ERROR", std::move(message), ""); }

  std::int32_t Report(const std::uint8_t* bytes, std::size_t length) {
    if (output.reports.size() >= FeedPlugin::kReportsMax) {
      PluginError("the plugin made more than 1000 reports of one payload; send smaller payloads");
      return 1;
    }
    if (!bytes || length == 0 || length > FeedPlugin::kReportBytesMax) {
      PluginError("the plugin handed over an empty report, or one above 1 MiB; correct the plugin");
      return 1;
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes), length);
    v1::Report report;
    if (!ParseWire(text, DetectWireForm(text), &report).ok()) {
      PluginError("the plugin handed over bytes that are no Report; correct the plugin");
      return 1;
    }
    output.reports.push_back(std::move(report));
    return 0;
  }

  void Person(const char* name) {
    if (output.persons.size() < FeedPlugin::kPersonsMax)
      output.persons.push_back(Bounded(name));
    else
      PluginError("the payload names more than 10000 persons; send smaller payloads");
  }
};

fusion_gateway_emitter EmitterTo(Collector* collector) {
  fusion_gateway_emitter emitter{};
  emitter.self = collector;
  emitter.report = [](void* self, const std::uint8_t* bytes, std::size_t length) noexcept {
    return static_cast<Collector*>(self)->Report(bytes, length);
  };
  emitter.refuse = [](void* self, const char* code, const char* message,
                      const char* field) noexcept {
    static_cast<Collector*>(self)->Refuse(Bounded(code), Bounded(message), Bounded(field));
  };
  emitter.person = [](void* self, const char* name) noexcept {
    static_cast<Collector*>(self)->Person(name);
  };
  return emitter;
}

std::string LoaderError() {
  const char* error = dlerror();
  return error ? error : "unknown error";
}

Status CheckContract(const std::string& path, const std::string& name,
                     const fusion_gateway_feed_plugin_v1* plugin) {
  if (!plugin) return FailedPrecondition(path + ": the plugin's entry returned nothing");
  if (plugin->abi_version != FUSION_GATEWAY_FEED_PLUGIN_ABI) {
    return FailedPrecondition(path + ": speaks plugin ABI " + std::to_string(plugin->abi_version) +
                              ", this gateway speaks " +
                              std::to_string(FUSION_GATEWAY_FEED_PLUGIN_ABI) +
                              "; install the plugin built for it");
  }
  if (plugin->struct_size < sizeof(fusion_gateway_feed_plugin_v1) || !plugin->name ||
      !plugin->version || !plugin->create || !plugin->decode || !plugin->destroy) {
    return FailedPrecondition(path +
                              ": the plugin's entry is incomplete; build it against this "
                              "gateway's feed_plugin.h");
  }
  if (!name.empty() && name != plugin->name) {
    return InvalidArgument(path + ": holds plugin \"" + Bounded(plugin->name) +
                           "\", the configuration asks for \"" + name + "\"; correct one of them");
  }
  return {};
}

class LoadedPlugin final : public FeedPlugin {
 public:
  LoadedPlugin(std::unique_ptr<Module> module, void* instance)
      : module_(std::move(module)), instance_(instance) {}
  ~LoadedPlugin() override { module_->plugin->destroy(instance_); }

  PluginOutput Decode(std::string_view payload) override;

 private:
  const std::unique_ptr<Module> module_;
  void* const instance_;
};

PluginOutput LoadedPlugin::Decode(std::string_view payload) {
  Collector collector;
  const fusion_gateway_emitter emitter = EmitterTo(&collector);
  module_->plugin->decode(instance_, reinterpret_cast<const std::uint8_t*>(payload.data()),
                          payload.size(), &emitter);
  if (collector.output.reports.empty()) {
    // A no-op after a refusal, which is the usual reason for there being none.
    collector.PluginError("the plugin made nothing of the payload and did not say why");
  }
  if (collector.output.refusal) collector.output.reports.clear();
  return std::move(collector.output);
}

}  // namespace

Result<std::unique_ptr<FeedPlugin>> FeedPlugin::Load(const std::string& path,
                                                     const std::string& name,
                                                     const std::string& config_json) {
  auto module = std::make_unique<Module>();
  module->handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!module->handle) {
    return NotFound("feed plugin cannot be loaded: " + LoaderError() +
                    "; check plugin and plugin directory in the feed's configuration");
  }
  const auto entry = reinterpret_cast<fusion_gateway_feed_plugin_entry>(
      dlsym(module->handle, "fusion_gateway_feed_plugin"));
  if (!entry) {
    return FailedPrecondition(path + ": is no feed plugin: it has no fusion_gateway_feed_plugin");
  }
  module->plugin = entry();
  if (Status contract = CheckContract(path, name, module->plugin); !contract.ok()) return contract;

  char error[512] = {};
  void* instance = module->plugin->create(config_json.c_str(), error, sizeof error);
  error[sizeof error - 1] = '\0';
  if (!instance) return InvalidArgument(path + ": does not take its configuration: " + error);
  return std::unique_ptr<FeedPlugin>(new LoadedPlugin(std::move(module), instance));
}

}  // namespace fusiongateway
