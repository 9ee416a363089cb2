#include "troupe/cluster.h"

namespace troupe {
namespace {

std::map<std::string, double> SumOverLiving(std::map<std::string, double> NodeInfo::*amounts) {
  std::map<std::string, double> sum;
  for (const NodeInfo& node : Nodes()) {
    if (!node.alive) continue;
    for (const auto& [name, amount] : node.*amounts) sum[name] += amount;
  }
  return sum;
}

}  // namespace

std::vector<NodeInfo> Nodes() { return internal::Runtime::Get().Nodes(); }

std::map<std::string, double> ClusterResources() { return SumOverLiving(&NodeInfo::resources); }

std::map<std::string, double> AvailableResources() { return SumOverLiving(&NodeInfo::available); }

RuntimeContext GetRuntimeContext() { return internal::Runtime::Get().CurrentContext(); }

}  // namespace troupe
