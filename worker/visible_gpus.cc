#include "worker/visible_gpus.h"

#include <cstdlib>
#include <sstream>

namespace troupe::worker {
namespace {

constexpr const char* kVariable = "CUDA_VISIBLE_DEVICES";

}  // namespace

VisibleGpus::VisibleGpus() {
  const char* given = std::getenv(kVariable);
  std::istringstream list(given ? given : "");
  for (std::string device; std::getline(list, device, ',');) devices_.push_back(device);
}

std::string VisibleGpus::List(const std::vector<int>& gpus) const {
  std::string list;
  for (const int gpu : gpus) {
    const auto number = static_cast<std::size_t>(gpu);
    list += (list.empty() ? "" : ",") + (number < devices_.size() ? devices_[number] : std::to_string(gpu));
  }
  return list;
}

const std::vector<int>& VisibleGpus::Show(const std::vector<int>& gpus) {
  if (shown_ != gpus) {  // changing the environment is nothing for each call
    setenv(kVariable, List(gpus).c_str(), 1);
    shown_ = gpus;
  }
  return *shown_;
}

}  // namespace troupe::worker
