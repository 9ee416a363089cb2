// Core: what the parts of a process's runtime share.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

#include "client/messenger.h"
#include "client/records.h"

namespace troupe::client {

struct Core {
  std::mutex mutex;  // guards everything in client/ and worker/ that says so
  Address self;
  pb::Registered info;
  std::unique_ptr<Messenger> messenger;
  Outbox* outbox = nullptr;  // the messenger, but for tests of the tables
  std::shared_ptr<ReleaseQueue> releases = std::make_shared<ReleaseQueue>();
  std::uint64_t last_sequence = 0;               // of objects, calls, tasks and actors made here
  std::unordered_set<ProcessId> dead_processes;  // ids are never reused, so they stay dead
  std::unordered_set<NodeId> dead_nodes;         // the same
  std::string lost;                              // why the raylet is gone; empty while it is there

  bool IsDead(const Address& address) const {
    return dead_processes.contains(address.process) || dead_nodes.contains(address.node);
  }
};

// Error conversion between messages and the public type.
ErrorInfo FromProto(const pb::Error& error);
pb::Error ToProto(const ErrorInfo& info);

}  // namespace troupe::client
