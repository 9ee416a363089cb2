// JobPackager: packs the programs of this node's drivers once other nodes may need them.
#pragma once

#include <set>

#include "proto/common.pb.h"
#include "raylet/cluster_view.h"
#include "raylet/head_port.h"
#include "raylet/job_table.h"
#include "raylet/program_cache.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// A cluster of one node packs nothing. Loop thread; all it is given outlives it.
class JobPackager {
 public:
  JobPackager(ClusterView& cluster, const JobTable& jobs, ProgramCache& programs, HeadPort& head)
      : cluster_(cluster), jobs_(jobs), programs_(programs), head_(head) {}

  // A driver of this node began such a job.
  void Add(JobId job);
  void Remove(JobId job) { jobs_here_.erase(job); }
  void OnNodesJoined();

 private:
  void Consider(JobId job);

  ClusterView& cluster_;
  const JobTable& jobs_;
  ProgramCache& programs_;
  HeadPort& head_;
  std::set<JobId> jobs_here_;  // not packed yet
};

}  // namespace troupe::raylet
