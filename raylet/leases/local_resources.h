// LocalResources: this node's ledger of CPUs, GPUs, memory and what else it has.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "common/resources.h"

namespace troupe::raylet {

// What a worker holds.
struct Allocation {
  ResourceSet resources;
  std::vector<std::uint32_t> gpus;  // which ones, ascending
  bool lent = false;                // its CPUs are lent away while its task waits
};

// GPUs are numbered from 0; a demand of whole GPUs gets as many to itself, a part of one shares the fullest GPU that
// has room. Loop thread.
class LocalResources {
 public:
  // `total` has a whole number of GPUs. `on_change` runs after each change of available().
  explicit LocalResources(ResourceSet total, std::function<void()> on_change = {});

  // Nothing when there is not enough, or when enough of a GPU is free only in pieces.
  std::optional<Allocation> TryTake(const ResourceSet& demand);
  // Gives back what TryTake gave, lent or not.
  void Return(const Allocation& allocation);

  // A task waits: its CPUs are free for others meanwhile. When it goes on it takes them back at once, which may leave
  // less than none.
  void SetLent(Allocation* allocation, bool lent);

  const ResourceSet& total() const { return total_; }
  const ResourceSet& available() const { return available_; }

 private:
  std::optional<std::vector<std::uint32_t>> PickGpus(std::int64_t units) const;
  void ChangeGpus(const Allocation& allocation, int sign);
  void Changed() const;

  const ResourceSet total_;
  ResourceSet available_;
  std::vector<std::int64_t> gpu_units_;  // free, by GPU
  std::function<void()> on_change_;
};

}  // namespace troupe::raylet
