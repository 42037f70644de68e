#include "app/commands/source_lines.h"

#include <iostream>
#include <sstream>

namespace fusiongateway {
namespace {

// FNV-1a, 64 bits.
constexpr std::uint64_t kHashSeed = 14695981039346656037u;
constexpr std::uint64_t kHashPrime = 1099511628211u;

bool IsBlank(const std::string& text) {
  return text.find_first_not_of(" \t\r") == std::string::npos;
}

}  // namespace

Result<SourceLines> SourceLines::Open(const std::string& path) {
  SourceLines source(path);
  if (path != "-") {
    source.file_.open(path, std::ios::binary);
    if (!source.file_) return NotFound(path + ": cannot be read");
  }
  source.hash_ = kHashSeed;
  return source;
}

std::istream& SourceLines::input() { return path_ == "-" ? std::cin : file_; }

void SourceLines::Count(char byte) {
  hash_ = (hash_ ^ static_cast<unsigned char>(byte)) * kHashPrime;
  ++bytes_;
}

bool SourceLines::ReadLine(std::string* text) {
  if (!std::getline(input(), *text)) return false;
  const bool ended = !input().eof();
  for (const char c : *text) Count(c);
  if (ended) Count('\n');
  ++lines_;
  return true;
}

std::optional<SourceLines::Line> SourceLines::Next() {
  std::string text;
  while (ReadLine(&text)) {
    if (IsBlank(text)) continue;
    if (text.ends_with('\r')) text.pop_back();
    return Line{std::move(text), lines_};
  }
  return std::nullopt;
}

std::string SourceLines::Place() const {
  return std::to_string(lines_) + " " + std::to_string(bytes_) + " " + std::to_string(hash_);
}

void SourceLines::Rewind() {
  file_.clear();
  file_.seekg(0);
  lines_ = 0;
  bytes_ = 0;
  hash_ = kHashSeed;
}

bool SourceLines::MoveTo(const std::string& place) {
  if (path_ == "-" || place.empty()) return false;
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;
  std::istringstream(place) >> lines >> bytes >> hash;
  char last = '\n';
  while (bytes_ < bytes && file_.get(last)) Count(last);
  if (bytes_ != bytes || hash_ != hash) {
    Rewind();
    return false;
  }
  // The end of a line that had none yet when it was taken.
  if (last != '\n' && file_.peek() == '\n') {
    file_.get(last);
    Count(last);
  }
  file_.clear();
  lines_ = lines;
  return true;
}

}  // namespace fusiongateway
