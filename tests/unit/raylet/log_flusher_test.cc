#include "raylet/logs/log_flusher.h"

#include <gtest/gtest.h>

#include "common/manual_event_loop.h"
#include "fakes.h"

namespace troupe::raylet {
namespace {

class LogFlusherTest : public testing::Test {
 protected:
  LogFlusherTest() {
    cluster_.Apply(Nodes({Node(self_, {}), Node(b_, {}), Node(c_, {})}));
    peers_.alive = {b_, c_};
  }
  void Flush() {
    flusher_.Flush(JobId{7}, [this] { ++done_; });
  }
  std::uint64_t Asked(std::size_t index) { return peers_.sent.at(index).second.flush_logs(0).id(); }

  const NodeId self_{0, 1};
  const NodeId b_{0, 2};
  const NodeId c_{0, 3};
  ManualEventLoop loop_;
  ClusterView cluster_{self_};
  FakePeers peers_;
  std::vector<JobId> drained_;
  LogFlusher flusher_{loop_, cluster_, peers_, [this](JobId job) { drained_.push_back(job); }};
  int done_ = 0;
};

TEST_F(LogFlusherTest, IsDoneWhenEveryNodeHasSentWhatItHad) {
  Flush();
  EXPECT_EQ(drained_, std::vector{JobId{7}});
  ASSERT_EQ(peers_.sent.size(), 2U);
  flusher_.OnDone(b_, Asked(0));
  flusher_.OnDone(b_, Asked(0));
  EXPECT_EQ(done_, 0);
  flusher_.OnDone(c_, Asked(1));
  EXPECT_EQ(done_, 1);
  loop_.Advance(LogFlusher::kMaxWait);
  EXPECT_EQ(done_, 1);
}

TEST_F(LogFlusherTest, WaitsForNoNodeThatIsDeadOrSilent) {
  Flush();
  flusher_.OnNodeDied(b_);
  EXPECT_EQ(done_, 0);
  loop_.Advance(LogFlusher::kMaxWait);
  EXPECT_EQ(done_, 1);
  peers_.alive.clear();
  Flush();
  EXPECT_EQ(done_, 2);
}

TEST_F(LogFlusherTest, AnswersAnotherNodeAfterItHasSentWhatItHad) {
  pb::FlushLogs request;
  request.set_id(5);
  request.set_job(7);
  flusher_.OnRequest(b_, request);
  EXPECT_EQ(drained_, std::vector{JobId{7}});
  ASSERT_EQ(peers_.sent.size(), 1U);
  EXPECT_EQ(peers_.sent[0].second.flushed_logs(0), 5U);
}

}  // namespace
}  // namespace troupe::raylet
