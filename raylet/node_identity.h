// NodeIdentity: what a raylet tells its clients about the node.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "troupe/ids.h"

namespace troupe::raylet {

struct NodeIdentity {
  NodeId node;
  ClusterId cluster;  // zero until the head's first welcome
  std::string session_dir;
  std::string head_address;
  bool is_head_node = false;
  std::string lease_region;                // of the node's lease (ipc/node_lease.h)
  std::uint32_t inline_limit = 64 * 1024;  // bytes of a value that still travels in messages
  std::chrono::nanoseconds spin{};         // how long clients spin before they sleep (ipc/spin_budget.h)
};

}  // namespace troupe::raylet
