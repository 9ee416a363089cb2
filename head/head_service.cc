#include "head/head_service.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "head/convert.h"

namespace troupe::head {
namespace {

const std::string kPrefix = "/troupe.pb.Head/";

// Whatever is answered here is committed by then.
template <class Req, class Rep, class Function>
void Handle(rpc::Server& server, Cluster& cluster, const std::string& name, Function function) {
  server.Handle<Req, Rep>(
      kPrefix + name, [&commits = cluster.commits(), function](const rpc::CallInfo&, Req request, Reply<Rep> reply) {
        function(request, commits.Held(std::move(reply)));
      });
}

// The job in an answer that holds more than the job.
template <class Rep>
Reply<pb::JobInfo> WrapJob(Reply<Rep> reply) {
  return [reply = std::move(reply)](Result<pb::JobInfo> job) {
    if (!job.ok()) return reply(job.status());
    Rep answer;
    *answer.mutable_job() = std::move(*job);
    reply(std::move(answer));
  };
}

Result<pb::Done> DoneIf(const Status& status) {
  if (!status.ok()) return status;
  return pb::Done();
}

void ServeActors(rpc::Server& server, Cluster& cluster) {
  ActorTable& actors = cluster.actors();
  Handle<pb::FindActor, pb::ActorReply>(server, cluster, "GetActor",
                                        [&actors](const pb::FindActor& request, Reply<pb::ActorReply> reply) {
                                          Result<pb::ActorInfo> info = actors.Find(request);
                                          if (!info.ok()) return reply(info.status());
                                          pb::ActorReply answer;
                                          *answer.mutable_info() = std::move(*info);
                                          answer.set_existed(true);
                                          reply(std::move(answer));
                                        });
  Handle<pb::KillActorRequest, pb::ActorReply>(
      server, cluster, "KillActor", [&actors](const pb::KillActorRequest& request, Reply<pb::ActorReply> reply) {
        actors.Kill(request, std::move(reply));
      });
  Handle<pb::ListActorsRequest, pb::ListActorsReply>(
      server, cluster, "ListActors", [&actors](const pb::ListActorsRequest& request, Reply<pb::ListActorsReply> reply) {
        reply(actors.List(request));
      });
}

void Submit(JobTable& jobs, PackagePool& packages, const pb::SubmitJobRequest& request,
            Reply<pb::SubmitJobReply> reply) {
  spdlog::info("a job is submitted as '{}', package {}", request.submission().substr(0, 128),
               request.package().substr(0, 64));
  if (request.package().empty()) return jobs.Submit(request, WrapJob(std::move(reply)));
  packages.Has(request.package(), [&jobs, request, reply = std::move(reply)](bool has) {
    if (has) return jobs.Submit(request, WrapJob(reply));
    reply(FailedPrecondition("the head has no package " + request.package() + "; put it first"));
  });
}

void ServeJobs(rpc::Server& server, Cluster& cluster, PackagePool& packages) {
  JobTable& jobs = cluster.jobs();
  Handle<pb::RegisterJobRequest, pb::RegisterJobReply>(
      server, cluster, "RegisterJob",
      [&jobs](const pb::RegisterJobRequest& request, Reply<pb::RegisterJobReply> reply) {
        jobs.Register(request, WrapJob(std::move(reply)));
      });
  Handle<pb::FinishJobRequest, pb::Done>(server, cluster, "FinishJob",
                                         [&jobs](const pb::FinishJobRequest& request, Reply<pb::Done> reply) {
                                           reply(DoneIf(jobs.Finish(JobId{request.job()}, request.reason())));
                                         });
  Handle<pb::SubmitJobRequest, pb::SubmitJobReply>(
      server, cluster, "SubmitJob",
      [&jobs, &packages](const pb::SubmitJobRequest& request, Reply<pb::SubmitJobReply> reply) {
        Submit(jobs, packages, request, std::move(reply));
      });
  Handle<pb::GetJobRequest, pb::JobInfo>(
      server, cluster, "GetJob",
      [&jobs](const pb::GetJobRequest& request, Reply<pb::JobInfo> reply) { jobs.Get(request, std::move(reply)); });
  Handle<pb::StopJobRequest, pb::JobInfo>(
      server, cluster, "StopJob",
      [&jobs](const pb::StopJobRequest& request, Reply<pb::JobInfo> reply) { jobs.Stop(request, std::move(reply)); });
  Handle<pb::ListJobsRequest, pb::ListJobsReply>(
      server, cluster, "ListJobs",
      [&jobs](const pb::ListJobsRequest& request, Reply<pb::ListJobsReply> reply) { reply(jobs.List(request)); });
}

void ServeReading(rpc::Server& server, Cluster& cluster) {
  Handle<pb::GetStatusRequest, pb::Status>(
      server, cluster, "GetStatus",
      [&cluster](const pb::GetStatusRequest&, Reply<pb::Status> reply) { reply(cluster.Overview()); });
  Handle<pb::ListWorkersRequest, pb::ListWorkersReply>(
      server, cluster, "ListWorkers",
      [&cluster](const pb::ListWorkersRequest&, Reply<pb::ListWorkersReply> reply) { reply(cluster.Workers()); });
  Handle<pb::ReadLogRequest, pb::LogChunk>(server, cluster, "ReadLog",
                                           [&cluster](const pb::ReadLogRequest& request, Reply<pb::LogChunk> reply) {
                                             cluster.ReadLog(request, std::move(reply));
                                           });
}

// Packages are files, and the pool replies on its own thread.
void ServePackages(rpc::Server& server, PackagePool& packages) {
  server.Handle<pb::PutPackageRequest, pb::PutPackageReply>(
      kPrefix + "PutPackage",
      [&packages](const rpc::CallInfo&, pb::PutPackageRequest request, Reply<pb::PutPackageReply> reply) {
        packages.Put(std::move(request), std::move(reply));
      });
  server.Handle<pb::GetPackageRequest, pb::PackageChunk>(
      kPrefix + "GetPackage",
      [&packages](const rpc::CallInfo&, pb::GetPackageRequest request, Reply<pb::PackageChunk> reply) {
        packages.Get(std::move(request), std::move(reply));
      });
}

}  // namespace

void ServeHead(rpc::Server& server, Cluster& cluster, PackagePool& packages) {
  ServeActors(server, cluster);
  ServeJobs(server, cluster, packages);
  ServeReading(server, cluster);
  ServePackages(server, packages);
}

}  // namespace troupe::head
