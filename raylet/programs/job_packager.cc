#include "raylet/programs/job_packager.h"

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "common/utf8.h"
#include "raylet/errors.h"

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
  programs_.Package(info->program(), [weak = std::weak_ptr(self_), job](const Result<std::string>& package) {
    if (auto self = weak.lock()) (*self)->OnPacked(job, package);
  });
}

void JobPackager::OnPacked(JobId job, const Result<std::string>& package) {
  if (!package.ok() && MayPass(package.status())) {
    spdlog::warn("the program of job {} is not at the head yet: {}", job.Hex(), package.status().message());
    loop_.After(kRetry, [weak = std::weak_ptr(self_), job] {
      if (auto self = weak.lock()) (*self)->Consider(job);
    });
    return;
  }
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
  head_.SendEvent(std::move(event));
}

}  // namespace troupe::raylet
