#include "head/package_store.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "head/job.h"

namespace troupe::head {
namespace {

Status WriteAll(int fd, std::string_view data, const std::string& path) {
  while (!data.empty()) {
    const ssize_t written = write(fd, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "cannot write " + path);
    data.remove_prefix(static_cast<std::size_t>(written));
  }
  return OkStatus();
}

Status BadName(const std::string& package) {
  return InvalidArgument("'" + package.substr(0, 80) + "' is not the name of a package (64 hex digits)");
}

}  // namespace

PackageStore::PackageStore(std::string directory, PackageLimits limits)
    : directory_(std::move(directory)), limits_(limits) {}

PackageStore::~PackageStore() {
  while (!uploads_.empty()) Abandon(std::string(uploads_.begin()->first));
}

Result<std::unique_ptr<PackageStore>> PackageStore::Open(std::string directory, PackageLimits limits) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(errno, "cannot make " + directory);
  std::unique_ptr<PackageStore> store(new PackageStore(std::move(directory), limits));
  TROUPE_RETURN_IF_ERROR(store->Scan());
  return store;
}

Status PackageStore::Scan() {
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (IsPackageName(name) && it->is_regular_file(error)) {
      packages_[name].size = it->file_size(error);
      stored_ += packages_[name].size;
    } else if (name.ends_with(".part")) {
      std::filesystem::remove(it->path(), error);
    }
  }
  return error ? ErrnoStatus(error.value(), "cannot read " + directory_) : OkStatus();
}

const PackageStore::Package* PackageStore::Use(const std::string& package) {
  auto it = packages_.find(package);
  if (it == packages_.end()) return nullptr;
  it->second.used = ++uses_;
  it->second.asked_for = true;
  return &it->second;
}

bool PackageStore::Has(const std::string& package) { return Use(package) != nullptr; }

Status PackageStore::CheckPut(const pb::PutPackageRequest& request) const {
  if (!IsPackageName(request.package())) return BadName(request.package());
  if (request.data().size() > kChunkBytes) return InvalidArgument("a chunk of a package may have 4 MiB at most");
  if (request.total() > limits_.package_bytes) {
    return ResourceExhausted("the package has " + std::to_string(request.total()) + " bytes, more than the limit of " +
                             std::to_string(limits_.package_bytes));
  }
  return OkStatus();
}

Result<pb::PutPackageReply> PackageStore::Put(const pb::PutPackageRequest& request) {
  TROUPE_RETURN_IF_ERROR(CheckPut(request));
  const std::string& package = request.package();
  pb::PutPackageReply reply;
  if (const Package* known = Use(package)) {
    reply.set_have(known->size);
    reply.set_complete(true);
    return reply;
  }
  if (request.data().empty()) {
    auto it = uploads_.find(package);
    reply.set_have(it == uploads_.end() ? 0 : it->second.have);
    return reply;
  }
  TROUPE_ASSIGN_OR_RETURN(Upload * upload, Begin(request));
  if (request.offset() == upload->have) TROUPE_RETURN_IF_ERROR(Append(*upload, package, request.data()));
  reply.set_have(upload->have);
  reply.set_complete(upload->have == upload->total);
  if (reply.complete()) TROUPE_RETURN_IF_ERROR(Complete(*upload, package));
  return reply;
}

Result<PackageStore::Upload*> PackageStore::Begin(const pb::PutPackageRequest& request) {
  const std::string& package = request.package();
  auto it = uploads_.find(package);
  // Somebody was wrong about its size; whoever begins anew is believed next.
  if (it != uploads_.end() && it->second.total != request.total() && request.offset() == 0) {
    Abandon(package);
    it = uploads_.end();
  }
  if (it == uploads_.end()) {
    if (stored_ + request.total() > limits_.all_bytes) {
      return ResourceExhausted("packages take " + std::to_string(stored_) + " bytes, and this one exceeds the limit");
    }
    if (uploads_.size() >= limits_.uploads) {
      auto stalest = std::min_element(uploads_.begin(), uploads_.end(),
                                      [](const auto& a, const auto& b) { return a.second.touched < b.second.touched; });
      Abandon(std::string(stalest->first));
    }
    const int fd = open(PartPath(package).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return ErrnoStatus(errno, "cannot make " + PartPath(package));
    it = uploads_.try_emplace(package).first;
    it->second.fd = fd;
    it->second.total = request.total();
  }
  it->second.touched = ++chunks_;
  return &it->second;
}

Status PackageStore::Append(Upload& upload, const std::string& package, const std::string& data) {
  if (data.size() > upload.total - upload.have) {
    Abandon(package);
    return InvalidArgument("package " + package + " has more bytes than were announced");
  }
  if (Status status = WriteAll(upload.fd, data, PartPath(package)); !status.ok()) {
    Abandon(package);
    return status;
  }
  upload.hash.Add(data);
  upload.have += data.size();
  return OkStatus();
}

Status PackageStore::Complete(Upload& upload, const std::string& package) {
  const std::uint64_t size = upload.total;
  Status status;
  if (upload.hash.Hex() != package) {
    status = InvalidArgument("the bytes put as package " + package + " do not hash to that name; put it again");
  } else if (fsync(upload.fd) != 0 || rename(PartPath(package).c_str(), Path(package).c_str()) != 0) {
    status = ErrnoStatus(errno, "cannot store package " + package);
  }
  Abandon(package);
  TROUPE_RETURN_IF_ERROR(status);
  packages_[package].size = size;
  stored_ += size;
  Use(package);
  return OkStatus();
}

void PackageStore::Abandon(const std::string& package) {
  auto it = uploads_.find(package);
  close(it->second.fd);
  unlink(PartPath(package).c_str());
  uploads_.erase(it);
}

void PackageStore::Trim(const std::set<std::string>& needed) {
  std::vector<std::pair<std::uint64_t, std::string>> unneeded;  // by their last use
  std::uint64_t bytes = 0;
  for (auto& [name, package] : packages_) {
    const bool asked_for = std::exchange(package.asked_for, false);
    if (needed.contains(name)) {
      package.used = ++uses_;
    } else if (!asked_for) {
      unneeded.emplace_back(package.used, name);
      bytes += package.size;
    }
  }
  std::sort(unneeded.begin(), unneeded.end());
  for (const auto& [used, name] : unneeded) {
    if (bytes <= limits_.unneeded_bytes) return;
    bytes -= packages_[name].size;
    Remove(name);
  }
}

void PackageStore::Remove(const std::string& package) {
  spdlog::info("removing package {}, which no job needs", package);
  auto it = packages_.find(package);
  stored_ -= it->second.size;
  packages_.erase(it);
  unlink(Path(package).c_str());
}

Result<pb::PackageChunk> PackageStore::Get(const pb::GetPackageRequest& request) {
  if (!IsPackageName(request.package())) return BadName(request.package());
  const Package* package = Use(request.package());
  if (package == nullptr) return NotFound("the head has no package " + request.package());
  if (request.offset() > package->size) {
    return Status(StatusCode::kOutOfRange,
                  "package " + request.package() + " has no byte " + std::to_string(request.offset()));
  }
  const int fd = open(Path(request.package()).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return ErrnoStatus(errno, "cannot read package " + request.package());
  std::string data(std::min<std::uint64_t>(kChunkBytes, package->size - request.offset()), '\0');
  const ssize_t got = pread(fd, data.data(), data.size(), static_cast<off_t>(request.offset()));
  const int error = errno;
  close(fd);
  if (got < 0) return ErrnoStatus(error, "cannot read package " + request.package());
  data.resize(static_cast<std::size_t>(got));
  pb::PackageChunk chunk;
  chunk.set_total(package->size);
  chunk.set_data(std::move(data));
  return chunk;
}

}  // namespace troupe::head
