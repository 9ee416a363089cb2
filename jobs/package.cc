#include "jobs/package.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <memory>

#include "jobs/elf_file.h"

namespace troupe::jobs {
namespace {

constexpr std::size_t kBufferBytes = 256u << 10;

using Archive = std::unique_ptr<archive, decltype(&archive_write_free)>;
using Entry = std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

std::string ErrorText(archive* writer) {
  const char* text = archive_error_string(writer);
  return text == nullptr ? "unknown error" : text;
}

bool IsStorableName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
         std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '/'; });
}

// Copies `size` bytes, the size the entry's header gives; a file that changes meanwhile is an error.
Status CopyData(int fd, std::uint64_t size, archive* writer, const std::string& path) {
  std::string buffer(kBufferBytes, '\0');
  while (size > 0) {
    const ssize_t count = read(fd, buffer.data(), std::min<std::uint64_t>(size, buffer.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "cannot read " + path);
    if (count == 0) return FailedPrecondition(path + " became shorter while it was packed; try again");
    if (archive_write_data(writer, buffer.data(), static_cast<std::size_t>(count)) != count) {
      return Unavailable("cannot pack " + path + ": " + ErrorText(writer));
    }
    size -= static_cast<std::uint64_t>(count);
  }
  return OkStatus();
}

// Owners, times and modes are fixed: only names and bytes count for the hash.
Status AddFile(archive* writer, const std::string& path, const std::string& name, mode_t mode) {
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) return ErrnoStatus(errno, "cannot pack " + path);
  struct stat info;
  if (fstat(file.fd(), &info) != 0) return ErrnoStatus(errno, "cannot pack " + path);
  if (!S_ISREG(info.st_mode)) return InvalidArgument("cannot pack " + path + ": it is not a regular file");

  const Entry entry(archive_entry_new(), &archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), mode);
  archive_entry_set_size(entry.get(), info.st_size);
  archive_entry_set_mtime(entry.get(), 0, 0);
  if (archive_write_header(writer, entry.get()) != ARCHIVE_OK) {
    return InvalidArgument("cannot pack " + path + " as " + name + ": " + ErrorText(writer));
  }
  return CopyData(file.fd(), static_cast<std::uint64_t>(info.st_size), writer, path);
}

// Library paths by the names they are stored under.
Result<std::map<std::string, std::string>> NameLibraries(const std::vector<std::string>& libraries) {
  std::map<std::string, std::string> named;
  for (const std::string& path : libraries) {
    auto names = ReadElfNames(path);
    if (!names.ok()) return names.status().WithContext("cannot pack library " + path);
    std::string name = names->soname.empty() ? std::filesystem::path(path).filename().string() : names->soname;
    if (!IsStorableName(name)) return InvalidArgument("cannot pack library " + path + ": its name is not a file name");
    const auto [other, added] = named.emplace(std::move(name), path);
    std::error_code error;
    if (!added && !std::filesystem::equivalent(other->second, path, error)) {
      return InvalidArgument("cannot pack both " + other->second + " and " + path + ": both are " + other->first);
    }
  }
  return named;
}

Status WriteArchive(archive* writer, const std::string& program, const std::map<std::string, std::string>& libraries) {
  const std::string name = std::filesystem::path(program).filename();
  if (!IsStorableName(name)) return InvalidArgument("cannot pack " + program + ": its name is not a file name");
  TROUPE_RETURN_IF_ERROR(AddFile(writer, program, "bin/" + name, 0755));
  for (const auto& [soname, path] : libraries) TROUPE_RETURN_IF_ERROR(AddFile(writer, path, "lib/" + soname, 0644));
  if (archive_write_close(writer) != ARCHIVE_OK)
    return Unavailable("cannot pack " + program + ": " + ErrorText(writer));
  return OkStatus();
}

Status WriteTo(int fd, const std::string& program, const std::map<std::string, std::string>& libraries) {
  const Archive writer(archive_write_new(), &archive_write_free);
  // Restricted pax is plain ustar wherever that can hold the name and the size. Without blocking the file ends with the
  // archive's own end mark, so nothing depends on the kind of the file written to.
  // Names are bytes: in UTF-8 or not must not depend on the locale of who packs.
  if (archive_write_set_format_pax_restricted(writer.get()) != ARCHIVE_OK ||
      archive_write_set_options(writer.get(), "hdrcharset=BINARY") != ARCHIVE_OK ||
      archive_write_set_bytes_in_last_block(writer.get(), 1) != ARCHIVE_OK ||
      archive_write_open_fd(writer.get(), fd) != ARCHIVE_OK) {
    return Internal("cannot pack " + program + ": " + ErrorText(writer.get()));
  }
  return WriteArchive(writer.get(), program, libraries);
}

std::string Hex(const unsigned char* bytes, unsigned size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out.push_back(kDigits[bytes[i] >> 4]);
    out.push_back(kDigits[bytes[i] & 0xf]);
  }
  return out;
}

}  // namespace

bool IsPackageHash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<PackageInfo> WritePackage(const std::string& program, const std::vector<std::string>& libraries,
                                 const std::string& path) {
  TROUPE_ASSIGN_OR_RETURN(const auto named, NameLibraries(libraries));
  const File file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.fd() < 0) return ErrnoStatus(errno, "cannot write package " + path);
  Status written = WriteTo(file.fd(), program, named);
  if (!written.ok()) {
    unlink(path.c_str());
    return written;
  }
  return HashPackage(path);
}

Result<PackageInfo> HashPackage(const std::string& path) {
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) return ErrnoStatus(errno, "cannot read package " + path);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!digest || EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) != 1) {
    return Internal("SHA-256 is not available from OpenSSL");
  }
  PackageInfo info;
  std::string buffer(kBufferBytes, '\0');
  for (;;) {
    const ssize_t count = read(file.fd(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "cannot read package " + path);
    if (count == 0) break;
    EVP_DigestUpdate(digest.get(), buffer.data(), static_cast<std::size_t>(count));
    info.size += static_cast<std::uint64_t>(count);
  }
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(digest.get(), bytes, &size);
  info.hash = Hex(bytes, size);
  return info;
}

}  // namespace troupe::jobs
