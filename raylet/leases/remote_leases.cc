#include "raylet/leases/remote_leases.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "raylet/convert.h"
#include "raylet/errors.h"

namespace troupe::raylet {

void RemoteLeases::OnRequest(NodeId from, const pb::RemoteLease& request) {
  pb::RemoteLeaseAnswer answer;
  answer.set_id(request.id());
  auto demand = ResourcesFromPb(request.request().resources());
  const Status grantable = demand.ok() ? CheckGrantable(*demand) : demand.status();
  if (!grantable.ok()) {
    *answer.mutable_error() = MakeError(pb::Error::UNSCHEDULABLE, pb::Error::NOT_EXECUTED, grantable.message());
    return Answer(from, std::move(answer));
  }
  jobs_.Learn(request.job_info());
  const pb::JobInfo* job = jobs_.Find(JobId{request.job()});
  // The request was long on its way: no worker starts for a job of which nobody is left to end it.
  if (job != nullptr && JobEnded(*job)) {
    *answer.mutable_error() = MakeError(pb::Error::PROGRAM, pb::Error::NOT_EXECUTED, "its job has ended");
    return Answer(from, std::move(answer));
  }
  const Address lessee{from, ProcessId{request.client()}};
  const auto done = [this, from, id = request.id()](Result<pb::LeaseGranted> granted) {
    pb::RemoteLeaseAnswer later;
    later.set_id(id);
    if (granted.ok()) {
      *later.mutable_granted() = std::move(*granted);
    } else {
      *later.mutable_error() = MakeError(pb::Error::PROGRAM, pb::Error::NOT_EXECUTED, granted.status().message());
      later.set_not_now(MayPass(granted.status()));
    }
    Answer(from, std::move(later));
  };
  if (leases_.Grant(lessee, job == nullptr ? request.job_info() : *job, *demand, done) != 0) return;
  answer.set_no_room(true);
  Answer(from, std::move(answer));
}

void RemoteLeases::OnReturn(NodeId from, const pb::ReturnLease& lease) {
  const Status status = leases_.ReturnFrom(lease.lease(), from);
  if (!status.ok()) spdlog::debug("lease returned in vain: {}", status.message());
}

void RemoteLeases::Answer(NodeId to, pb::RemoteLeaseAnswer answer) {
  pb::PeerMessage message;
  *message.add_lease_answers() = std::move(answer);
  // Nothing to do when the node is gone: its leases end with it.
  const Status status = peers_.Send(to, std::move(message));
  if (!status.ok()) spdlog::debug("a lease is not granted to a lost node: {}", status.message());
}

}  // namespace troupe::raylet
