#include "pipeline/feeds/codes.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>

namespace fusiongateway {
namespace {

using Json = nlohmann::json;

constexpr std::uintmax_t kTableBytesMax = 4 << 20;

std::set<std::string, std::less<>> KeysOf(const Json& tables, const char* name) {
  std::set<std::string, std::less<>> keys;
  const auto table = tables.find(name);
  if (table == tables.end()) return keys;
  for (const auto& [key, value] : table->items()) keys.insert(key);
  return keys;
}

// The line of the byte that a parser stopped at (from 1).
std::string LineOf(const std::string& text, std::size_t byte) {
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(byte, text.size()));
  return std::to_string(1 + std::count(text.begin(), end, '\n'));
}

Result<std::string> ReadFile(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return NotFound(path.string() + ": cannot be read: " + error.message());
  if (size > kTableBytesMax) {
    return OutOfRange(path.string() + ": a code table is at most 4 MiB; split it");
  }
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.good() && !file.eof()) return NotFound(path.string() + ": cannot be read");
  return text;
}

}  // namespace

Result<CodeTables> CodeTables::Read(const std::filesystem::path& directory) {
  std::error_code error;
  std::map<std::string, std::string> texts;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() != ".json") continue;
    auto text = ReadFile(entry->path());
    if (!text.ok()) return text.status();
    texts[entry->path().stem().string()] = std::move(*text);
  }
  if (error) {
    return NotFound(directory.string() + ": the code tables cannot be read: " + error.message());
  }
  auto tables = FromTexts(texts);
  if (tables.ok()) return tables;
  return InvalidArgument(directory.string() + "/" + tables.status().message());
}

Result<CodeTables> CodeTables::FromTexts(const std::map<std::string, std::string>& texts) {
  Json tables = Json::object();
  for (const auto& [name, text] : texts) {
    Json table;
    try {
      table = Json::parse(text);
    } catch (const Json::parse_error& error) {
      return InvalidArgument(name + ".json:" + LineOf(text, error.byte) +
                             ": not JSON; check quotes, commas and braces up to here");
    }
    if (!table.is_object()) {
      return InvalidArgument(name +
                             ".json:1: not a JSON object; see the tables' README for the form");
    }
    tables[name] = std::move(table);
  }
  CodeTables result;
  result.json_ = tables.dump();
  result.classes_ = KeysOf(tables, "incident_classes");
  result.districts_ = KeysOf(tables, "districts");
  return result;
}

bool CodeTables::KnowsClass(std::string_view class_code) const {
  return classes_.empty() || classes_.contains(class_code);
}

bool CodeTables::KnowsDistrict(std::string_view district_code) const {
  return districts_.empty() || districts_.contains(district_code);
}

}  // namespace fusiongateway
