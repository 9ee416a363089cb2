#include "raylet/logs/log_forwarder.h"

#include <gtest/gtest.h>

#include "fakes.h"
#include "raylet/convert.h"
#include "raylet/errors.h"

namespace troupe::raylet {
namespace {

TEST(LogForwarderTest, WhatAWorkerPrintsReachesItsDriverWhateverItIs) {
  const NodeId self{0, 1};
  const ProcessId driver{1}, worker{1001};
  FakeClients clients;
  clients.connected = {driver};
  FakePeers peers;
  FakeWorkers workers;
  FakeHead head;
  LocalResources resources{Amounts({{"CPU", 1}})};
  ActorHost actors{self, resources, workers, clients, head, [] {}};
  JobTable jobs{{}};
  pb::JobInfo job;
  job.set_id(7);
  *job.mutable_driver() = ToPb(Address{self, driver});
  jobs.Learn(job);
  LogForwarder logs{self, jobs, actors, clients, peers};
  logs.AddWorker({worker, JobId{7}, 12});
  logs.Forward(worker, false, {"caf\xe9", "tea"}, 0);

  const auto sent = clients.Of(driver, pb::RayletToClient::kLogLines);
  ASSERT_EQ(sent.size(), 1U);
  pb::RayletToClient read;
  ASSERT_TRUE(read.ParseFromString(sent[0].SerializeAsString()));
  EXPECT_EQ(read.log_lines().lines(0), "caf\xef\xbf\xbd");
  EXPECT_EQ(read.log_lines().lines(1), "tea");
}

// A program that does not start is reported with the end of what it printed.
TEST(ErrorsTest, MessagesCanBeSentWhateverTheyQuote) {
  pb::RayletToClient read;
  pb::RayletToClient sent;
  *sent.mutable_error() = MakeError(pb::Error::PROGRAM, pb::Error::NOT_EXECUTED, "it said: \xff");
  EXPECT_TRUE(read.ParseFromString(sent.SerializeAsString()));
}

}  // namespace
}  // namespace troupe::raylet
