#include "app/config_check.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <system_error>

#include "app/nearest_name.h"
#include "pipeline/feeds/codes.h"

namespace fusiongateway {
namespace {

namespace fs = std::filesystem;

// What the ranking of cameras, the demo city or the wall has a word for.
const std::vector<std::string> kRoles = {"tank", "gate", "tower", "street", "yard", "road"};

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

// The media that the hazmat table names; empty without such a table.
std::vector<std::string> MediaOf(const CodeTables& tables) {
  std::vector<std::string> media;
  const auto all = nlohmann::json::parse(tables.json(), nullptr, false);
  const nlohmann::json::json_pointer place("/hazmat/labels/medium");
  if (all.is_discarded() || !all.contains(place) || !all.at(place).is_object()) return media;
  for (const auto& [name, label] : all.at(place).items()) media.push_back(name);
  return media;
}

class Check {
 public:
  Check(const LoadedConfig& loaded, const std::string& path) : loaded_(loaded), path_(path) {}

  void Plugins(const ProgramFiles& files);
  void Words(const CodeTables& tables);
  void Error(const std::string& name, const std::string& what) {
    errors_.emplace(LineOf(name), PlaceOf(loaded_, path_, name) + ": " + what);
  }
  ConfigFindings Take() const { return {InOrder(errors_), InOrder(warnings_)}; }

 private:
  using ByLine = std::multimap<int, std::string>;

  static std::vector<std::string> InOrder(const ByLine& found) {
    std::vector<std::string> texts;
    for (const auto& [line, text] : found) texts.push_back(text);
    return texts;
  }
  int LineOf(const std::string& name) const {
    const auto line = loaded_.lines.find(name);
    return line == loaded_.lines.end() ? 0 : line->second;
  }
  void Warn(const std::string& name, const std::string& what) {
    warnings_.emplace(LineOf(name), PlaceOf(loaded_, path_, name) + ": 提醒 warning: " + what);
  }
  void Medium(const std::string& name, const std::string& medium,
              const std::vector<std::string>& known);

  const LoadedConfig& loaded_;
  const std::string& path_;
  ByLine errors_;
  ByLine warnings_;
};

std::string At(const char* list, std::size_t index, const char* key) {
  return std::string(list) + "[" + std::to_string(index) + "]." + key;
}

void Check::Plugins(const ProgramFiles& files) {
  const auto& feeds = loaded_.config.feeds;
  for (std::size_t i = 0; i < feeds.size(); ++i) {
    const FeedConfig& feed = feeds[i].feed;
    std::error_code none;
    if (!feed.plugin_path.empty()) {
      if (fs::is_regular_file(feed.plugin_path, none)) continue;
      Error(At("feeds", i, "plugin_path"),
            "feed \"" + feed.feed_id + "\": there is no file " + feed.plugin_path);
      continue;
    }
    const std::string folder = feed.plugin_dir.empty() ? files.plugin_dir : feed.plugin_dir;
    const std::string missing = NoSuchPlugin(feed.plugin, folder);
    if (missing.empty()) continue;
    Error(At("feeds", i, "plugin"), "feed \"" + feed.feed_id + "\": " + missing);
  }
}

void Check::Medium(const std::string& name, const std::string& medium,
                   const std::vector<std::string>& known) {
  if (medium.empty() || known.empty()) return;
  if (std::find(known.begin(), known.end(), medium) != known.end()) return;
  Warn(name, "tables/hazmat.json has no medium \"" + medium +
                 "\": it gets no gas limits and no Chinese name" + DidYouMean(medium, known));
}

void Check::Words(const CodeTables& tables) {
  const Config& config = loaded_.config;
  const auto media = MediaOf(tables);
  for (std::size_t i = 0; i < config.sites.size(); ++i) {
    const EngineConfig::Site& site = config.sites[i];
    Medium(At("sites", i, "medium"), site.medium, media);
    if (!site.district_code.empty() && !tables.KnowsDistrict(site.district_code)) {
      Warn(At("sites", i, "district_code"), "tables/districts.json has no district \"" +
                                                site.district_code +
                                                "\"; correct it, or add the district there");
    }
    for (std::size_t j = 0; j < site.points.size(); ++j) {
      const std::string points = At("sites", i, "points");
      Medium(At(points.c_str(), j, "medium"), site.points[j].medium, media);
    }
  }
  for (std::size_t i = 0; i < config.feeds.size(); ++i) {
    const std::string& code = config.feeds[i].feed.default_district;
    if (code.empty() || tables.KnowsDistrict(code)) continue;
    Error(At("feeds", i, "default_district"), "feed \"" + config.feeds[i].feed.feed_id +
                                                  "\": tables/districts.json has no district \"" +
                                                  code +
                                                  "\"; correct it, or add the district there");
  }
  for (std::size_t i = 0; i < config.cameras.size(); ++i) {
    const std::string& role = config.cameras[i].engine.role;
    if (role.empty() || std::find(kRoles.begin(), kRoles.end(), role) != kRoles.end()) continue;
    Warn(At("cameras", i, "role"),
         "role \"" + role + "\" is none of " + Listed(kRoles) +
             ": the camera ranks after those of its site's tank and gate" +
             DidYouMean(role, kRoles));
  }
}

}  // namespace

std::string PlaceOf(const LoadedConfig& loaded, const std::string& path, const std::string& name) {
  const auto line = loaded.lines.find(name);
  return line == loaded.lines.end() ? path : path + ":" + std::to_string(line->second);
}

std::vector<std::string> PluginNames(const std::string& plugin_dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(plugin_dir, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".so") names.push_back(entry->path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string NoSuchPlugin(const std::string& plugin, const std::string& plugin_dir) {
  const auto names = PluginNames(plugin_dir);
  if (std::find(names.begin(), names.end(), plugin) != names.end()) return "";
  return "there is no plugin \"" + plugin + "\" in " + plugin_dir +
         " (there are: " + Listed(names) + ")" + DidYouMean(plugin, names);
}

ConfigFindings CheckAgainstProgram(const LoadedConfig& loaded, const std::string& path,
                                   const ProgramFiles& files) {
  Check check(loaded, path);
  check.Plugins(files);
  const std::string& own = loaded.config.tables_dir;
  const auto tables = CodeTables::Read(own.empty() ? files.tables_dir : own);
  if (tables.ok()) {
    check.Words(*tables);
  } else {
    check.Error("tables_dir", tables.status().message());
  }
  return check.Take();
}

}  // namespace fusiongateway
