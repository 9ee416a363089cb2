// JobPackager: packs the programs of this node's drivers once other nodes may need them.
#pragma once

#include <chrono>
#include <memory>
#include <set>

#include "common/event_loop.h"
#include "proto/common.pb.h"
#include "raylet/cluster_view.h"
#include "raylet/ports/head_port.h"
#include "raylet/ports/process_observer.h"
#include "raylet/ports/program_packer.h"
#include "raylet/programs/job_table.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// A cluster of one node packs nothing. Tells the head the package's name, or why there will be none: not that the head
// could not be reached, which passes. Loop thread; all it is given outlives it.
class JobPackager : public ProcessObserver {
 public:
  static constexpr std::chrono::seconds kRetry{2};

  JobPackager(EventLoop& loop, ClusterView& cluster, const JobTable& jobs, ProgramPacker& programs, HeadPort& head)
      : loop_(loop), cluster_(cluster), jobs_(jobs), programs_(programs), head_(head) {}

  // A driver of this node began such a job.
  void Add(JobId job);
  void Remove(JobId job) { jobs_here_.erase(job); }
  void OnNodesJoined();

  void OnProcessOver(const EndedProcess& process) override {
    if (process.is_driver()) Remove(process.job);
  }

 private:
  void Consider(JobId job);
  void OnPacked(JobId job, const Result<std::string>& package);

  EventLoop& loop_;
  ClusterView& cluster_;
  const JobTable& jobs_;
  ProgramPacker& programs_;
  HeadPort& head_;
  std::set<JobId> jobs_here_;                                                  // not packed yet
  std::shared_ptr<JobPackager*> self_ = std::make_shared<JobPackager*>(this);  // what callbacks hold weakly
};

}  // namespace troupe::raylet
