#include "delivery/evidence/kept_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace fusiongateway {
namespace {

namespace fs = std::filesystem;

// Readable by its owner only, and on the disk.
bool WriteFile(const fs::path& path, std::string_view bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  bool ok = true;
  while (ok && !bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    ok = written > 0 || (written < 0 && errno == EINTR);
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  ok = ok && ::fsync(file) == 0;
  return ::close(file) == 0 && ok;
}

}  // namespace

KeptFiles::KeptFiles(std::string directory, std::uint64_t bytes_max,
                     std::vector<std::string> endings)
    : directory_(std::move(directory)), bytes_max_(bytes_max), endings_(std::move(endings)) {}

Status KeptFiles::Open() {
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error) return Unavailable(directory_ + ": cannot be made: " + error.message());
  fs::permissions(directory_, fs::perms::owner_all, error);
  if (error) return Unavailable(directory_ + ": cannot be made private: " + error.message());
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    const std::string ending = entry.path().extension();
    if (std::find(endings_.begin(), endings_.end(), ending) != endings_.end()) {
      found.emplace_back(entry.last_write_time(error), entry.path());
    } else {
      fs::remove(entry.path(), error);  // half written when the gateway was killed
    }
  }
  std::sort(found.begin(), found.end());
  std::lock_guard lock(mutex_);
  for (const auto& [time, path] : found) {
    const std::uintmax_t bytes = fs::file_size(path, error);
    if (!error) Admit(path.filename(), bytes);
  }
  return {};
}

Status KeptFiles::Write(const std::string& name, std::string_view bytes) {
  const fs::path path = fs::path(directory_) / name;
  const fs::path beside = path.string() + ".part";
  const bool written = WriteFile(beside, bytes);
  std::lock_guard lock(mutex_);
  std::error_code error;
  if (written) fs::rename(beside, path, error);
  if (!written || error) {
    ++statistics_.failed;
    fs::remove(beside, error);
    return ResourceExhausted(directory_ + ": a file cannot be written; is the disk full?");
  }
  ++statistics_.saved;
  Admit(name, bytes.size());
  return {};
}

Result<std::string> KeptFiles::Read(const std::string& name) const {
  std::ifstream file(fs::path(directory_) / name, std::ios::binary);
  if (!file) return NotFound("no such file is held");
  return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void KeptFiles::Rename(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  const auto found = kept_.find(from);
  if (found == kept_.end()) return;
  std::error_code error;
  fs::rename(fs::path(directory_) / from, fs::path(directory_) / to, error);
  if (error) return;
  const std::uint64_t bytes = found->second.bytes;
  Forget(from);
  Admit(to, bytes);
}

KeptFilesStatistics KeptFiles::statistics() const {
  std::lock_guard lock(mutex_);
  return statistics_;
}

void KeptFiles::Admit(const std::string& name, std::uint64_t bytes) {
  Forget(name);
  kept_[name] = {bytes, names_.insert(names_.end(), name)};
  ++statistics_.files;
  statistics_.bytes += bytes;
  while (statistics_.bytes > bytes_max_ && names_.size() > 1) {
    std::error_code error;
    const std::string oldest = names_.front();
    fs::remove(fs::path(directory_) / oldest, error);
    Forget(oldest);
    ++statistics_.dropped_oldest;
  }
}

void KeptFiles::Forget(const std::string& name) {
  const auto found = kept_.find(name);
  if (found == kept_.end()) return;
  statistics_.bytes -= found->second.bytes;
  --statistics_.files;
  names_.erase(found->second.age);
  kept_.erase(found);
}

}  // namespace fusiongateway
