#include "head/job_row.h"

#include "head/convert.h"

namespace troupe::head {

pb::JobRow ToRow(const Job& job) {
  pb::JobRow row;
  *row.mutable_info() = job.info;
  row.set_sequence(job.sequence);
  if (job.submission) {
    *row.mutable_submission() = job.submission->request;
    if (job.submission->node) row.set_node(job.submission->node.Bytes());
    row.set_confirmed(job.submission->confirmed);
    row.set_joined(job.submission->joined);
  }
  if (job.released) row.set_released(*job.released);
  row.set_stopping(job.stopping);
  row.set_told_in_use(job.told_in_use);
  return row;
}

Result<Job> FromRow(const pb::JobRow& row) {
  Job job;
  job.id = JobId{row.info().id()};
  if (!job.id) return DataLoss("it has no id");
  job.sequence = row.sequence();
  job.info = row.info();
  job.driver = FromProto(row.info().driver());
  if (row.has_submission()) {
    job.submission.emplace();
    job.submission->request = row.submission();
    job.submission->node = NodeIdOrNone(row.node());
    job.submission->confirmed = row.confirmed();
    job.submission->joined = row.joined();
  }
  if (row.released() != pb::JobInfo::STATE_UNSPECIFIED) job.released = row.released();
  job.stopping = row.stopping();
  job.told_in_use = row.told_in_use();
  return job;
}

}  // namespace troupe::head
