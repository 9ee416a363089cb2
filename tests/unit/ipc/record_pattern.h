// The records that the tests send: the n-th has a type, a length and bytes that follow from n alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "ipc/ring_consumer.h"

namespace troupe::ipc {

class RecordPattern {
 public:
  explicit RecordPattern(std::size_t max_payload) : max_payload_(max_payload), bytes_(max_payload + kShifts) {
    std::uint64_t state = 1;
    for (auto& byte : bytes_) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      byte = static_cast<std::byte>(state >> 56);
    }
  }

  static std::uint16_t Type(std::uint64_t n) { return static_cast<std::uint16_t>(n * 7 % kPadRecord); }

  // Mostly small, some empty, a few of the largest size.
  std::span<const std::byte> Payload(std::uint64_t n) const {
    const std::uint64_t mixed = n * 0x9e3779b97f4a7c15ULL >> 32;
    const std::size_t length = mixed % 64 == 0 ? max_payload_ - mixed / 64 % 8 : mixed % 150;
    return {bytes_.data() + n % kShifts, length < max_payload_ ? length : max_payload_};
  }

  bool Matches(std::uint64_t n, const Record& record) const {
    const auto expected = Payload(n);
    return record.type == Type(n) && record.payload.size() == expected.size() &&
           (expected.empty() || std::memcmp(record.payload.data(), expected.data(), expected.size()) == 0);
  }

 private:
  static constexpr std::size_t kShifts = 251;

  std::size_t max_payload_;
  std::vector<std::byte> bytes_;
};

}  // namespace troupe::ipc
