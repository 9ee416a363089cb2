// What a row holds is all that the record needs. A new member of a record breaks the bindings below: it goes into the
// row, or among those that belong to one run of the head.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "head/actor_row.h"
#include "head/convert.h"
#include "head/identity.h"
#include "head/job_row.h"
#include "tests/unit/head/cluster_fixture.h"

namespace troupe::head {
namespace {

using testing::HasSubstr;

pb::ActorSpec AnySpec() {
  pb::ActorSpec spec;
  spec.set_id(ActorNumber(1).Bytes());
  spec.set_job(5);
  *spec.mutable_creator() = ToProto({Node(1), ProcessId{9}});
  spec.set_class_name("Counter");
  spec.set_name("n");
  spec.set_name_space("ns");
  spec.set_arguments("arguments");
  spec.set_detached(true);
  (*spec.mutable_resources()->mutable_units())[kCpu] = 2 * ResourceSet::kUnit;
  (*spec.mutable_placement_resources()->mutable_units())[kCpu] = ResourceSet::kUnit;
  (*spec.mutable_placement()->mutable_labels())["zone"] = "a";
  spec.set_max_restarts(3);
  return spec;
}

Actor Running() {
  Actor actor = MakeActor(AnySpec()).value();
  actor.content = SpecContent(actor.spec);
  actor.sequence = 12;
  actor.info.set_state(pb::ALIVE);
  actor.info.set_incarnation(3);
  actor.info.set_restarts(2);
  actor.info.set_version(17);
  actor.info.set_ending("it was killed");
  actor.info.set_pid(321);
  actor.node = Node(2);
  actor.last_address = {Node(2), ProcessId{1001}};
  *actor.info.mutable_address() = ToProto(actor.last_address);
  actor.failures = 2;
  actor.released = true;
  actor.doomed = DeathError(actor, pb::Error::ACTOR_DIED, "it was killed");
  actor.in_job = false;
  actor.stop_to_restart = true;
  return actor;
}

void ExpectSame(const Actor& one, const Actor& other) {
  const auto& [id, job, spec, info, sequence, content, shape, resources, placement_resources, creator, node,
               last_address, failures, alive_since, back_off, refused_by, refused_after, avoided, avoided_until,
               released, doomed, in_job, stop_to_restart, watchers, awaiting_death] = one;
  EXPECT_EQ(id, other.id);
  EXPECT_EQ(job, other.job);
  EXPECT_EQ(CanonicalBytes(info), CanonicalBytes(other.info));
  EXPECT_EQ(sequence, other.sequence);
  EXPECT_EQ(content, other.content);
  EXPECT_EQ(creator, other.creator);
  EXPECT_EQ(node, other.node);
  EXPECT_EQ(last_address, other.last_address);
  EXPECT_EQ(failures, other.failures);
  EXPECT_EQ(released, other.released);
  EXPECT_EQ(doomed.has_value(), other.doomed.has_value());
  if (doomed && other.doomed) {
    EXPECT_EQ(CanonicalBytes(*doomed), CanonicalBytes(*other.doomed));
  }
  EXPECT_EQ(in_job, other.in_job);
  EXPECT_EQ(stop_to_restart, other.stop_to_restart);
  if (one.dead()) return;  // a dead one is never placed again
  EXPECT_EQ(CanonicalBytes(spec), CanonicalBytes(other.spec));
  EXPECT_EQ(shape, other.shape);
  EXPECT_EQ(resources, other.resources);
  EXPECT_EQ(placement_resources, other.placement_resources);
}

TEST(RowTest, OfAnActorIsTheWholeRecord) {
  const Actor actor = Running();
  const auto again = FromRow(ToRow(actor), &actor.spec);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  ExpectSame(actor, *again);
}

TEST(RowTest, OfADeadActorNeedsNoSpec) {
  Actor actor = Running();
  actor.info.set_state(pb::DEAD);
  actor.info.clear_address();
  actor.node = {};
  actor.doomed.reset();
  const auto again = FromRow(ToRow(actor), nullptr);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  ExpectSame(actor, *again);
}

TEST(RowTest, OfAnActorLeavesOutWhatItWaitsFor) {
  Actor actor = MakeActor(AnySpec()).value();
  actor.info.set_pending_reason("no room");
  actor.info.set_infeasible(true);
  EXPECT_TRUE(ToRow(actor).info().pending_reason().empty());
  EXPECT_FALSE(ToRow(actor).info().infeasible());
}

TEST(RowTest, OfAnActorThatMakesNoSenseIsRefused) {
  const Actor actor = Running();
  EXPECT_EQ(FromRow(ToRow(actor), nullptr).status().code(), StatusCode::kDataLoss) << "no spec";
  pb::ActorSpec other = actor.spec;
  other.set_id(ActorNumber(2).Bytes());
  EXPECT_EQ(FromRow(ToRow(actor), &other).status().code(), StatusCode::kDataLoss) << "another's spec";
  pb::ActorRow nowhere = ToRow(actor);
  nowhere.clear_node();
  EXPECT_EQ(FromRow(nowhere, &actor.spec).status().code(), StatusCode::kDataLoss);
}

void ExpectSame(const Job& one, const Job& other) {
  const auto& [id, sequence, info, driver, submission, released, stopping, told_in_use, released_at, verdict, waiters] =
      one;
  EXPECT_EQ(id, other.id);
  EXPECT_EQ(sequence, other.sequence);
  EXPECT_EQ(CanonicalBytes(info), CanonicalBytes(other.info));
  EXPECT_EQ(driver, other.driver);
  EXPECT_EQ(released, other.released);
  EXPECT_EQ(stopping, other.stopping);
  EXPECT_EQ(told_in_use, other.told_in_use);
  ASSERT_EQ(submission.has_value(), other.submission.has_value());
  if (!submission) return;
  const auto& [request, node, confirmed, joined] = *submission;
  EXPECT_EQ(CanonicalBytes(request), CanonicalBytes(other.submission->request));
  EXPECT_EQ(node, other.submission->node);
  EXPECT_EQ(confirmed, other.submission->confirmed);
  EXPECT_EQ(joined, other.submission->joined);
}

TEST(RowTest, OfAJobIsTheWholeRecord) {
  Job job;
  job.id = JobId{7};
  job.sequence = 3;
  job.info.set_id(7);
  job.info.set_state(pb::JobInfo::RUNNING);
  job.driver = {Node(1), ProcessId{9}};
  *job.info.mutable_driver() = ToProto(job.driver);
  job.stopping = true;
  const auto again = FromRow(ToRow(job));
  ASSERT_TRUE(again.ok());
  ExpectSame(job, *again);
  job.released = pb::JobInfo::STOPPED;
  job.stopping = false;
  job.told_in_use = true;
  job.submission.emplace();
  job.submission->request.set_submission("job-1");
  job.submission->node = Node(1);
  job.submission->confirmed = true;
  job.submission->joined = true;
  const auto submitted = FromRow(ToRow(job));
  ASSERT_TRUE(submitted.ok());
  ExpectSame(job, *submitted);
  EXPECT_EQ(FromRow(pb::JobRow()).status().code(), StatusCode::kDataLoss);
}

TEST(RowTest, OfTheClusterCountsTheStartsOfItsHead) {
  const Identity first = NextIdentity({}, ClusterId{1, 2}).value();
  EXPECT_EQ(first.cluster, (ClusterId{1, 2}));
  EXPECT_EQ(first.epoch, 1u);
  EXPECT_TRUE(static_cast<bool>(NextIdentity({}, {}).value().cluster)) << "a fresh one";
  const Rows rows = {{{Table::kCluster, ""}, ToRow(first).SerializeAsString()}};
  const Identity second = NextIdentity(rows, {}).value();
  EXPECT_EQ(second.cluster, first.cluster);
  EXPECT_EQ(second.epoch, 2u);
  EXPECT_EQ(NextIdentity(rows, first.cluster).value().epoch, 2u);
  const Status other = NextIdentity(rows, ClusterId{3, 4}).status();
  EXPECT_EQ(other.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(other.message(), HasSubstr(first.cluster.Hex()));
  EXPECT_EQ(NextIdentity({{{Table::kCluster, ""}, "\xff"}}, {}).status().code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace troupe::head
