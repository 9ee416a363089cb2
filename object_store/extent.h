// Extent: where the bytes of one object lie in the node's shared memory.
#pragma once

#include <cstdint>
#include <string>

namespace troupe::store {

// A value that StoreOwner hands out and StoreView maps; it travels in messages. A zero-sized object lies nowhere:
// its extent is all zeroes with an empty name.
struct Extent {
  std::string segment;             // name of the shared memory, without the leading '/'
  std::uint64_t segment_size = 0;  // bytes of the whole segment
  std::uint64_t offset = 0;        // bytes from its start; a multiple of 64
  std::uint64_t size = 0;          // bytes of the object

  bool operator==(const Extent&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(segment, segment_size, offset, size);
  }
};

}  // namespace troupe::store
