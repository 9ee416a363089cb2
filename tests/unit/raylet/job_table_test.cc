#include "raylet/programs/job_table.h"

#include <gtest/gtest.h>

#include <vector>

#include "fakes.h"
#include "raylet/cluster_view.h"

namespace troupe::raylet {
namespace {

class JobTableTest : public ::testing::Test {
 protected:
  static pb::JobInfo Job(pb::JobInfo::State state, const std::string& package = "") {
    pb::JobInfo job;
    job.set_id(1);
    job.set_state(state);
    job.mutable_program()->set_path("/bin/x");
    job.mutable_program()->set_package(package);
    return job;
  }

  std::vector<std::string> learned_;
  int ended_ = 0;
  JobTable jobs_{{.on_learned = [this](const pb::JobInfo& job) { learned_.push_back(job.program().package()); },
                  .on_ended = [this](const pb::JobInfo&) { ++ended_; }}};
};

TEST_F(JobTableTest, AJobOfOtherNodesOnlyConcernsNobodyHere) {
  jobs_.Update(Job(pb::JobInfo::RUNNING));
  EXPECT_TRUE(learned_.empty());
  jobs_.Learn(Job(pb::JobInfo::RUNNING));
  EXPECT_EQ(learned_.size(), 1U);
  jobs_.Learn(Job(pb::JobInfo::RUNNING));
  EXPECT_EQ(learned_.size(), 1U);
}

TEST_F(JobTableTest, ANewPackageIsNewsAndIsKept) {
  jobs_.Learn(Job(pb::JobInfo::RUNNING));
  jobs_.Update(Job(pb::JobInfo::RUNNING, "abc"));
  ASSERT_EQ(learned_.size(), 2U);
  EXPECT_EQ(learned_[1], "abc");
  jobs_.Learn(Job(pb::JobInfo::RUNNING));  // a peer that has not heard of it
  EXPECT_EQ(jobs_.Find(JobId{1})->program().package(), "abc");
}

TEST_F(JobTableTest, ThatAProgramCannotBePackedIsKept) {
  jobs_.Learn(Job(pb::JobInfo::RUNNING));
  pb::JobInfo job = Job(pb::JobInfo::RUNNING);
  job.mutable_program()->set_unpackable("it is too large");
  jobs_.Update(job);
  ASSERT_EQ(learned_.size(), 2U);
  jobs_.Learn(Job(pb::JobInfo::RUNNING));  // a peer that has not heard of it
  EXPECT_EQ(jobs_.Find(JobId{1})->program().unpackable(), "it is too large");
}

TEST_F(JobTableTest, AJobEndsOnceAndForGood) {
  jobs_.Learn(Job(pb::JobInfo::RUNNING));
  jobs_.Update(Job(pb::JobInfo::SUCCEEDED));
  jobs_.Update(Job(pb::JobInfo::SUCCEEDED));
  jobs_.Learn(Job(pb::JobInfo::RUNNING));
  EXPECT_EQ(ended_, 1);
  EXPECT_TRUE(JobEnded(*jobs_.Find(JobId{1})));
}

TEST_F(JobTableTest, AJobThatDetachedActorsUseHasNotEndedHereUntilTheHeadSaysSo) {
  jobs_.Learn(Job(pb::JobInfo::RUNNING));
  pb::JobInfo job = Job(pb::JobInfo::SUCCEEDED);
  job.set_in_use(true);
  jobs_.Update(job);
  EXPECT_EQ(ended_, 0);
  jobs_.Update(Job(pb::JobInfo::SUCCEEDED));
  EXPECT_EQ(ended_, 1);
}

TEST(ClusterViewTest, TellsWhoJoinedAndDiedAndBelievesADeathOnce) {
  const NodeId self{0, 1};
  const NodeId other{0, 2};
  ClusterView view(self);
  EXPECT_EQ(view.Apply(Nodes({Node(self, {}), Node(other, {})})).joined, std::vector<NodeId>{other});
  EXPECT_TRUE(view.Apply(Nodes({Node(other, {})})).joined.empty());
  pb::NodeInfo dead = Node(other, {}, false);
  dead.set_death_reason("it left");
  EXPECT_EQ(view.Apply(Nodes({dead})).died.size(), 1U);
  EXPECT_TRUE(view.Apply(Nodes({Node(other, {})})).joined.empty()) << "an id is one life";
  EXPECT_FALSE(view.Alive(other));
  EXPECT_NE(view.DeathReason(other).find("it left"), std::string::npos);
}

TEST(ClusterViewTest, CountsWhatWasAskedOfANodeUntilItReports) {
  const NodeId other{0, 2};
  ClusterView view(NodeId{0, 1});
  view.Apply(Nodes({Node(other, {{"CPU", 4}})}));
  view.Debit(other, Amounts({{"CPU", 3}}));
  EXPECT_EQ(view.Views().at(0).available.Amount("CPU"), 1);
  view.SetFull(other);
  EXPECT_EQ(view.Views().at(0).available.Amount("CPU"), 0);
  view.Reopen(other);
  EXPECT_EQ(view.Views().at(0).available.Amount("CPU"), 1);
  view.Apply(Nodes({Node(other, {{"CPU", 4}})}));
  EXPECT_EQ(view.Views().at(0).available.Amount("CPU"), 4);
}

TEST(ClusterViewTest, TakesALoadForTheAmountsThatItNames) {
  const NodeId other{0, 2};
  ClusterView view(NodeId{0, 1});
  view.Apply(Nodes({Node(other, {{"CPU", 4}, {"disk", 2}})}));
  const std::uint64_t report = view.Debit(other, Amounts({{"CPU", 3}}));
  google::protobuf::RepeatedPtrField<pb::NodeLoad> loads;
  pb::NodeLoad* load = loads.Add();
  load->set_id(other.Bytes());
  (*load->mutable_available())["CPU"] = 2 * ResourceSet::kUnit;
  loads.Add()->set_id(NodeId{0, 3}.Bytes());  // never heard of
  view.ApplyLoads(loads);
  EXPECT_EQ(view.Views().size(), 1U);
  EXPECT_EQ(view.Views().at(0).available, Amounts({{"CPU", 2}, {"disk", 2}}));
  view.Credit(other, report, Amounts({{"CPU", 3}}));
  EXPECT_EQ(view.Views().at(0).available.Amount("CPU"), 2) << "of a report before";
  (*load->mutable_available())["disk"] = 0;
  view.ApplyLoads(loads);
  EXPECT_EQ(view.Views().at(0).available, Amounts({{"CPU", 2}}));
  view.Apply(Nodes({Node(other, {}, false)}));
  view.ApplyLoads(loads);
  EXPECT_FALSE(view.Alive(other));
}

}  // namespace
}  // namespace troupe::raylet
