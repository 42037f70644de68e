// The built page, read once into memory: what is not in the table does not exist, so no request
// path ever reaches the file system. Immutable after Load; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "fusion/base/status.h"

namespace fusiongateway {

struct WebAsset {
  std::string content_type;
  std::string etag;
  std::string bytes;
};

class WebAssets {
 public:
  // Every file under `directory` by its path from there; index.html also as "/". Links are not
  // followed. kNotFound without an index.html; kResourceExhausted above 16 MiB.
  static Result<WebAssets> Load(const std::string& directory);

  // `path` as in a request: "/", "/app.js". Null if there is none.
  const WebAsset* Find(std::string_view path) const;

 private:
  std::map<std::string, WebAsset, std::less<>> assets_;
};

}  // namespace fusiongateway
