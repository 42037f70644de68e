// Files of one kind in one directory, bounded by bytes: the oldest go first. What is in a file and
// how it is called is its owner's; a name is a plain file name with one of the endings given.
// Directory and files are readable by their owner only: they are pictures of people.
//
// Thread-safe. A file is written beside, flushed and renamed, so that a kill leaves the whole file
// or none. A full disk is kResourceExhausted and costs that file only.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fusion/base/status.h"

namespace fusiongateway {

struct KeptFilesStatistics {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t saved = 0;
  std::uint64_t failed = 0;
  std::uint64_t dropped_oldest = 0;
};

class KeptFiles {
 public:
  // `endings` with their dot (".still"): what else lies in the directory is swept away.
  KeptFiles(std::string directory, std::uint64_t bytes_max, std::vector<std::string> endings);

  // Makes the directory, or takes stock of what is in it.
  Status Open();
  // In place of what had that name, if anything had; it is the youngest now.
  Status Write(const std::string& name, std::string_view bytes);
  // kNotFound if there is none.
  Result<std::string> Read(const std::string& name) const;
  // In place of what had the name `to`. Nothing happens if there is no file `from`.
  void Rename(const std::string& from, const std::string& to);

  KeptFilesStatistics statistics() const;

 private:
  struct Kept {
    std::uint64_t bytes = 0;
    std::list<std::string>::iterator age;
  };
  void Admit(const std::string& name, std::uint64_t bytes);
  void Forget(const std::string& name);

  const std::string directory_;
  const std::uint64_t bytes_max_;
  const std::vector<std::string> endings_;
  mutable std::mutex mutex_;
  std::list<std::string> names_;  // oldest first
  std::unordered_map<std::string, Kept> kept_;
  KeptFilesStatistics statistics_;
};

}  // namespace fusiongateway
