#include "plugins/json_fields/code_table.h"

#include <algorithm>
#include <utility>

namespace fusiongateway::plugin {
namespace {

using nlohmann::json;

bool ReadTexts(const json& from, std::vector<std::string>* to) {
  if (!from.is_array()) return false;
  for (const json& text : from) {
    if (!text.is_string()) return false;
    to->push_back(text.get<std::string>());
  }
  return true;
}

bool AnyOf(const std::vector<std::string>& accepted, const std::vector<std::string>& values) {
  return std::any_of(values.begin(), values.end(), [&](const std::string& value) {
    return !value.empty() && std::any_of(accepted.begin(), accepted.end(),
                                         [&](const auto& a) { return a == "*" || a == value; });
  });
}

}  // namespace

Result<CodeTable> CodeTable::FromJson(const json& table) {
  CodeTable result;
  const auto wrong = [](const std::string& where) {
    return InvalidArgument("code table: " + where +
                           " has not the form that the tables' README "
                           "gives");
  };
  if (!table.is_object()) return wrong("the table");
  const json labels = table.value("labels", json::object());
  const json rules = table.value("rules", json::array());
  if (!labels.is_object()) return wrong("labels");
  if (!rules.is_array()) return wrong("rules");
  for (const auto& [list, codes] : labels.items()) {
    if (!codes.is_object()) return wrong("labels." + list);
    for (const auto& [code, label] : codes.items()) {
      if (!label.is_string()) return wrong("labels." + list + "." + code);
      result.labels_[list][code] = label.get<std::string>();
    }
  }
  for (const json& from : rules) {
    const std::string where = "rules[" + std::to_string(result.rules_.size()) + "]";
    if (!from.is_object()) return wrong(where);
    Rule rule;
    for (const auto& [key, value] : from.items()) {
      bool fits = true;
      if (key == "when") {
        fits = value.is_object();
        for (const auto& [fact, accepted] : value.items()) {
          fits = fits && ReadTexts(accepted, &rule.when[fact]);
        }
      } else if (key == "words") {
        fits = ReadTexts(value, &rule.words);
      } else if (key == "class") {
        fits = value.is_string();
        if (fits) rule.gives.class_code = value.get<std::string>();
      } else if (key == "severity") {
        fits = value.is_string() &&
               v1::Severity_Parse(value.get_ref<const std::string&>(), &rule.gives.severity);
      } else {
        fits = key == "note";
      }
      if (!fits) return wrong(where + "." + key);
    }
    result.rules_.push_back(std::move(rule));
  }
  return result;
}

const std::string* CodeTable::Label(const std::string& list, const std::string& code) const {
  const auto codes = labels_.find(list);
  if (codes == labels_.end()) return nullptr;
  const auto label = codes->second.find(code);
  return label == codes->second.end() ? nullptr : &label->second;
}

bool CodeTable::Knows(const std::string& list, const std::string& code) const {
  return code.empty() || !labels_.contains(list) || Label(list, code) != nullptr;
}

bool CodeTable::Fits(const Rule& rule, const Facts& facts) {
  for (const auto& [fact, accepted] : rule.when) {
    const auto values = facts.find(fact);
    if (values == facts.end() || !AnyOf(accepted, values->second)) return false;
  }
  if (rule.words.empty()) return true;
  const auto texts = facts.find("text");
  if (texts == facts.end()) return false;
  return std::any_of(texts->second.begin(), texts->second.end(), [&](const std::string& text) {
    return std::any_of(rule.words.begin(), rule.words.end(), [&](const std::string& word) {
      return text.find(word) != std::string::npos;
    });
  });
}

Classification CodeTable::Classify(const Facts& facts) const {
  Classification result;
  for (const Rule& rule : rules_) {
    const bool wanted = (result.class_code.empty() && !rule.gives.class_code.empty()) ||
                        (result.severity == v1::SEVERITY_UNSPECIFIED &&
                         rule.gives.severity != v1::SEVERITY_UNSPECIFIED);
    if (!wanted || !Fits(rule, facts)) continue;
    if (result.class_code.empty()) result.class_code = rule.gives.class_code;
    if (result.severity == v1::SEVERITY_UNSPECIFIED) result.severity = rule.gives.severity;
  }
  return result;
}

}  // namespace fusiongateway::plugin
