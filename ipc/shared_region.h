// SharedRegion: one named piece of shared memory, mapped into this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/status.h"

namespace boost::interprocess {
class mapped_region;
}

namespace troupe::ipc {

enum class Access { kReadOnly, kReadWrite };

// Maps a region for as long as it lives; the name outlives it until Unlink(). Move-only. A forked child does not
// inherit the mapping (and core dumps leave it out), so a child must neither touch nor destroy its copy of this object;
// it opens the region by name instead. Functions block only for the kernel's work. Any thread may call them.
class SharedRegion {
 public:
  // Makes the region `name` with `size` zeroed bytes that are all reserved now, readable and writable by this user
  // only. InvalidArgument: the name is empty, has a '/' or is longer than 250 bytes, or size is 0. AlreadyExists: the
  // name is taken. ResourceExhausted: shared memory is full; nothing is left behind.
  static Result<SharedRegion> Create(const std::string& name, std::uint64_t size);

  // Maps an existing region whole. NotFound: no such name. FailedPrecondition: its real size is below
  // `expected_min_size`, so that reading what its maker promised would end in SIGBUS.
  static Result<SharedRegion> Open(const std::string& name, Access access, std::uint64_t expected_min_size = 1);

  // Removes the name; mappings stay valid. A name that does not exist is no error.
  static void Unlink(const std::string& name);

  SharedRegion(SharedRegion&&) noexcept;
  SharedRegion& operator=(SharedRegion&&) noexcept;
  ~SharedRegion();

  // The first byte, aligned to a page. Writing through a kReadOnly mapping is a fault.
  std::byte* data() const;
  std::uint64_t size() const;
  std::span<std::byte> bytes() const { return {data(), static_cast<std::size_t>(size())}; }
  const std::string& name() const { return name_; }

 private:
  SharedRegion(std::string name, std::unique_ptr<boost::interprocess::mapped_region> mapping);

  std::string name_;
  std::unique_ptr<boost::interprocess::mapped_region> mapping_;
};

// The names of this machine's regions that begin with `prefix`, sorted; so that a session's owner can remove what
// killed processes left behind.
std::vector<std::string> ListRegions(const std::string& prefix);

}  // namespace troupe::ipc
