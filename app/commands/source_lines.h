// The lines of a file or of standard input, with a place in it that can be stored and found again:
// how many bytes and lines were taken, and a hash of those bytes, so that another file of the same
// name is not taken for the same.
//
// One thread. The hash tells accidental changes, it is no protection against malice.
#pragma once

#include <cstdint>
#include <fstream>
#include <istream>
#include <optional>
#include <string>

#include "fusion/base/status.h"

namespace fusiongateway {

class SourceLines {
 public:
  struct Line {
    std::string text;  // without its end
    std::uint64_t number = 0;
  };

  // "-" is standard input.
  static Result<SourceLines> Open(const std::string& path);

  // The next line that is not blank.
  std::optional<Line> Next();
  // Where reading stands.
  std::string Place() const;
  // Moves to a place told by Place(), if the file's beginning is still the same. False, and nothing
  // moved, if not.
  bool MoveTo(const std::string& place);

  std::uint64_t line_count() const { return lines_; }

 private:
  explicit SourceLines(std::string path) : path_(std::move(path)) {}
  std::istream& input();
  bool ReadLine(std::string* text);
  void Count(char byte);
  void Rewind();

  std::string path_;
  std::ifstream file_;
  std::uint64_t lines_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t hash_ = 0;
};

}  // namespace fusiongateway
