// The archives that turn values into bytes and back, by cereal's conventions.
//
// Encoding: arithmetic types raw, little-endian; sizes as 64-bit counts; aggregates without conventions of their own as
// their members, in the order of declaration; everything else as cereal composes it.
// Bytes to read are foreign: each read and each size is checked against what is left before memory is taken.
#pragma once

#include <bit>
#include <cereal/cereal.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "troupe/internal/byte_reader.h"
#include "troupe/internal/runtime.h"
#include "troupe/internal/throw.h"

namespace troupe::internal {

static_assert(std::endian::native == std::endian::little, "the encoding is little-endian");

// Of serializable.h, which needs the archives.
enum class Obstacle;
template <class T>
struct Examined;
template <class T>
constexpr bool IsReflected();
template <class T, class Culprit = typename Examined<T>::Culprit, Obstacle kWhy = Examined<T>::kObstacle>
constexpr bool CheckTravels();
template <class Archive, class T>
void ProcessMembers(Archive& archive, T& value);

// What cereal hands to an archive beside users' values.
template <class T>
inline constexpr bool kIsWrapper = false;
template <class T>
inline constexpr bool kIsWrapper<cereal::NameValuePair<T>> = true;
template <class T>
inline constexpr bool kIsWrapper<cereal::SizeTag<T>> = true;
template <class T>
inline constexpr bool kIsWrapper<cereal::BinaryData<T>> = true;
template <class K, class V>
inline constexpr bool kIsWrapper<cereal::MapItem<K, V>> = true;

// What every archive does with a value that it is given: cereal's way, unless it has to be taken apart here. All that a
// user's `serialize` names comes by, so a member that cannot travel is refused in a sentence.
template <class Archive, class T>
void ProcessValue(Archive& archive, T& value) {
  using Value = std::remove_const_t<T>;
  if constexpr (kIsWrapper<Value>) {
    archive.ProcessAsCereal(value);
  } else if constexpr (CheckTravels<Value>()) {
    if constexpr (IsReflected<Value>()) {
      archive.Enter();
      ProcessMembers(archive, value);
      archive.Leave();
    } else {
      archive.ProcessAsCereal(value);
    }
  }
}

// Objects inside objects: a chain of pointers must not exhaust the stack, neither of the writer nor of the reader.
inline constexpr int kMaxDepth = 4096;

// Appends values to a Payload. One value per archive; not thread-safe.
class OutputArchive : public cereal::OutputArchive<OutputArchive, cereal::AllowEmptyClassElision> {
  using Base = cereal::OutputArchive<OutputArchive, cereal::AllowEmptyClassElision>;

 public:
  // `payload` outlives the archive.
  explicit OutputArchive(Payload* payload) : Base(this), payload_(payload) {}

  template <class... T>
  OutputArchive& operator()(T&&... values) {
    (ProcessValue(*this, values), ...);
    return *this;
  }
  template <class T>
  OutputArchive& operator&(T&& value) {
    return (*this)(value);
  }
  template <class T>
  OutputArchive& operator<<(T&& value) {
    return (*this)(value);
  }

  void Write(const void* data, std::size_t size) { payload_->bytes.append(static_cast<const char*>(data), size); }
  template <class T>
  void ProcessAsCereal(T& value) {
    Base::operator()(value);
  }
  // What the value names; null is written as "none".
  void WriteObject(const ObjectPtr& object);
  void WriteActor(const ActorPtr& actor);
  // The number of a shared pointer (from 1), and whether this is its first appearance.
  std::pair<std::uint32_t, bool> NumberShared(const void* pointer) {
    auto [entry, is_new] = shared_.try_emplace(pointer, static_cast<std::uint32_t>(shared_.size() + 1));
    return {entry->second, is_new};
  }
  void Enter() {
    if (++depth_ > kMaxDepth) ThrowTooDeep();
  }
  void Leave() { --depth_; }

 private:
  Payload* payload_;
  int depth_ = 0;
  std::map<const void*, std::uint32_t> shared_;
};

// Reads one value from `bytes` at `position`. Every read throws SerializationError instead of passing the end.
class InputArchive : public cereal::InputArchive<InputArchive, cereal::AllowEmptyClassElision>, public ByteReader {
  using Base = cereal::InputArchive<InputArchive, cereal::AllowEmptyClassElision>;

 public:
  // `bytes` outlive the archive.
  explicit InputArchive(std::span<const std::byte> bytes, std::size_t position = 0)
      : Base(this), ByteReader(bytes, position) {}

  template <class... T>
  InputArchive& operator()(T&&... values) {
    (ProcessValue(*this, values), ...);
    return *this;
  }
  template <class T>
  InputArchive& operator&(T&& value) {
    return (*this)(value);
  }
  template <class T>
  InputArchive& operator>>(T&& value) {
    return (*this)(value);
  }

  template <class T>
  void ProcessAsCereal(T& value) {
    Base::operator()(value);
  }
  ObjectPtr ReadObject();
  ActorPtr ReadActor();
  void Enter() {
    if (++depth_ > kMaxDepth) ThrowTooDeep();
  }
  void Leave() { --depth_; }

  // Shared pointers, numbered from 1 in the order they were written. FindShared throws when there is no `number` of
  // this type.
  std::uint32_t shared_count() const { return static_cast<std::uint32_t>(shared_.size()); }
  void AddShared(std::shared_ptr<void> pointer, const std::type_info& type) {
    shared_.emplace_back(std::move(pointer), &type);
  }
  const std::shared_ptr<void>& FindShared(std::uint32_t number, const std::type_info& type) const;

 private:
  int depth_ = 0;
  std::vector<std::pair<std::shared_ptr<void>, const std::type_info*>> shared_;
};

// --- What cereal finds by argument-dependent lookup; its names --------------------------------------------------

template <class T>
requires std::is_arithmetic_v<T>
void save(OutputArchive& archive, const T& value) { archive.Write(&value, sizeof(value)); }
template <class T>
requires std::is_arithmetic_v<T>
void load(InputArchive& archive, T& value) { archive.Read(&value, sizeof(value)); }
inline void load(InputArchive& archive, bool& value) { value = archive.ReadBool(); }

template <class T>
void save(OutputArchive& archive, const cereal::BinaryData<T>& data) {
  archive.Write(data.data, static_cast<std::size_t>(data.size));
}
template <class T>
void load(InputArchive& archive, cereal::BinaryData<T>& data) {
  if constexpr (std::is_same_v<T, bool*>) {
    for (std::size_t i = 0; i < data.size; ++i) load(archive, static_cast<bool*>(data.data)[i]);
  } else {
    archive.Read(data.data, static_cast<std::size_t>(data.size));
  }
}

template <class T>
void save(OutputArchive& archive, const cereal::SizeTag<T>& tag) {
  const std::uint64_t size = tag.size;
  archive.Write(&size, sizeof(size));
}
template <class T>
void load(InputArchive& archive, cereal::SizeTag<T>& tag) {
  tag.size = archive.ReadSize();
}

template <class T>
void save(OutputArchive& archive, const cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
void load(InputArchive& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}

// An empty class takes one byte, so that a container's size is bounded by the bytes that are left.
template <class T>
requires std::is_class_v<T>
void prologue(OutputArchive& archive, const T&) {
  archive.Enter();
  if constexpr (std::is_empty_v<T>) archive.Write("", 1);
}
template <class T>
requires std::is_class_v<T>
void epilogue(OutputArchive& archive, const T&) { archive.Leave(); }
template <class T>
requires std::is_class_v<T>
void prologue(InputArchive& archive, const T&) {
  archive.Enter();
  char unused;
  if constexpr (std::is_empty_v<T>) archive.Read(&unused, 1);
}
template <class T>
requires std::is_class_v<T>
void epilogue(InputArchive& archive, const T&) { archive.Leave(); }

}  // namespace troupe::internal

CEREAL_SETUP_ARCHIVE_TRAITS(troupe::internal::InputArchive, troupe::internal::OutputArchive)
