// Ids: 128-bit (64-bit for processes and jobs) values, one distinct type per kind of thing.
#pragma once

#include <array>
#include <charconv>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

namespace internal {

// Appends `value` as 16 lower-case hexadecimal digits, most significant first.
inline void AppendHex64(std::uint64_t value, std::string* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) out->push_back(kDigits[(value >> shift) & 0xf]);
}

// Reads exactly 16 hexadecimal digits; nullopt for anything else.
inline std::optional<std::uint64_t> ParseHex64(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + 16, value, 16);
  if (error != std::errc() || end != text.data() + 16) return std::nullopt;
  return value;
}

// A fresh value from getrandom(2); never zero. Aborts when the kernel has no randomness to give.
std::uint64_t RandomU64();

}  // namespace internal

// A 64-bit id, unique by chance (random) or by its maker's counter. The zero id means "none".
template <class Tag>
struct Id64 {
  std::uint64_t value = 0;

  static Id64 Random() { return {internal::RandomU64()}; }
  static std::optional<Id64> FromHex(std::string_view text) {
    auto value = internal::ParseHex64(text);
    if (!value) return std::nullopt;
    return Id64{*value};
  }

  explicit operator bool() const { return value != 0; }
  auto operator<=>(const Id64&) const = default;
  std::string Hex() const {
    std::string out;
    internal::AppendHex64(value, &out);
    return out;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};

// A 128-bit id. Objects, tasks and actors put their maker's process id in `high` and a counter in `low`,
// so that making one needs no message and two makers never collide. The zero id means "none".
template <class Tag>
struct Id128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  static Id128 Random() { return {internal::RandomU64(), internal::RandomU64()}; }
  static std::optional<Id128> FromHex(std::string_view text) {
    if (text.size() != 32) return std::nullopt;
    auto high = internal::ParseHex64(text.substr(0, 16));
    auto low = internal::ParseHex64(text.substr(16));
    if (!high || !low) return std::nullopt;
    return Id128{*high, *low};
  }
  // 16 bytes, big-endian, as .proto messages carry ids; nullopt when `bytes` is of another size.
  static std::optional<Id128> FromBytes(std::string_view bytes) {
    if (bytes.size() != 16) return std::nullopt;
    Id128 id;
    for (std::size_t i = 0; i < 8; ++i) id.high = id.high << 8 | static_cast<unsigned char>(bytes[i]);
    for (std::size_t i = 8; i < 16; ++i) id.low = id.low << 8 | static_cast<unsigned char>(bytes[i]);
    return id;
  }

  explicit operator bool() const { return (high | low) != 0; }
  auto operator<=>(const Id128&) const = default;
  std::string Hex() const {
    std::string out;
    internal::AppendHex64(high, &out);
    internal::AppendHex64(low, &out);
    return out;
  }
  std::string Bytes() const {
    std::string out(16, '\0');
    for (std::size_t i = 0; i < 8; ++i) {
      out[i] = static_cast<char>(high >> (56 - 8 * i));
      out[8 + i] = static_cast<char>(low >> (56 - 8 * i));
    }
    return out;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(high, low);
  }
};

using ClusterId = Id128<struct ClusterTag>;  // one cluster, made at its head's first start
using NodeId = Id128<struct NodeTag>;        // one life of a raylet's node
using ProcessId = Id64<struct ProcessTag>;   // one driver or worker process; random, never reused
using JobId = Id64<struct JobTag>;           // one run of a driver
using ObjectId = Id128<struct ObjectTag>;    // high: the owner's ProcessId, low: the owner's counter
using ActorId = Id128<struct ActorTag>;      // high: the creator's ProcessId, low: the creator's counter
using TaskId = Id128<struct TaskTag>;        // high: the caller's ProcessId, low: the caller's counter

// A process has one counter for all that it makes, of 44 bits: at a million ids a second it lasts for 200 days. The
// other bits of an object's id say which result of a call the object is; the one that every call has, and an object
// that no call made, is result 0. So an object's id names its task, and the id of a call is that of its first result.
//
//   low:  63         44 43                              0
//        | result index |          counter               |
inline constexpr int kCounterBits = 44;
inline constexpr std::uint64_t kMaxCounter = (std::uint64_t{1} << kCounterBits) - 1;
inline constexpr std::uint64_t kMaxResultIndex = ~std::uint64_t{0} >> kCounterBits;

// None when `task` is not one that a process can make, or the index is too high.
constexpr std::optional<ObjectId> ResultId(const TaskId& task, std::uint64_t index) {
  if (task.low > kMaxCounter || index > kMaxResultIndex) return std::nullopt;
  return ObjectId{task.high, index << kCounterBits | task.low};
}
constexpr ObjectId FirstResultId(const TaskId& task) { return {task.high, task.low}; }
constexpr TaskId TaskOf(const ObjectId& object) { return {object.high, object.low & kMaxCounter}; }
constexpr std::uint64_t ResultIndexOf(const ObjectId& object) { return object.low >> kCounterBits; }

// Where a process can be reached: rings within its node, its node's raylet from elsewhere.
struct Address {
  NodeId node;
  ProcessId process;

  explicit operator bool() const { return static_cast<bool>(process); }
  auto operator<=>(const Address&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(node, process);
  }
};

}  // namespace troupe

template <class Tag>
struct std::hash<troupe::Id64<Tag>> {
  std::size_t operator()(const troupe::Id64<Tag>& id) const { return static_cast<std::size_t>(id.value); }
};

template <class Tag>
struct std::hash<troupe::Id128<Tag>> {
  // The low half counts from both ends and the high half is random: multiplications spread all of it upwards, and what
  // they have gathered there is folded back.
  std::size_t operator()(const troupe::Id128<Tag>& id) const {
    const std::uint64_t mixed = (id.high ^ (id.low * 0x9e3779b97f4a7c15ULL)) * 0xbf58476d1ce4e5b9ULL;
    return static_cast<std::size_t>(mixed ^ mixed >> 32);
  }
};
