#include "app/commands/key_file.h"

#include <fstream>
#include <map>

namespace fusiongateway {
namespace {

constexpr std::size_t kKeyLength = 40;

Result<std::map<std::string, std::string>> ReadEntries(const std::string& file) {
  std::ifstream in(file);
  if (!in) return NotFound(file + ": cannot be read; make one with fusion-gateway keygen");
  std::map<std::string, std::string> entries;
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with('#') || colon == std::string::npos) continue;
    std::string value = line.substr(colon + 2);
    value.erase(value.find_last_not_of(" \r\"") + 1);
    value.erase(0, value.find_first_not_of(" \""));
    entries[line.substr(0, colon)] = value;
  }
  return entries;
}

}  // namespace

Result<client::CurveKeys> LoadClientKeys(const std::string& file, const std::string& server_key) {
  if (file.empty() && server_key.empty()) return client::CurveKeys{};
  if (file.empty()) return InvalidArgument("--server-key needs --key FILE, made by keygen");
  auto entries = ReadEntries(file);
  if (!entries.ok()) return entries.status();
  if (!server_key.empty()) (*entries)["server_key"] = server_key;
  for (const char* name : {"public_key", "secret_key", "server_key"}) {
    if ((*entries)[name].size() == kKeyLength) continue;
    return InvalidArgument(file + ": " + name + " is missing or not of 40 characters" +
                           (name == std::string("server_key")
                                ? "; add the gateway's public key, or give it with --server-key"
                                : ""));
  }
  return client::CurveKeys{(*entries)["server_key"], (*entries)["public_key"],
                           (*entries)["secret_key"]};
}

}  // namespace fusiongateway
