// A channel whose two sides are in the test's own process; cleaned up.
#pragma once

#include "ipc/channel.h"
#include "tests/unit/ipc/test_region.h"

namespace troupe::ipc {

struct TestChannel {
  explicit TestChannel(std::uint64_t capacity) {
    TROUPE_CHECK(CreateDoorbellRegion(bell_a).ok() && CreateDoorbellRegion(bell_b).ok());
    TROUPE_CHECK(CreateChannelRegion(name, capacity).ok());
  }
  Result<Channel> Open(Side side) {
    return Channel::Open(name, side, *Doorbell::Open(side == Side::kA ? bell_b : bell_a));
  }
  TestName name;
  TestName bell_a;
  TestName bell_b;
};

}  // namespace troupe::ipc
