#include "raylet/programs/job_table.h"

#include <utility>

namespace troupe::raylet {

void JobTable::Learn(const pb::JobInfo& job) {
  if (job.id() == 0) return;
  const pb::JobInfo* known = Find(JobId{job.id()});
  if (known == nullptr) return Put(job, true);
  if (JobEnded(*known)) return;
  pb::JobInfo merged = *known;
  const bool settled = !known->program().package().empty() || !known->program().unpackable().empty();
  if (!settled) *merged.mutable_program() = job.program();
  Put(merged, true);
}

void JobTable::Update(const pb::JobInfo& job) {
  if (job.id() != 0) Put(job, false);
}

void JobTable::Put(const pb::JobInfo& job, bool learned) {
  Entry& entry = jobs_[JobId{job.id()}];
  const bool was_ended = JobEnded(entry.info);
  const bool is_news =
      (learned && !entry.learned) || entry.info.program().SerializeAsString() != job.program().SerializeAsString();
  entry.info = job;
  entry.learned = entry.learned || learned;
  // Copied, as the events may change the table.
  const Entry now = entry;
  if (!JobEnded(now.info)) {
    if (now.learned && is_news && events_.on_learned) events_.on_learned(now.info);
    return;
  }
  if (was_ended) return;
  ended_.push_back(JobId{job.id()});
  if (ended_.size() > kMaxEnded) {
    jobs_.erase(ended_.front());
    ended_.pop_front();
  }
  if (events_.on_ended) events_.on_ended(now.info);
}

const pb::JobInfo* JobTable::Find(JobId job) const {
  auto it = jobs_.find(job);
  return it == jobs_.end() ? nullptr : &it->second.info;
}

}  // namespace troupe::raylet
