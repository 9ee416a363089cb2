// WorkerPort: the worker processes of this node, as the raylet's core sees them.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>

#include "proto/client.pb.h"
#include "raylet/ports/worker_source.h"

namespace troupe::raylet {

// Loop thread. What becomes of the workers comes by RayletCore's events.
class WorkerPort : public WorkerSource {
 public:
  using SendToTemplate = std::function<void(const pb::RayletToClient&)>;

  // Learns or updates a job. On the node that the program comes from its template starts at once, on others with the
  // first Acquire. A failure to start is only logged here: whoever asks for a worker will see it.
  virtual void AddJob(const pb::JobInfo& job) = 0;
  // The job ended, and nothing of it goes on: kills its starting and idle workers and fails its waiting Acquires with
  // Cancelled. Handed-out workers (a detached actor's, say) stay until killed or released, and the template until none
  // is left, for it says how its forks ended.
  virtual void RemoveJob(JobId job) = 0;

  // A process on the socket says it is the worker `process`; `pid` is the kernel's word (SO_PEERCRED). Refuses with
  // PermissionDenied what this raylet did not start. That it has started is told after the caller returned, so that its
  // reply to the worker goes first.
  virtual Result<WorkerProcess> OnRegister(ProcessId process, pid_t pid, const std::string& cookie) = 0;
  // A worker that was asked to exit stays, since others need what it owns: it is asked again later.
  virtual void OnExitDeclined(ProcessId process) = 0;

  // A template connected; `send` writes to it and must stay callable until OnTemplateClosed(). PermissionDenied as
  // above.
  virtual Status OnTemplateConnected(pid_t pid, const std::string& cookie, SendToTemplate send) = 0;
  // TemplateReady, TemplateForked or TemplateChildExited. InvalidArgument for anything else or an unknown template:
  // close that connection.
  virtual Status OnTemplateMessage(pid_t pid, const pb::ClientToRaylet& message) = 0;
  virtual void OnTemplateClosed(pid_t pid) = 0;

  // Kills every worker, whose exits are reported as any other, and starts and hands out none until Resume(); who asks
  // waits.
  virtual void Suspend(const std::string& reason) = 0;
  virtual void Resume() = 0;

  // Workers that are starting, idle or handed out.
  virtual std::size_t size() const = 0;
};

}  // namespace troupe::raylet
