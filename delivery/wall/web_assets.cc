#include "delivery/wall/web_assets.h"

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace fusiongateway {
namespace {

constexpr std::size_t kBytesMax = 16u << 20;

std::string ContentType(const std::filesystem::path& path) {
  static const std::map<std::string, std::string> kTypes = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".woff2", "font/woff2"},
      {".map", "application/json"},
  };
  const auto found = kTypes.find(path.extension().string());
  return found == kTypes.end() ? "application/octet-stream" : found->second;
}

// FNV-1a: tells one build's file from the next one's, which is all a validator has to do.
std::string EntityTag(const std::string& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  char text[24];
  std::snprintf(text, sizeof text, "\"%016llx\"", static_cast<unsigned long long>(hash));
  return text;
}

}  // namespace

Result<WebAssets> WebAssets::Load(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  WebAssets assets;
  std::size_t total = 0;
  fs::recursive_directory_iterator files(directory, error);
  for (; !error && files != fs::recursive_directory_iterator(); files.increment(error)) {
    if (files->is_symlink() || !files->is_regular_file()) continue;
    std::ifstream in(files->path(), std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    total += bytes.size();
    if (total > kBytesMax) {
      return ResourceExhausted("the wall's page in " + directory + " is larger than 16 MiB");
    }
    const std::string path = "/" + files->path().lexically_relative(directory).generic_string();
    WebAsset asset{ContentType(files->path()), EntityTag(bytes), std::move(bytes)};
    if (path == "/index.html") assets.assets_.emplace("/", asset);
    assets.assets_.emplace(path, std::move(asset));
  }
  if (error)
    return NotFound("cannot read the wall's page in " + directory + ": " + error.message());
  if (!assets.assets_.contains("/")) {
    return NotFound("no index.html in " + directory + ": build the page (target wall_web)");
  }
  return assets;
}

const WebAsset* WebAssets::Find(std::string_view path) const {
  const auto found = assets_.find(path);
  return found == assets_.end() ? nullptr : &found->second;
}

}  // namespace fusiongateway
