#include <fcntl.h>
#include <pwd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "common/session.h"
#include "troupe/ids.h"

namespace troupe {
namespace {

constexpr std::size_t kTokenDigits = 64;
constexpr const char* kElsewhere = " (name a file elsewhere with TROUPE_TOKEN_FILE)";

struct FileDescriptor {
  int fd;
  ~FileDescriptor() {
    if (fd >= 0) close(fd);
  }
};

bool IsHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

Result<std::string> NewToken() {
  std::array<std::uint64_t, 4> bits{};
  if (getrandom(bits.data(), sizeof bits, 0) != static_cast<ssize_t>(sizeof bits)) {
    return ErrnoStatus(errno, "the system gave no random bytes for a token");
  }
  std::string token;
  for (std::uint64_t part : bits) internal::AppendHex64(part, &token);
  return token;
}

Status WriteNewFile(const std::string& path, const std::string& text) {
  FileDescriptor file{open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (file.fd < 0) return ErrnoStatus(errno, "cannot make " + path + kElsewhere);
  if (write(file.fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()) || fsync(file.fd) != 0) {
    return ErrnoStatus(errno, "cannot write " + path + kElsewhere);
  }
  return OkStatus();
}

// Written aside and linked into place, so that no reader sees half a token and the first of several makers wins.
Status MakeToken(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty() && mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoStatus(errno, "cannot make " + folder.string() + " for the cluster's token" + kElsewhere);
  }
  TROUPE_ASSIGN_OR_RETURN(const std::string token, NewToken());
  const std::string aside = path + "." + Id64<struct AsideTag>::Random().Hex();
  Status made = WriteNewFile(aside, token + "\n");
  if (made.ok() && link(aside.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    made = ErrnoStatus(errno, "cannot make the token file " + path + kElsewhere);
  }
  unlink(aside.c_str());
  return made;
}

}  // namespace

Result<std::string> TokenFile() {
  if (const char* given = std::getenv("TROUPE_TOKEN_FILE"); given && *given) return std::string(given);
  const char* home = std::getenv("HOME");
  if (!home || !*home) {
    const passwd* user = getpwuid(geteuid());  // NOLINT(concurrency-mt-unsafe): only without $HOME
    home = user ? user->pw_dir : nullptr;
  }
  if (!home || !*home) {
    return NotFound("this user has no home folder for the cluster's token: set HOME or TROUPE_TOKEN_FILE");
  }
  return std::string(home) + "/.troupe/token";
}

Result<std::string> LoadToken(const std::string& path) {
  FileDescriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0 && errno == ENOENT) {
    return NotFound("there is no token file " + path +
                    ": copy it from the machine of the head (mode 600), or name another with TROUPE_TOKEN_FILE");
  }
  if (file.fd < 0) return ErrnoStatus(errno, "cannot open the token file " + path + kElsewhere);
  struct stat info {};
  if (fstat(file.fd, &info) != 0) return ErrnoStatus(errno, "cannot look at the token file " + path);
  if (!S_ISREG(info.st_mode)) return InvalidArgument("the token file " + path + " is not a regular file");
  if (info.st_uid != geteuid()) {
    return PermissionDenied("the token file " + path + " belongs to another user (uid " + std::to_string(info.st_uid) +
                            ")");
  }
  if ((info.st_mode & 077) != 0) {
    return PermissionDenied("the token file " + path + " is open to other users: run chmod 600 " + path);
  }
  std::array<char, kTokenDigits + 2> text{};
  const ssize_t size = read(file.fd, text.data(), text.size());
  if (size < 0) return ErrnoStatus(errno, "cannot read the token file " + path);
  std::string token(text.data(), static_cast<std::size_t>(size));
  if (!token.empty() && token.back() == '\n') token.pop_back();
  if (token.size() != kTokenDigits || !std::all_of(token.begin(), token.end(), IsHexDigit)) {
    return InvalidArgument("the token file " + path + " does not hold a token (64 hexadecimal digits): copy it again " +
                           "from the machine of the head");
  }
  return token;
}

Result<std::string> LoadOrMakeToken(const std::string& path) {
  Result<std::string> token = LoadToken(path);
  if (token.ok() || token.status().code() != StatusCode::kNotFound) return token;
  TROUPE_RETURN_IF_ERROR(MakeToken(path));
  return LoadToken(path);
}

}  // namespace troupe
