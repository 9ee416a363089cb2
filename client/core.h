// Core: what the parts of a process's runtime share.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "client/messenger.h"
#include "client/records.h"
#include "common/recent_set.h"
#include "object_store/store_view.h"

namespace troupe::client {

// WorkList: runs pieces of work one after another. Work that comes up while some runs is done after it rather than
// within it: the end of one call may end another that has its result as an argument, that one the next, and a chain of
// them may be longer than a stack is deep.
class WorkList {
 public:
  void Run(std::function<void()> work) {
    work_.push_back(std::move(work));
    if (running_) return;
    running_ = true;
    while (!work_.empty()) {
      const std::function<void()> next = std::move(work_.front());
      work_.pop_front();
      next();
    }
    running_ = false;
  }

 private:
  std::deque<std::function<void()>> work_;
  bool running_ = false;
};

[[noreturn]] void ThrowOutOfIds();

struct Core {
  std::mutex mutex;  // guards everything in client/ and worker/ that says so
  Address self;
  pb::Registered info;
  std::unique_ptr<Messenger> messenger;
  Outbox* outbox = nullptr;  // the messenger, but for tests of the tables
  std::shared_ptr<ReleaseQueue> releases = std::make_shared<ReleaseQueue>();
  WorkList work;                    // what becomes possible as values, errors and actors become known
  std::uint64_t last_sequence = 0;  // of objects, calls, tasks and actors made here
  // Ids are never reused, so they stay dead; after so many others nothing of a process or node is under way any more.
  RecentSet<ProcessId> dead_processes{10'000};
  RecentSet<NodeId> dead_nodes{1'000};
  std::string hosted_class;   // of the actor that this process runs, if it runs one
  std::string lost;           // why the raylet is gone; empty while it is there
  store::StoreView segments;  // of the node's object store, as mapped here; needs no mutex

  // For the next thing that this process makes. Throws SystemError when there are none left.
  std::uint64_t NextSequence() {
    if (last_sequence >= kMaxCounter) ThrowOutOfIds();
    return ++last_sequence;
  }
  // The id of what the call of this number, of this process, returns.
  ObjectId ResultOf(std::uint64_t sequence) const { return FirstResultId({self.process.value, sequence}); }

  bool IsDead(const Address& address) const {
    return dead_processes.Contains(address.process) || dead_nodes.Contains(address.node);
  }
};

// Error conversion between messages and the public type.
ErrorInfo FromProto(const pb::Error& error);
pb::Error ToProto(const ErrorInfo& info);

}  // namespace troupe::client
