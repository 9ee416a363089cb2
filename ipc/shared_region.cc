#include "ipc/shared_region.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <cerrno>
#include <limits>
#include <utility>

namespace troupe::ipc {

namespace bip = boost::interprocess;

namespace {

constexpr std::size_t kMaxNameBytes = 250;
constexpr const char* kSharedMemoryFolder = "/dev/shm";  // where Linux keeps what shm_open makes

Status CheckName(const std::string& name) {
  if (name.empty() || name.size() > kMaxNameBytes || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return InvalidArgument("shared memory name '" + name + "' is not 1 to 250 bytes without '/'");
  }
  return OkStatus();
}

Status FromException(const bip::interprocess_exception& error, const std::string& what) {
  const int code = error.get_native_error();
  if (code == 0) return Internal(what + ": " + error.what());
  return ErrnoStatus(code, what);
}

// Gives the object its size with every page reserved: a sparse one would end in SIGBUS at some later write.
Status Reserve(const bip::shared_memory_object& object, std::uint64_t size) {
  const int fd = object.get_mapping_handle().handle;
  int error;
  do {
    error = posix_fallocate(fd, 0, static_cast<off_t>(size));
  } while (error == EINTR);
  if (error == 0) return OkStatus();
  const std::string what = "reserving " + std::to_string(size) + " bytes for shared memory '" +
                           std::string(object.get_name()) + "' in " + kSharedMemoryFolder;
  if (error == EFBIG) return ResourceExhausted(what + ": larger than shared memory can be");
  return ErrnoStatus(error, what);
}

std::unique_ptr<bip::mapped_region> Map(const bip::shared_memory_object& object, bip::mode_t mode) {
  auto mapping = std::make_unique<bip::mapped_region>(object, mode);
  // Both are advice: without them all still works, but children share the mapping or core dumps are large.
  (void)madvise(mapping->get_address(), mapping->get_size(), MADV_DONTFORK);
  (void)madvise(mapping->get_address(), mapping->get_size(), MADV_DONTDUMP);
  return mapping;
}

}  // namespace

SharedRegion::SharedRegion(std::string name, std::unique_ptr<bip::mapped_region> mapping)
    : name_(std::move(name)), mapping_(std::move(mapping)) {}
SharedRegion::SharedRegion(SharedRegion&&) noexcept = default;
SharedRegion& SharedRegion::operator=(SharedRegion&&) noexcept = default;
SharedRegion::~SharedRegion() = default;

Result<SharedRegion> SharedRegion::Create(const std::string& name, std::uint64_t size) {
  TROUPE_RETURN_IF_ERROR(CheckName(name));
  if (size == 0) return InvalidArgument("shared memory '" + name + "' cannot have 0 bytes");
  if (size > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) {
    return ResourceExhausted("shared memory '" + name + "' of " + std::to_string(size) + " bytes: too large");
  }
  try {
    bip::shared_memory_object object(bip::create_only, name.c_str(), bip::read_write, bip::permissions(0600));
    try {
      Status reserved = Reserve(object, size);
      if (reserved.ok()) return SharedRegion(name, Map(object, bip::read_write));
      Unlink(name);
      return reserved;
    } catch (const bip::interprocess_exception&) {
      Unlink(name);
      throw;
    }
  } catch (const bip::interprocess_exception& error) {
    return FromException(error, "creating shared memory '" + name + "'");
  }
}

Result<SharedRegion> SharedRegion::Open(const std::string& name, Access access, std::uint64_t expected_min_size) {
  TROUPE_RETURN_IF_ERROR(CheckName(name));
  const bip::mode_t mode = access == Access::kReadOnly ? bip::read_only : bip::read_write;
  try {
    bip::shared_memory_object object(bip::open_only, name.c_str(), mode);
    bip::offset_t size = 0;
    if (!object.get_size(size)) return ErrnoStatus(errno, "reading the size of shared memory '" + name + "'");
    if (size <= 0 || static_cast<std::uint64_t>(size) < expected_min_size) {
      return FailedPrecondition("shared memory '" + name + "' has " + std::to_string(size) + " bytes, expected " +
                                std::to_string(expected_min_size) + " or more");
    }
    return SharedRegion(name, Map(object, mode));
  } catch (const bip::interprocess_exception& error) {
    return FromException(error, "opening shared memory '" + name + "'");
  }
}

void SharedRegion::Unlink(const std::string& name) {
  if (CheckName(name).ok()) bip::shared_memory_object::remove(name.c_str());
}

std::byte* SharedRegion::data() const { return static_cast<std::byte*>(mapping_->get_address()); }
std::uint64_t SharedRegion::size() const { return mapping_->get_size(); }

std::vector<std::string> ListRegions(const std::string& prefix) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(kSharedMemoryFolder), closedir);
  if (!folder) return names;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && name.starts_with(prefix)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace troupe::ipc
