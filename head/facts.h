// Facts: what one of the head's tables asks about what another one keeps.
#pragma once

#include <optional>
#include <string>

#include "proto/common.pb.h"
#include "troupe/ids.h"

namespace troupe::head {

class Facts {
 public:
  virtual ~Facts() = default;

  // The job, running or ended; nullptr when it is not known. Valid until the loop's next event.
  virtual const pb::JobInfo* Job(JobId job) const = 0;
  // Whether nothing new may begin in the job: it has ended, or its driver has.
  virtual bool JobOver(JobId job) const = 0;
  // Whether the process is known to have ended.
  virtual bool ProcessGone(ProcessId process) const = 0;
  // Why the node is dead; nullopt when it lives or was never seen.
  virtual std::optional<std::string> NodeDeath(const NodeId& node) const = 0;
  // Whether an actor that is not dead still needs the job's program.
  virtual bool JobInUse(JobId job) const = 0;
};

}  // namespace troupe::head
