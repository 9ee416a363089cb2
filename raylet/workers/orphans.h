// Orphans: ends what workers, templates and drivers of this node leave behind.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <utility>

#include "common/event_loop.h"
#include "common/status.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// A child of a worker ends with it in two ways. The worker leads a process group, which is killed when it ends: by
// whoever reaps it, since the group's id is the worker's as long as it is not reaped. What has left the group
// (setsid(2), as daemons do) becomes this process's child with the end of its parent, for this process is a subreaper,
// and still bears its owner's mark: when no such owner lives it is killed. That ends its own children's parent, and so
// on. Whoever has no mark is left alone. Loop thread.
class Orphans {
 public:
  // `lives`: whether something of this node by that name is still there (OwnerMark::owner).
  Orphans(EventLoop& loop, NodeId node, std::function<bool(std::uint64_t owner)> lives)
      : loop_(loop), node_(node), lives_(std::move(lives)) {}
  ~Orphans() { loop_.Cancel(look_again_); }
  Orphans(const Orphans&) = delete;
  Orphans& operator=(const Orphans&) = delete;

  // Makes this process the parent of all orphans among its descendants, and returns a descriptor that is readable when
  // a child has ended. SIGCHLD is blocked for that, in all threads that are made from now on, so that it interrupts
  // none of them: not each wait, reservation of memory and so on begins again. Once, before the first child and thread.
  static Result<int> BecomeSubreaper();

  // Looks through the children that this process did not start: reaps those that have ended, kills those without an
  // owner. To be called when a child ends (BecomeSubreaper) and when an owner has gone; the look may come some
  // milliseconds later, for several at once. Costs one read of /proc and one for each orphan. One that shows no
  // environment may be in the middle of execve(2), where nobody sees its mark: it is looked at again for a while.
  void Sweep();

 private:
  void EndOwnerless();

  EventLoop& loop_;
  const NodeId node_;
  const std::function<bool(std::uint64_t)> lives_;
  int looks_left_ = 0;
  TimerId look_again_ = 0;
  MonotonicTime last_look_{};
};

}  // namespace troupe::raylet
