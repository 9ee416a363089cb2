// ResourceSet: amounts of named resources ("CPU", "GPU", "memory" in bytes, and the user's own).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"

namespace troupe {

inline constexpr const char* kCpu = "CPU";
inline constexpr const char* kGpu = "GPU";
inline constexpr const char* kMemory = "memory";  // bytes

// A map from resource name to amount, kept in units of 1/10000 so that 0.1 + 0.2 is 0.3. An absent name is
// zero; zero amounts are not kept. A value type without locks.
class ResourceSet {
 public:
  static constexpr std::int64_t kUnit = 10'000;
  static constexpr double kMaxAmount = 1e14;  // far above any machine; keeps sums within int64

  ResourceSet() = default;

  // From amounts as users write them. InvalidArgument names the resource when an amount is negative, not finite,
  // above kMaxAmount or finer than 1/10000, or when the name is empty, longer than 255 bytes or holds anything
  // but letters, digits, '_', '-', '.', ':' and '/'.
  static Result<ResourceSet> FromAmounts(const std::map<std::string, double>& amounts);

  // From units (1/10000), as messages carry them; the same checks.
  static Result<ResourceSet> FromUnits(const std::map<std::string, std::int64_t>& units);

  std::int64_t Units(std::string_view name) const;
  double Amount(std::string_view name) const { return static_cast<double>(Units(name)) / kUnit; }
  void SetUnits(const std::string& name, std::int64_t units);
  const std::map<std::string, std::int64_t, std::less<>>& units() const { return units_; }
  bool empty() const { return units_.empty(); }

  // Whether every amount of `demand` is at most the amount here.
  bool Contains(const ResourceSet& demand) const;
  // The names in which `demand` exceeds this, sorted.
  std::vector<std::string> Missing(const ResourceSet& demand) const;

  // Plain arithmetic per name. Subtract may go below zero: a worker that blocks in Get lends its CPU away.
  ResourceSet& Add(const ResourceSet& other);
  ResourceSet& Subtract(const ResourceSet& other);

  // "{CPU: 2, disk: 0.5}"; "{}" when empty.
  std::string ToString() const;

  bool operator==(const ResourceSet&) const = default;

 private:
  std::map<std::string, std::int64_t, std::less<>> units_;
};

}  // namespace troupe
