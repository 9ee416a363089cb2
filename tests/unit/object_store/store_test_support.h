// What the object store's tests share: stores with random names, patterns of bytes, a check for overlaps.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "object_store/extent.h"
#include "object_store/extent_allocator.h"
#include "object_store/store_owner.h"
#include "troupe/ids.h"

namespace troupe::store {

inline std::string RandomPrefix() {
  return "troupe-test-" + std::to_string(::getpid()) + "-" + ProcessId::Random().Hex();
}

inline std::unique_ptr<StoreOwner> OpenStore(StoreOptions options) {
  if (options.name_prefix.empty()) options.name_prefix = RandomPrefix();
  auto store = StoreOwner::Open(std::move(options));
  if (store.ok()) return *std::move(store);
  ADD_FAILURE() << store.status().ToString();
  return nullptr;
}

inline std::vector<std::string> SegmentsOf(const std::string& prefix) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
    if (entry.path().filename().string().starts_with(prefix + ".")) names.push_back(entry.path().filename());
  }
  return names;
}

// The seed of a random test: $TROUPE_TEST_SEED, or a fresh one. Printed, so that a failure can be repeated.
inline std::uint64_t TestSeed() {
  const char* given = std::getenv("TROUPE_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::cout << "TROUPE_TEST_SEED=" << seed << std::endl;
  return seed;
}

// Sizes whose logarithm is uniform between `least` and `most`.
inline std::uint64_t LogUniform(std::mt19937_64& random, double least, double most) {
  return static_cast<std::uint64_t>(std::exp(std::uniform_real_distribution(std::log(least), std::log(most))(random)));
}

// Bytes that differ between objects, and within one.
inline std::byte PatternAt(ObjectId id, std::size_t position) {
  return static_cast<std::byte>((id.low * 167 + position) * 2654435761U >> 16);
}
inline void FillPattern(ObjectId id, std::span<std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = PatternAt(id, i);
}
inline bool HasPattern(ObjectId id, std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != PatternAt(id, i)) return false;
  }
  return true;
}

// Whether two of the extents share a byte, counting what each is rounded up to, or one leaves its segment.
inline bool AnyOverlap(std::vector<Extent> extents) {
  std::erase_if(extents, [](const Extent& extent) { return extent.size == 0; });
  const auto place = [](const Extent& extent) { return std::pair(extent.segment, extent.offset); };
  std::sort(extents.begin(), extents.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  for (std::size_t i = 0; i < extents.size(); ++i) {
    const std::uint64_t end = extents[i].offset + *ExtentAllocator::Rounded(extents[i].size);
    if (end > extents[i].segment_size) return true;
    const bool same_segment = i + 1 < extents.size() && extents[i].segment == extents[i + 1].segment;
    if (same_segment && extents[i + 1].offset < end) return true;
  }
  return false;
}

}  // namespace troupe::store
