#include "raylet/job_packager.h"

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "common/utf8.h"

namespace troupe::raylet {

void JobPackager::Add(JobId job) {
  jobs_here_.insert(job);
  Consider(job);
}

void JobPackager::OnNodesJoined() {
  const std::vector<JobId> jobs(jobs_here_.begin(), jobs_here_.end());
  for (JobId job : jobs) Consider(job);
}

void JobPackager::Consider(JobId job) {
  if (cluster_.AliveOthers().empty()) return;
  jobs_here_.erase(job);
  const pb::JobInfo* info = jobs_.Find(job);
  if (info == nullptr || JobEnded(*info) || !info->program().package().empty()) return;
  programs_.Package(info->program(), [job, head = &head_](Result<std::string> package) {
    pb::NodeToHead event;
    pb::JobProgramPackaged* packaged = event.mutable_job_program_packaged();
    packaged->set_job(job.value);
    if (package.ok()) {
      packaged->set_package(*package);
    } else {
      spdlog::error("the program of job {} cannot be packed for the other nodes: {}", job.Hex(),
                    package.status().ToString());
      packaged->set_error(Utf8(package.status().message()));
    }
    head->SendEvent(std::move(event));
  });
}

}  // namespace troupe::raylet
