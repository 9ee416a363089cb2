// Regions: the shared memory through which clients of this node speak to one another.
#pragma once

#include <cstdint>
#include <string>

#include "common/status.h"

namespace troupe::raylet {

// Makes and removes named regions; an interface so that tests need no shared memory. Loop thread.
class Regions {
 public:
  virtual ~Regions() = default;
  // The errors of ipc::SharedRegion::Create.
  virtual Status CreateChannel(const std::string& name, std::uint64_t ring_capacity) = 0;
  virtual Status CreateDoorbell(const std::string& name) = 0;
  virtual void Unlink(const std::string& name) = 0;
};

}  // namespace troupe::raylet
