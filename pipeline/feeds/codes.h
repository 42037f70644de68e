// Code tables: what the numbers and words of other systems mean. They are data files (one JSON file
// a table), read by app/ at start and again on demand, passed to the plugins, never compiled in.
//
// Immutable after loading; any thread.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "fusion/base/status.h"

namespace fusiongateway {

class CodeTables {
 public:
  // No tables: every code is unknown to the plugins, and none is refused or flagged here.
  CodeTables() = default;

  // Every *.json in `directory`, by its name without the ending. Refused, with file and line: a
  // file that is not a JSON object, or is larger than 4 MiB.
  static Result<CodeTables> Read(const std::filesystem::path& directory);
  // From texts, by table name.
  static Result<CodeTables> FromTexts(const std::map<std::string, std::string>& texts);

  // One JSON object {"<table>": {...}}: what plugins get as "tables".
  const std::string& json() const { return json_; }

  // True if the class (district) table is absent or lists the code.
  bool KnowsClass(std::string_view class_code) const;
  bool KnowsDistrict(std::string_view district_code) const;

 private:
  std::string json_ = "{}";
  std::set<std::string, std::less<>> classes_;
  std::set<std::string, std::less<>> districts_;
};

}  // namespace fusiongateway
