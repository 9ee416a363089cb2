// WireSize, WireWriter and WireReader: fixed-width little-endian fields in the frames that processes send each other.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "troupe/ids.h"

namespace troupe::client {

// The two ways to go through the fields of a frame: to count its bytes, and to write them where there is room for as
// many. `Out` has Append(const void*, std::size_t).
template <class Out>
class WireFields {
 public:
  template <class T>
  requires std::is_integral_v<T> || std::is_enum_v<T>
  void Put(T value) { out().Append(&value, sizeof value); }
  template <class Tag>
  void Put(const Id128<Tag>& id) {
    Put(id.high);
    Put(id.low);
  }
  template <class Tag>
  void Put(const Id64<Tag>& id) {
    Put(id.value);
  }
  void Put(const Address& address) {
    Put(address.node);
    Put(address.process);
  }
  // A 32-bit length and the bytes.
  void PutBytes(std::string_view bytes) {
    Put(static_cast<std::uint32_t>(bytes.size()));
    if (!bytes.empty()) out().Append(bytes.data(), bytes.size());  // no bytes may be at no place
  }

 private:
  Out& out() { return static_cast<Out&>(*this); }
};

class WireSize : public WireFields<WireSize> {
 public:
  std::size_t bytes() const { return bytes_; }
  void Append(const void*, std::size_t size) { bytes_ += size; }

 private:
  std::size_t bytes_ = 0;
};

class WireWriter : public WireFields<WireWriter> {
 public:
  explicit WireWriter(char* to) : at_(to) {}
  void Append(const void* bytes, std::size_t size) {
    std::memcpy(at_, bytes, size);
    at_ += size;
  }

 private:
  char* at_;
};

// Reads what WireWriter wrote. A read past the end gives zeros and makes ok() false for good, so that a decoder
// asks once at the end. Never reads outside `in`; what it returns as string_view points into `in`.
class WireReader {
 public:
  explicit WireReader(std::string_view in) : in_(in) {}

  bool ok() const { return ok_; }
  std::size_t remaining() const { return in_.size(); }

  template <class T>
  requires std::is_integral_v<T> || std::is_enum_v<T> T Get() {
    T value{};
    if (in_.size() < sizeof value) {
      ok_ = false;
      in_ = {};
      return value;
    }
    std::memcpy(&value, in_.data(), sizeof value);
    in_.remove_prefix(sizeof value);
    return value;
  }
  template <class Id>
  requires(!std::is_integral_v<Id> && !std::is_enum_v<Id>) Id Get() {
    Id id;
    Read(&id);
    return id;
  }
  std::string_view GetBytes() {
    const auto size = Get<std::uint32_t>();
    if (size > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    const std::string_view bytes = in_.substr(0, size);
    in_.remove_prefix(size);
    return bytes;
  }
  // How many elements follow, each of at least `element_bytes`: bounds what a decoder allocates.
  std::uint32_t GetCount(std::size_t element_bytes) {
    const auto count = Get<std::uint32_t>();
    if (count > in_.size() / element_bytes) {
      ok_ = false;
      in_ = {};
      return 0;
    }
    return count;
  }

 private:
  template <class Tag>
  void Read(Id128<Tag>* id) {
    id->high = Get<std::uint64_t>();
    id->low = Get<std::uint64_t>();
  }
  template <class Tag>
  void Read(Id64<Tag>* id) {
    id->value = Get<std::uint64_t>();
  }
  void Read(Address* address) {
    Read(&address->node);
    Read(&address->process);
  }

  std::string_view in_;
  bool ok_ = true;
};

}  // namespace troupe::client
