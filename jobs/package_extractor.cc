#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <set>

#include "jobs/package.h"

namespace troupe::jobs {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlockBytes = 64u << 10;

using Archive = std::unique_ptr<archive, decltype(&archive_read_free)>;

std::string ErrorText(archive* reader) {
  const char* text = archive_error_string(reader);
  return text == nullptr ? "unknown error" : text;
}

// What an entry is called, with anything that could confuse a terminal or a log replaced.
std::string Printable(std::string_view name) {
  std::string out(name.substr(0, 200));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return "entry '" + out + "'";
}

// An allow-list: exactly one folder of two, then a plain file name. So there is no absolute path, no "..", and no
// folder that an earlier entry could have made something else of.
bool IsAllowedName(std::string_view name) {
  if (!name.starts_with("bin/") && !name.starts_with("lib/")) return false;
  const std::string_view file = name.substr(4);
  return !file.empty() && file.size() <= 255 && file != "." && file != ".." &&
         std::none_of(file.begin(), file.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '/'; });
}

Status CheckEntry(archive_entry* entry, const std::string& name) {
  const std::string what = Printable(name);
  if (!IsAllowedName(name)) {
    return InvalidArgument(what + " is refused: a package holds only bin/<program> and lib/<library>");
  }
  if (archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr) {
    return InvalidArgument(what + " is refused: it is a link");
  }
  if (archive_entry_filetype(entry) != AE_IFREG) return InvalidArgument(what + " is refused: it is not a regular file");
  if ((archive_entry_perm(entry) & (S_ISUID | S_ISGID | S_ISVTX)) != 0) {
    return InvalidArgument(what + " is refused: it has set-id bits");
  }
  // A few bytes of a sparse file can stand for terabytes.
  if (archive_entry_sparse_count(entry) > 0) return InvalidArgument(what + " is refused: it is a sparse file");
  if (!archive_entry_size_is_set(entry) || archive_entry_size(entry) < 0) {
    return InvalidArgument(what + " is refused: it has no size");
  }
  return OkStatus();
}

Status WriteAll(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = write(fd, data, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "cannot write");
    data += count;
    size -= static_cast<std::size_t>(count);
  }
  return OkStatus();
}

// Unpacks into an empty directory of its own.
class Extractor {
 public:
  Extractor(archive* reader, const ExtractLimits& limits, std::string directory)
      : reader_(reader), limits_(limits), directory_(std::move(directory)) {}

  Status Run() {
    archive_entry* entry = nullptr;
    for (;;) {
      const int result = archive_read_next_header(reader_, &entry);
      if (result == ARCHIVE_EOF) break;
      if (result != ARCHIVE_OK) return InvalidArgument("it is no tar archive or damaged: " + ErrorText(reader_));
      TROUPE_RETURN_IF_ERROR(Extract(entry));
    }
    if (programs_ != 1) return InvalidArgument("it holds " + std::to_string(programs_) + " programs instead of one");
    return OkStatus();
  }

 private:
  Status Extract(archive_entry* entry) {
    const char* raw_name = archive_entry_pathname(entry);
    const std::string name = raw_name == nullptr ? "" : raw_name;
    TROUPE_RETURN_IF_ERROR(CheckEntry(entry, name));
    if (!names_.insert(name).second) return InvalidArgument(Printable(name) + " is refused: it comes twice");
    if (names_.size() > limits_.max_files) {
      return InvalidArgument("it holds more than " + std::to_string(limits_.max_files) + " files");
    }
    const auto size = static_cast<std::uint64_t>(archive_entry_size(entry));
    if (size > limits_.max_bytes - bytes_) {
      return InvalidArgument("its files hold more than " + std::to_string(limits_.max_bytes) + " bytes");
    }
    bytes_ += size;
    const bool is_program = name.starts_with("bin/");
    if (is_program) ++programs_;
    return WriteFile(name, is_program ? 0700 : 0600, size);
  }

  Status WriteFile(const std::string& name, mode_t mode, std::uint64_t size) {
    const std::string path = directory_ + "/" + name;
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) return ErrnoStatus(errno, "cannot make " + path);
    Status copied = CopyData(fd, size);
    // ENOSPC may show only here.
    if (close(fd) != 0 && copied.ok()) copied = ErrnoStatus(errno, "cannot write");
    return copied.WithContext(path);
  }

  Status CopyData(int fd, std::uint64_t size) {
    std::string buffer(kBlockBytes, '\0');
    while (size > 0) {
      const la_ssize_t count = archive_read_data(reader_, buffer.data(), std::min<std::uint64_t>(size, buffer.size()));
      if (count <= 0) return InvalidArgument("the archive is damaged: " + ErrorText(reader_));
      TROUPE_RETURN_IF_ERROR(WriteAll(fd, buffer.data(), static_cast<std::size_t>(count)));
      size -= static_cast<std::uint64_t>(count);
    }
    return OkStatus();
  }

  archive* const reader_;
  const ExtractLimits limits_;
  const std::string directory_;
  std::set<std::string> names_;
  std::uint64_t bytes_ = 0;
  int programs_ = 0;
};

Status ExtractInto(const std::string& archive_path, const std::string& directory, const ExtractLimits& limits) {
  for (const char* folder : {"/bin", "/lib"}) {
    if (mkdir((directory + folder).c_str(), 0700) != 0) return ErrnoStatus(errno, "cannot make " + directory + folder);
  }
  const Archive reader(archive_read_new(), &archive_read_free);
  // No filter is enabled, so nothing is decompressed: the files are never larger than the archive.
  if (archive_read_support_format_tar(reader.get()) != ARCHIVE_OK ||
      archive_read_open_filename(reader.get(), archive_path.c_str(), kBlockBytes) != ARCHIVE_OK) {
    return InvalidArgument(ErrorText(reader.get()));
  }
  return Extractor(reader.get(), limits, directory).Run();
}

}  // namespace

Status ExtractPackage(const std::string& archive, const std::string& directory, const ExtractLimits& limits) {
  std::error_code ignored;
  if (fs::exists(directory, ignored)) return OkStatus();
  std::string temporary = directory + ".XXXXXX";
  if (mkdtemp(temporary.data()) == nullptr) return ErrnoStatus(errno, "cannot make a directory beside " + directory);
  Status status = ExtractInto(archive, temporary, limits).WithContext("package " + archive);
  if (status.ok() && rename(temporary.c_str(), directory.c_str()) != 0) {
    // Another raylet of this session may have been quicker.
    if (errno != EEXIST && errno != ENOTEMPTY) status = ErrnoStatus(errno, "cannot make " + directory);
  }
  // A leftover takes space but harms nobody.
  fs::remove_all(temporary, ignored);
  return status;
}

Result<std::string> ProgramOf(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory + "/bin", error)) return entry.path().string();
  if (error) return ErrnoStatus(error.value(), "cannot read package " + directory);
  return NotFound("package " + directory + " holds no program; delete the directory so that it is fetched again");
}

}  // namespace troupe::jobs
