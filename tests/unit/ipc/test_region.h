// Names and memory for the tests of ipc/; all cleaned up.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "common/include/troupe/ids.h"
#include "ipc/ring_layout.h"
#include "ipc/shared_region.h"

namespace troupe::ipc {

// A name of shared memory that nobody else has; removed at the end of its life.
class TestName {
 public:
  TestName() : name_("troupe-test-" + std::to_string(getpid()) + "-" + ProcessId::Random().Hex()) {}
  ~TestName() { SharedRegion::Unlink(name_); }
  TestName(const TestName&) = delete;
  TestName& operator=(const TestName&) = delete;
  operator const std::string&() const { return name_; }  // NOLINT: stands for the name
  const std::string& str() const { return name_; }

 private:
  const std::string name_;
};

// An empty ring in private memory.
class TestRing {
 public:
  explicit TestRing(std::uint64_t capacity)
      : size_(RingBytes(capacity)), memory_(new (std::align_val_t{kRingLine}) std::byte[size_]) {
    TROUPE_CHECK(FormatRing(memory(), capacity).ok());
  }
  ~TestRing() { operator delete[](memory_, std::align_val_t{kRingLine}); }
  TestRing(const TestRing&) = delete;
  TestRing& operator=(const TestRing&) = delete;

  std::span<std::byte> memory() { return {memory_, size_}; }
  RingHeader* header() { return reinterpret_cast<RingHeader*>(memory_); }
  std::byte* data() { return memory_ + sizeof(RingHeader); }

 private:
  std::size_t size_;
  std::byte* memory_;
};

}  // namespace troupe::ipc
