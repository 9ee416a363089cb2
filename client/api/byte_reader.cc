#include "troupe/internal/byte_reader.h"

#include <string>

#include "troupe/internal/throw.h"

namespace troupe::internal {

bool ByteReader::ReadBool() {
  unsigned char byte = 0;
  Read(&byte, 1);
  if (byte > 1) ThrowMalformed("a bool of value " + std::to_string(byte), position_ - 1);
  return byte == 1;
}

std::size_t ByteReader::ReadSize(std::size_t element_size) {
  const std::size_t start = position_;
  std::uint64_t size = 0;
  Read(&size, sizeof(size));
  if (size > remaining() / element_size) {
    ThrowMalformed(
        "a size of " + std::to_string(size) + " elements, but only " + std::to_string(remaining()) + " bytes follow",
        start);
  }
  return static_cast<std::size_t>(size);
}

void ByteReader::ThrowTooShort(std::size_t size) const {
  ThrowMalformed(
      "the value ends too early: " + std::to_string(size) + " bytes wanted, " + std::to_string(remaining()) + " left",
      position_);
}

}  // namespace troupe::internal
