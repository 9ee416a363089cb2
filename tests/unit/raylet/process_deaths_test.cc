#include "raylet/workers/process_deaths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "common/manual_event_loop.h"
#include "fakes.h"

namespace troupe::raylet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using namespace std::chrono_literals;

using Log = std::vector<std::string>;

// Who is told what, in which order.
class RecordingClients : public FakeClients {
 public:
  explicit RecordingClients(Log& log) : log_(log) {}
  void Broadcast(const pb::RayletToClient& message) override {
    log_.push_back("clients");
    FakeClients::Broadcast(message);
  }

 private:
  Log& log_;
};

class RecordingHead : public FakeHead {
 public:
  explicit RecordingHead(Log& log) : log_(log) {}
  void FinishJob(const pb::FinishJobRequest& request, std::function<void()> heard) override {
    log_.push_back(request.reason().empty() ? "job done" : "job failed");
    FakeHead::FinishJob(request, std::move(heard));
  }
  void SendEvent(pb::NodeToHead event) override {
    if (event.worker_update().gone()) log_.push_back("head");
    FakeHead::SendEvent(std::move(event));
  }

 private:
  Log& log_;
};

class Observer : public ProcessObserver {
 public:
  Observer(std::string name, Log& log) : name_(std::move(name)), log_(log) {}
  void OnProcessOver(const EndedProcess& process) override {
    log_.push_back(name_ + " over");
    ended.push_back(process);
  }
  void OnProcessUnmapped(ProcessId) override { log_.push_back(name_ + " unmapped"); }
  void OnNodeOver(NodeId, const std::string&) override { log_.push_back(name_ + " node over"); }

  std::vector<EndedProcess> ended;

 private:
  const std::string name_;
  Log& log_;
};

class ProcessDeathsTest : public ::testing::Test {
 protected:
  ProcessDeathsTest() {
    deaths_.AddObserver(&first_);
    deaths_.AddObserver(&second_);
  }

  void Connect(ProcessId process) { clients_.connected.insert(process); }
  void Close(ProcessId process, pb::WorkerInfo::Kind kind = pb::WorkerInfo::WORKER) {
    clients_.connected.erase(process);
    ClientInfo info;
    info.process = process;
    info.kind = kind;
    info.pid = static_cast<pid_t>(process.value);
    info.job = JobId{1};
    deaths_.OnClosed(info);
  }
  void Exit(ProcessId process) {
    deaths_.OnWorkerExit({process, JobId{1}, static_cast<pid_t>(process.value)}, "killed by signal 9");
  }
  void RegisterDriver() {
    Connect(driver_);
    ClientInfo info;
    info.process = driver_;
    info.kind = pb::WorkerInfo::DRIVER;
    info.pid = kDriverPid;
    info.job = JobId{1};
    deaths_.WatchDriver(info);
  }
  void CloseDriver() { Close(driver_, pb::WorkerInfo::DRIVER); }

  const Log kOver = {"a over", "b over"};
  static constexpr pid_t kDriverPid = 9;
  const NodeId self_{0, 1};
  const NodeId peer_{0, 2};
  const ProcessId worker_{7};
  const ProcessId driver_{9};
  Log log_;
  ManualEventLoop loop_;
  RecordingClients clients_{log_};
  RecordingHead head_{log_};
  FakeWorkers workers_;
  FakeDriverProcesses processes_;
  Observer first_{"a", log_};
  Observer second_{"b", log_};
  ProcessDeaths deaths_{self_, {loop_, clients_, head_, workers_, processes_}};
};

// --- Workers ---------------------------------------------------------------------------------------------------------

TEST_F(ProcessDeathsTest, AWorkerIsOverWhenItHasExitedAndItsConnectionHasEnded) {
  Connect(worker_);
  Exit(worker_);
  EXPECT_THAT(log_, IsEmpty()) << "what it said last may still come";
  Close(worker_);
  EXPECT_THAT(log_, ElementsAre("a over", "b over", "a unmapped", "b unmapped", "head"));
  ASSERT_EQ(first_.ended.size(), 1U);
  EXPECT_EQ(first_.ended[0].address, (Address{self_, worker_}));
  EXPECT_TRUE(first_.ended[0].is_worker());
  EXPECT_EQ(first_.ended[0].reason, "killed by signal 9");
  loop_.Advance(1min);
  EXPECT_EQ(log_.size(), 5U) << "once";
  EXPECT_TRUE(workers_.killed.empty());
  EXPECT_EQ(deaths_.size(), 0U);
}

TEST_F(ProcessDeathsTest, TheSameWhenTheConnectionEndsFirst) {
  Connect(worker_);
  Close(worker_);
  EXPECT_THAT(log_, IsEmpty());
  Exit(worker_);
  EXPECT_THAT(log_, ElementsAre("a over", "b over", "a unmapped", "b unmapped", "head"));
  loop_.Advance(1min);
  EXPECT_EQ(log_.size(), 5U);
  EXPECT_TRUE(workers_.killed.empty());
  EXPECT_EQ(deaths_.size(), 0U);
}

TEST_F(ProcessDeathsTest, AWorkerWithoutAConnectionIsOverWhenItExits) {
  Exit(worker_);
  EXPECT_EQ(log_.size(), 5U);
}

TEST_F(ProcessDeathsTest, AConnectionThatAForkedChildHoldsIsNotWaitedForLong) {
  Connect(worker_);
  Exit(worker_);
  loop_.Advance(ProcessDeaths::kGrace - 1ms);
  EXPECT_THAT(log_, IsEmpty());
  loop_.Advance(1ms);
  EXPECT_EQ(log_.size(), 5U);
  Close(worker_);  // the child has ended, too
  loop_.Advance(1min);
  EXPECT_EQ(log_.size(), 5U) << "it was over before";
  EXPECT_EQ(deaths_.size(), 0U);
}

TEST_F(ProcessDeathsTest, AWorkerThatLivesOnWithoutItsConnectionIsKilled) {
  Connect(worker_);
  Close(worker_);
  loop_.Advance(ProcessDeaths::kGrace - 1ms);
  EXPECT_TRUE(workers_.killed.empty());
  loop_.Advance(1ms);
  EXPECT_TRUE(workers_.Killed(worker_));
  EXPECT_THAT(log_, IsEmpty()) << "it may still run";
  Exit(worker_);
  EXPECT_EQ(log_.size(), 5U);
  EXPECT_EQ(deaths_.size(), 0U);
}

TEST_F(ProcessDeathsTest, WorkersEndEachForItself) {
  const ProcessId other{8};
  Connect(worker_);
  Connect(other);
  Exit(worker_);
  Close(other);
  Exit(other);
  ASSERT_EQ(first_.ended.size(), 1U);
  EXPECT_EQ(first_.ended[0].address.process, other);
  Close(worker_);
  ASSERT_EQ(first_.ended.size(), 2U);
  EXPECT_EQ(first_.ended[1].address.process, worker_);
}

// --- Drivers ---------------------------------------------------------------------------------------------------------

TEST_F(ProcessDeathsTest, ADriverIsOverWithItsConnectionAndItsMemoryWithItsProcess) {
  RegisterDriver();
  CloseDriver();
  EXPECT_THAT(log_, ElementsAre("a over", "b over", "job failed"));
  EXPECT_TRUE(first_.ended[0].is_driver());
  processes_.End(kDriverPid);
  EXPECT_THAT(Log(log_.begin() + 3, log_.end()), ElementsAre("a unmapped", "b unmapped"));
  EXPECT_EQ(deaths_.size(), 0U);
}

TEST_F(ProcessDeathsTest, ADriverThatTookItsLeaveHasUnmappedItsMemory) {
  RegisterDriver();
  deaths_.OnDriverLeaving(driver_);
  CloseDriver();
  EXPECT_THAT(log_, ElementsAre("a over", "b over", "a unmapped", "b unmapped", "job done"));
  EXPECT_EQ(first_.ended[0].reason, "the driver is done");
  EXPECT_TRUE(processes_.on_exits.empty()) << "nobody needs to know any more";
}

TEST_F(ProcessDeathsTest, TheHeadHearsOfTheJobsEndBeforeTheDrivers) {
  RegisterDriver();
  CloseDriver();
  EXPECT_EQ(log_.back(), "job failed");
  head_.finished[0].second();
  EXPECT_EQ(log_.back(), "head");
  EXPECT_EQ(head_.events.back().worker_update().worker().kind(), pb::WorkerInfo::DRIVER);
}

TEST_F(ProcessDeathsTest, AConnectionThatADriversChildHoldsIsClosed) {
  RegisterDriver();
  processes_.End(kDriverPid);
  loop_.Advance(ProcessDeaths::kGrace - 1ms);
  EXPECT_TRUE(clients_.disconnected.empty());
  loop_.Advance(1ms);
  ASSERT_EQ(clients_.disconnected.size(), 1U);
  EXPECT_EQ(clients_.disconnected[0].first, driver_);
  EXPECT_THAT(log_, IsEmpty());
  CloseDriver();
  EXPECT_THAT(log_, ElementsAre("a over", "b over", "a unmapped", "b unmapped", "job failed"));
  EXPECT_EQ(deaths_.size(), 0U);
}

TEST_F(ProcessDeathsTest, ADriverThatCannotBeWatchedIsOverWithItsConnection) {
  processes_.can_watch = false;
  RegisterDriver();
  CloseDriver();
  EXPECT_EQ(log_.size(), 5U);
  EXPECT_EQ(deaths_.size(), 0U);
}

TEST_F(ProcessDeathsTest, ADriverThatIsStoppedGetsSomeTime) {
  RegisterDriver();
  deaths_.StopDriver(driver_, "somebody stopped its job");
  deaths_.StopDriver(driver_, "and again");
  EXPECT_THAT(processes_.signals, ElementsAre(Pair(kDriverPid, SIGTERM)));
  loop_.Advance(ProcessDeaths::kStopGrace);
  EXPECT_THAT(processes_.signals, ElementsAre(Pair(kDriverPid, SIGTERM), Pair(kDriverPid, SIGKILL)));
  deaths_.StopDriver(ProcessId{55}, "nobody");
  EXPECT_TRUE(clients_.disconnected.empty());
}

TEST_F(ProcessDeathsTest, ADriverThatHasEndedInTimeIsNotKilled) {
  RegisterDriver();
  deaths_.StopDriver(driver_, "somebody stopped its job");
  CloseDriver();
  processes_.End(kDriverPid);
  loop_.Advance(ProcessDeaths::kStopGrace);
  EXPECT_THAT(processes_.signals, ElementsAre(Pair(kDriverPid, SIGTERM)));
}

TEST_F(ProcessDeathsTest, ADriverThatCannotBeSignalledIsDisconnected) {
  processes_.can_watch = false;
  RegisterDriver();
  deaths_.StopDriver(driver_, "somebody stopped its job");
  ASSERT_EQ(clients_.disconnected.size(), 1U);
  EXPECT_TRUE(processes_.signals.empty());
}

// --- Other nodes -----------------------------------------------------------------------------------------------------

TEST_F(ProcessDeathsTest, AProcessOfAnotherNodeIsOverForTheObserversOnly) {
  Connect(worker_);
  pb::ProcessDied died;
  died.set_process(33);
  died.set_reason("was killed");
  deaths_.OnPeerProcessDied(peer_, died);
  EXPECT_THAT(log_, ElementsAre("a over", "b over"));
  EXPECT_FALSE(first_.ended[0].is_local);
  EXPECT_EQ(first_.ended[0].address, (Address{peer_, ProcessId{33}}));
}

TEST_F(ProcessDeathsTest, ANodeEndsInTheSameOrder) {
  Connect(worker_);
  deaths_.OnNodeDied(peer_, "it left");
  EXPECT_THAT(log_, ElementsAre("a node over", "b node over", "clients"));
  const auto told = clients_.Of(worker_, pb::RayletToClient::kNodeDied);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].node_died().node(), peer_.Bytes());
}

}  // namespace
}  // namespace troupe::raylet
