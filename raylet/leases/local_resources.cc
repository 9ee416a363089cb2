#include "raylet/leases/local_resources.h"

#include <utility>

#include "common/check.h"

namespace troupe::raylet {
namespace {

ResourceSet CpusOf(const ResourceSet& resources) {
  ResourceSet cpus;
  cpus.SetUnits(kCpu, resources.Units(kCpu));
  return cpus;
}

}  // namespace

LocalResources::LocalResources(ResourceSet total, std::function<void()> on_change)
    : total_(std::move(total)),
      available_(total_),
      gpu_units_(static_cast<std::size_t>(total_.Units(kGpu) / ResourceSet::kUnit), ResourceSet::kUnit),
      on_change_(std::move(on_change)) {}

std::optional<Allocation> LocalResources::TryTake(const ResourceSet& demand) {
  if (!available_.Contains(demand)) return std::nullopt;
  auto gpus = PickGpus(demand.Units(kGpu));
  if (!gpus) return std::nullopt;
  Allocation allocation{demand, std::move(*gpus), false};
  available_.Subtract(demand);
  ChangeGpus(allocation, -1);
  Changed();
  return allocation;
}

void LocalResources::Return(const Allocation& allocation) {
  available_.Add(allocation.resources);
  if (allocation.lent) available_.Subtract(CpusOf(allocation.resources));
  ChangeGpus(allocation, +1);
  Changed();
}

void LocalResources::SetLent(Allocation* allocation, bool lent) {
  if (allocation->lent == lent) return;
  allocation->lent = lent;
  const ResourceSet cpus = CpusOf(allocation->resources);
  if (cpus.empty()) return;
  if (lent) {
    available_.Add(cpus);
  } else {
    available_.Subtract(cpus);
  }
  Changed();
}

std::optional<std::vector<std::uint32_t>> LocalResources::PickGpus(std::int64_t units) const {
  std::vector<std::uint32_t> picked;
  if (units == 0) return picked;
  if (units < ResourceSet::kUnit) {
    std::optional<std::uint32_t> best;
    for (std::uint32_t i = 0; i < gpu_units_.size(); ++i) {
      if (gpu_units_[i] >= units && (!best || gpu_units_[i] < gpu_units_[*best])) best = i;
    }
    if (!best) return std::nullopt;
    return std::vector<std::uint32_t>{*best};
  }
  for (std::uint32_t i = 0; i < gpu_units_.size() && units > 0; ++i) {
    if (gpu_units_[i] < ResourceSet::kUnit) continue;
    picked.push_back(i);
    units -= ResourceSet::kUnit;
  }
  if (units > 0) return std::nullopt;
  return picked;
}

void LocalResources::ChangeGpus(const Allocation& allocation, int sign) {
  if (allocation.gpus.empty()) return;
  const std::int64_t each = allocation.resources.Units(kGpu) / static_cast<std::int64_t>(allocation.gpus.size());
  for (std::uint32_t gpu : allocation.gpus) {
    gpu_units_[gpu] += sign * each;
    TROUPE_CHECK(gpu_units_[gpu] >= 0 && gpu_units_[gpu] <= ResourceSet::kUnit);
  }
}

void LocalResources::Changed() const {
  if (on_change_) on_change_();
}

}  // namespace troupe::raylet
