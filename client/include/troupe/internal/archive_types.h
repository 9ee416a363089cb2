// How the archives read and write the standard types that cereal's own code would trust too much (a size that no
// bytes back, a shared pointer of another type), reorder, or pull its polymorphic registry in for.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "troupe/internal/archive.h"

namespace troupe::internal {

template <class T, class Allocator>
requires(!std::is_same_v<T, bool>) void load(InputArchive& archive, std::vector<T, Allocator>& values) {
  values.clear();
  if constexpr (std::is_arithmetic_v<T>) {
    values.resize(archive.ReadSize(sizeof(T)));
    archive.Read(values.data(), values.size() * sizeof(T));
  } else {
    // Grown as the elements come, for a few bytes may announce large ones.
    for (std::size_t left = archive.ReadSize(); left > 0; --left) archive(values.emplace_back());
  }
}

template <class T, class Allocator>
void load(InputArchive& archive, std::deque<T, Allocator>& values) {
  values.clear();
  for (std::size_t left = archive.ReadSize(); left > 0; --left) archive(values.emplace_back());
}

// cereal's own would turn the order of equal keys around.
template <class K, class V, class Compare, class Allocator>
void load(InputArchive& archive, std::multimap<K, V, Compare, Allocator>& values) {
  values.clear();
  for (std::size_t left = archive.ReadSize(); left > 0; --left) {
    K key{};
    V value{};
    archive(key, value);
    values.emplace_hint(values.end(), std::move(key), std::move(value));
  }
}

template <class T>
void save(OutputArchive& archive, const std::unique_ptr<T>& pointer) {
  archive(pointer != nullptr);
  if (pointer) archive(*pointer);
}
template <class T>
void load(InputArchive& archive, std::unique_ptr<T>& pointer) {
  bool present = false;
  archive(present);
  pointer.reset();
  if (!present) return;
  auto value = std::make_unique<std::remove_const_t<T>>();
  archive(*value);
  pointer = std::move(value);
}

// Encoded as a number (0: null), followed by the value where the number appears first, so that pointers to one
// object are pointers to one object again.
template <class T>
void save(OutputArchive& archive, const std::shared_ptr<T>& pointer) {
  if (!pointer) return archive(std::uint32_t{0}), void();
  const auto [number, is_new] = archive.NumberShared(pointer.get());
  archive(number);
  if (is_new) archive(*pointer);
}
template <class T>
void load(InputArchive& archive, std::shared_ptr<T>& pointer) {
  using Value = std::remove_const_t<T>;
  std::uint32_t number = 0;
  archive(number);
  if (number == 0) return pointer.reset();
  if (number == archive.shared_count() + 1) {
    auto value = std::make_shared<Value>();
    archive.AddShared(value, typeid(Value));
    archive(*value);
    pointer = std::move(value);
  } else {
    pointer = std::static_pointer_cast<Value>(archive.FindShared(number, typeid(Value)));
  }
}

template <class T>
void save(OutputArchive& archive, const std::weak_ptr<T>& pointer) {
  save(archive, pointer.lock());
}
template <class T>
void load(InputArchive& archive, std::weak_ptr<T>& pointer) {
  std::shared_ptr<T> shared;
  load(archive, shared);
  pointer = shared;
}

}  // namespace troupe::internal
