#include "raylet/objects/shared_regions.h"

#include "ipc/channel.h"
#include "ipc/doorbell.h"
#include "ipc/shared_region.h"

namespace troupe::raylet {

Status SharedRegions::CreateChannel(const std::string& name, std::uint64_t ring_capacity) {
  return ipc::CreateChannelRegion(name, ring_capacity);
}
Status SharedRegions::CreateDoorbell(const std::string& name) { return ipc::CreateDoorbellRegion(name); }
void SharedRegions::Unlink(const std::string& name) { ipc::SharedRegion::Unlink(name); }

}  // namespace troupe::raylet
