#include "client/option_values.h"

#include "common/name.h"
#include "common/resources.h"
#include "common/utf8.h"
#include "troupe/error.h"

namespace troupe::client {
namespace {

[[noreturn]] void BadOption(std::string message) {
  Throw({.kind = ErrorKind::kUsage, .outcome = Outcome::kNotExecuted, .message = std::move(message)});
}

template <class Options>
pb::Resources Convert(const Options& options, double default_cpus) {
  std::map<std::string, double> amounts = options.resources;
  for (const char* name : {kCpu, kGpu, kMemory}) {
    if (amounts.contains(name)) {
      BadOption(std::string("give ") + name + " as num_cpus, num_gpus or memory, not in resources");
    }
  }
  amounts[kCpu] = options.num_cpus.value_or(default_cpus);
  amounts[kGpu] = options.num_gpus.value_or(0);
  amounts[kMemory] = options.memory.value_or(0);
  Result<ResourceSet> set = ResourceSet::FromAmounts(amounts);
  if (!set.ok()) BadOption(set.status().message());
  pb::Resources resources;
  for (const auto& [name, units] : set->units()) (*resources.mutable_units())[name] = units;
  return resources;
}

}  // namespace

pb::Resources ToResources(const TaskOptions& options) { return Convert(options, 1); }
pb::Resources ToResources(const ActorOptions& options) { return Convert(options, 0); }
pb::Resources ToPlacementResources(const ActorOptions& options) { return Convert(options, 1); }

pb::Placement ToPlacement(const std::optional<Scheduling>& scheduling) {
  pb::Placement placement;
  if (!scheduling) return placement;
  switch (scheduling->kind) {
    case Scheduling::Kind::kDefault: break;
    case Scheduling::Kind::kSpread: placement.set_strategy(pb::Placement::SPREAD); break;
    case Scheduling::Kind::kNode:
      if (!scheduling->node) BadOption("Scheduling::OnNode needs the id of a node; see troupe::Nodes()");
      placement.set_strategy(pb::Placement::NODE_AFFINITY);
      placement.set_node(scheduling->node.Bytes());
      break;
  }
  placement.set_soft(scheduling->soft);
  for (const auto& [name, value] : scheduling->labels) (*placement.mutable_labels())[Utf8(name)] = Utf8(value);
  return placement;
}

std::string CheckedName(const char* what, const std::string& name) {
  if (const Status status = CheckName(name, what); !status.ok()) BadOption(status.message());
  return name;
}

std::int64_t CheckedRetries(const char* option, std::int64_t value) {
  if (value < -1)
    BadOption(std::string(option) + " is " + std::to_string(value) + "; give a count, or -1 for no limit");
  return value;
}

std::map<std::string, double> ToAmounts(const pb::Resources& resources) {
  std::map<std::string, double> amounts;
  for (const auto& [name, units] : resources.units()) {
    amounts[name] = static_cast<double>(units) / ResourceSet::kUnit;
  }
  return amounts;
}

}  // namespace troupe::client
