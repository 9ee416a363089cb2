// ByteReader: a position in foreign bytes, checked at every step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace troupe::internal {

// Every read throws SerializationError instead of passing the end. Not thread-safe.
class ByteReader {
 public:
  // `bytes` outlive the reader.
  explicit ByteReader(std::span<const std::byte> bytes, std::size_t position = 0)
      : bytes_(bytes), position_(position) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }
  void Read(void* data, std::size_t size) {
    if (size > remaining()) ThrowTooShort(size);
    if (size != 0) std::memcpy(data, bytes_.data() + position_, size);
    position_ += size;
  }
  // Any byte but 0 and 1 in a bool would be undefined behaviour.
  bool ReadBool();
  // The size of a container whose elements take at least `element_size` bytes each.
  std::size_t ReadSize(std::size_t element_size = 1);

 private:
  [[noreturn]] void ThrowTooShort(std::size_t size) const;

  std::span<const std::byte> bytes_;
  std::size_t position_;
};

}  // namespace troupe::internal
