// SharedRegions: the real Regions, of ipc/.
#pragma once

#include <cstdint>
#include <string>

#include "raylet/ports/regions.h"

namespace troupe::raylet {

class SharedRegions : public Regions {
 public:
  Status CreateChannel(const std::string& name, std::uint64_t ring_capacity) override;
  Status CreateDoorbell(const std::string& name) override;
  void Unlink(const std::string& name) override;
};

}  // namespace troupe::raylet
