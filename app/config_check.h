// What is wrong in a configuration that only the program's plugins and code tables can tell. Reads
// the tables; loads no plugin, opens no socket. Any thread.
#pragma once

#include <string>
#include <vector>

#include "app/config.h"
#include "app/gateway.h"

namespace fusiongateway {

// One line each, with file:line and what to do.
struct ConfigFindings {
  // Plugins that are not there, a default district that no table lists.
  std::vector<std::string> errors;
  // Words that may be a site's own and may be a typing mistake: media, roles, the sites' districts.
  std::vector<std::string> warnings;
};

// `path` is the configuration's file.
ConfigFindings CheckAgainstProgram(const LoadedConfig& loaded, const std::string& path,
                                   const ProgramFiles& files);

// "path:12", or "path" if the file does not give the value of this name.
std::string PlaceOf(const LoadedConfig& loaded, const std::string& path, const std::string& name);

// The feed plugins in a folder, by name.
std::vector<std::string> PluginNames(const std::string& plugin_dir);

// Empty if the folder has the plugin; else that it has not, which there are, and which may be
// meant.
std::string NoSuchPlugin(const std::string& plugin, const std::string& plugin_dir);

}  // namespace fusiongateway
