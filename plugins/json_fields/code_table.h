// A code table of one native system: labels of its codes, and rules from what a report says to an
// incident class and a severity. The form is documented in config/tables/README.md.
//
// Immutable after creation; any thread.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fusion/base/status.h"
#include "fusiongateway/v1/common.pb.h"

namespace fusiongateway::plugin {

// What a report says, by name; a fact may have several values. "text" is free text.
using Facts = std::map<std::string, std::vector<std::string>>;

struct Classification {
  std::string class_code;
  v1::Severity severity = v1::SEVERITY_UNSPECIFIED;
};

class CodeTable {
 public:
  CodeTable() = default;

  // Refused, naming the rule: a table of another form, a severity that does not exist.
  static Result<CodeTable> FromJson(const nlohmann::json& table);

  // The label of `code` in the list `list`; nullptr if the code is not listed.
  const std::string* Label(const std::string& list, const std::string& code) const;
  // Whether the code is listed, or there is nothing to look up: no code, or no such list, which is
  // how a national list that is not at hand is left open.
  bool Knows(const std::string& list, const std::string& code) const;

  // The class of the first rule that fits and has one, and the severity likewise.
  Classification Classify(const Facts& facts) const;

 private:
  struct Rule {
    std::map<std::string, std::vector<std::string>> when;
    std::vector<std::string> words;
    Classification gives;
  };

  static bool Fits(const Rule& rule, const Facts& facts);

  std::map<std::string, std::map<std::string, std::string>> labels_;
  std::vector<Rule> rules_;
};

}  // namespace fusiongateway::plugin
