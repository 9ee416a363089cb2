// Input: takes values off the front of a fuzzer's bytes; zeros once they are spent.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace troupe::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : bytes_(data, size) {}

  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }

  template <class T>
  T Take() {
    T value{};
    const std::size_t size = std::min(sizeof(T), bytes_.size());
    std::memcpy(&value, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
    return value;
  }
  // Below `bound`, which is at most 256.
  std::size_t Below(std::size_t bound) { return Take<std::uint8_t>() % bound; }
  bool Flip() { return Below(2) != 0; }
  template <class Container>
  const auto& PickFrom(const Container& container) {
    return container[Take<std::uint8_t>() % container.size()];
  }
  // At most `size`: as many as are left.
  std::string Bytes(std::size_t size) {
    size = std::min(size, bytes_.size());
    std::string out(reinterpret_cast<const char*>(bytes_.data()), size);
    bytes_ = bytes_.subspan(size);
    return out;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

}  // namespace troupe::fuzz
