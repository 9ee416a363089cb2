// VisibleGpus: makes the GPUs that were assigned the only ones that CUDA sees.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace troupe::worker {

// Writes CUDA_VISIBLE_DEVICES of this process. A raylet that was started with that variable counts the devices named
// there: its GPU 0 is the first of them.
class VisibleGpus {
 public:
  VisibleGpus();  // reads what the process was started with

  // Returns `gpus`. None: CUDA sees no device.
  const std::vector<int>& Show(const std::vector<int>& gpus);

  // What CUDA_VISIBLE_DEVICES is for these.
  std::string List(const std::vector<int>& gpus) const;

 private:
  std::vector<std::string> devices_;  // of the raylet; empty: numbered from 0
  std::optional<std::vector<int>> shown_;
};

}  // namespace troupe::worker
