// The configuration's file as sections of keys and values: what stands in it is converted to what
// the program's fields hold, what does not is left as it was, and all that is wrong is collected
// with its line. What the keys are and mean is config.cc's.
//
// A Section reads one mapping; a key that nobody asks for is an error (RefuseUnknownKeys): it is a
// typing mistake. Not thread-safe.
#pragma once

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "app/config.h"

namespace fusiongateway {

// What went wrong, was left out and where the rest stands, over the whole file.
struct Findings {
  std::string path;
  // In the order of their lines, each once.
  std::set<std::pair<int, std::string>> errors;
  std::vector<std::string> defaulted;
  std::map<std::string, int> lines;

  // 0: what is wrong is nowhere in the file.
  static int LineOf(const YAML::Mark& mark) { return mark.is_null() ? 0 : mark.line + 1; }

  void Error(const YAML::Mark& mark, const std::string& what) {
    const int line = LineOf(mark);
    errors.emplace(line, path + ":" + (line > 0 ? std::to_string(line) + ":" : "") + " " + what);
  }

  // All of them, one a line.
  Status status() const {
    std::string all;
    for (const auto& [line, text] : errors) all += (all.empty() ? "" : "\n") + text;
    return errors.empty() ? Status() : InvalidArgument(std::move(all));
  }
};

// Scalars: one overload per type that the configuration holds. False: not such a value.
bool Convert(const std::string& text, std::string* value);
bool Convert(const std::string& text, double* value);
bool Convert(const std::string& text, bool* value);
bool Convert(const std::string& text, Duration* value);
bool Convert(const std::string& text, std::optional<Duration>* value);  // or "unknown"
bool Convert(const std::string& text, std::optional<double>* value);    // or "none"
bool Convert(const std::string& text, TextEncoding* value);
bool Convert(const std::string& text, CoordinateSystem* value);
bool Convert(const std::string& text, CameraTransport* value);
template <typename Number>
requires std::is_integral_v<Number>
bool Convert(const std::string& text, Number* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc{} && end == text.data() + text.size();
}

template <typename T>
inline constexpr const char* kExpected = "a whole number that fits";
template <>
inline constexpr const char* kExpected<std::string> = "a text";
template <>
inline constexpr const char* kExpected<double> = "a number";
template <>
inline constexpr const char* kExpected<bool> = "true or false";
template <>
inline constexpr const char* kExpected<Duration> = "a time span such as 200ms, 10s, 15min or 1h";
template <>
inline constexpr const char* kExpected<std::optional<Duration>> =
    "a time span such as 200ms or 10s, or unknown";
template <>
inline constexpr const char* kExpected<std::optional<double>> = "a number, or none";
template <>
inline constexpr const char* kExpected<TextEncoding> = "UTF-8 or GB18030";
template <>
inline constexpr const char* kExpected<CoordinateSystem> = "WGS84, GCJ02 or BD09";
template <>
inline constexpr const char* kExpected<CameraTransport> = "auto, tcp or udp";

// One mapping of the file. Keys that nobody asks for are errors: they are typing mistakes.
class Section {
 public:
  Section(YAML::Node node, std::string path, Findings* findings)
      : node_(std::move(node)), path_(std::move(path)), findings_(findings) {
    if (!node_.IsNull() && !node_.IsMap()) {
      findings_->Error(node_.Mark(), (path_.empty() ? "a configuration" : "\"" + path_ + "\"") +
                                         std::string(" must be a mapping of keys to values"));
      node_.reset();
    }
  }

  // "publishers.endpoint"
  std::string Name(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

  template <typename T>
  void Read(const char* key, T* value) {
    known_.insert(key);
    const YAML::Node found = Get(key);
    if (found.IsNull()) {
      findings_->defaulted.push_back(Name(key));
      return;
    }
    findings_->lines[Name(key)] = Findings::LineOf(found.Mark());
    if (!found.IsScalar() || !Convert(found.Scalar(), value)) {
      findings_->Error(found.Mark(), "\"" + Name(key) + "\" must be " + kExpected<T>);
    }
  }

  template <typename Number>
  void ReadAtLeast(const char* key, Number* value, int least) {
    Read(key, value);
    if (*value < static_cast<Number>(least)) {
      Fail(key, "\"" + Name(key) + "\" must be at least " + std::to_string(least));
    }
  }

  void Require(const char* key, std::string* value) {
    known_.insert(key);
    const YAML::Node found = Get(key);
    if (found.IsNull() || (found.IsScalar() && found.Scalar().empty())) {
      return Fail(key, "\"" + Name(key) + "\" is missing");
    }
    Read(key, value);
  }

  void Read(const char* key, std::vector<std::string>* values) {
    known_.insert(key);
    const YAML::Node found = Get(key);
    if (found.IsNull()) {
      findings_->defaulted.push_back(Name(key));
      return;
    }
    if (!found.IsSequence()) {
      return findings_->Error(found.Mark(), "\"" + Name(key) + "\" must be a list");
    }
    for (const auto& item : found) {
      if (!item.IsScalar()) {
        return findings_->Error(item.Mark(), "\"" + Name(key) + "\" must be a list of texts");
      }
      values->push_back(item.Scalar());
    }
  }

  void Read(const char* key, std::map<std::string, std::string>* values) {
    known_.insert(key);
    const YAML::Node found = Get(key);
    if (found.IsNull()) {
      findings_->defaulted.push_back(Name(key));
      return;
    }
    if (!found.IsMap()) {
      return findings_->Error(found.Mark(), "\"" + Name(key) + "\" must be a mapping");
    }
    for (const auto& item : found) (*values)[item.first.Scalar()] = item.second.Scalar();
  }

  Section Child(const char* key) {
    known_.insert(key);
    return Section(Get(key), Name(key), findings_);
  }

  std::vector<Section> List(const char* key) {
    known_.insert(key);
    std::vector<Section> items;
    const YAML::Node found = Get(key);
    if (found.IsNull()) {
      findings_->defaulted.push_back(Name(key));
      return items;
    }
    if (!found.IsSequence()) {
      findings_->Error(found.Mark(), "\"" + Name(key) + "\" must be a list");
      return items;
    }
    for (std::size_t i = 0; i < found.size(); ++i) {
      items.emplace_back(found[i], Name(key) + "[" + std::to_string(i) + "]", findings_);
    }
    return items;
  }

  void RefuseUnknownKeys() const {
    if (!node_.IsMap()) return;
    for (const auto& item : node_) {
      if (!known_.contains(item.first.Scalar())) {
        findings_->Error(item.first.Mark(), "unknown key \"" + Name(item.first.Scalar()) +
                                                "\"; config/example.yaml lists all there are");
      }
    }
  }

  // At the key's value, or where the section begins if there is none.
  void Fail(const std::string& key, const std::string& what) const {
    findings_->Error(MarkOf(key), what);
  }
  int Line(const std::string& key) const { return Findings::LineOf(MarkOf(key)); }

 private:
  // Null if it is not there: yaml-cpp throws when more than IsDefined is asked of a missing node.
  YAML::Node Get(const std::string& key) const {
    if (!node_.IsMap()) return YAML::Node();
    const YAML::Node& constant = node_;
    const YAML::Node found = constant[key];
    return found.IsDefined() ? found : YAML::Node();
  }
  YAML::Mark MarkOf(const std::string& key) const {
    const YAML::Node found = Get(key);
    return found.IsNull() ? node_.Mark() : found.Mark();
  }

  YAML::Node node_;
  std::string path_;
  Findings* findings_;
  std::set<std::string> known_;
};

// Ids of one kind: each stands once.
class Ids {
 public:
  void Take(const Section& section, const std::string& key, const std::string& id) {
    // A missing one was told already.
    if (id.empty()) return;
    const auto [first, fresh] = line_of_.emplace(id, section.Line(key));
    if (fresh) return;
    section.Fail(key, key + " \"" + id + "\" is used twice; it stands first in line " +
                          std::to_string(first->second));
  }
  bool Has(const std::string& id) const { return line_of_.contains(id); }

 private:
  std::map<std::string, int> line_of_;
};

}  // namespace fusiongateway
