#include "object_store/shared_segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "troupe/ids.h"

namespace troupe::store {
namespace {

namespace bip = boost::interprocess;

constexpr std::size_t kMaxPrefix = 100;
constexpr const char* kDirectory = "/dev/shm";  // where Linux keeps what shm_open(3) names

bool IsDecimal(std::string_view text) {
  return !text.empty() && text.size() <= 20 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Status Reserve(int descriptor, const std::string& name, std::uint64_t from, std::uint64_t size) {
  int error;
  do {
    error = ::posix_fallocate(descriptor, static_cast<off_t>(from), static_cast<off_t>(size));
  } while (error == EINTR);
  if (error == 0) return OkStatus();
  if (error == EFBIG) error = ENOSPC;  // beyond what this file system or the process's limit allows
  return ErrnoStatus(error, "reserving " + std::to_string(size) + " bytes of shared memory for segment " + name +
                                " (free some of " + kDirectory + ", or give the object store a smaller capacity)");
}

Status CheckSegment(int descriptor, const std::string& name, std::uint64_t size) {
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) return ErrnoStatus(errno, "looking at segment " + name);
  if (info.st_uid != ::geteuid()) {
    return PermissionDenied("segment " + name + " belongs to user " + std::to_string(info.st_uid) +
                            ", not to this process's; run the program as the user of its raylet");
  }
  if (static_cast<std::uint64_t>(info.st_size) != size) {
    return DataLoss("segment " + name + " has " + std::to_string(info.st_size) + " bytes where its extent says " +
                    std::to_string(size) + "; its objects are lost");
  }
  return OkStatus();
}

}  // namespace

bool IsNamePrefix(std::string_view prefix) {
  return !prefix.empty() && prefix.size() <= kMaxPrefix && std::all_of(prefix.begin(), prefix.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::string SegmentName(std::string_view prefix, std::uint64_t instance, std::uint64_t number) {
  std::string name(prefix);
  name += '.';
  internal::AppendHex64(instance, &name);
  return name + '.' + std::to_string(number);
}

bool IsSegmentName(std::string_view name) {
  const auto first = name.find('.');
  const auto last = name.rfind('.');
  if (first == std::string_view::npos || last <= first) return false;
  return IsNamePrefix(name.substr(0, first)) && internal::ParseHex64(name.substr(first + 1, last - first - 1)) &&
         IsDecimal(name.substr(last + 1));
}

Status MakeSegment(const std::string& name) {
  try {
    const bip::shared_memory_object memory(bip::create_only, name.c_str(), bip::read_write, bip::permissions(0600));
    return OkStatus();
  } catch (const bip::interprocess_exception& error) {
    return ErrnoStatus(error.get_native_error(), "making segment " + name);
  }
}

Status ReserveRange(const std::string& name, std::uint64_t from, std::uint64_t size) {
  try {
    const bip::shared_memory_object memory(bip::open_only, name.c_str(), bip::read_write);
    Status reserved = Reserve(memory.get_mapping_handle().handle, name, from, size);
    if (!reserved.ok()) RemoveSegment(name);
    return reserved;
  } catch (const bip::interprocess_exception& error) {
    return ErrnoStatus(error.get_native_error(), "reserving memory for segment " + name);
  }
}

void RemoveSegment(const std::string& name) {
  try {
    const bip::shared_memory_object memory(bip::open_only, name.c_str(), bip::read_write);
    const int descriptor = memory.get_mapping_handle().handle;
    struct stat info {};
    // Best effort: without it the memory goes when the last mapping does.
    if (::fstat(descriptor, &info) == 0 && info.st_size > 0) {
      (void)::fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, info.st_size);
    }
  } catch (const bip::interprocess_exception&) {
  }
  UnlinkSegment(name);
}

void UnlinkSegment(const std::string& name) { bip::shared_memory_object::remove(name.c_str()); }

Result<std::size_t> UnlinkSegments(std::string_view prefix) {
  std::error_code error;
  std::size_t count = 0;
  std::filesystem::directory_iterator entry(kDirectory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!IsSegmentName(name) || name.substr(0, name.find('.')) != prefix) continue;
    struct stat info {};
    if (::lstat(entry->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != ::geteuid()) continue;
    UnlinkSegment(name);
    ++count;
  }
  if (error) return ErrnoStatus(error.value(), std::string("listing the shared memory in ") + kDirectory);
  return count;
}

Result<std::unique_ptr<Mapping>> Mapping::Open(const std::string& name, std::uint64_t size, bool writable) {
  const auto mode = writable ? bip::read_write : bip::read_only;
  try {
    const bip::shared_memory_object memory(bip::open_only, name.c_str(), mode);
    TROUPE_RETURN_IF_ERROR(CheckSegment(memory.get_mapping_handle().handle, name, size));
    bip::mapped_region region(memory, mode, 0, size);
    for (const int advice : {MADV_DONTFORK, MADV_DONTDUMP}) {
      if (::madvise(region.get_address(), size, advice) != 0) return ErrnoStatus(errno, "mapping segment " + name);
    }
    return std::unique_ptr<Mapping>(new Mapping(std::move(region)));
  } catch (const bip::interprocess_exception& error) {
    return ErrnoStatus(error.get_native_error(), "mapping segment " + name);
  }
}

}  // namespace troupe::store
